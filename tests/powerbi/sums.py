#!/usr/bin/env python3
"""Type, rows, NULLs and a checksum of the values of every column of the tables in a folder, as JSON: sums.py SNAPSHOT_FOLDER

It keeps to what pyarrow 3.0.0 on Python 3.8 knows, so that a Parquet reader of the age found in gateways is asked the same as a
new one.
"""

import hashlib
import json
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet


def column(table, name):
    values = table.column(name).to_pylist()
    # The type has been given a longer name since.
    kind = str(table.schema.field(name).type).replace("decimal128", "decimal")
    checksum = hashlib.sha256(repr(values).encode()).hexdigest()
    return [kind, table.num_rows, values.count(None), checksum]


def main():
    tables = {}
    for file in sorted(Path(sys.argv[1]).glob("*.parquet")):
        table = parquet.read_table(str(file))
        tables[file.name] = {name: column(table, name) for name in table.column_names}
    print(json.dumps({"pyarrow": pyarrow.__version__, "tables": tables}))


main()
