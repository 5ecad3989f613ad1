"""The work of a retailer's notebook on the shop that `consumer360 sample` writes, timed step by step.

usage: peers.py pandas|duckdb|same SHOP OUT     prints one JSON line: seconds a step, facts to compare, peak memory, versions
"""

import importlib
import json
import os
import resource
import sys
import time
from contextlib import contextmanager
from importlib.metadata import version

PACKAGES = {
    "pandas": ["pandas", "numpy", "scipy", "pyarrow", "mlxtend", "lifetimes"],
    "duckdb": ["duckdb"],
    "same": ["duckdb"],
}


class Stopwatch:
    """Seconds by name; a name that comes again adds up."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def step(self, name):
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def peak_mib():
    """The most memory this process has held so far; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in PACKAGES:
        sys.exit(__doc__)
    engine, shop, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    # Imports come before the clock: a notebook's kernel is warm.
    peer = importlib.import_module(f"peers_{engine}")
    watch = Stopwatch()
    facts = peer.run(shop, out, watch.step)
    print(json.dumps({
        "engine": engine,
        "seconds": {name: round(seconds, 3) for name, seconds in watch.seconds.items()},
        "total": round(sum(watch.seconds.values()), 3),
        "peak_mib": round(peak_mib()),
        "facts": facts,
        "versions": {name: version(name) for name in PACKAGES[engine]},
    }))


if __name__ == "__main__":
    main()
