"""Runs a command that prints JSON, and keeps that with its wall time and the most memory it held.

usage: measure.py RESULT COMMAND...

A script of the standard library alone, and small: a child counts the memory its parent held at the fork as its own.
"""

import json
import os
import subprocess
import sys
import time


def measure(command):
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    printed = child.stdout.read()
    # wait4 tells the peak of this child alone, which the kernel keeps: nothing is missed between two looks.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return {
        "wall_seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        # Linux counts it in KiB.
        "peak_mib": round(usage.ru_maxrss / 1024),
        "printed": json.loads(printed),
    }


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    result, *command = sys.argv[1:]
    measured = measure(command)
    with open(result, "w", encoding="utf-8") as file:
        json.dump(measured, file, indent=1)


if __name__ == "__main__":
    main()
