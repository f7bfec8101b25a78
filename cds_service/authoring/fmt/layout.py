"""One YAML file laid out anew: every text and comment as it was written, each in its canonical place.

The file is composed by ruamel.yaml for the places of its values, and printed from its own lines. So what the
format does not speak of (folded texts, lists in brackets, comments at the end of a line) stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from cds_service.authoring.fmt.order import Order
from cds_service.authoring.fmt.scalars import WIDTH, refolded, requoted

STEP = 2
_BLANK = "\0"
"""Stands for a blank line that is part of a text, until all others are tidied up."""


@dataclass
class Entry:
    """One entry of a mapping or list: comments and blank lines before it, its own lines, its key."""

    before: list[str]
    lines: list[str]
    key: str = ""

    @property
    def long(self) -> bool:
        """Whether it takes more than one line."""
        return len(self.lines) > 1


@dataclass
class Layout:
    """Lays out the nodes of one file; `lines` are the file's own, nothing is read twice."""

    lines: Sequence[str]
    tail: list[str] = field(default_factory=list)

    def document(self, node: Any, order: Order) -> str:
        """The whole text. Only a mapping or a list in block form is laid out."""
        entries, end = self.block(node, 0, order, len(self.lines), 0)
        text = [*self.head(node), *_joined(entries, order), *self.tail, *self.lines[end:]]
        return "\n".join(_tidied(text)) + "\n"

    def head(self, node: Any) -> list[str]:
        """Comments before the first key."""
        return [line.strip() for line in self.lines[: node.start_mark.line]]

    # --- mappings and lists ----------------------------------------------------------------------

    def block(self, node: Any, indent: int, order: Order, end: int, column: int) -> tuple[list[Entry], int]:
        """The entries of a mapping or list that may reach to line `end`, and where it did end."""
        parts = node.value
        firsts = [(one[0] if isinstance(one, tuple) else one).start_mark.line for one in parts]
        entries: list[Entry] = []
        at = firsts[0]
        for number, part in enumerate(parts):
            limit = firsts[number + 1] if number + 1 < len(parts) else end
            before = self.comments(at, firsts[number], indent)
            if isinstance(part, tuple):
                entry, at = self.pair(part, indent, order, limit)
            else:
                entry, at = self.item(part, indent, order, limit)
            entry.before = before + entry.before
            entries.append(entry)
        trailing = self.trailing(at, end, column)
        after = Entry(self.comments(at, trailing, indent), [])
        ordered = _ordered(entries, order) if isinstance(node, MappingNode) else entries
        return ([*ordered, after] if trailing > at else ordered), max(at, trailing)

    def pair(self, part: tuple[Any, Any], indent: int, order: Order, end: int) -> tuple[Entry, int]:
        """A key and its value."""
        key, value = part
        name = str(key.value)
        told = requoted(self.slice(key), "")
        below = order.of(name)
        if _is_block(value):
            header = f"{told}:{self.rest(key.end_mark.line, key.end_mark.column + 1)}"
            deeper = indent + STEP
            between = self.comments(key.start_mark.line + 1, value.start_mark.line, deeper)
            entries, at = self.block(value, deeper, below, end, value.start_mark.column)
            inner = [*_without_leading_blanks(between), *_joined(entries, below)]
            return Entry([], [" " * indent + header, *inner], name), at
        lines, at = self.leaf(value, indent, key.start_mark.column, name)
        same_line = value.start_mark.line == key.end_mark.line and lines[0]
        first = f"{' ' * indent}{told}:{' ' if same_line else ''}{lines[0] if same_line else ''}"
        if not same_line and lines[0]:
            first += self.rest(key.end_mark.line, key.end_mark.column + 1)
            lines = ["", " " * (indent + STEP) + lines[0], *lines[1:]]
        return Entry([], [first.rstrip(), *lines[1:]], name), at

    def item(self, value: Any, indent: int, order: Order, end: int) -> tuple[Entry, int]:
        """An item of a list, its dash at `indent`."""
        if not _is_block(value):
            lines, at = self.leaf(value, indent, value.start_mark.column - STEP, "")
            return Entry([], [f"{' ' * indent}- {lines[0]}".rstrip(), *lines[1:]]), at
        entries, at = self.block(value, indent + STEP, order, end, value.start_mark.column)
        before = [line[STEP:] for line in entries[0].before]
        entries[0].before = []
        lines = _joined(entries, order)
        lines[0] = f"{' ' * indent}- {lines[0].lstrip()}"
        return Entry(before, lines), at

    # --- values ----------------------------------------------------------------------------------

    def leaf(self, value: Any, indent: int, column: int, key: str) -> tuple[list[str], int]:
        """A text, number or bracketed value with what follows on its line; the first line without indent."""
        if isinstance(value, ScalarNode) and value.style in ("|", ">"):
            return self.literal(value, indent)
        start, end = value.start_mark, value.end_mark
        rest = self.rest(end.line, end.column)
        if start.line == end.line:
            source = self.slice(value)
            if isinstance(value, ScalarNode):
                return [requoted(source, key) + rest], end.line + 1
            broken = self.opened(value, indent, len(key) + 2, rest)
            return broken or [source + rest], end.line + 1
        shift = indent - column
        inner = [self.lines[at] for at in range(start.line + 1, end.line)]
        last = self.lines[end.line][: end.column] + rest
        first = self.lines[start.line][start.column :].rstrip()
        least = indent if not isinstance(value, ScalarNode) else indent + STEP
        return [first, *(_shifted(line, shift, least) for line in (*inner, last))], end.line + 1

    def opened(self, value: Any, indent: int, taken: int, rest: str) -> list[str]:
        """A list in brackets that is too long for its line, as one item a line; empty if it stays."""
        plain = isinstance(value, SequenceNode) and all(isinstance(one, ScalarNode) for one in value.value)
        if not plain or rest or indent + taken + len(self.slice(value)) <= WIDTH or taken == STEP:
            return []
        return ["", *(f"{' ' * (indent + STEP)}- {self.slice(one)}" for one in value.value)]

    def literal(self, value: Any, indent: int) -> tuple[list[str], int]:
        """A text after > or |, its lines moved to their place and broken anew if they are too long."""
        start = value.start_mark
        header = self.lines[start.line][start.column :].rstrip()
        at = start.line + 1
        own = next((_indent(line) for line in self.lines[at:] if line.strip()), 0)
        while at < len(self.lines) and (not self.lines[at].strip() or _indent(self.lines[at]) >= own):
            at += 1
        while not self.lines[at - 1].strip():
            at -= 1
        held = [line[own:].rstrip() for line in self.lines[start.line + 1 : at]]
        if header.startswith(">"):
            held = refolded(held, indent + STEP)
        return [header, *(" " * (indent + STEP) + line if line else _BLANK for line in held)], at

    # --- the file's own lines --------------------------------------------------------------------

    def slice(self, node: Any) -> str:
        """The text of a value that stands on one line."""
        start, end = node.start_mark, node.end_mark
        return str(self.lines[start.line][start.column : end.column])

    def rest(self, line: int, column: int) -> str:
        """What follows a value on its line: nothing, or a comment with the space before it."""
        rest = self.lines[line][column:].rstrip()
        return rest if rest.strip().startswith("#") else ""

    def comments(self, start: int, end: int, indent: int) -> list[str]:
        """The comments and blank lines from one line to another, at an indentation."""
        told = (self.lines[at].strip().removeprefix("- ").strip() for at in range(start, end))
        return [" " * indent + line if line else "" for line in told if line != "-"]

    def trailing(self, start: int, end: int, column: int) -> int:
        """Where the comments end that stand as deep as the block before them, and so belong to it."""
        last = start
        for at in range(start, end):
            line = self.lines[at]
            if line.strip() and (not line.strip().startswith("#") or _indent(line) < column):
                break
            last = at + 1 if line.strip() else last
        return last if column else start


