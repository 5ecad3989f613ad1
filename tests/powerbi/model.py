#!/usr/bin/env python3
"""Checks the structure of a semantic model: model.py PROJECT_FOLDER NAME

Everything that one part of the model says of another has to be so: relationships, sort columns, hierarchies, roles, the
order of queries, expressions. Leaves with 0: clean, 1: errors, 2: could not run.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

from expressions import bare_tables, quoted_tables, references, unclosed
from tmdl import Malformed, Node, read_model

# What each object may hold: children, and properties with the values they take (None: any).
KINDS = {
    "file": ({"database", "model", "table", "role", "relationship", "expression", "annotation", "ref table", "ref role"}, {}),
    "database": (set(), {"compatibilityLevel": r"\d+"}),
    "model": (
        {"annotation", "dataAccessOptions"},
        {
            "culture": None,
            "defaultPowerBIDataSourceVersion": "powerBI_V3",
            "discourageImplicitMeasures": "true",
            "sourceQueryCulture": None,
        },
    ),
    "dataAccessOptions": (set(), {"legacyRedirects": "true", "returnErrorValuesAsNull": "true"}),
    "expression": ({"annotation"}, {"lineageTag": None, "queryGroup": None}),
    "table": (
        {"column", "measure", "hierarchy", "partition", "annotation"},
        {"lineageTag": None, "dataCategory": "Time", "isHidden": "true"},
    ),
    "column": (
        {"annotation"},
        {
            "dataType": "int64|double|decimal|string|boolean|dateTime",
            "isKey": "true",
            "isHidden": "true",
            "formatString": None,
            "displayFolder": None,
            "lineageTag": None,
            "dataCategory": "City|Country|StateOrProvince|PostalCode|Uncategorized",
            "summarizeBy": "none|sum|average|count|min|max",
            "sourceColumn": None,
            "sortByColumn": None,
        },
    ),
    "measure": ({"annotation"}, {"formatString": None, "displayFolder": None, "lineageTag": None, "isHidden": "true"}),
    "hierarchy": ({"level", "annotation"}, {"lineageTag": None, "displayFolder": None}),
    "level": ({"annotation"}, {"lineageTag": None, "column": None}),
    "partition": ({"annotation"}, {"mode": "import", "source": None}),
    "relationship": (
        set(),
        {
            "crossFilteringBehavior": "oneDirection|bothDirections",
            "securityFilteringBehavior": "oneDirection|bothDirections",
            "fromCardinality": "one|many",
            "toCardinality": "one|many",
            "isActive": "true|false",
            "fromColumn": None,
            "toColumn": None,
        },
    ),
    "role": ({"tablePermission", "annotation"}, {"modelPermission": "read"}),
    "tablePermission": (set(), {}),
    "annotation": (set(), {}),
    "ref table": (set(), {}),
    "ref role": (set(), {}),
}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAGGED = {"expression", "table", "column", "measure", "hierarchy", "level"}


class Model:
    """The objects of all files, and the errors found so far."""

    def __init__(self, trees: dict[str, Node]):
        self.trees = trees
        self.errors: list[str] = []
        top = [node for tree in trees.values() for node in tree.children]
        self.all = {kind: [node for node in top if node.kind == kind] for kind in KINDS}
        self.tables = {table.name: table for table in self.all["table"]}
        self.columns = {(table.name, column.name): column for table in self.all["table"] for column in table.of("column")}
        self.measures = [measure for table in self.all["table"] for measure in table.of("measure")]

    def error(self, node: Node, text: str) -> None:
        self.errors.append(f"{node.file}:{node.line}: {text}")

    def nodes(self):
        for tree in self.trees.values():
            yield from tree.walk()


def known_words(model: Model) -> None:
    """No object, property or value that the format does not have."""
    for node in model.nodes():
        if node.kind not in KINDS:
            model.error(node, f"no object is called {node.kind}")
            continue
        children, properties = KINDS[node.kind]
        for child in node.children:
            if child.kind not in children:
                model.error(child, f"a {node.kind} has no {child.kind}")
        for name, value in node.properties.items():
            if name not in properties:
                model.error(node, f"{node.kind} {node.name} has the unknown property {name}")
            elif properties[name] and not re.fullmatch(properties[name], value):
                model.error(node, f"{node.kind} {node.name}: {name} cannot be {value}")


def lineage(model: Model) -> None:
    """Every object has an identifier of its own."""
    tags = Counter()
    for node in model.nodes():
        tag = node.properties.get("lineageTag")
        if node.kind in TAGGED and not tag:
            model.error(node, f"{node.kind} {node.name} has no lineageTag")
        if tag and not GUID.fullmatch(tag):
            model.error(node, f"{tag} is no identifier")
        if tag:
            tags[tag] += 1
            if tags[tag] == 2:
                model.error(node, f"lineageTag {tag} is used twice")


def names(model: Model) -> None:
    """Names are one thing without case: tables, columns with measures of a table, measures of the model, roles."""

    def unique(nodes: list[Node]) -> None:
        for name, times in Counter(node.name.lower() for node in nodes).items():
            if times > 1:
                again = [node for node in nodes if node.name.lower() == name][1]
                model.error(again, f"there is another {again.kind} {again.name}")

    for kind in ["table", "role", "relationship", "expression"]:
        unique(model.all[kind])
    unique(model.measures)
    for table in model.all["table"]:
        unique(table.of("column") + table.of("measure"))
        for hierarchy in table.of("hierarchy"):
            unique(hierarchy.of("level"))


def files(model: Model) -> None:
    """A table or role has a file of its name, and the model refers to each."""
    for kind, folder in [("table", "tables"), ("role", "roles")]:
        declared = [node.name for node in model.all[kind]]
        referred = [node.name for node in model.all[f"ref {kind}"]]
        for node in model.all[f"ref {kind}"]:
            if node.name not in declared:
                model.error(node, f"there is no {kind} {node.name}")
        for node in model.all[kind]:
            if node.name not in referred:
                model.error(node, f"model.tmdl does not refer to {kind} {node.name}")
            if not node.file.startswith(f"{folder}/"):
                model.error(node, f"a {kind} belongs into {folder}")
    for needed in ["database", "model"]:
        if len(model.all[needed]) != 1:
            model.errors.append(f"there are {len(model.all[needed])} objects {needed}, not one")
    for node in (node for node in model.nodes() if node.name == "PBI_QueryOrder"):
        known = set(model.tables) | {expression.name for expression in model.all["expression"]}
        for name in json.loads(node.value or "[]"):
            if name not in known:
                model.error(node, f"the order of queries names {name}, which is not there")


def relationships(model: Model) -> None:
    """Both ends are there and of one type, and filters reach a table by one way only."""
    filters: dict[str, list[str]] = {}
    for node in model.all["relationship"]:
        ends = [tuple(plain_path(node.properties.get(end, ""))) for end in ["toColumn", "fromColumn"]]
        missing = [end for end in ends if end not in model.columns]
        for end in missing:
            model.error(node, f"there is no column {'.'.join(end)}")
        if missing:
            continue
        types = [model.columns[end].properties.get("dataType") for end in ends]
        if types[0] != types[1]:
            model.error(node, f"joins {types[1]} to {types[0]}")
        if node.properties.get("isActive") != "false":
            filters.setdefault(ends[0][0], []).append(ends[1][0])
    for start in filters:
        arrivals = Counter(paths(filters, start, (start,)))
        for table, ways in arrivals.items():
            if ways > 1:
                model.errors.append(f"relationships.tmdl: {ways} active ways lead from {start} to {table}")


def paths(filters: dict[str, list[str]], table: str, seen: tuple[str, ...]):
    for following in filters.get(table, []):
        if following not in seen:
            yield following
            yield from paths(filters, following, (*seen, following))


def plain_path(path: str) -> list[str]:
    """Table and column of `table.column`, either of which may be in quotes."""
    found = re.fullmatch(r"('(?:[^']|'')+'|[^.']+)\.('(?:[^']|'')+'|[^.']+)", path)
    if not found:
        return [path, ""]
    return [part[1:-1].replace("''", "'") if part.startswith("'") else part for part in found.groups()]


def tables(model: Model) -> None:
    """What columns, hierarchies and partitions say of their table."""
    for table in model.all["table"]:
        columns = {column.name: column for column in table.of("column")}
        for column in columns.values():
            sort = column.properties.get("sortByColumn", "").strip("'")
            if sort and sort not in columns:
                model.error(column, f"{column.name} is sorted by {sort}, which is not in {table.name}")
            for needed in ["dataType", "sourceColumn"]:
                if needed not in column.properties:
                    model.error(column, f"column {column.name} has no {needed}")
        for hierarchy in table.of("hierarchy"):
            for level in hierarchy.of("level"):
                if level.properties.get("column", "").strip("'") not in columns:
                    model.error(level, f"level {level.name} is of {level.properties.get('column')}, which is not in {table.name}")
        if table.properties.get("dataCategory") == "Time":
            keys = [column for column in columns.values() if "isKey" in column.properties]
            if [key.properties.get("dataType") for key in keys] != ["dateTime"]:
                model.error(table, f"{table.name} is marked as the date table without one key of days")
        partitions(model, table, columns)


def partitions(model: Model, table: Node, columns: dict[str, Node]) -> None:
    if not table.of("partition"):
        model.error(table, f"{table.name} has no partition")
    sources = {column.properties.get("sourceColumn") for column in columns.values()}
    for partition in table.of("partition"):
        source = partition.properties.get("source", "")
        if open_bracket := unclosed(source, "m"):
            model.error(partition, f"the query of {table.name} does not close or open {open_bracket}")
        for typed in re.findall(r'\{"((?:[^"]|"")+)", (?:type |[A-Z]\w+\.Type)', source):
            if typed not in sources:
                model.error(partition, f"the query of {table.name} types {typed}, which is no column")
        for asked in re.findall(r'ReadTable\("([^"]+)"', source):
            if asked != table.name:
                model.error(partition, f"the query of {table.name} reads {asked}")


def expressions(model: Model) -> None:
    """Measures and roles name what is there; brackets close."""
    for node in model.all["expression"]:
        if open_bracket := unclosed(node.value or "", "m"):
            model.error(node, f"expression {node.name} does not close or open {open_bracket}")
    for measure in model.measures:
        if not (measure.value or "").strip():
            model.error(measure, f"measure {measure.name} has no expression")
        if not measure.described:
            model.error(measure, f"measure {measure.name} has no description")
        resolve(model, measure, f"measure {measure.name}")
    for role in model.all["role"]:
        if "modelPermission" not in role.properties:
            model.error(role, f"role {role.name} has no modelPermission")
        for permission in role.of("tablePermission"):
            if permission.name not in model.tables:
                model.error(permission, f"role {role.name} filters {permission.name}, which is no table")
            if not (permission.value or "").strip():
                model.error(permission, f"role {role.name} has no filter on {permission.name}")
            resolve(model, permission, f"role {role.name}")


def resolve(model: Model, node: Node, who: str) -> None:
    dax = node.value or ""
    if open_bracket := unclosed(dax):
        model.error(node, f"{who} does not close or open {open_bracket}")
        return
    columns, bare, given = references(dax)
    measured = {measure.name.lower() for measure in model.measures}
    known = {(table.lower(), column.lower()) for table, column in model.columns}
    variables = set(re.findall(r"\bVAR\s+(\w+)", dax))
    for table, column in sorted(columns):
        if (table.lower(), column.lower()) not in known and column.lower() not in measured and table not in variables:
            model.error(node, f"{who} names {table}[{column}], which is not there")
    for table in sorted(quoted_tables(dax) | bare_tables(dax)):
        if table.lower() not in {name.lower() for name in model.tables}:
            model.error(node, f"{who} names the table {table}, which is not there")
    for name in sorted(bare):
        if name.lower() not in measured and name not in given and name != "Value":
            model.error(node, f"{who} names [{name}], which is not there")


CHECKS = [known_words, lineage, names, files, relationships, tables, expressions]


def main(folder: str, name: str) -> int:
    model_folder = Path(folder) / f"{name}.SemanticModel"
    for needed in ["definition.pbism", ".platform", "definition/model.tmdl"]:
        if not (model_folder / needed).is_file():
            print(f"error: there is no {model_folder / needed}")
            return 1
    try:
        model = Model(read_model(model_folder))
    except (Malformed, UnicodeDecodeError) as malformed:
        print(f"error: {malformed}")
        return 1
    for check in CHECKS:
        check(model)
    for error in model.errors:
        print(f"error: {error}")
    print(
        f"{name}.SemanticModel: {len(model.tables)} tables, {len(model.columns)} columns, {len(model.measures)} measures, "
        f"{len(model.all['relationship'])} relationships, {len(model.all['role'])} roles, {len(model.errors)} errors"
    )
    return 1 if model.errors else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("call model.py PROJECT_FOLDER NAME", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2]))
