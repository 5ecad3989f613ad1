// Whether what a visual names is in the model, and whether its parts agree with one another.

/// Every object of a document, the outer before the inner.
function* objects(value) {
  if (value === null || typeof value !== "object") return;
  yield value;
  for (const part of Object.values(value)) yield* objects(part);
}

function missing(model, table, kind, name) {
  if (!model.has(table)) return `no table ${table}`;
  return model.get(table)[kind].has(name) ? null : `no ${kind} ${table}[${name}]`;
}

/// Fields that the model does not have, and how many were looked up.
export function unbound(document, model) {
  const problems = [];
  let fields = 0;
  const aliases = new Map();
  for (const object of objects(document)) if (object.Name && object.Entity) aliases.set(object.Name, object.Entity);
  const tableOf = (reference) => reference?.Entity ?? aliases.get(reference?.Source) ?? `(alias ${reference?.Source})`;
  for (const object of objects(document)) {
    for (const kind of ["Column", "Measure"]) {
      const field = object[kind];
      if (!field?.Property) continue;
      fields += 1;
      problems.push(missing(model, tableOf(field.Expression?.SourceRef), kind.toLowerCase(), field.Property));
    }
    const level = object.HierarchyLevel;
    if (level) {
      fields += 1;
      const { Expression, Hierarchy } = level.Expression.Hierarchy;
      const table = tableOf(Expression.SourceRef);
      problems.push(missing(model, table, "hierarchy", Hierarchy));
      const levels = model.get(table)?.hierarchy.get(Hierarchy);
      if (levels && !levels.has(level.Level)) problems.push(`no level ${level.Level} in ${table}[${Hierarchy}]`);
    }
  }
  return { problems: problems.filter(Boolean), fields };
}

/// Parts of a visual that contradict each other.
export function contradictions(document) {
  const visual = document.visual;
  if (!visual) return [];
  const problems = [];
  const shown = new Set();
  for (const role of Object.values(visual.query?.queryState ?? {})) {
    for (const { field, queryRef } of role.projections) {
      if (shown.has(queryRef)) problems.push(`${queryRef} is shown twice`);
      shown.add(queryRef);
      const named = field.Column ?? field.Measure;
      const expected = named && `${named.Expression.SourceRef.Entity}.${named.Property}`;
      if (expected && expected !== queryRef) problems.push(`${queryRef} is not the name of ${expected}`);
    }
  }
  for (const formats of Object.values(visual.objects ?? {})) {
    for (const { selector } of formats) {
      if (selector?.metadata && !shown.has(selector.metadata)) problems.push(`formats ${selector.metadata}, which it does not show`);
    }
  }
  for (const object of objects(visual.objects ?? {})) {
    const named = object.SelectRef?.ExpressionName;
    if (named && !shown.has(named)) problems.push(`colours by ${named}, which it does not show`);
  }
  const container = visual.visualContainerObjects ?? {};
  if (!container.title?.[0]?.properties?.text) problems.push("has no title");
  if (!container.general?.[0]?.properties?.altText) problems.push("has no alt text");
  return problems;
}

function apart(a, b) {
  return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
}

/// Visuals of one page that lie over one another: pairs of their names.
export function overlaps(visuals) {
  const pairs = [];
  visuals.forEach((one, at) => {
    for (const other of visuals.slice(at + 1)) if (!apart(one.position, other.position)) pairs.push([one.name, other.name]);
  });
  return pairs;
}
