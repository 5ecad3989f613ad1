#!/usr/bin/env node
// m.cjs MODEL.json   Parses every query of a model with the Power Query parser and looks each name up: it must be a query, a name of
// the expression itself, or a function of M that the product is known to use.
const fs = require('fs');
const parser = require('@microsoft/powerquery-parser');

// A query that needs another function needs it said here.
const LIBRARY = new Set([
  '#table', 'AzureStorage.DataLake', 'Binary.Buffer', 'Currency.Type', 'Folder.Contents', 'Int64.Type', 'Json.Document',
  'List.Accumulate', 'List.Count', 'List.Difference', 'List.IsEmpty', 'List.Select', 'List.Transform', 'Parquet.Document',
  'Record.FieldOrDefault', 'Table.AddColumn', 'Table.ColumnNames', 'Table.Combine', 'Table.SelectColumns',
  'Table.TransformColumnTypes', 'Text.Combine', 'Text.Split', 'TextEncoding.Utf8', 'Web.Contents',
]);

async function findings(text, queries) {
  const parsed = await parser.TaskUtils.tryLexParse(parser.DefaultSettings, text);
  if (parsed.resultKind !== 'Ok') {
    const error = parsed.error && (parsed.error.innerError || parsed.error);
    return [`${parsed.stage}: ${error ? error.message : 'no reason given'}`];
  }
  const own = new Set(['_']);
  const used = [];
  for (const node of parsed.nodeIdMapCollection.astNodeById.values()) {
    if (node.kind === 'IdentifierPairedExpression') own.add(node.key.literal);
    if (node.kind === 'Parameter') own.add(node.name.literal);
    if (node.kind === 'IdentifierExpression') used.push(node.identifier.literal);
  }
  return used.filter(name => !own.has(name) && !queries.has(name) && !LIBRARY.has(name)).map(name => `unknown name ${name}`);
}

(async () => {
  const expressions = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const queries = new Set(Object.keys(expressions));
  let errors = 0;
  for (const [name, text] of Object.entries(expressions))
    for (const finding of await findings(text, queries)) {
      errors += 1;
      console.log(`ERROR ${name}: ${finding}`);
    }
  console.log(`${queries.size} M expressions, ${errors} errors`);
  process.exit(errors || queries.size === 0 ? 1 : 0);
})();
