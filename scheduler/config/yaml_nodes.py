"""YAML text as trees of nodes that know their line and column, with every trap closed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from scheduler.config.faults import Fault, sentence, shown
from scheduler.config.yaml_scalars import NotFiniteError, Scalar, plain_scalar

DEPTH_LIMIT = 48
NODE_LIMIT = 200_000
"""Nodes of one file, counted after every alias is expanded."""
ALIAS_LIMIT = 1_000
FAULT_LIMIT = 100
DOCUMENT_LIMIT = 5_000
TEXT_TAG = "tag:yaml.org,2002:str"
MERGE_KEY = "<<"

FASTEST: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where PyYAML was built with it, else the one in Python."""
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Entry(NamedTuple):
    """A key of a mapping, at its own place, with its value."""

    line: int
    column: int
    node: "Node"


class Node(NamedTuple):
    """A scalar, a list or a mapping, and where it starts. Lines and columns count from 1."""

    line: int
    column: int
    value: "Scalar | list[Node] | dict[str, Entry]"
    size: int
    """Nodes in this tree, aliases expanded."""
    depth: int
    """Levels below the node, aliases expanded."""

    def plain(self) -> object:
        """The same tree without places."""
        value = self.value
        if isinstance(value, dict):
            return {key: entry.node.plain() for key, entry in value.items()}
        if isinstance(value, list):
            return [item.plain() for item in value]
        return value


def node_of(value: object, levels: int = DEPTH_LIMIT) -> Node:
    """The tree of a plain value that stands in no file: all of its places are 0.

    Raises ValueError where it is nested too deep.
    """
    if levels < 0:
        raise ValueError(f"nested deeper than {DEPTH_LIMIT} levels")
    if isinstance(value, Mapping):
        entries = {str(key): Entry(0, 0, node_of(item, levels - 1)) for key, item in value.items()}
        return _tree(entries, [entry.node for entry in entries.values()])
    if isinstance(value, list):
        items = [node_of(item, levels - 1) for item in value]
        return _tree(items, items)
    return Node(0, 0, value if isinstance(value, int | float | None) else str(value), 1, 0)


def _tree(value: "list[Node] | dict[str, Entry]", inside: list[Node]) -> Node:
    size = 1 + sum(node.size for node in inside)
    return Node(0, 0, value, size, 1 + max((node.depth for node in inside), default=0))


class Parsed(NamedTuple):
    """The documents of one file that could be read, and what is wrong with the others."""

    documents: tuple[Node, ...]
    faults: tuple[Fault, ...]
    whole: bool
    """The file could be read to its end: no name in it is missing from its documents."""


def parse(file: str, content: str | bytes, *, loader: type[Any] = FASTEST) -> Parsed:
    """All documents of a file. Never raises: what cannot be read is a located fault."""
    text = decode(file, content)
    if isinstance(text, Fault):
        return Parsed((), (text,), whole=False)
    reader = _Reader(file)
    try:
        for event in _events(text, loader):
            reader.take(event)
    except yaml.YAMLError as error:
        reader.faults.append(_syntax_fault(file, text, error))
        reader.whole = False
    except _GiveUp as stop:
        reader.faults.append(stop.fault)
        reader.whole = False
    if not reader.documents and not reader.faults:
        reader.faults.append(_fault(file, 1, 1, "the file holds no document"))
    return Parsed(tuple(reader.documents), tuple(reader.faults), reader.whole)


def decode(file: str, content: str | bytes) -> str | Fault:
    """The content as text without its byte order mark, or why it is not text."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(error.object[: error.start].decode("utf-8", "replace"))
        return _fault(file, line, column, f"not UTF-8: byte 0x{error.object[error.start]:02x}")
    text = text.removeprefix("\ufeff")
    odd = _NOT_TEXT.search(text)
    if odd is None:
        return text
    line, column = _place(text[: odd.start()])
    message = f"character U+{ord(odd.group()):04X} does not belong in a text file"
    return _fault(file, line, column, message)


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _events(text: str, loader: type[Any]) -> Iterator[yaml.Event]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _fault(file: str, line: int, column: int, message: str) -> Fault:
    return Fault(file=file, line=line, column=column, path="", message=message)


def _syntax_fault(file: str, text: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "not YAML"
    if mark is None:
        return _fault(file, 1, 1, f"not YAML: {problem}")
    lines = text.split("\n", mark.line + 1)
    line = lines[mark.line] if mark.line < len(lines) else ""
    if line[mark.column : mark.column + 1] == "\t":
        problem = "a tab cannot indent YAML: use spaces"
    return _fault(file, mark.line + 1, mark.column + 1, problem)


class _GiveUp(Exception):  # noqa: N818 - it ends the reading of one file, it is no error of ours
    """The rest of the file is not worth reading."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(slots=True, kw_only=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    line: int
    column: int
    anchor: str | None
    children: list[Node] | dict[str, Entry]
    key: tuple[str, int, int] | None = None
    size: int = 1
    depth: int = 0


