"""What an expression refers to, and whether its brackets close. DAX and M share strings and comments for this purpose."""

import re

CLOSES = {"(": ")", "[": "]", "{": "}"}
# A string doubles the quotes inside it; so does a quoted table name of DAX. M quotes names with a hash before a string.
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"]|"")*")|(?P<table>'(?:[^']|'')*')|(?P<comment>//[^\n]*|--[^\n]*|/\*.*?\*/)|(?P<bracket>[()\[\]{}])""",
    re.DOTALL,
)
M_TOKEN = re.compile(r"""(?P<string>"(?:[^"]|"")*")|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<bracket>[()\[\]{}])""", re.DOTALL)
COLUMN = re.compile(r"('(?:[^']|'')+'|[A-Za-z_]\w*)\[((?:[^\]]|\]\])+)\]")
BARE = re.compile(r"(?<![\w'\]])\[((?:[^\]]|\]\])+)\]")


def unclosed(text: str, language: str = "dax") -> str | None:
    """The first bracket or quote without its fellow, or None."""
    tokens, open_brackets, at = M_TOKEN if language == "m" else TOKEN, [], 0
    for found in tokens.finditer(text):
        between = text[at : found.start()]
        at = found.end()
        if '"' in between:
            return '"'
        bracket = found.group("bracket")
        if bracket in CLOSES:
            open_brackets.append(bracket)
        elif bracket and (not open_brackets or CLOSES[open_brackets.pop()] != bracket):
            return bracket
    if '"' in text[at:]:
        return '"'
    return open_brackets[-1] if open_brackets else None


def without_comments(text: str) -> str:
    return TOKEN.sub(lambda found: " " if found.group("comment") else found.group(0), text)


def references(dax: str) -> tuple[set[tuple[str, str]], set[str], set[str]]:
    """Columns as (table, column), names in brackets alone, and the names that the expression gives to columns of its own."""
    text = without_comments(dax)
    given = {found.group(0)[1:-1] for found in TOKEN.finditer(text) if found.group("string")}
    text = TOKEN.sub(lambda found: '""' if found.group("string") else found.group(0), text)
    columns = {(table.strip("'").replace("''", "'"), column) for table, column in COLUMN.findall(text)}
    return columns, set(BARE.findall(COLUMN.sub(" ", text))), given


def quoted_tables(dax: str) -> set[str]:
    """Table names in quotes, wherever they stand."""
    text = without_comments(dax)
    return {found.group(0)[1:-1].replace("''", "'") for found in TOKEN.finditer(text) if found.group("table")}


# Words of DAX that stand without a bracket: of statements, operators, and choices of functions.
WORDS = set(
    "VAR RETURN IN NOT AND OR ASC DESC SKIP DENSE BOTH ONEWAY NONE DAY MONTH QUARTER YEAR KEEP FIRST LAST DEFAULT "
    "INTEGER DOUBLE STRING BOOLEAN CURRENCY DATETIME".split()
)


def bare_tables(dax: str) -> set[str]:
    """Words that can only be tables: not functions, columns' tables, variables or words of the language."""
    text = TOKEN.sub(
        lambda found: " " if found.group("string") or found.group("table") else found.group(0), without_comments(dax)
    )
    variables = set(re.findall(r"\bVAR\s+(\w+)", text, re.IGNORECASE))
    text = re.sub(r"\[[^\]]*\]", "[", text)
    words = set(re.findall(r"(?<![\w.])([A-Za-z_]\w*)(?![\w.])(?!\s*[(\[])", text))
    return {word for word in words - variables if word.upper() not in WORDS}
