// Visits every page as a person would, in light, dark and on a phone, and fails on what a person would trip over.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [base, token = "", folder = "screenshots"] = process.argv.slice(2);
if (!base) throw new Error("walk.js BASE_URL TOKEN [FOLDER]");
mkdirSync(folder, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const failures = [];
let passed = 0;
const expect = (holds, what) => { if (holds) passed += 1; else { failures.push(what); console.log(`FAILED ${what}`); } };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const looks = [
  { name: "light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true },
];

async function enter(look, scripts = true) {
  // bypassCSP would hide what the policy refuses, so axe is evaluated through the debugger instead.
  const context = await browser.newContext({ ...look, javaScriptEnabled: scripts });
  const page = await context.newPage();
  page.on("console", (line) => { if (line.type() === "error" && !page.awaited) failures.push(`${look.name} console: ${line.text()} ${page.url()}`); });
  page.on("pageerror", (error) => failures.push(`${look.name} error: ${error}`));
  await page.goto(base);
  if (token) {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${base}/`);
  }
  return { context, page };
}

async function judge(page, look, name, path) {
  await page.goto(base + path);
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const grave = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  for (const v of found.violations) console.log(`  axe ${look.name} ${path} ${v.impact} ${v.id}: ${v.nodes[0].html.slice(0, 140)}`);
  expect(grave.length === 0, `axe ${look.name} ${path}: ${grave.map((v) => v.id)}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
  expect(!wide, `${look.name} ${path} is wider than the screen`);
  expect((await page.locator("h1").count()) === 1, `${path} has one heading`);
  await page.screenshot({ path: `${folder}/${name}-${look.name}.png`, fullPage: name !== "tables" });
}

// The shop whose buttons are pressed: it follows a schedule, and one of its runs is held. A server may have none.
const shop = "/pipelines/shop";
const heldRun = "status=held&pipeline=shop";

async function runId(page, asked) {
  await page.goto(`${base}/runs?${asked}`);
  const link = page.locator("table.runs tbody th a").first();
  return (await link.count()) ? link.getAttribute("href") : null;
}

// What a button does is seen a moment later.
async function comes(page, holds) {
  for (let tries = 0; tries < 120 && !(await holds()); tries += 1) {
    await new Promise((done) => setTimeout(done, 1000));
    await page.reload();
  }
  return holds();
}

for (const look of looks) {
  const { context, page } = await enter(look);
  await page.goto(base);
  const pipelines = await page.locator(".card h2 a").evaluateAll((links) => links.map((a) => a.getAttribute("href")));
  const run = await runId(page, "status=published");
  const held = await runId(page, heldRun);
  const places = [["home", "/"], ["runs", "/runs"], ["none", "/runs?status=interrupted&pipeline=none"], ["tables", "/tables"],
    ["customers", "/tables/dim_customer"], ["sales", "/tables/fact_sales"], ["lineage", "/lineage"]];
  pipelines.forEach((path, at) => places.push([`pipeline${at}`, path]));
  if (run) places.push(["run", run], ["run-warn", `${run}?level=warn`]);
  if (held) places.push(["held", held]);
  for (const [name, path] of places) await judge(page, look, name, path);
  page.awaited = true;
  await judge(page, look, "missing", "/nowhere");
  page.awaited = false;
  await context.close();
}

{ // Keyboard alone: the skip link first, then every link of the navigation, each with a visible ring.
  const { context, page } = await enter(looks[0]);
  await page.goto(base);
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.className === "skip"), "the skip link comes first");
  const seen = [];
  for (let at = 0; at < 12; at += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement.textContent.trim()));
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    expect(ring !== "none", `focus is seen on ${seen.at(-1)}`);
  }
  for (const name of ["Pipelines", "Runs", "Tables", "Lineage"]) expect(seen.includes(name), `Tab reaches ${name}`);
  await page.goto(`${base}/runs`);
  await page.getByRole("link", { name: "Lineage" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/lineage`);
  expect(true, "Enter follows a link");
  await context.close();
}

for (const scripts of [true, false]) { // A run, watched to its end; without JavaScript the reader reloads.
  const { context, page } = await enter(looks[0], scripts);
  await page.goto(base);
  await page.getByRole("button", { name: /^Run now superstore/ }).click();
  await page.waitForURL(/\/runs\/superstore-/);
  expect(await page.locator(".notice").isVisible(), "the start is told");
  if (scripts) await page.screenshot({ path: `${folder}/running.png` });
  const pill = page.locator(".title .pill");
  expect((await pill.textContent()) === "running", "the run is under way");
  for (let tries = 0; tries < 90 && (await pill.textContent()) === "running"; tries += 1) {
    await new Promise((done) => setTimeout(done, 1000));
    if (!scripts) await page.reload();
  }
  expect((await pill.textContent()) !== "running", `the run is seen to end, ${scripts ? "with" : "without"} JavaScript`);
  await context.close();
}

{ // Rolling back, where there is a snapshot to go back to.
  const { context, page } = await enter(looks[0]);
  await page.goto(`${base}/pipelines/superstore`);
  const back = page.locator("summary[aria-label^='Roll back to this']").first();
  if (await back.count()) {
    const to = (await back.getAttribute("aria-label")).split(": ")[1];
    await back.click();
    await page.screenshot({ path: `${folder}/roll-back-asked.png`, fullPage: true });
    await page.getByRole("button", { name: `Yes: Roll back to this: ${to}` }).click();
    await page.waitForURL(/done=rollback/);
    const row = page.locator("tr", { hasText: to });
    expect((await row.locator(".pill").textContent()) === "current", "the snapshot rolled back to is current");
    await page.screenshot({ path: `${folder}/rolled-back.png`, fullPage: true });
  } else {
    console.log("skipped: no older snapshot to roll back to");
  }
  await context.close();
}

{ // A pipeline is paused, and follows its schedule again.
  const { context, page } = await enter(looks[0]);
  await page.goto(base);
  if (await page.locator(`.card h2 a[href="${shop}"]`).count()) {
    for (const [label, done, paused] of [["Pause", "pause", true], ["Resume", "resume", false]]) {
      await page.goto(base + shop);
      await page.getByRole("button", { name: `${label} shop`, exact: true }).click();
      await page.waitForURL(new RegExp(`done=${done}$`));
      expect(await page.locator(".notice").isVisible(), `${label}: it is told`);
      const isPaused = async () => (await page.locator(".title .pill", { hasText: "paused" }).count()) === 1;
      expect(await comes(page, async () => (await isPaused()) === paused), `${label}: it is seen`);
      await page.screenshot({ path: `${folder}/${done}.png`, fullPage: true });
    }
  } else {
    console.log("skipped: no pipeline to pause");
  }
  await context.close();
}

{ // A held run is released, and then it is published; this as well goes without JavaScript.
  const { context, page } = await enter(looks[0], false);
  const held = await runId(page, heldRun);
  if (held) {
    await page.goto(base + held);
    await page.getByRole("button", { name: `Release ${held.split("/").pop()}`, exact: true }).click();
    await page.waitForURL(/done=release$/);
    expect(await page.locator(".notice").isVisible(), "the release is told");
    const pill = page.locator(".title .pill");
    expect(await comes(page, async () => (await pill.textContent()) === "published"), "the held run is published");
    await page.screenshot({ path: `${folder}/released.png`, fullPage: true });
    expect((await runId(page, heldRun)) === null, "no run is held any more");
  } else {
    console.log("skipped: no held run to release");
  }
  await context.close();
}

if (token) { // A wrong token is refused, and no page is seen without one.
  const context = await browser.newContext(looks[0]);
  const page = await context.newPage();
  await page.goto(`${base}/runs`);
  expect(page.url() === `${base}/login`, "a page without a session leads to the form");
  await page.evaluate(axe);
  const grave = (await page.evaluate(() => globalThis.axe.run())).violations.filter((v) => ["serious", "critical"].includes(v.impact));
  expect(grave.length === 0, `axe sign-in: ${grave.map((v) => v.id)}`);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  expect(await page.getByText("That is not the token.").isVisible(), "a wrong token is refused");
  await page.screenshot({ path: `${folder}/sign-in.png` });
  expect((await context.cookies()).length === 0, "a wrong token makes no session");
  await context.close();
}

await browser.close();
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
