// Opens a report as a person would who got it by mail, wide and narrow, light and dark, and fails on what they would trip over.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report, figures, folder = "screenshots"] = process.argv.slice(2);
if (!report || !figures) throw new Error("walk.js REPORT.html FIGURES.json [FOLDER]");
mkdirSync(folder, { recursive: true });
const address = pathToFileURL(resolve(report)).href;
/** `whole`: nothing else may stand on the page; `small`: it may have no figures, no charts and no long table. */
const wanted = JSON.parse(readFileSync(figures, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const failures = [];
let passed = 0;
const expect = (holds, what) => { if (holds) passed += 1; else { failures.push(what); console.log(`FAILED ${what}`); } };

let compared = 0;
/** Numbers by their value, however they are written. */
const same = (seen, known) => seen === known || (known !== "" && seen !== undefined && seen !== "" && Number.isFinite(Number(known)) && Number(seen) === Number(known));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const looks = [
  { name: "wide-light", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "wide-dark", viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 360, height: 780 }, colorScheme: "light", isMobile: true },
  { name: "phone-dark", viewport: { width: 360, height: 780 }, colorScheme: "dark", isMobile: true },
];

async function open(look, scripts = true) {
  const context = await browser.newContext({ ...look, javaScriptEnabled: scripts });
  const page = await context.newPage();
  page.on("console", (line) => { if (["error", "warning"].includes(line.type())) expect(false, `${look.name} console: ${line.text()}`); });
  page.on("pageerror", (error) => expect(false, `${look.name} error: ${error}`));
  page.on("request", (request) => { if (request.url() !== address && !request.url().startsWith("data:")) expect(false, `${look.name} asked for ${request.url()}`); });
  await page.goto(address);
  return { context, page };
}

const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);

async function judge(page, look) {
  expect(!(await tooWide(page)), `${look.name} is no wider than the screen`);
  expect((await page.locator("h1").count()) === 1, `${look.name} has one heading`);
  const charts = await page.locator("figure.chart").count();
  expect((await page.locator("figure.chart .plot svg").count()) >= charts, `${look.name}: all of ${charts} charts are drawn`);
  const broken = await page.locator(".plot").evaluateAll((plots) => plots.filter((p) => /NaN|undefined|Infinity/.test(p.innerHTML)).length);
  expect(broken === 0, `${look.name}: charts hold numbers`);
  const mute = await page.locator("figure.chart").evaluateAll((all) => all.filter((f) => !f.querySelector(".plot").ariaLabel || !f.querySelector("table tbody tr")).length);
  expect(mute === 0, `${look.name}: every chart has words and a table`);
  const dead = await page.locator(".contents a").evaluateAll((links) => links.filter((a) => !document.getElementById(a.hash.slice(1))).length);
  expect(dead === 0, `${look.name}: every link of the contents leads somewhere`);
  await page.screenshot({ path: `${folder}/${look.name}.png`, fullPage: true });
  // Folded parts are judged too.
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  expect(!(await tooWide(page)), `${look.name} is no wider than the screen with all unfolded`);
  const places = page.locator(".big, .facts dd, .sortable th, .sortable td, .heatmap th, .heatmap td");
  const cut = await places.evaluateAll((all) => all.filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim().slice(0, 30)));
  expect(cut.length === 0, `${look.name}: ${cut.length} texts leave their place, such as ${cut.slice(0, 3)}`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of found.violations) console.log(`  axe ${look.name} ${v.impact} ${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 160)}`);
  expect(!found.violations.some((v) => ["serious", "critical"].includes(v.impact)), `axe finds nothing serious in ${look.name}`);
}

for (const look of looks) {
  const { context, page } = await open(look);
  await judge(page, look);
  await context.close();
}

{ // The figures of the page are those of the tables.
  const { context, page } = await open(looks[0]);
  const shown = await page.locator("data[data-figure]").evaluateAll((all) => all.map((d) => [d.dataset.figure, d.value]));
  const known = new Map(shown);
  expect(known.size === shown.length, "each figure stands once");
  for (const [name, value] of Object.entries(wanted.figures)) expect(same(known.get(name), value), `${name} is ${value}, not ${known.get(name)}`);
  for (const table of wanted.tables) {
    const place = page.locator("table", { has: page.locator("caption", { hasText: table.caption }) }).first();
    if (!(await place.count())) { expect(false, `${table.caption} is on the page`); continue; }
    const [titles, rows] = await place.evaluate((t) => [
      [...t.tHead.rows[0].cells].map((cell) => cell.textContent.replace(/[▲▼]/g, "").trim()),
      [...t.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.value ?? cell.textContent.trim())),
    ]);
    const places = table.columns.map((title) => titles.indexOf(title));
    expect(places.every((place) => place >= 0), `${table.caption} has the columns ${table.columns}, not ${titles}`);
    const strays = wanted.whole ? titles.filter((title) => !table.columns.includes(title)) : [];
    expect(strays.length === 0, `${table.caption}: no column stands unproven: ${strays}`);
    expect(rows.length === table.rows.length, `${table.caption} shows ${rows.length} rows, not ${table.rows.length}`);
    const strange = rows.map((row) => places.map((place) => row[place])).map((row, at) => [row, table.rows[at] ?? []])
      .filter(([row, known]) => !row.every((value, at) => same(value, known[at])));
    expect(strange.length === 0, `${table.caption}: ${strange.length} of ${rows.length} rows are not the table's, such as ${strange[0]?.join(" instead of ")}`);
    compared += rows.length * places.length;
  }
  expect(compared > 0, "tables were compared");
  if (wanted.whole) { // What the page shows beyond that has nothing to vouch for it.
    const unknown = shown.map(([name]) => name).filter((name) => !(name in wanted.figures));
    expect(unknown.length === 0, `no figure stands unproven: ${unknown}`);
    const captions = await page.locator("table").evaluateAll((all) => all.map((table) => table.caption?.textContent ?? "a table without a caption"));
    const unseen = captions.filter((caption) => !wanted.tables.some((table) => caption.startsWith(table.caption)));
    expect(unseen.length === 0 && captions.length === wanted.tables.length, `no table stands unproven: ${unseen}, ${captions.length} of ${wanted.tables.length}`);
  }
  await context.close();
}

