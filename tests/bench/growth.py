"""Times whole runs on shops of growing size: how time and memory grow with the lines.

usage: growth.py WORK CONSUMER360 [LINES...]

WORK is a folder outside the source tree in which the shops are kept; LINES are 1000000, 10000000 and 100000000 unless named.
Settings are those of the folder `large`. Needs the standard library alone.
"""

import json
import math
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SEED = "7"
STAGES = ["extract", "transform", "validate", "publish"]


def shop(work, product, lines):
    folder = work / str(lines)
    if not (folder / "shop" / "summary.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([product, "sample", "--lines", str(lines), "--seed", SEED, "--to", folder / "shop"], check=True, stdout=sys.stderr)
    return folder


def run(folder, product):
    for name in ["product", "state"]:
        shutil.rmtree(folder / name, ignore_errors=True)
    result = folder / "growth.json"
    command = [product, "-C", folder, "--config", HERE / "large", "run", HERE / "pipeline.yaml", "--quiet", "--output", "json"]
    subprocess.run([sys.executable, HERE / "measure.py", result, *command], check=True)
    measured = json.loads(result.read_text(encoding="utf-8"))
    seconds = {stage["stage"]: stage["seconds"] for stage in measured["printed"]["stages"]}
    published = sum(file.stat().st_size for file in (folder / "product" / "current").rglob("*.parquet"))
    taken = {"wall": measured["wall_seconds"], "cpu": measured["cpu_seconds"], "peak": measured["peak_mib"]}
    return {**taken, "published": published, **seconds}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    work, product = pathlib.Path(sys.argv[1]).resolve(), str(pathlib.Path(sys.argv[2]).resolve())
    sizes = [int(lines) for lines in sys.argv[3:]] or [1_000_000, 10_000_000, 100_000_000]
    print("| lines | " + " | ".join(STAGES) + " | seconds in all | CPU seconds | grow as lines to the power of | MiB at the peak | bytes published a line |")
    print("|---|" + "---|" * (len(STAGES) + 5))
    before = None
    for lines in sizes:
        one = run(shop(work, product, lines), product)
        power = "" if before is None else f"{math.log(one['cpu'] / before[1]) / math.log(lines / before[0]):.2f}"
        before = (lines, one["cpu"])
        stages = " | ".join(f"{one[stage]:.1f}" for stage in STAGES)
        print(f"| {lines:,} | {stages} | {one['wall']:.1f} | {one['cpu']:.1f} | {power} | {one['peak']} | {one['published'] / lines:.1f} |", flush=True)


if __name__ == "__main__":
    main()
