"""Writes the reference data of this folder: `python make.py`, in an environment with mlxtend and pandas.

shops.txt holds twenty generated shops. The rest is what mlxtend finds in them and in Superstore, whose order lines are in
data/superstore/orders.csv: the number of itemsets and a hash of them all, the number of rules and the sum of each measure over
the rules of one consequent (totals.csv), and every so many of the itemsets (itemsets.csv) and of these rules (rules.csv).
"""

import csv
import random
from pathlib import Path

import pandas
from mlxtend.frequent_patterns import association_rules, fpgrowth

HERE = Path(__file__).parent
SUPERSTORE = HERE / "../../../../data/superstore/orders.csv"
MEASURES = [
    "support", "confidence", "lift", "leverage", "conviction", "zhangs_metric", "jaccard", "certainty", "kulczynski",
]
ROWS_A_SHOP = 60
# A shop's least count is the lowest, from two on, that leaves no more itemsets.
MOST_ITEMSETS = 3000


def shop(seed):
    """Baskets of a shop: its size and density, and how strongly products draw each other, follow the seed."""
    dice = random.Random(seed)
    items = [8, 12, 20, 40, 80][seed % 5]
    baskets = [90, 333, 500, 777][seed % 4]
    mean = [1.5, 2.5, 4.0, 6.0][seed // 5]
    steepness = dice.uniform(0.2, 1.2)
    weights = [1 / (rank + 1) ** steepness for rank in range(items)]
    partner = [dice.randrange(items) for _ in range(items)]
    made = []
    for _ in range(baskets):
        size = min(1 + int(dice.expovariate(1 / mean)), items, 15)
        basket = dice.choices(range(items), weights, k=size)
        basket += [partner[item] for item in basket if dice.random() < 0.35]
        made.append(sorted(set(basket)))
    return made


def superstore(item_of):
    """Orders in the order of the file, and the texts of the items in their own order."""
    orders = {}
    with open(SUPERSTORE, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            orders.setdefault(line["Order ID"], set()).add(item_of(line))
    texts = sorted(set().union(*orders.values()))
    numbers = {text: number for number, text in enumerate(texts)}
    return [sorted(numbers[text] for text in order) for order in orders.values()]


def one_hot(baskets):
    width = max(max(basket, default=0) for basket in baskets) + 1
    rows = [[False] * width for _ in baskets]
    for row, basket in zip(rows, baskets):
        for item in basket:
            row[item] = True
    return pandas.DataFrame(rows)


def joined(items):
    return " ".join(str(item) for item in sorted(items))


def fnv(lines):
    """The 64-bit FNV-1a hash of lines of text."""
    hashed = 0xCBF29CE484222325
    for byte in "".join(line + "\n" for line in lines).encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    return hashed


def support_of(least, baskets):
    """A share between two whole counts, so that no rounding of floats decides."""
    return round((least - 0.5) / len(baskets) * 1e9)


def some_support(baskets, longest):
    table = one_hot(baskets)
    least = 2
    while len(fpgrowth(table, min_support=support_of(least, baskets) / 1e9, max_len=longest)) > MOST_ITEMSETS:
        least += 1
    return support_of(least, baskets)


def main():
    cases = []
    with open(HERE / "shops.txt", "w") as file:
        for seed in range(20):
            baskets = shop(seed)
            longest = [3, 4, 5, 6][seed % 4]
            support = some_support(baskets, longest)
            confidence = [0, 123456789, 345678901, 567890123][(seed // 4) % 4]
            cases.append((f"shop{seed}", baskets, support, longest, confidence))
            file.write(f"# shop{seed}\n")
            file.writelines(" ".join(map(str, basket)) + "\n" for basket in baskets)
    by_kind = superstore(lambda line: line["Sub-Category"])
    by_product = superstore(lambda line: line["Product ID"] + " " + line["Product Name"])
    cases.append(("sub_category", by_kind, 1_000_000, 6, 123456789))
    cases.append(("product", by_product, 300_000, 4, 0))

    with (
        open(HERE / "itemsets.csv", "w", newline="") as itemsets_file,
        open(HERE / "totals.csv", "w", newline="") as totals_file,
        open(HERE / "rules.csv", "w", newline="") as rules_file,
    ):
        itemsets = csv.writer(itemsets_file, lineterminator="\n")
        totals = csv.writer(totals_file, lineterminator="\n")
        rules = csv.writer(rules_file, lineterminator="\n")
        itemsets.writerow(["case", "items", "orders"])
        totals.writerow(
            ["case", "min_support_ppb", "max_items", "min_confidence_ppb", "itemsets", "fnv", "rules", "rules_of_any_consequent"]
            + MEASURES + ["exact"]
        )
        rules.writerow(["case", "antecedent", "consequent"] + MEASURES)
        for name, baskets, support, longest, confidence in cases:
            table = one_hot(baskets)
            found = fpgrowth(table, min_support=support / 1e9, max_len=longest)
            counts = sorted((joined(row.itemsets), round(row.support * len(baskets))) for row in found.itertuples())
            step = max(1, len(counts) // ROWS_A_SHOP)
            itemsets.writerows((name, items, orders) for items, orders in counts[::step])
            hashed = fnv(f"{items} {orders}" for items, orders in counts)
            every = association_rules(found, num_itemsets=len(baskets), metric="confidence", min_threshold=confidence / 1e9)
            single = every[every["consequents"].map(len) == 1].copy()
            single["a"] = single["antecedents"].map(joined)
            single["c"] = single["consequents"].map(joined)
            single = single.sort_values(["a", "c"])
            exact = single["conviction"] == float("inf")
            sums = [repr(float(single.loc[~exact, m].sum() if m == "conviction" else single[m].sum())) for m in MEASURES]
            totals.writerow(
                [name, support, longest, confidence, len(found), hashed, len(single), len(every)] + sums + [int(exact.sum())]
            )
            step = max(1, len(single) // ROWS_A_SHOP)
            for row in single.iloc[::step].itertuples():
                rules.writerow([name, row.a, row.c] + [repr(float(getattr(row, measure))) for measure in MEASURES])
            print(name, len(baskets), len(found), len(single), len(every))


main()
