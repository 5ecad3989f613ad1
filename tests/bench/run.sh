#!/usr/bin/env bash
# Times consumer360 beside pandas and DuckDB on one generated shop. Builds nothing of the product.
#
# usage: run.sh WORK CONSUMER360 [LINES [ROUNDS]]
#   WORK         folder for the Python environment, the shop and the results; kept, so a second session starts at once
#   CONSUMER360  the program, a release build
#   LINES        order lines of the shop, 10000000 by default
#   ROUNDS       how often each engine runs, 1 by default; the report takes medians
# PYTHON names the interpreter, python3 by default.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,/^set/{/^#/p}' "$0" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
product=$(realpath "$2")
lines=${3:-10000000}
rounds=${4:-1}
session=$work/$lines
shop=$session/shop
results=$session/results
python=$work/venv/bin/python
seed=7
# The scripts lie in the source tree, which stays as it is.
export PYTHONDONTWRITEBYTECODE=1

make_environment() {
    cmp -s "$here/requirements.txt" "$work/venv/requirements.txt" && return
    echo "installing the peers" >&2
    "${PYTHON:-python3}" -m venv --clear "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    # Last, so that what was cut short is begun again.
    cp "$here/requirements.txt" "$work/venv/requirements.txt"
}

make_shop() {
    mkdir -p "$session"
    [ -f "$shop/summary.json" ] || "$product" sample --lines "$lines" --seed "$seed" --to "$shop" >&2
    # Nobody is to pay for the first read from disk.
    cat "$shop"/*.parquet >/dev/null
}

measure() {
    local name=$1
    shift
    echo "$name" >&2
    "$python" "$here/measure.py" "$results/$name.json" "$@"
}

run_round() {
    local round=$1 engine
    for engine in pandas duckdb same; do
        rm -rf "${session:?}/$engine"
        measure "$engine-$round" "$python" "$here/peers.py" "$engine" "$shop" "$session/$engine"
    done
    # Without a snapshot before it, no fit starts from the last one's.
    rm -rf "${session:?}/product"
    measure "consumer360-$round" "$product" -C "$session" run "$here/pipeline.yaml" --quiet --output json
    # Tables are built side by side; the seconds of a step are taken from a run that builds one after the other.
    rm -rf "${session:?}/product"
    measure "steps-$round" "$product" -C "$session" --config "$here/one_by_one" run "$here/pipeline.yaml" --quiet --output json
}

make_environment
make_shop
rm -rf "$results"
mkdir -p "$results"
for round in $(seq "$rounds"); do
    run_round "$round"
done
measure clv "$python" "$here/clv_peer.py" "$session/pandas/histories.csv"
"$python" "$here/report.py" "$session"