@dataclass(slots=True)
class _Reader:
    """Builds nodes from parser events without recursion, so that depth is ours to limit."""

    file: str
    documents: list[Node] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    aliases: int = 0
    total: int = 0
    whole: bool = True

    def take(self, event: yaml.Event) -> None:
        """One event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self.anchors.clear()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = _start(event)
        self._refuse_tag(event.tag, line, column, allowed=TEXT_TAG)
        opened = self.stack[-1] if self.stack else None
        if opened is not None and isinstance(opened.children, dict) and opened.key is None:
            self._key(opened, event.value, line, column)
            return
        value: Scalar = event.value
        if event.implicit[0]:
            try:
                value = plain_scalar(event.value)
            except NotFiniteError as error:
                self._note(line, column, sentence(str(error), got=shown(event.value)))
        self._add(Node(line, column, value, 1, 0), event.anchor)

    def _key(self, opened: _Open, key: str, line: int, column: int) -> None:
        # A key is text whatever it looks like: GPU types such as 4090 are keys.
        opened.key = (key, line, column)
        if key == MERGE_KEY:
            self._note(line, column, "merge keys are not YAML 1.2: write the keys out")
            self.whole = False

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        line, column = _start(event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        kind = "map" if mapping else "seq"
        self._refuse_tag(event.tag, line, column, allowed=f"tag:yaml.org,2002:{kind}")
        self._limit_depth(len(self.stack) + 1, line, column)
        self._expect_value(line, column)
        if event.anchor:
            self.anchors[event.anchor] = None
        children: list[Node] | dict[str, Entry] = {} if mapping else []
        self.stack.append(_Open(line=line, column=column, anchor=event.anchor, children=children))

    def _close(self) -> None:
        done = self.stack.pop()
        self.total -= done.size - 1
        node = Node(done.line, done.column, done.children, done.size, done.depth)
        self._add(node, done.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = _start(event)
        self.aliases += 1
        if self.aliases > ALIAS_LIMIT:
            self._stop(line, column, f"more than {ALIAS_LIMIT} aliases in one file")
        self._expect_value(line, column)
        name = event.anchor or ""
        if name not in self.anchors:
            self._stop(line, column, f"no anchor &{shown(name)} stands before this alias")
        node = self.anchors[name]
        if node is None:
            self._stop(line, column, f"the alias *{shown(name)} contains itself")
        else:
            self._limit_depth(len(self.stack) + node.depth, line, column)
            self._add(node, None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        self.total += node.size
        if self.total > NODE_LIMIT:
            message = f"more than {NODE_LIMIT:,} values after its aliases are expanded"
            self._stop(node.line, node.column, message)
        if not self.stack:
            if len(self.documents) >= DOCUMENT_LIMIT:
                message = f"more than {DOCUMENT_LIMIT:,} documents in one file: split it"
                self._stop(node.line, node.column, message)
            if node.value is not None:
                self.documents.append(node)
            return
        opened = self.stack[-1]
        opened.size += node.size
        opened.depth = max(opened.depth, node.depth + 1)
        if isinstance(opened.children, list):
            opened.children.append(node)
        else:
            self._enter(opened.children, opened, node)

    def _enter(self, entries: dict[str, Entry], opened: _Open, node: Node) -> None:
        assert opened.key is not None
        key, line, column = opened.key
        opened.key = None
        if key in entries:
            first = entries[key]
            message = f"duplicate key {shown(key)}: it is already at line {first.line}"
            self._note(line, column, message)
        else:
            entries[key] = Entry(line, column, node)

    def _limit_depth(self, depth: int, line: int, column: int) -> None:
        if depth > DEPTH_LIMIT:
            self._stop(line, column, f"nested deeper than {DEPTH_LIMIT} levels")

    def _expect_value(self, line: int, column: int) -> None:
        opened = self.stack[-1] if self.stack else None
        if opened is not None and isinstance(opened.children, dict) and opened.key is None:
            self._stop(line, column, "a key must be text")

    def _refuse_tag(self, tag: str | None, line: int, column: int, *, allowed: str) -> None:
        if tag is not None and tag != allowed:
            self._note(line, column, f"tags are not supported: remove {shown(tag)}")

    def _note(self, line: int, column: int, message: str) -> None:
        if len(self.faults) >= FAULT_LIMIT:
            self._stop(line, column, f"more than {FAULT_LIMIT} faults: the rest was not read")
        self.faults.append(_fault(self.file, line, column, message))

    def _stop(self, line: int, column: int, message: str) -> None:
        raise _GiveUp(_fault(self.file, line, column, message))