def _is_block(node: Any) -> bool:
    return isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and bool(node.value)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, shift: int, least: int) -> str:
    text = line.strip()
    return " " * max(least, _indent(line) + shift) + text if text else _BLANK


def _ordered(entries: list[Entry], order: Order) -> list[Entry]:
    """Named keys in their order; others keep their place after the key they followed."""
    ranks: list[tuple[int, Entry]] = []
    rank = -1
    for entry in entries:
        rank = order.keys.index(entry.key) if entry.key in order.keys else rank
        ranks.append((rank, entry))
    return [entry for _, entry in sorted(ranks, key=lambda one: one[0])]


def _joined(entries: Sequence[Entry], order: Order) -> list[str]:
    """The lines of all entries with the blank lines that their order asks for."""
    lines: list[str] = []
    previous: Entry | None = None
    for entry in entries:
        before = entry.before
        if previous is None:
            before = _without_leading_blanks(before)
        elif entry.lines:
            wanted = _apart(previous, entry, order)
            if wanted is not None:
                before = [""] * wanted + [line for line in before if line.strip()]
        lines += [*before, *entry.lines]
        previous = entry
    return lines


def _apart(previous: Entry, entry: Entry, order: Order) -> int | None:
    """How many blank lines stand before an entry; None where the author decides."""
    if entry.key in order.apart:
        return 1
    if order.spaced if entry.key else order.spaced_items:
        return int(previous.long or entry.long)
    return 0 if order.apart else None


def _without_leading_blanks(lines: Sequence[str]) -> list[str]:
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    return list(lines[first:])


def _tidied(lines: Sequence[str]) -> Iterator[str]:
    """Without blanks at line ends, without two blank lines in a row, without blank lines at either end."""
    held = [line.rstrip() for line in lines]
    while held and not held[-1]:
        held.pop()
    previous = ""
    for line in held:
        if line or previous:
            yield "" if line == _BLANK else line
        previous = line
