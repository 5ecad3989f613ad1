#!/usr/bin/env python3
"""Evaluates every measure of a generated project and holds it against the same figure from DuckDB.

    dax.py PROJECT.SemanticModel PUBLISHED

In total, by region, by year, by segment, and as each role and sign-in sees it. The model's own text is what is evaluated;
dax/figures.duckdb states apart from it what must come out."""

import datetime
import decimal
import json
import re
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as parquet
from pbix_mcp.dax.engine import evaluate_measures_batch, mark_currency_columns

here = Path(__file__).parent / "dax"
sys.path.insert(0, str(here))
import model as reader  # noqa: E402

# A fixed decimal over a whole number stays a fixed decimal of four places.
FOUR_PLACES = {"Average order value", "Units per order", "CLV per customer", "Cohort revenue per customer"}


def cell(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    if type(value) is datetime.date:
        return datetime.datetime(value.year, value.month, value.day)
    return value


class Engine:
    """The model over rows held in memory."""

    def __init__(self, model, rows):
        self.model, self.rows = model, rows
        self.measures = {name: dax for table in model["tables"] for name, dax in table["measures"].items()}
        self.homes = {name: table["name"] for table in model["tables"] for name in table["measures"]}
        self.columns = {table["name"]: list(table["columns"]) for table in model["tables"]}
        self.money = {t["name"]: [c for c, kind in t["columns"].items() if kind == "decimal"] for t in model["tables"]}
        self.links = [
            {
                "FromTable": link[0][0], "FromColumn": link[0][1], "ToTable": link[1][0], "ToColumn": link[1][1],
                "IsActive": True, "FromCardinality": 2, "ToCardinality": 1, "CrossFilteringBehavior": 2 if link[2] else 1,
            }
            for link in model["links"]
        ]
        self.tables = {name: {"columns": self.columns[name], "rows": rows[name]} for name in rows}
        mark_currency_columns(self.tables, self.money)

    def evaluate(self, names, chosen=None, extra=None):
        return evaluate_measures_batch(
            list(names), self.tables, {**self.measures, **(extra or {})}, dict(chosen or {}), "dim_date", "date", self.links,
            group_keys=set(chosen or {}), selected_filters={}, culture="en-US", date_tables={"dim_date": "date"},
            measure_tables=self.homes, model_columns={name: set(columns) for name, columns in self.columns.items()},
        )

    def keys(self, table, column, dax):
        """Keys of the rows for which a role's filter holds.

        The table behind IN asks nothing of the row: it is stated once before, since this engine would make it for each row."""
        test, asks, among = dax.partition(" IN ")
        text = f'CONCATENATEX(FILTER({table}, {test}{" IN _among" if asks else ""}), {table}[{column}], ",")'
        if asks:
            text = f"VAR _among = {among}\nRETURN\n    {text}"
        found = self.evaluate(["_keys"], extra={"_keys": text})["_keys"]
        return {int(key) for key in str(found).split(",")} if found not in (None, "") else set()

    def as_seen_by(self, role, user):
        """The same model with the rows that the role lets the user see: a filter of a dimension follows its relationships."""
        filters = {table: dax.replace("USERPRINCIPALNAME()", f'"{user}"') for table, dax in role.items()}
        rows = dict(self.rows)
        for table in ("dim_region", "dim_customer"):
            if table not in filters:
                continue
            key = table.replace("dim_", "") + "_key"
            kept = self.keys(table, key, filters[table])
            at = self.columns[table].index(key)
            rows[table] = [row for row in rows[table] if row[at] in kept]
            for (many, column), (one, _), _ in self.model["links"]:
                if one == table:
                    at_many = self.columns[many].index(column)
                    rows[many] = [row for row in rows[many] if row[at_many] in kept]
        return Engine(self.model, rows)


def published(root):
    pointer = json.loads((root / "published.json").read_text())
    folder = root / "snapshots" / pointer["snapshot"]
    manifest = json.loads((folder / "manifest.json").read_text())
    return pointer["snapshot"], {entry["table"]: folder / f"{entry['table']}.parquet" for entry in manifest["tables"]}


def load_rows(model, snapshot, files):
    rows = {}
    for table in model["tables"]:
        name = table["name"]
        records = parquet.read_table(files[name]).to_pylist() if name in files else []
        rows[name] = [[snapshot if c == "snapshot_id" else cell(record[c]) for c in table["columns"]] for record in records]
    return rows


def figures(database):
    parts = re.split(r"^-- (.+)\n", (here / "figures.duckdb").read_text().split("\n\n", 1)[1], flags=re.M)
    statements = dict(zip(parts[1::2], parts[2::2]))

    def of(**variables):
        for name in ("regions", "granted", "year", "segment"):
            value = variables.get(name)
            database.execute(f"SET VARIABLE {name} = ?", [value]) if value is not None else database.execute(f"RESET VARIABLE {name}")
        return {name: database.execute(statement).fetchall() for name, statement in statements.items()}

    return statements, lambda **variables: {name: cell(rows[0][0]) if rows else None for name, rows in of(**variables).items()}


class Tally:
    def __init__(self):
        self.compared = self.differ = 0

    def hold(self, where, got, wanted):
        for name, want in wanted.items():
            self.compared += 1
            have = got.get(name)
            if not same(name, have, want):
                self.differ += 1
                print(f"DIFF {where} / {name}: the model says {have!r}, the tables {want!r}", flush=True)


def same(name, have, want):
    if have is None or want is None or isinstance(want, (str, datetime.datetime)):
        return have == want
    room = 6e-5 if name in FOUR_PLACES else 1e-9 * max(1.0, abs(float(want)))
    return abs(float(have) - float(want)) <= room


def main(folder, root):
    model = reader.load(folder)
    snapshot, files = published(Path(root))
    rows = load_rows(model, snapshot, files)
    regions = {row[0]: row[1] for row in rows["dim_region"]}
    # The sign-ins of the test: one region, two of them, and a name the table does not know.
    known = sorted(key for key in regions if key != 0)
    grants = {"one@example.com": known[:1], "two@example.com": known[:2]}
    rows["security_user_region"] = [[user, key, snapshot] for user, keys in grants.items() for key in keys]

    database = duckdb.connect()
    for name, path in files.items():
        database.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")
    database.execute("SET VARIABLE snapshot = ?", [snapshot])
    database.execute((here / "views.duckdb").read_text())
    statements, wanted = figures(database)

    engine, tally = Engine(model, rows), Tally()
    missing = set(engine.measures) ^ set(statements)
    assert not missing, f"measures without a figure or figures without a measure: {sorted(missing)}"
    everything = list(engine.measures)

    tally.hold("total", engine.evaluate(everything), wanted())
    for key, name in regions.items():
        if key != 0:
            got = engine.evaluate(everything, {"dim_region.region_name": [name]})
            tally.hold(f"region {name}", got, wanted(regions=[key]))
    for (year,) in database.execute("SELECT DISTINCT year FROM dim_date ORDER BY year").fetchall():
        tally.hold(f"year {year}", engine.evaluate(everything, {"dim_date.year": [year]}), wanted(year=year))
    for (segment,) in database.execute("SELECT DISTINCT segment FROM customer_rfm ORDER BY segment").fetchall():
        got = engine.evaluate(everything, {"customer_rfm.segment": [segment]})
        tally.hold(f"segment {segment}", got, wanted(segment=segment))
    for role, filters in model["roles"].items():
        users = ["one@example.com", "TWO@example.com", "nobody@example.com"] if role == "Regional manager" else ["one@example.com"]
        for user in users:
            seen = engine.as_seen_by(filters, user)
            granted = grants.get(user.lower(), []) if role == "Regional manager" else None
            if role not in ("Regional manager", "All regions"):
                granted = [int(filters["dim_region"].rsplit("=", 1)[1])]
                left = {row[0] for row in seen.rows["dim_region"]}
                assert left == set(granted), f"{role} sees the regions {left}"
            tally.hold(f"{role} / {user}", seen.evaluate(everything), wanted(regions=granted, granted=granted))
    print(f"{tally.compared} comparisons, {tally.differ} differ")
    return 1 if tally.differ or tally.compared < 400 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
