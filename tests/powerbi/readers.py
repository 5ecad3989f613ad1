#!/usr/bin/env python3
"""Reads every published table with three readers, and compares rows, columns, NULLs and sums: readers.py SNAPSHOT_FOLDER

Decimals are added up as decimals, so the sums have to be equal to the last digit. Leaves with 0: equal, 1: not so.
"""

import decimal
import math
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import pyarrow.types as types


def by_pyarrow(file):
    table = parquet.read_table(file)
    found = {}
    for name in table.column_names:
        column = table[name]
        total = None
        if types.is_decimal(column.type):
            total = sum((v for v in column.to_pylist() if v is not None), decimal.Decimal(0))
        elif types.is_floating(column.type):
            total = math.fsum(v for v in column.to_pylist() if v is not None)
        elif types.is_integer(column.type):
            total = sum(v for v in column.to_pylist() if v is not None)
        elif types.is_string(column.type):
            total = compute.sum(compute.utf8_length(column)).as_py() or 0
        found[name] = (table.num_rows, column.null_count, total)
    return found


def by_duckdb(file, kinds):
    read = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
    rows = duckdb.sql(f"SELECT COUNT(*) FROM {read}").fetchall()[0][0]
    found = {}
    for name, known in kinds.items():
        column = '"' + name.replace('"', '""') + '"'
        total = None
        if isinstance(known, decimal.Decimal):
            total = duckdb.sql(f"SELECT SUM({column}) FROM {read}").fetchall()[0][0] or decimal.Decimal(0)
        elif isinstance(known, float):
            total = math.fsum(v for (v,) in duckdb.sql(f"SELECT {column} FROM {read} WHERE {column} IS NOT NULL").fetchall())
        elif known is not None:
            kind = duckdb.sql(f"SELECT ANY_VALUE(typeof({column})) FROM {read}").fetchall()[0][0]
            measured = f"LENGTH({column})" if kind == "VARCHAR" else f"CAST({column} AS HUGEINT)"
            total = duckdb.sql(f"SELECT SUM({measured}) FROM {read}").fetchall()[0][0] or 0
        nulls = duckdb.sql(f"SELECT COUNT(*) FROM {read} WHERE {column} IS NULL").fetchall()[0][0]
        found[name] = (rows, nulls, total)
    return found


def by_polars(file):
    frame = polars.read_parquet(file)
    found = {}
    for name in frame.columns:
        column = frame[name]
        total = None
        if column.dtype == polars.Decimal:
            total = sum((v for v in column.to_list() if v is not None), decimal.Decimal(0))
        elif column.dtype.is_float():
            total = math.fsum(v for v in column.to_list() if v is not None)
        elif column.dtype.is_integer():
            total = sum(v for v in column.to_list() if v is not None)
        elif column.dtype == polars.String:
            total = column.str.len_chars().sum() or 0
        found[name] = (frame.height, column.null_count(), total)
    return found


def main():
    files = sorted(Path(sys.argv[1]).glob("*.parquet"))
    compared = different = 0
    for file in files:
        known = by_pyarrow(file)
        for reader, found in (("DuckDB", by_duckdb(file, {n: v[2] for n, v in known.items()})), ("Polars", by_polars(file))):
            for name, wanted in known.items():
                compared += 1
                if found.get(name) != wanted:
                    different += 1
                    print(f"{file.name} {name}: {reader} reads {found.get(name)}, pyarrow {wanted}")
    print(f"{len(files)} tables, {compared} columns compared, {different} differ")
    sys.exit(1 if different or not files else 0)


main()
