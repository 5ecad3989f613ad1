// What a report can refer to in a model: tables with their columns, measures and hierarchies, read from TMDL.
import fs from "node:fs";
import path from "node:path";

// A name stands bare or in single quotes, in which a quote is doubled.
const NAME = String.raw`('(?:[^']|'')+'|[^\s=]+)`;
const TABLE = new RegExp(`^table ${NAME}$`);
const MEMBER = new RegExp(`^\t(column|measure|hierarchy) ${NAME}(?: =.*)?$`);
const LEVEL = new RegExp(`^\t\tlevel ${NAME}$`);

function plain(name) {
  return name.startsWith("'") ? name.slice(1, -1).replaceAll("''", "'") : name;
}

/// The table that the text declares, or null.
export function readTable(text) {
  let table = null;
  let hierarchy = null;
  for (const line of text.split("\n")) {
    const declared = TABLE.exec(line);
    if (declared) table = { name: plain(declared[1]), column: new Set(), measure: new Set(), hierarchy: new Map() };
    const member = MEMBER.exec(line);
    if (member && table) {
      const [, kind, name] = member;
      hierarchy = kind === "hierarchy" ? new Set() : null;
      if (hierarchy) table.hierarchy.set(plain(name), hierarchy);
      else table[kind].add(plain(name));
    }
    const level = LEVEL.exec(line);
    if (level && hierarchy) hierarchy.add(plain(level[1]));
  }
  return table;
}

/// The tables of a semantic model by name, or null where the folder is none.
export function readModel(folder) {
  const tables = path.join(folder, "definition/tables");
  if (!fs.existsSync(path.join(folder, "definition.pbism")) || !fs.existsSync(tables)) return null;
  const texts = fs.readdirSync(tables).filter((name) => name.endsWith(".tmdl")).sort();
  const read = texts.map((name) => readTable(fs.readFileSync(path.join(tables, name), "utf8"))).filter(Boolean);
  return new Map(read.map((table) => [table.name, table]));
}
