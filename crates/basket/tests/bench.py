"""Times mining against other miners on the same file.

    cargo build --release -p basket --example basket_bench
    python tests/bench.py path/to/bench FILE [support in parts of 1e9] [longest itemset] [mlxtend]

The environment needs pyfim (Borgelt's miners in C) and, where the last word is given, mlxtend and scipy. FILE holds one basket a
line, items as numbers (`bench generate FILE` writes one). Every miner starts from baskets in memory; the best of three runs
counts. One of the others is called with the same least count and longest itemset and has to find as many itemsets.
"""

import subprocess
import sys
import time

import fim


def best_of(work, times=3):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def mlxtend_fpgrowth(baskets, support, longest):
    import pandas
    from mlxtend.frequent_patterns import fpgrowth
    from mlxtend.preprocessing import TransactionEncoder

    encoder = TransactionEncoder()
    table = encoder.fit_transform(baskets, sparse=True)
    frame = pandas.DataFrame.sparse.from_spmatrix(table)
    return best_of(lambda: len(fpgrowth(frame, min_support=support / 1e9, max_len=longest)), 1)


def main():
    binary, file = sys.argv[1:3]
    support = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    longest = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    output = subprocess.run([binary, "mine", file, str(support), str(longest)], capture_output=True, text=True, check=True)
    figures = dict(line.split(" ") for line in output.stdout.splitlines())
    ours, itemsets = float(figures["mine"]), int(figures["itemsets"])
    print(f"{figures['baskets']} baskets, {figures['lines']} lines, {itemsets} itemsets of at least {figures['minimum']} baskets")
    print(f"{'basket':<22}{ours:>10.4f} s")

    with open(file) as lines:
        baskets = [[int(item) for item in line.split()] for line in lines]
    count = int(figures["minimum"])

    def pyfim(miner):
        # A negative support is a number of baskets.
        return len(miner(baskets, target="s", supp=-count, zmin=1, zmax=longest, report="a"))

    others = {
        "pyfim eclat": best_of(lambda: pyfim(fim.eclat)),
        "pyfim fpgrowth": best_of(lambda: pyfim(fim.fpgrowth)),
    }
    if "mlxtend" in sys.argv:
        others["mlxtend fpgrowth"] = mlxtend_fpgrowth(baskets, support, longest)
    for name, (seconds, found) in others.items():
        same = "" if found == itemsets else f"   {found} itemsets!"
        print(f"{name:<22}{seconds:>10.4f} s {seconds / ours:>8.1f} times as long{same}")


main()
