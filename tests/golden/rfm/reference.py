"""A naive second road to RFM scores and segments, in exact fractions and plain loops.

usage: python3 reference.py vectors  > score_vectors.json
       python3 reference.py grid     > grid_125.csv
       python3 reference.py cdnow ../cdnow/transactions.csv > ../cdnow/rfm_ntile_tied.csv
"""

import csv
import datetime
import json
import random
import sys
from fractions import Fraction
from decimal import Decimal

GRID = {
    5: ["Recent Users", "Potential Loyalist", "Potential Loyalist", "Champions", "Champions"],
    4: ["Promising", "Potential Loyalist", "Potential Loyalist", "Loyal Customers", "Loyal Customers"],
    3: ["About To Sleep", "About To Sleep", "Needs Attention", "Loyal Customers", "Loyal Customers"],
    2: ["Hibernating", "Hibernating", "Needs Attention", "Can't Lose Them", "Can't Lose Them"],
    1: ["Lost", "Lost", "Hibernating", "Can't Lose Them", "Can't Lose Them"],
}
OVERLAID = {"Recent Users", "Promising", "Potential Loyalist", "Needs Attention", "About To Sleep"}
WORKSHOP = {
    5: ["Price Sensitive", "Recent Users", "Champions"],
    4: ["Promising", "Potential Loyalist", "Loyal Customers"],
    3: ["About To Sleep", "Needs Attention", "Loyal Customers"],
    2: ["Lost", "Hibernating", "Can't Lose Them"],
    1: ["Lost", "Hibernating", "Can't Lose Them"],
}

# The ten names of the common Python seg_map, by R and F alone.
SEG_MAP = {
    5: ["new_customers", "potential_loyalists", "potential_loyalists", "champions", "champions"],
    4: ["promising", "potential_loyalists", "potential_loyalists", "loyal_customers", "loyal_customers"],
    3: ["about_to_sleep", "about_to_sleep", "need_attention", "loyal_customers", "loyal_customers"],
    2: ["hibernating", "hibernating", "at_risk", "at_risk", "cant_loose"],
    1: ["hibernating", "hibernating", "at_risk", "at_risk", "cant_loose"],
}


def half_up(fm_sum):
    return (fm_sum + 1) // 2


def workshop(r, fm_sum):
    mean = Fraction(fm_sum, 2)
    return WORKSHOP[r][2 if mean >= 4 else 1 if mean >= Fraction(5, 2) else 0]


def ntile_tied(values, higher):
    """Values in any order; scores in the same order."""
    n = len(values)
    scores = []
    for v in values:
        worse = sum((w < v) if higher else (w > v) for w in values)
        equal = sum(w == v for w in values)
        if equal == n:
            scores.append(3)
            continue
        if worse == 0:
            scores.append(1)
            continue
        if worse + equal == n:
            scores.append(5)
            continue
        middle = (2 * worse + equal - 1) // 2
        if n < 5:
            scores.append(1 + int(Fraction(4 * middle, n - 1) + Fraction(1, 2)))
            continue
        # The bucket of a place, by laying the places out one by one.
        sizes = [n // 5 + (1 if k < n % 5 else 0) for k in range(5)]
        bucket, end = 0, sizes[0]
        while middle >= end:
            bucket += 1
            end += sizes[bucket]
        scores.append(bucket + 1)
    return scores


def worst_first(values, higher):
    """Places from worst to best; ties by position, which stands for the customer's id."""
    return sorted(range(len(values)), key=lambda i: (values[i] if higher else -values[i], i))


def ntile(values, higher):
    n, order = len(values), worst_first(values, higher)
    scores, place = [0] * n, 0
    for bucket in range(5):
        for _ in range(n // 5 + (1 if bucket < n % 5 else 0)):
            scores[order[place]] = bucket + 1
            place += 1
    return scores


def quantile(values, higher):
    n, rising = len(values), sorted(values)
    bounds = []
    for cut in range(1, 5):
        h = Fraction((n - 1) * cut, 5)
        low = int(h)
        high = min(low + 1, n - 1)
        bounds.append(rising[low] + (h - low) * (rising[high] - rising[low]) + 1)
    reached = [sum(v >= b for b in bounds) for v in values]
    return [1 + k if higher else 5 - k for k in reached]


def pandas_first(values, higher):
    """qcut(rank(method="first"), 5), labelled 1 to 5, or 5 to 1 where lower is better, as the PyPI package rfm does."""
    n, order = len(values), worst_first(values, True)
    scores = [0] * n
    for place, i in enumerate(order):
        # The first right-closed fifth that holds the rank; the lowest edge belongs to the first.
        fifth = next(k for k in range(1, 6) if place <= Fraction((n - 1) * k, 5))
        scores[i] = fifth if higher else 6 - fifth
    return scores


MODES = {"ntile_tied": ntile_tied, "ntile": ntile, "quantile": quantile, "pandas_first": pandas_first}


def vectors():
    given = [[7], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7], [4] * 6,
             [1] * 6 + [2, 2, 3, 9], [1, 1, 1, 1, 2], [1, 1, 2, 2]]
    dice = random.Random(360)
    for n in list(range(2, 12)) + [13, 17, 20, 23, 29, 37, 41, 50]:
        given.append([dice.randint(1, 6) for _ in range(n)])
        given.append([dice.randint(1, 1000) for _ in range(n)])
    for n in (2, 3, 4, 6, 16):
        given.append([dice.randint(0, 3) for _ in range(n)])
        given.append([dice.randint(0, 365)] * n)
    cases = []
    for values in given:
        case = {"values": values}
        for name, mode in MODES.items():
            case[name] = {"higher": mode(values, True), "lower": mode(values, False)}
        cases.append(case)
    json.dump(cases, sys.stdout, indent=0)
    print()


def grid():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["r", "f", "m", "fm", "base_segment", "segment_no_discount_data", "segment_if_discount_driven",
                  "workshop12_segment", "python_segmap_rf"])
    for r in range(1, 6):
        for f in range(1, 6):
            for m in range(1, 6):
                base = GRID[r][half_up(f + m) - 1]
                eligible = base in OVERLAID
                by_grid = "Price Sensitive" if eligible and r >= 3 and f - m >= 2 else base
                by_discount = "Price Sensitive" if eligible else base
                out.writerow([r, f, m, half_up(f + m), base, by_grid, by_discount, workshop(r, f + m), SEG_MAP[r][f - 1]])


def cdnow(path):
    as_of = datetime.date(1998, 6, 30)
    days, money = {}, {}
    with open(path, encoding="ascii") as file:
        for row in csv.DictReader(file):
            customer = int(row["id"])
            days.setdefault(customer, set()).add(datetime.date.fromisoformat(row["date"]))
            money[customer] = money.get(customer, Decimal(0)) + Decimal(row["amt"])
    ids = sorted(days)
    recency = [(as_of - max(days[i])).days for i in ids]
    frequency = [len(days[i]) for i in ids]
    monetary = [money[i] for i in ids]
    scored = zip(ids, recency, frequency, monetary, ntile_tied(recency, False), ntile_tied(frequency, True), ntile_tied(monetary, True))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["id", "R", "F", "M", "r", "f", "m", "fm", "segment"])
    for i, days_ago, count, amount, r, f, m in scored:
        if amount <= 0:
            m = 1
        fm = half_up(f + m)
        # The grid alone: the reference has no Price Sensitive overlay.
        out.writerow([i, days_ago, count, amount, r, f, m, fm, GRID[r][fm - 1]])


if __name__ == "__main__":
    {"vectors": vectors, "grid": grid, "cdnow": cdnow}[sys.argv[1]](*sys.argv[2:])
