"""Lays the results of a session side by side and forms the ratios.

usage: report.py SESSION      a folder with shop/summary.json and results/, as run.sh leaves it
"""

import json
import sys
from pathlib import Path
from statistics import median

PRODUCT = "consumer360"
PEERS = ("pandas", "duckdb", "same")
# Those that work out figures of their own; the last builds the product's own tables.
NOTEBOOKS = ("pandas", "duckdb")
STEPS = ("star", "rfm", "cohort", "kpi", "basket", "clv")

# The product's tables that hold what a peer's step computes, working tables on the way to them included. What it builds
# beyond them has no peer.
TABLES_OF = {
    "star": [
        "fact_sales", "orders", "customer_days", "dim_region", "dim_customer", "dim_product", "dim_date", "fact_payments",
        "fact_tickets",
    ],
    "rfm": ["rfm_measures", "rfm_scores", "segment_grid", "customer_rfm"],
    "cohort": ["customer_months", "customer_cohorts", "cohort_retention"],
    "kpi": ["sales_trend", "product_performance"],
    "basket": ["basket_itemsets", "basket_rules", "basket_run", "product_recommendations", "next_best_product"],
    "clv": ["customer_clv", "clv_model", "clv_backtest"],
}
# A peer reads the sources inside its first step.
STAGE_OF_STAR = "extract"

# Counts and amounts that are the same to the cent for every engine that works them out. A sum of floats may miss by
# less than that.
FACTS_OF_PEERS = (
    "lines", "net_amount", "cost_amount", "customers", "orders", "recency_days", "cohort_cells", "cohort_customers",
    "month_regions", "month_net_amount", "products", "top_100_net_amount",
)
# The product's tables whose rows pandas counts as well.
COUNTED_BY_PANDAS = {"customer_rfm": "customers", "basket_itemsets": "itemsets", "basket_rules": "rules_to_one"}


def load(session):
    """Every round of each engine, and those of the product that builds one table after the other."""
    def rounds(engine):
        return [json.loads(path.read_text()) for path in sorted(Path(session, "results").glob(f"{engine}-*.json"))]

    return {engine: rounds(engine) for engine in (PRODUCT, *PEERS)}, rounds("steps")


def computations(tables):
    """Tables with rows and seconds; those of one computation carry the same seconds and come as one."""
    grouped = []
    for table in tables:
        if grouped and grouped[-1]["seconds"] == table["seconds"]:
            grouped[-1]["tables"].append(table["table"])
            grouped[-1]["rows"] += table["rows"]
        else:
            grouped.append({"tables": [table["table"]], "rows": table["rows"], "seconds": table["seconds"]})
    return grouped


def product_seconds(printed):
    """Seconds a step. A step whose tables are all empty was not done and has none."""
    seconds = {}
    for step, tables in TABLES_OF.items():
        parts = [part for part in computations(printed["tables"]) if part["tables"][0] in tables]
        if any(part["rows"] for part in parts):
            seconds[step] = sum(part["seconds"] for part in parts)
    stages = {stage["stage"]: stage["seconds"] for stage in printed["stages"]}
    seconds["star"] += stages[STAGE_OF_STAR]
    seconds["beyond"] = sum(stages.values()) - sum(seconds.values())
    seconds["to extract"] = stages[STAGE_OF_STAR]
    return seconds


def typical(rounds, seconds_of):
    """The median over the rounds, step by step."""
    per_round = [seconds_of(result["printed"]) for result in rounds]
    return {step: median(seconds[step] for seconds in per_round) for step in per_round[0]}


def sums(seconds, peer):
    """Product and peer over the steps both did."""
    both = [step for step in STEPS if step in seconds[PRODUCT] and step in seconds[peer]]
    return sum(seconds[PRODUCT][step] for step in both), sum(seconds[peer][step] for step in both)


def line(name, product, peers, places=2):
    """A row of the table: each engine's figure, and the product's as a multiple of each peer's."""
    def cell(figure):
        return "" if figure is None else f"{figure:,.{places}f}"

    def ratio(peer):
        return "" if peer is None or product is None else f"{product / peer:.2f}"

    cells = [cell(product), *map(cell, peers), *map(ratio, peers)]
    return (f"{name:<17}" + "".join(f"{text:>15}" for text in cells)).rstrip()


