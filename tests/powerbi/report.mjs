#!/usr/bin/env node
// Checks the report of a Power BI project: report.mjs PROJECT_FOLDER NAME
//
// First the validator of Microsoft's report authoring package (MIT), then every file against its JSON schema (the package
// keeps silent about a schema it cannot load), then every field against the model beside the report. A warning counts
// like an error. Without NAME.SemanticModel the fields are not looked up, and the last line says so.
// With QUICK=1 the package's own look at schemas, which takes the most time, is left out; ours finds most of the same.
// Leaves with 0: clean, 1: findings, 2: could not run.
import fs from "node:fs";
import path from "node:path";

import { contradictions, overlaps, unbound } from "./report/binding.mjs";
import { schemaText, serveLocally } from "./report/schemas.mjs";
import { readModel } from "./report/tmdl.mjs";

const [folder, name] = process.argv.slice(2);
const report = path.join(folder ?? "", `${name}.Report`);
if (!name || !fs.existsSync(report)) {
  console.error(`There is no ${report}: call report.mjs PROJECT_FOLDER NAME`);
  process.exit(2);
}
if (!fs.existsSync(new URL("report/node_modules", import.meta.url))) {
  console.error("The validator is not installed: run tests/powerbi/install-report");
  process.exit(2);
}

const found = { error: 0, warning: 0 };
function find(where, what, severity = "error") {
  found[severity] += 1;
  console.log(`${severity}: ${path.isAbsolute(where) || where.startsWith(folder) ? path.relative(folder, where) : where}: ${what}`);
}

async function vendorFindings() {
  const absent = serveLocally();
  const { getMetadataProvider, locateReport, runReportValidation } = await import("./report/node_modules/@microsoft/powerbi-report-authoring-cli/dist/index.js");
  const { reportDir, defDir, pbipPath } = locateReport(report);
  const summary = await runReportValidation({ reportDir, defDir, pbipPath, provider: await getMetadataProvider(), skipSchema: process.env.QUICK === "1" });
  for (const [code, { severity, items }] of Object.entries(summary.diagnostics)) {
    for (const { message } of items) find(code, message, severity === "error" ? "error" : "warning");
  }
  for (const address of absent) find(address, "this schema is not among the vendored ones");
}

/// Every JSON file of the project by its path.
function documents() {
  const read = new Map();
  const roots = [report, path.join(folder, `${name}.SemanticModel`), path.join(folder, `${name}.pbip`)].filter((root) => fs.existsSync(root));
  const files = roots.flatMap((root) =>
    fs.statSync(root).isDirectory() ? fs.readdirSync(root, { recursive: true }).map((file) => path.join(root, file)) : [root],
  );
  for (const file of files.sort()) {
    if (!/\.(json|pbir|pbism|pbip)$|(^|\/)\.platform$/.test(file) || file.includes("/.pbi/")) continue;
    const text = fs.readFileSync(file, "utf8");
    if (text.startsWith("\uFEFF")) find(file, "starts with a byte order mark");
    try {
      read.set(file, JSON.parse(text));
    } catch (error) {
      find(file, error.message);
    }
  }
  return read;
}

async function schemaFindings(files) {
  const { default: Ajv } = await import("./report/node_modules/ajv/dist/ajv.js");
  const { default: formats } = await import("./report/node_modules/ajv-formats/dist/index.js");
  const validators = new Map();
  const load = (address) => {
    const text = schemaText(address);
    if (text === null) throw new Error("it is not among the vendored ones");
    return JSON.parse(text);
  };
  const compile = async (address) => {
    const ajv = new Ajv.default({ allErrors: true, strict: false, loadSchema: async (inner) => load(inner) });
    formats.default(ajv);
    return ajv.compileAsync(load(address));
  };
  for (const [file, document] of files) {
    const address = document.$schema;
    if (!address) {
      find(file, "names no $schema");
      continue;
    }
    // The package has held the theme against its schema already, which is large and lists some words twice.
    if (address.includes("reportThemeSchema")) continue;
    if (!validators.has(address)) validators.set(address, await compile(address).catch((error) => error));
    const validate = validators.get(address);
    if (validate instanceof Error) find(file, `its schema ${address} cannot be used: ${validate.message}`);
    else if (!validate(document)) for (const { instancePath, message } of validate.errors.slice(0, 5)) find(file, `${instancePath || "/"} ${message}`);
  }
  return validators.size;
}

function bindingFindings(files, model) {
  let looked = 0;
  const pages = new Map();
  for (const [file, document] of files) {
    for (const problem of contradictions(document)) find(file, problem);
    if (document.position && document.visual) {
      const page = path.dirname(path.dirname(path.dirname(file)));
      pages.set(page, [...(pages.get(page) ?? []), document]);
    }
    if (!model) continue;
    const { problems, fields } = unbound(document, model);
    for (const problem of problems) find(file, problem);
    looked += fields;
  }
  for (const [page, visuals] of pages) for (const [one, other] of overlaps(visuals)) find(page, `${one} and ${other} lie over one another`);
  return looked;
}

await vendorFindings();
const files = documents();
const schemas = await schemaFindings(files);
const target = files.get(path.join(report, "definition.pbir"))?.datasetReference?.byPath?.path;
const beside = fs.existsSync(path.join(folder, `${name}.SemanticModel`));
const model = target && beside ? readModel(path.join(report, target)) : null;
if (beside && !model) find(path.join(report, "definition.pbir"), `${target} is no semantic model`);
const fields = bindingFindings(files, model);
const bound = model ? `${fields} fields looked up in ${model.size} tables` : "SKIPPED: no model beside the report, so no field was looked up";
console.log(`${name}.Report: ${files.size} files, ${schemas} schemas, ${bound}, ${found.error} errors, ${found.warning} warnings`);
process.exit(found.error + found.warning > 0 ? 1 : 0);
