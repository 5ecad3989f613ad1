"""Reads the semantic model that the crate `bi` writes: the part of TMDL it uses, by indentation."""

from pathlib import Path


def unquoted(name):
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def blocks(lines, depth):
    """The objects at one depth: their first line, and the lines below it."""
    found = []
    for line in lines:
        if not line.strip() or line.lstrip("\t").startswith("///"):
            continue
        if len(line) - len(line.lstrip("\t")) == depth:
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line)
    return found


def properties(lines, depth):
    return dict((part.strip() for part in head.split(":", 1)) if ":" in head else (head, "") for head, _ in blocks(lines, depth))


def expression(head, body, depth):
    """What stands behind the equals sign, or below it where nothing does: there it is indented deeper than properties are."""
    name, _, value = head.partition("=")
    below = [line[depth:] for line in body if line.startswith("\t" * depth)]
    return unquoted(name.split(" ", 1)[1].strip()), value.strip() or "\n".join(below)


def table(text):
    (head, body), *_ = blocks(text.splitlines(), 0)
    made = {"name": unquoted(head.split(" ", 1)[1]), "columns": {}, "measures": {}, "query": ""}
    for inner, lines in blocks(body, 1):
        if inner.startswith("column "):
            made["columns"][unquoted(inner.split(" ", 1)[1])] = properties(lines, 2)["dataType"]
        elif inner.startswith("measure "):
            name, dax = expression(inner, lines, 3)
            made["measures"][name] = dax
        elif inner.startswith("partition "):
            source, below = next((h, b) for h, b in blocks(lines, 2) if h.startswith("source"))
            made["query"] = expression(f"query {source}", below, 4)[1]
    return made


def load(folder):
    """The model in a folder `*.SemanticModel`."""
    parts = Path(folder) / "definition"
    model = {"tables": [table(path.read_text()) for path in sorted(parts.glob("tables/*.tmdl"))], "roles": {}, "links": [], "queries": {}}
    for _, lines in blocks((parts / "relationships.tmdl").read_text().splitlines(), 0):
        of = properties(lines, 1)
        ends = [tuple(of[end].split(".")) for end in ("fromColumn", "toColumn")]
        model["links"].append((*ends, of.get("crossFilteringBehavior") == "bothDirections"))
    for path in sorted(parts.glob("roles/*.tmdl")):
        (head, body), *_ = blocks(path.read_text().splitlines(), 0)
        filters = [inner.split(" ", 1)[1].partition(" = ") for inner, _ in blocks(body, 1) if inner.startswith("tablePermission ")]
        model["roles"][unquoted(head.split(" ", 1)[1])] = {name: dax for name, _, dax in filters}
    for head, lines in blocks((parts / "expressions.tmdl").read_text().splitlines(), 0):
        name, text = expression(head, lines, 2)
        model["queries"][name] = text
    return model