def table(results, steps):
    seconds = {PRODUCT: typical(steps, product_seconds)}
    seconds |= {peer: typical(results[peer], lambda printed: printed["seconds"]) for peer in PEERS}
    header = (PRODUCT, *PEERS, *(f"product/{peer}" for peer in PEERS))
    yield f"{'seconds':<17}" + "".join(f"{name:>15}" for name in header)
    for step in ("star", "to extract", *STEPS[1:], "beyond"):
        yield line(step, seconds[PRODUCT].get(step), [seconds[peer].get(step) for peer in PEERS])
    for at, peer in enumerate(PEERS):
        product, other = sums(seconds, peer)
        yield line(f"steps of {peer}", product, [other if place == at else None for place in range(len(PEERS))])
    whole = (("whole process", "wall_seconds", 2), ("CPU of it", "cpu_seconds", 2), ("MiB at the peak", "peak_mib", 0))
    for name, key, places in whole:
        middle = {engine: median(result[key] for result in rounds) for engine, rounds in results.items()}
        yield line(name, middle[PRODUCT], [middle[peer] for peer in PEERS], places)


def product_tables(printed):
    """The product's own seconds, the longest first."""
    for part in sorted(computations(printed["tables"]), key=lambda part: -part["seconds"]):
        yield f"{part['seconds']:8.3f}  {part['rows']:>12,}  {', '.join(part['tables'])}"


def disagreements(results, expected):
    """What would make the comparison void: engines that did not come to the same figures."""
    facts = {peer: results[peer][-1]["printed"]["facts"] for peer in PEERS}
    rows = {part["table"]: part["rows"] for part in results[PRODUCT][-1]["printed"]["tables"]}
    for table, name in COUNTED_BY_PANDAS.items():
        # Empty is what an older product leaves that does not mine yet; its step is not compared.
        if rows[table] not in (0, facts["pandas"][name]):
            yield f"{table} has {rows[table]:,} rows, pandas counts {facts['pandas'][name]:,} {name}"
    for table, counted in results["same"][-1]["printed"]["facts"]["rows"].items():
        if rows[table] != counted:
            yield f"{table} has {rows[table]:,} rows, the same statement in DuckDB {counted:,}"
    for name in FACTS_OF_PEERS:
        values = {peer: facts[peer][name] for peer in NOTEBOOKS}
        if len(set(values.values())) > 1:
            yield f"{name} differs: {values}"
    book = next(hop for hop in results[PRODUCT][-1]["printed"]["book"] if (hop["hop"], hop["entity"]) == ("star", "sales"))
    for engine, lines, amount in (
        (PRODUCT, book["rows_loaded"], float(book["amount_out"])),
        *((peer, told["lines"], told["net_amount"]) for peer, told in facts.items()),
    ):
        if (lines, amount) != (expected["lines_loaded"], float(expected["net_amount"])):
            yield f"{engine} has {lines:,} lines of {amount:,.2f}, the shop was made with {expected}"


def lifetimes_alone(session):
    clv = json.loads(Path(session, "results", "clv.json").read_text())["printed"]
    steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in clv["seconds"].items())
    return f"lifetimes alone on {clv['bgnbd']['customers']:,} histories: {clv['total']:.2f} s ({steps})"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    session = sys.argv[1]
    results, steps = load(session)
    summary = json.loads(Path(session, "shop", "summary.json").read_text())
    versions = results["pandas"][-1]["printed"]["versions"] | results["duckdb"][-1]["printed"]["versions"]
    print(f"{summary['rows']['order_lines']:,} lines, {len(results[PRODUCT])} round(s), medians")
    print(", ".join(f"{name} {number}" for name, number in versions.items()), end="\n\n")
    print("\n".join(table(results, steps)), end="\n\n")
    print(lifetimes_alone(session), end="\n\n")
    print(f"{'seconds':>8}  {'rows':>12}  tables of {PRODUCT}, one after the other, those of one computation together")
    print("\n".join(product_tables(steps[-1]["printed"])))
    found = list(disagreements(results, summary["expected"]))
    if found:
        sys.exit("\nThe engines did not do the same work:\n" + "\n".join(found))


if __name__ == "__main__":
    main()
