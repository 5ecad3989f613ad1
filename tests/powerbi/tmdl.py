"""Reads TMDL, the text form of a semantic model, into a tree.

A line is as deep as it has tabs. It declares an object (`column name`), sets a property (`dataType: int64`, or a bare word
that stands for true), describes what comes next (`/// words`), or opens an expression (`measure x =`), whose lines lie two
tabs or more below the one that opens it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

NAME = r"(?:'(?:[^']|'')+'|[^\s=:]+)"
DECLARATION = re.compile(rf"(ref table|ref role|ref cultureInfo|[a-zA-Z]+) ({NAME})(?:\s*(=)\s?(.*))?$")
PROPERTY = re.compile(r"([a-zA-Z]+):\s?(.*)$")
EXPRESSION = re.compile(r"([a-zA-Z]+)\s*=\s?(.*)$")
WORD = re.compile(r"[a-zA-Z]+$")


class Malformed(Exception):
    """A line that is none of the above, with its number."""


@dataclass
class Node:
    """An object of the model, or the root of a file."""

    kind: str
    name: str
    file: str
    line: int
    depth: int
    value: str | None = None
    described: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)

    def of(self, kind: str) -> list["Node"]:
        return [child for child in self.children if child.kind == kind]

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def plain(name: str) -> str:
    """The name without its quotes."""
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def depth_of(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def body(lines: list[str], start: int, depth: int) -> tuple[str, int]:
    """The expression from line `start` on that an object at `depth` opened, and the line after it."""
    end = start
    while end < len(lines):
        following = next((line for line in lines[end:] if line.strip()), None)
        if following is None or depth_of(following) < depth + 2:
            break
        end += 1
    return "\n".join(lines[start:end]), end


def read(text: str, file: str) -> Node:
    """The objects of one file under a root."""
    root = Node("file", file, file, 0, -1)
    open_objects = [root]
    lines = text.split("\n")
    described, at = False, 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if not line.strip():
            continue
        depth, content = depth_of(line), line.strip("\t")
        if content.startswith(" "):
            raise Malformed(f"{file}:{number}: blanks where tabs should indent")
        if content.startswith("///"):
            if described and not lines[at - 2].strip().startswith("///"):
                raise Malformed(f"{file}:{number}: a description that describes nothing")
            described = True
            continue
        while open_objects[-1].depth >= depth:
            open_objects.pop()
        owner = open_objects[-1]
        if depth != owner.depth + 1:
            raise Malformed(f"{file}:{number}: indented by {depth} tabs under {owner.kind} {owner.name}")
        at = take(owner, content, Node("", "", file, number, depth, described=described), lines, at, open_objects)
        described = False
    return root


def take(owner: Node, content: str, node: Node, lines: list[str], at: int, open_objects: list[Node]) -> int:
    """Adds what a line says to its owner; the answer is the next line to read."""
    where = f"{node.file}:{node.line}"
    if found := PROPERTY.match(content):
        name, value = found.groups()
        if name in owner.properties:
            raise Malformed(f"{where}: {name} twice")
        owner.properties[name] = value
    elif found := EXPRESSION.match(content):
        name, value = found.groups()
        if not value:
            value, at = body(lines, at, node.depth)
        owner.properties[name] = value
    elif found := DECLARATION.match(content):
        node.kind, name, opens, value = found.groups()
        node.name = plain(name)
        if opens and not value:
            value, at = body(lines, at, node.depth)
        node.value = value
        owner.children.append(node)
        open_objects.append(node)
    elif WORD.match(content):
        if (lines[at : at + 1] and depth_of(lines[at]) > node.depth) or content == "database":
            node.kind = content
            owner.children.append(node)
            open_objects.append(node)
        else:
            owner.properties[content] = "true"
    else:
        raise Malformed(f"{where}: cannot be read: {content}")
    return at


def read_model(folder: Path) -> dict[str, Node]:
    """Every TMDL file of a semantic model by its path below `definition`."""
    definition = folder / "definition"
    files = sorted(definition.rglob("*.tmdl"))
    trees = {}
    for path in files:
        raw = path.read_bytes()
        name = path.relative_to(definition).as_posix()
        if raw.startswith(b"\xef\xbb\xbf"):
            raise Malformed(f"{name}: starts with a byte order mark")
        if b"\r" in raw:
            raise Malformed(f"{name}: has line ends of Windows")
        if not raw.endswith(b"\n"):
            raise Malformed(f"{name}: ends in the middle of a line")
        trees[name] = read(raw.decode("utf-8"), name)
    return trees
