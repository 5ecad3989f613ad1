#!/usr/bin/env python3
"""Breaks a Power BI project in one way after another, and shows that a check notices each: breaks.py PROJECT_FOLDER NAME

The project itself stays as it is. Each break says which check has to notice it and what that check has to say, so that
none counts for a wrong reason. Leaves with 0: every break is noticed and the untouched project is clean, 1: not so.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKS = {
    "model": [sys.executable, str(HERE / "model.py")],
    "report": ["node", str(HERE / "report.mjs")],
}


@dataclass
class Project:
    """A copy that may be broken."""

    folder: Path
    name: str

    @property
    def model(self) -> Path:
        return self.folder / f"{self.name}.SemanticModel" / "definition"

    @property
    def report(self) -> Path:
        return self.folder / f"{self.name}.Report"

    def table(self, name: str) -> Path:
        return self.model / "tables" / f"{name}.tmdl"

    def role(self) -> Path:
        """The first role that filters regions."""
        return next(path for path in sorted(self.model.glob("roles/*.tmdl")) if "tablePermission dim_region" in path.read_text())

    def visual(self, kind: str, holding: str = "") -> Path:
        """The first visual of a kind that has some text in it."""
        for path in sorted(self.report.glob("definition/pages/*/visuals/*/visual.json")):
            text = path.read_text()
            if json.loads(text)["visual"]["visualType"] == kind and holding in text:
                return path
        raise LookupError(f"no {kind} with {holding}")


Change = Callable[[Project], None]


def replace(path: Path, pattern: str, by: str, times: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, by, text, count=times, flags=re.MULTILINE)
    if count == 0:
        raise LookupError(f"{path.name} has no {pattern}")
    path.write_text(changed, encoding="utf-8")


def in_table(name: str, pattern: str, by: str) -> Change:
    return lambda project: replace(project.table(name), pattern, by)


def in_model(file: str, pattern: str, by: str) -> Change:
    return lambda project: replace(project.model / file, pattern, by)


def in_role(pattern: str, by: str) -> Change:
    return lambda project: replace(project.role(), pattern, by)


def in_report(file: str, pattern: str, by: str) -> Change:
    return lambda project: replace(project.report / file, pattern, by)


def in_visual(kind: str, change: Callable[[dict], object], holding: str = "") -> Change:
    def broken(project: Project) -> None:
        path = project.visual(kind, holding)
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document, indent=2))

    return broken


def projections(document: dict, role: str) -> list[dict]:
    return document["visual"]["query"]["queryState"][role]["projections"]


def rename_field(document: dict, role: str, kind: str, name: str) -> None:
    shown = projections(document, role)[0]
    shown["field"][kind]["Property"] = name
    shown["queryRef"] = f"{shown['field'][kind]['Expression']['SourceRef']['Entity']}.{name}"
    document["visual"]["query"].pop("sortDefinition", None)


def move_role(document: dict, role: str, to: str) -> None:
    state = document["visual"]["query"]["queryState"]
    state[to] = state.pop(role)


def heat(document: dict) -> dict:
    return document["visual"]["objects"]["values"][0]


def wrap_gradient(document: dict) -> None:
    gradient = heat(document)["properties"]["backColor"]["solid"]["color"]["expr"]["FillRule"]["FillRule"]["linearGradient2"]
    gradient["min"]["color"] = {"expr": gradient["min"]["color"]}


def unlike_theme(project: Project) -> None:
    theme = next((project.report / "StaticResources" / "RegisteredResources").glob("*.json"))
    theme.write_text(json.dumps({**json.loads(theme.read_text()), "name": "Another.json"}))


def theme_with(**entries: object) -> Change:
    def broken(project: Project) -> None:
        theme = next((project.report / "StaticResources" / "RegisteredResources").glob("*.json"))
        theme.write_text(json.dumps({**json.loads(theme.read_text()), **entries}))

    return broken


def one_over_another(project: Project) -> None:
    visuals = sorted(next((project.report / "definition/pages").glob("*/visuals")).glob("*/visual.json"))
    first, second = (json.loads(path.read_text()) for path in visuals[:2])
    second["position"].update({side: first["position"][side] for side in ["x", "y"]})
    visuals[1].write_text(json.dumps(second))


def repeat_tag(project: Project) -> None:
    tags = re.findall(r"lineageTag: (\S+)", project.table("dim_region").read_text())
    replace(project.table("dim_region"), tags[1], tags[0])


def second_way(project: Project) -> None:
    path = project.model / "relationships.tmdl"
    ends = "\tfromColumn: dim_customer.region_key\n\ttoColumn: dim_region.region_key\n\n"
    relationship = f"relationship 00000000-0000-4000-8000-000000000001\n{ends}"
    path.write_text(relationship + path.read_text())


def byte_order_mark(project: Project) -> None:
    path = project.table("dim_region")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def lose(path: Callable[[Project], Path]) -> Change:
    def broken(project: Project) -> None:
        lost = path(project)
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

    return broken


# What is broken, how, the check that has to notice, and what it has to say.
Break = tuple[str, Change, str, str]
BREAKS: list[Break] = [
    (
        "a measure is renamed under a visual",
        in_table("Key measures", r"measure Revenue =", "measure Turnover ="),
        "report",
        r"no measure Key measures\[Revenue\]",
    ),
    (
        "a measure is renamed under a measure",
        in_table("Key measures", r"measure Orders =", "measure Purchases ="),
        "model",
        r"names ('?Key measures'?)?\[Orders\]",
    ),
    (
        "a relationship leads to a missing column",
        in_model("relationships.tmdl", r"toColumn: dim_date\.\w+", "toColumn: dim_date.day"),
        "model",
        r"no column dim_date\.day",
    ),
    (
        "a relationship joins text to numbers",
        in_model("relationships.tmdl", r"fromColumn: fact_sales\.customer_key", "fromColumn: fact_sales.order_id"),
        "model",
        "joins string to int64",
    ),
    ("a second active way leads to the sales", second_way, "model", "active ways lead from dim_region to"),
    (
        "a column is sorted by a missing one",
        in_table("dim_date", r"sortByColumn: \w+", "sortByColumn: month_no"),
        "model",
        "sorted by month_no",
    ),
    ("a level is of a missing column", in_table("dim_date", r"(\t\t\tcolumn:) \w+", r"\1 decade"), "model", "is of decade"),
    ("two objects share a lineage tag", repeat_tag, "model", "is used twice"),
    ("a lineage tag is lost", in_table("dim_region", r"^\t\tlineageTag: .*\n", ""), "model", "has no lineageTag"),
    (
        "a data type does not exist",
        in_table("customer_rfm", "dataType: int64", "dataType: integer"),
        "model",
        "dataType cannot be integer",
    ),
    (
        "a property does not exist",
        in_table("customer_rfm", "summarizeBy:", "sumarizeBy:"),
        "model",
        "unknown property sumarizeBy",
    ),
    (
        "a tab of the indentation is lost",
        in_table("dim_region", r"^\t\tdataType: int64", "\tdataType: int64"),
        "model",
        "indented by 2 tabs under table dim_region",
    ),
    (
        "blanks indent a line",
        in_table("dim_region", r"^\t\tdataType:", "    dataType:"),
        "model",
        "blanks where tabs should indent",
    ),
    ("a file starts with a byte order mark", byte_order_mark, "model", "byte order mark"),
    (
        "a name with blanks loses its quotes",
        in_table("Key measures", "measure 'Gross revenue'", "measure Gross revenue"),
        "model",
        "cannot be read",
    ),
    (
        "two measures have one name",
        in_table("Key measures", r"measure Orders =", "measure Revenue ="),
        "model",
        "another measure Revenue",
    ),
    (
        "a measure sums a missing column",
        in_table("Key measures", r"fact_sales\[net_amount\]", "fact_sales[netto]"),
        "model",
        r"fact_sales\[netto\], which is not there",
    ),
    (
        "a measure leaves a bracket open",
        in_table("Key measures", r"fact_sales\[net_amount\] ?\)", "fact_sales[net_amount]"),
        "model",
        r"does not close or open \(",
    ),
    (
        "a query leaves a bracket open",
        in_table("customer_rfm", r'ReadTable\("customer_rfm"', 'ReadTable(("customer_rfm"'),
        "model",
        "does not close or open",
    ),
    (
        "a query reads another table",
        in_table("customer_rfm", r'ReadTable\("customer_rfm"', 'ReadTable("customer_clv"'),
        "model",
        "reads customer_clv",
    ),
    (
        "the file of a table is lost",
        lose(lambda project: project.table("basket_rules")),
        "model",
        "there is no table basket_rules",
    ),
    (
        "the model does not refer to a table",
        in_model("model.tmdl", r"^ref table fact_sales\n", ""),
        "model",
        "does not refer to table fact_sales",
    ),
    (
        "the order of queries names a missing one",
        in_model("model.tmdl", r"(PBI_QueryOrder = \[)", r'\1"Lost", '),
        "model",
        "names Lost",
    ),
    (
        "a role filters a missing table",
        in_role("tablePermission dim_region ", "tablePermission dim_regions "),
        "model",
        "dim_regions, which is no table",
    ),
    (
        "a role compares a missing column",
        in_role(r"dim_region\[\w+\]", "dim_region[area]"),
        "model",
        r"dim_region\[area\], which is not there",
    ),
    ("the date table has no key", in_table("dim_date", r"^\t\tisKey\n", ""), "model", "marked as the date table"),
    (
        "a visual names a missing column",
        in_visual("slicer", lambda it: rename_field(it, "Values", "Column", "area"), "region_name"),
        "report",
        r"no column dim_region\[area\]",
    ),
    (
        "a visual names a missing measure",
        in_visual("cardVisual", lambda it: rename_field(it, "Data", "Measure", "Profit")),
        "report",
        r"no measure Key measures\[Profit\]",
    ),
    (
        "a word of the page's format does not exist",
        lambda project: replace(next((project.report / "definition/pages").glob("*/page.json")), "FitToPage", "FitToWall"),
        "report",
        "displayOption",
    ),
    (
        "a visual has an unknown property",
        in_visual("slicer", lambda it: it.update(colour="red")),
        "report",
        "additional properties",
    ),
    (
        "a card has a well that it has not",
        in_visual("cardVisual", lambda it: move_role(it, "Data", "Fields")),
        "report",
        "Fields",
    ),
    (
        "a heat map is coloured by what it does not show",
        in_visual("pivotTable", lambda it: heat(it)["selector"].update(metadata="Key measures.Orders"), "FillRule"),
        "report",
        r"formats Key measures\.Orders",
    ),
    ("a colour of a gradient is wrapped", in_visual("pivotTable", wrap_gradient, "FillRule"), "report", "radient|expr"),
    (
        "a visual leaves the page",
        in_visual("tableEx", lambda it: it["position"].update(x=1200)),
        "report",
        "(?i)beyond|bounds|outside|exceed",
    ),
    ("a visual lies over another", one_over_another, "report", "lie over one another"),
    (
        "a visual has no words for screen readers",
        in_visual("lineChart", lambda it: it["visual"]["visualContainerObjects"].pop("general")),
        "report",
        "has no alt text",
    ),
    ("a page is lost", lose(lambda project: sorted((project.report / "definition/pages").glob("*/"))[0]), "report", "(?i)page"),
    (
        "a schema has a version that does not exist",
        in_report("definition/version.json", r"versionMetadata/1\.0\.0", "versionMetadata/9.0.0"),
        "report",
        "not among the vendored ones",
    ),
    ("a theme goes by another name", unlike_theme, "report", "(?i)theme"),
    ("a colour of the theme is none", theme_with(good="greenish"), "report", "(?i)good|pattern|color"),
    (
        "the report is of a missing model",
        in_report("definition.pbir", r"\.SemanticModel", ".Model"),
        "report",
        "is no semantic model",
    ),
]


def run(check: str, project: Project, quick: bool = False) -> tuple[int, str]:
    command = [*CHECKS[check], str(project.folder), project.name]
    environment = {**os.environ, "QUICK": "1" if quick else "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


def noticed(project: Project, check: str, says: str) -> str | None:
    """The line in which the check notices, or None. What a part of the check notices, the whole does."""
    for quick in (True, False) if check == "report" else (False,):
        code, output = run(check, project, quick)
        lines = [line for line in output.splitlines() if line.startswith(("error: ", "warning: "))]
        line = next((line for line in lines if re.search(says, line)), None) if code == 1 else None
        if line:
            return line
    return None


def broken(folder: str, name: str, case: Break) -> str | None:
    """What the check says of a broken copy, or None."""
    _, change, check, says = case
    with tempfile.TemporaryDirectory() as scratch:
        project = Project(Path(scratch) / "broken", name)
        shutil.copytree(folder, project.folder)
        change(project)
        return noticed(project, check, says)


def main(folder: str, name: str) -> int:
    missed = 0
    for check in CHECKS:
        code, output = run(check, Project(Path(folder), name))
        print(f"{'ok  ' if code == 0 else 'MISS'} untouched: {output.strip().splitlines()[-1] if output.strip() else 'no word'}")
        missed += code != 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (title, _, check, _), line in zip(BREAKS, pool.map(lambda it: broken(folder, name, it), BREAKS), strict=True):
            missed += line is None
            print(f"{'ok  ' if line else 'MISS'} {title} -> {check}: {line or 'not noticed'}", flush=True)
    print(f"{len(BREAKS)} breaks, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("call breaks.py PROJECT_FOLDER NAME", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2]))
