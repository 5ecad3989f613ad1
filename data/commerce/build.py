"""Loads the CSV files of `consumer360 sample` into a SQLite database, as a shop system would hold them.

usage: build.py FOLDER DATABASE
"""
import csv
import sqlite3
import sys
from pathlib import Path

TABLES = {
    "customers": "customer_id INTEGER PRIMARY KEY, customer_name TEXT, email TEXT, segment TEXT, region TEXT,"
    " country TEXT, city TEXT, birth_date TEXT, signup_date TEXT",
    "products": "product_id INTEGER PRIMARY KEY, product_name TEXT, category TEXT, subcategory TEXT, brand TEXT,"
    " list_price NUMERIC, unit_cost NUMERIC",
    "order_lines": "order_id INTEGER, line_no INTEGER, order_ts TEXT, customer_id INTEGER, product_id INTEGER,"
    " quantity INTEGER, unit_price NUMERIC, discount NUMERIC, region TEXT, channel TEXT, PRIMARY KEY (order_id, line_no)",
    "payments": "payment_id INTEGER PRIMARY KEY, customer_id INTEGER, order_id INTEGER, due_date TEXT, paid_date TEXT,"
    " amount NUMERIC, status TEXT",
    "tickets": "ticket_id INTEGER PRIMARY KEY, customer_id INTEGER, opened_at TEXT, resolved_at TEXT, category TEXT,"
    " priority TEXT, satisfaction INTEGER",
}


def load(database, name, columns, path):
    without_rowid = " WITHOUT ROWID" if name == "order_lines" else ""
    database.execute(f"CREATE TABLE {name} ({columns}){without_rowid}")
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        marks = ", ".join("?" for _ in header)
        rows = ([value or None for value in row] for row in reader)
        database.executemany(f"INSERT INTO {name} ({', '.join(header)}) VALUES ({marks})", rows)


def main(folder, target):
    Path(target).unlink(missing_ok=True)
    with sqlite3.connect(target, isolation_level=None) as database:
        database.execute("PRAGMA page_size = 4096")
        database.execute("BEGIN")
        for name, columns in TABLES.items():
            load(database, name, columns, Path(folder) / f"{name}.csv")
        database.execute("COMMIT")
        database.execute("VACUUM")


main(sys.argv[1], sys.argv[2])
