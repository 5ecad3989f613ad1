#!/usr/bin/env python3
"""Prints the M of a model as JSON, by the name of the query: queries.py PROJECT.SemanticModel"""

import json
import sys

import model

of = model.load(sys.argv[1])
print(json.dumps({**of["queries"], **{table["name"]: table["query"] for table in of["tables"]}}, indent=1))