{ // What the README shows.
  const { context, page } = await open({ name: "readme", viewport: { width: 1200, height: 800 }, colorScheme: "light" });
  await page.screenshot({ path: `${folder}/readme.png` });
  await context.close();
}

if (!wanted.small) { // By keyboard alone: the skip link, the contents, sorting and filtering.
  const { context, page } = await open(looks[0]);
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.className === "skip"), "the skip link comes first");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.closest("nav") !== null), "then the contents");
  expect(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none"), "focus is seen");
  const table = page.locator("table.sortable", { has: page.locator("th button") }).filter({ visible: true }).first();
  const column = (at) => table.locator("tbody tr").evaluateAll((rows, at) => rows.map((row) => row.cells[at].dataset.value ?? row.cells[at].textContent), at);
  await table.locator("th button").nth(1).focus();
  await page.keyboard.press("Enter");
  const down = (await column(1)).map(Number);
  expect((await table.locator("th").nth(1).getAttribute("aria-sort")) === "descending", "Enter sorts the largest first");
  expect(down.every((value, at) => at === 0 || down[at - 1] >= value), `rows stand in order: ${down}`);
  await page.keyboard.press("Space");
  const up = (await column(1)).map(Number);
  expect(up.every((value, at) => at === 0 || up[at - 1] <= value), `and the other way: ${up}`);
  await table.locator("th button").first().focus();
  await page.keyboard.press("Enter");
  const names = await column(0);
  expect((await table.locator("th[aria-sort]").count()) === 1 && names.every((name, at) => at === 0 || names[at - 1].localeCompare(name, "en", { numeric: true }) <= 0), `text sorts by its letters: ${names}`);

  const frame = page.locator("[data-filter]").filter({ visible: true }).first();
  const field = frame.locator(".filter input");
  const rows = frame.locator("tbody tr");
  const all = await rows.count();
  const word = (await rows.last().locator("th, td").first().textContent()).trim();
  await field.focus();
  await page.keyboard.type(word);
  const seen = await rows.filter({ visible: true }).count();
  expect(seen >= 1 && seen < all, `the filter leaves ${seen} of ${all} rows for ${word}`);
  expect((await frame.getByRole("status").textContent()) === `${seen} of ${all} rows`, "the filter tells how many are left");
  await frame.screenshot({ path: `${folder}/filtered.png` });
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  expect((await rows.filter({ visible: true }).count()) === all, "an empty filter shows all");
  await page.locator("summary").first().focus();
  await page.keyboard.press("Enter");
  expect(await page.locator("details").first().evaluate((d) => d.open), "Enter unfolds the figures of a chart");
  await context.close();
}

if (!wanted.small) { // A pointer on a chart is told the figure.
  const { context, page } = await open(looks[0]);
  await page.locator(".plot").first().hover();
  await page.waitForTimeout(100);
  expect((await page.locator(".plot").first().locator('[aria-label="tip"] text').count()) > 0, "a chart tells its figure to a pointer");
  await context.close();
}

{ // Without scripts all tables are there, in order and whole.
  const { context, page } = await open(looks[0], false);
  expect((await page.locator("table.sortable tbody tr").count()) > 0, "tables stand without scripts");
  if (!wanted.small) expect((await page.locator("data[data-figure]").count()) > 0, "figures stand without scripts");
  await context.close();
}

{ // On paper: light whatever the screen is, nothing cut off, no controls.
  const { context, page } = await open(looks[1]);
  await page.emulateMedia({ media: "print" });
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"), "paper is white");
  expect((await page.locator(".filter").filter({ visible: true }).count()) === 0, "paper has no filters");
  expect(await page.locator(".tall").evaluateAll((all) => all.every((box) => getComputedStyle(box).maxHeight === "none")), "long tables are printed whole");
  writeFileSync(`${folder}/print.pdf`, await page.pdf({ format: "A4", printBackground: false, preferCSSPageSize: true }));
  await page.setViewportSize({ width: 794, height: 1123 });
  await page.waitForTimeout(200);
  await page.screenshot({ path: `${folder}/print.png`, fullPage: true });
  await context.close();
}

await browser.close();
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${compared} cells are those of the tables`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
