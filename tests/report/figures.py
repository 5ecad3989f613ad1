#!/usr/bin/env python3
"""Prints what the report of a published snapshot must show, as walk.js wants it: figures.py PUBLISHED/current

It is the second road to every figure and every table of the page: another language, another reader of Parquet, and nothing
but the published files. Rows stand in the order that the page promises and are cut where it cuts them; what the snapshot has
no rows for is left out here, as the page must leave it out. "whole" lets the walk fail on whatever is shown beyond this.
"""

import collections
import datetime
import itertools
import json
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as parquet

FOLDER = Path(sys.argv[1])


def read(table):
    return parquet.read_table(FOLDER / f"{table}.parquet").to_pylist()


def cell(value):
    """A value as the page holds it for programs: nothing for NULL, four decimals for money."""
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, Decimal) else str(value)


def sheet(caption, columns, rows):
    """A table of the page: its titles, and below each a column of the rows, or what a function makes of a row."""
    cells = [[cell(source(row) if callable(source) else row[source]) for source in columns.values()] for row in rows]
    return {"caption": caption, "columns": list(columns), "rows": cells}


def total(rows, column):
    return sum((row[column] for row in rows if row[column] is not None), Decimal(0))


def mean(amount, count):
    """An amount divided among so many, to the nearest ten-thousandth and half of one away from zero."""
    if count <= 0:
        return None
    units = int(abs(amount) * 10_000)
    return Decimal((units * 2 + count) // (count * 2)).copy_sign(amount) / 10_000


def falling(*columns):
    """The key of an order by columns, the largest first and NULL last."""
    return lambda row: [(row[column] is None, -(row[column] or 0)) for column in columns]


def month(row, column="month_start"):
    return f"{row[column]:%Y-%m}" + ("" if row["is_complete"] else ", not over")


def named(figures):
    """Figures by name; one without a value is not on the page."""
    return {name: cell(value) for name, value in figures.items() if value is not None}


# ---- Figures


def headline():
    months = [row for row in read("sales_trend") if row["period_kind"] == "month"]
    # Regions and months both hold all sales once; either may be left out.
    trade = read("region_performance") or months
    revenue, orders = total(trade, "net_amount"), sum(row["orders"] for row in trade)
    customers, value, clv = read("customer_rfm"), read("customer_value"), read("customer_clv")
    segments = [row for row in read("rfm_segment_summary") if row["region_key"] == 0]
    champions = [row["customer_share"] for row in segments if row["segment"] == "Champions"] or [0]
    latest = max(read("retention_monthly"), key=lambda row: row["month_start"], default=None)
    return named({
        "revenue": revenue if trade else None,
        "orders": orders if trade else None,
        "average_order_value": mean(revenue, orders),
        "customers": len(customers) or None,
        "at_risk": sum(row["is_at_risk"] for row in value) if value else None,
        "clv_12m": total(clv, "clv_12m") if any(row["clv_12m"] is not None for row in clv) else None,
        "repeat_rate": latest["repeat_purchase_rate"] if latest else None,
        "champions_share": champions[0] if segments else None,
    })


def backtest():
    """The earliest cutoff that was predicted by tenths of the customers: its total and its tenths."""
    rows = read("clv_backtest") if read("customer_clv") else []
    cutoff = min((row["cutoff"] for row in rows if row["bucket_kind"] == "decile"), default=None)
    rows = [row for row in rows if row["cutoff"] == cutoff]
    of_kind = {kind: [row for row in rows if row["bucket_kind"] == kind] for kind in ("total", "decile")}
    return of_kind["total"], sorted(of_kind["decile"], key=lambda row: row["bucket"])


def backtest_figures():
    names = ["predicted_purchases", "actual_purchases", "bias", "mae", "baseline_mae", "interval_coverage"]
    return named({f"backtest_{name}": row[name] for row in backtest()[0] for name in names})


def winback_figures():
    targets = read("winback_targets")
    if not targets:
        return {}
    priorities = collections.Counter(row["priority"] for row in targets)
    return named({
        "winback_customers": len(targets),
        "winback_value": total(targets, "expected_recovered_value"),
        **{f"winback_{priority.lower()}": priorities[priority] for priority in ("P0", "P1", "P2")},
    })


def risk_figures():
    rows = read("customer_risk")
    if not rows:
        return {}
    counts = ["late_payments", "payments_due", "tickets_90d", "open_tickets"]
    return named({
        "high_risk_customers": sum(row["is_high_risk"] for row in rows),
        "overdue_amount": total(rows, "overdue_amount"),
        **{name: sum(row[name] for row in rows) for name in counts},
    })


def concentration_figures():
    names = ["gini", "top_1_share", "top_10_share", "top_20_share", "customers_for_80_percent"]
    return named({name: row[name] for row in read("value_concentration") if row["group"] == "all" for name in names})


# ---- Tables, chapter by chapter


def sales():
    months = {}
    for row in read("sales_trend"):
        if row["period_kind"] == "month":
            sums = months.setdefault(row["period_start"], {**row, "net_amount": Decimal(0), "orders": 0})
            sums["net_amount"] += row["net_amount"]
            sums["orders"] += row["orders"]
    if not months:
        return
    # A month without a sale has no row in the table and one on the page.
    as_of = datetime.date.fromisoformat(json.loads((FOLDER.parent / "published.json").read_text())["as_of"])
    start = min(months)
    while start <= as_of:
        following = (start + datetime.timedelta(days=31)).replace(day=1)
        empty = {"period_start": start, "net_amount": Decimal(0), "orders": 0, "is_complete": following <= as_of + datetime.timedelta(days=1)}
        months.setdefault(start, empty)
        start = following
    columns = {
        "Month": lambda row: month(row, "period_start"),
        "Revenue": "net_amount",
        "Orders": "orders",
        "Average order value": lambda row: mean(row["net_amount"], row["orders"]),
    }
    # Each of the three charts has the same table below it.
    for title in ("Revenue", "Orders", "Average order value"):
        yield sheet(f"{title} by month", columns, [months[start] for start in sorted(months)])
    names = {row["region_key"]: row["region_name"] for row in read("dim_region")}
    columns = {
        "Region": lambda row: names[row["region_key"]],
        "Customers": "customers",
        "Orders": "orders",
        "Revenue": "net_amount",
        "Share": "revenue_share",
        "Average order value": "average_order_value",
    }
    regions = sorted(read("region_performance"), key=lambda row: row["region_key"])
    if regions:
        yield sheet("Sales by region", columns, sorted(regions, key=falling("net_amount")))


def scores():
    customers = collections.Counter((row["r_score"], row["fm_score"]) for row in read("customer_rfm"))
    if not customers:
        return
    columns = {"": lambda r: f"R {r}"}
    columns |= {f"FM {fm}": lambda r, fm=fm: customers[r, fm] for fm in range(1, 6)}
    yield sheet("Customers by recency", columns, [5, 4, 3, 2, 1])


def segments():
    columns = {
        "Segment": "segment",
        "Customers": "customers",
        "Of customers": "customer_share",
        "Revenue": "net_amount",
        "Of revenue": "revenue_share",
        "Days since last order": "average_recency_days",
        "Orders each": "average_orders",
        "Revenue each": "average_monetary",
    }
    rows = sorted((row for row in read("rfm_segment_summary") if row["region_key"] == 0), key=lambda row: row["segment"])
    if not rows:
        return
    yield sheet("Size and worth of the segments", columns, sorted(rows, key=falling("net_amount")))
    moves = read("segment_migration")
    # In the first snapshot everybody is new, and nobody has moved.
    if all(row["from_segment"] == "New" for row in moves):
        return
    customers = {(row["from_segment"], row["to_segment"]): row["customers"] for row in moves}
    columns = {"From \\ to": str}
    columns |= {to: lambda was, to=to: customers.get((was, to), "·") for to in sorted({row["to_segment"] for row in moves})}
    yield sheet("Customers by segment in the last snapshot", columns, sorted({row["from_segment"] for row in moves}))


def first(cohort):
    """Any row of a cohort: its start and size stand on each."""
    return next(iter(cohort.values()))


def cohorts():
    rows = read("cohort_retention")
    for kind, title in (("first_purchase", "By month of the first purchase"), ("signup", "By month of signup")):
        by_start = collections.defaultdict(dict)
        for row in rows:
            if row["cohort_kind"] == kind and 0 <= row["period"] <= 24:
                by_start[row["cohort_start"]][row["period"]] = row
        # The youngest 24 cohorts, the oldest of them first.
        shown = [by_start[start] for start in sorted(by_start)[-24:]]
        if not shown:
            continue
        columns = {
            "Cohort": lambda cohort: f"{first(cohort)['cohort_start']:%Y-%m}",
            "Size": lambda cohort: first(cohort)["cohort_size"],
        }
        for period in range(max(max(cohort) for cohort in shown) + 1):
            columns[str(period)] = lambda cohort, period=period: cohort.get(period, {}).get("retention_rate")
        yield sheet(title, columns, shown)


def retention():
    columns = {
        "Month": month,
        "Active": "active",
        "New": "new",
        "Retained": "retained",
        "Reactivated": "reactivated",
        "Lost": "lost",
        "Retention": "retention_rate",
        "Revenue of a year before kept": "net_revenue_retention_12m",
    }
    months = sorted(read("retention_monthly"), key=lambda row: row["month_start"])
    if months:
        yield sheet("Active customers by month", columns, months)
    # Nobody has bought again before the first day of the curve; after its last, nobody was watched.
    waits = sorted((row["day"], row["survival"]) for row in read("second_purchase_survival"))
    watched = [day for day in (30, 90, 180, 365) if waits and day <= waits[-1][0]]
    left = {day: [survival for at, survival in waits if at <= day] for day in watched}
    columns = {"Days since the first purchase": int, "Have bought again": lambda day: 1 - left[day][-1] if left[day] else 0}
    if watched:
        yield sheet("Share with a second purchase", columns, watched)


def lifetime():
    tenths = collections.defaultdict(list)
    for row in read("customer_clv"):
        if row["clv_decile"] is not None:
            tenths[row["clv_decile"]].append(row)

    def purchases(tenth):
        # One after the other: sum() would carry what each addition rounds off, and end a digit apart.
        added = 0.0
        for row in tenths[tenth]:
            added += row["expected_purchases_365d"] or 0.0
        return added

    columns = {
        "Tenth": int,
        "Customers": lambda tenth: len(tenths[tenth]),
        "Expected value, 12 months": lambda tenth: total(tenths[tenth], "clv_12m"),
        "Purchases expected": purchases,
    }
    if tenths:
        yield sheet("Expected value by tenths of the customers", columns, sorted(tenths))
    columns = {
        "Tenth": "bucket",
        "Customers": "customers",
        "Purchases predicted": "predicted_purchases",
        "Purchases made": "actual_purchases",
        "Revenue predicted": "predicted_revenue",
        "Revenue made": "actual_revenue",
        "Bias": "bias",
    }
    if backtest()[1]:
        yield sheet("Predicted and actual purchases by tenths of the customers", columns, backtest()[1])


def baskets():
    columns = {
        "Who buys": "antecedent",
        "also buys": "consequent",
        "Orders with both": "orders_both",
        "Of the first's orders": "confidence",
        "Times chance": "lift",
        "at least": "lift_low",
        "False by chance": "q_value",
    }
    productive = sorted((row for row in read("basket_rules") if row["is_productive"]), key=lambda row: row["rule_id"])
    # Of two rules that are each other's mirror, the one that comes first.
    pairs = {}
    for row in sorted(productive, key=falling("lift_low", "confidence")):
        pairs.setdefault(frozenset((row["antecedent"], row["consequent"])), row)
    if pairs:
        yield sheet("Rules", columns, list(pairs.values())[:50])


def winback(ids):
    columns = {
        "Customer": lambda row: ids[row["customer_key"]] or "–",
        "Priority": "priority",
        "Arm": "arm",
        "Tier": "value_tier",
        "Days since last order": "days_since_last_order",
        "Revenue so far": "lifetime_value",
        "Buys in 30 days": "probability_buys_30d",
        "Expected to recover": "expected_recovered_value",
    }
    targets = sorted(read("winback_targets"), key=lambda row: row["customer_key"])
    targets.sort(key=falling("expected_recovered_value", "lifetime_value"))
    targets.sort(key=lambda row: row["priority"])
    if targets:
        yield sheet("Customers to win back", columns, targets[:200])


def risk(ids):
    rows = sorted(read("customer_risk"), key=lambda row: row["customer_key"])
    if not rows:
        return
    # A hundred points belong to the last of the ten.
    bins = collections.Counter(min(int(row["risk_score"] // 10), 9) for row in rows if row["risk_score"] is not None)
    columns = {"Points": lambda low: f"{low * 10} to {low * 10 + 10}", "Customers": lambda low: bins[low]}
    yield sheet("Customers by risk", columns, range(10))
    columns = {
        "Customer": lambda row: ids[row["customer_key"]] or "–",
        "Points": "risk_score",
        "Late payments": "late_payments",
        "Overdue": "overdue_amount",
        "Tickets, 90 days": "tickets_90d",
        "Why": "risk_reasons",
    }
    yield sheet("Customers of the highest risk", columns, sorted(rows, key=lambda row: -(row["risk_score"] or 0))[:25])


def concentration():
    # From the revenues themselves, so that it does not matter how the published shares are ranked where customers are equal.
    revenues = sorted((row["lifetime_value"] for row in read("customer_value")), reverse=True)
    running = list(itertools.accumulate(revenues))
    columns = {
        "Best customers": lambda best: best / 100,
        # Who makes up a part of all is rounded up: the best 1 % of 59 customers are one.
        "Share of revenue": lambda best: float(running[-(-len(running) * best // 100) - 1]) / float(running[-1]),
    }
    if running and running[-1] > 0:
        yield sheet("Revenue of the best customers", columns, [1, 5, 10, 20, 30, 50, 80])
    columns = {
        "Tier": "tier",
        "Customers": "customers",
        "Revenue": "net_amount",
        "Of revenue": "revenue_share",
        "Revenue each": "average_value",
    }
    tiers = sorted((row for row in read("value_tier_summary") if row["tier_kind"] == "value_tier"), key=lambda row: row["tier"])
    if tiers:
        yield sheet("Value tiers", columns, sorted(tiers, key=falling("net_amount")))

    def group(row):
        # A kind in words, and a name as the retailer writes it.
        kind, between, name = row["group"].partition(" = ")
        return kind.replace("_", " ") + (": " if between else "") + name

    columns = {
        "Group": group,
        "Gini": "gini",
        "Best 1\u00a0%": "top_1_share",
        "Best 10\u00a0%": "top_10_share",
        "Best 20\u00a0%": "top_20_share",
        "Customers for 80\u00a0%": "customers_for_80_percent",
    }
    groups = sorted(read("value_concentration"), key=lambda row: row["group"])
    # Everybody alone is no comparison.
    if len(groups) > 1:
        yield sheet("Concentration by group", columns, groups)


def book():
    columns = {
        "Step": "hop",
        "What": "entity",
        "Rows in": "rows_in",
        "Rows out": "rows_loaded",
        "Set aside": "rows_rejected",
        "Duplicates": "rows_deduplicated",
        "Filtered": "rows_filtered",
        "Amount in": "amount_in",
        "Amount out": "amount_out",
        "Balanced": lambda row: "yes" if row["balanced"] else "no",
    }
    steps = sorted(read("meta_reconciliation"), key=lambda row: ["extract", "star", "mart"].index(row["hop"]))
    yield sheet("Rows and money at every step", columns, steps)


def checks():
    columns = {
        "Check": lambda row: row["check"].replace("_", " "),
        "On": "table",
        "Outcome": "status",
        "Seen": "measured",
        "Wanted": "threshold",
        "Rows in breach": "failing_rows",
    }
    yield sheet("All checks", columns, read("meta_checks"))


def main():
    ids = {row["customer_key"]: row["customer_id"] for row in read("dim_customer")}
    figures = headline() | backtest_figures() | winback_figures() | risk_figures() | concentration_figures()
    chapters = [
        sales(), scores(), segments(), cohorts(), retention(), lifetime(), baskets(), winback(ids), risk(ids), concentration(),
        book(), checks(),
    ]
    print(json.dumps({"figures": figures, "tables": list(itertools.chain(*chapters)), "whole": True}, ensure_ascii=False))


main()
