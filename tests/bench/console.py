#!/usr/bin/env python3
"""How the console bears readers: ten thousand runs in the ledger, and two hundred readers while a run is under way.

    cargo build --release
    tests/bench/console.py target/release/consumer360

Makes a shop in a temporary folder, fills its ledger by copying the record of a real run, and prints the time of `status` and of
the pages, then the time of a run alone and of one while readers open a page every ten seconds each, and how many of their
requests failed. Leaves with 1 where `status` or the page of runs takes 50 ms or more, a request fails, or the run is more than a
tenth slower for its readers. Python 3.11, nothing else.
"""

import asyncio
import json
import pathlib
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
LINES = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
READERS, PAUSE, RUNS, PORT = 200, 10.0, 10_000, 8467
SECONDS_AT_MOST, TIMES_AT_MOST = 0.050, 1.10

BENCH = pathlib.Path(__file__).with_name("pipeline.yaml").read_text()
PIPELINE = BENCH.replace("name: bench", "name: shop").replace("url: shop}", "url: generated}")


def program(*arguments):
    done = subprocess.run([PROGRAM, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seconds(work, times=5):
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def fill():
    database = sqlite3.connect(FOLDER / "state/consumer360.db")
    (text,) = database.execute("SELECT record FROM consumer360_run").fetchone()
    began = datetime(2020, 1, 1)
    rows = []
    for number in range(RUNS):
        record = json.loads(text)
        at = began + timedelta(hours=number)
        record["pipeline"] = f"shop{number % 7}" if number % 7 else "shop"
        record["run_id"] = f"{record['pipeline']}-{at:%Y%m%dT%H%M%SZ}"
        record["started_at"] = record["scheduled_at"] = f"{at:%Y-%m-%dT%H:%M:%S.000Z}"
        if number % 9 == 0:
            record["status"] = "failed"
        rows.append((record["run_id"], record["pipeline"], record["status"], record["started_at"], json.dumps(record)))
    database.executemany("INSERT INTO consumer360_run VALUES (?, ?, ?, ?, ?, 0)", rows)
    database.commit()


async def get(path):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{PORT}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200"), answer[:100]


async def wait_for_console():
    while True:
        try:
            return await get("/readyz")
        except (OSError, AssertionError):
            await asyncio.sleep(0.1)


async def read(paths, until, taken, errors):
    await asyncio.sleep(random.random() * PAUSE)
    while not until.is_set():
        began = time.perf_counter()
        try:
            await asyncio.wait_for(get(random.choice(paths)), 30)
            taken.append(time.perf_counter() - began)
        except (OSError, AssertionError, TimeoutError) as error:
            errors.append(repr(error))
        await asyncio.sleep(PAUSE)


async def timed_run(day):
    began = time.perf_counter()
    run = await asyncio.create_subprocess_exec(PROGRAM, "run", "shop.yaml", "--quiet", "--as-of", day, cwd=FOLDER, stdout=subprocess.DEVNULL)
    assert await run.wait() == 0
    return time.perf_counter() - began


async def main():
    await wait_for_console()
    paths = ["/", "/runs", "/pipelines/shop", "/tables", "/tables/customer_rfm", "/lineage", "/metrics"]
    for path in paths:
        began = time.perf_counter()
        for _ in range(10):
            await get(path)
        each = (time.perf_counter() - began) / 10
        print(f"{path:<24}{each * 1000:8.1f} ms")
        assert path != "/runs" or each < SECONDS_AT_MOST, "the page of runs is slow"
    alone, beside, taken, errors = [], [], [], []
    for turn in range(3):
        alone.append(await timed_run("2025-12-01"))
        until = asyncio.Event()
        readers = [asyncio.create_task(read(paths, until, taken, errors)) for _ in range(READERS)]
        beside.append(await timed_run("2025-12-02"))
        until.set()
        await asyncio.gather(*readers)
    times = statistics.median(beside) / statistics.median(alone)
    print(f"a run alone {statistics.median(alone):.2f} s, with {READERS} readers {statistics.median(beside):.2f} s, "
          f"{times:.3f} times; {len(taken)} pages, "
          f"median {statistics.median(taken) * 1000:.1f} ms, slowest {max(taken) * 1000:.0f} ms, {len(errors)} errors")
    assert not errors, errors[:3]
    assert times <= TIMES_AT_MOST, "readers slow the run"


with tempfile.TemporaryDirectory() as folder:
    FOLDER = pathlib.Path(folder)
    (FOLDER / "shop.yaml").write_text(PIPELINE)
    (FOLDER / "config").mkdir()
    (FOLDER / "config/default.yaml").write_text(f"serve: {{listen: '127.0.0.1:{PORT}'}}\n")
    program("sample", "--lines", str(LINES), "--seed", "7", "--to", "generated")
    program("run", "shop.yaml", "--quiet")
    fill()
    status = seconds(lambda: program("status"))
    print(f"{RUNS:,} runs in the ledger: status {status * 1000:.1f} ms, "
          f"runs list {seconds(lambda: program('runs', 'list')) * 1000:.1f} ms")
    assert status < SECONDS_AT_MOST, "status is slow"
    served = subprocess.Popen([PROGRAM, "serve", "shop.yaml"], cwd=FOLDER, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(main())
    finally:
        served.terminate()
        served.wait()
