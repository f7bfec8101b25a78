"""The explanation on a screen: a tree of aligned lines, in colour on a terminal, plain everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cds_service.authoring.whyrow import Seen
from cds_service.authoring.whytree import Why
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

ROW_LIMIT = 12
_WIDE = 4000
_TEXT_LIMIT, _VALUE_LIMIT = 44, 30
_MARK = len("UNKNOWN")
"""The width of the column that holds true, false, UNKNOWN."""
_COLOURS = {TRUE: "green", FALSE: "red", UNKNOWN: "yellow"}


def verdict_text(truth: Truth) -> str:
    """true, false, and UNKNOWN aloud, because it is the one that is overlooked."""
    return "UNKNOWN" if truth is UNKNOWN else truth.value


def tree_of(why: Why, header: Text) -> Tree:
    """The explanation as a tree to print."""
    tree = Tree(header, guide_style="dim")
    _grow(tree, why.children)
    return tree


def header_of(why: Why, path: str) -> Text:
    """`rule version: VERDICT  path`."""
    head = Text(f"{why.text}: ", style="bold")
    head.append(verdict_text(why.truth).upper(), style=_COLOURS[why.truth])
    head.append(f"  {path}" if path else "", style="dim")
    return head


def plain(tree: Tree) -> str:
    """The tree as text without colour, whatever stdout is."""
    out = StringIO()
    Console(file=out, width=_WIDE, color_system=None, legacy_windows=False).print(tree)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def explained(why: Why, path: str, card: object) -> str:
    """The whole explanation as plain text: the verdict, the tree of criteria, the card."""
    return "\n".join((plain(tree_of(why, header_of(why, path))), *for_the_card(why), str(card)))


def for_the_card(why: Why) -> tuple[str, ...]:
    """The calculations that only the cards use, a line each."""
    return tuple(f"for the card: {note}" for note in why.notes)


def _grow(tree: Tree, lines: Sequence[Why]) -> None:
    wide = min(_TEXT_LIMIT, max((len(line.text) for line in lines), default=0))
    far = min(_VALUE_LIMIT, max((len(line.value) for line in lines), default=0))
    for line in lines:
        _grow(tree.add(_label(line, wide, far)), line.children)


def _label(line: Why, wide: int, far: int) -> Table:
    """The truth, and beside it everything else, which wraps in its own column on a narrow terminal."""
    beside, below = _beside(line), continued(line)
    first = f"{line.text:<{wide}}  {line.value:<{far}}  {beside}".rstrip()
    lines = [first, *(below[1:] if beside and not line.seen else below)]
    label = Table.grid(padding=(0, 2, 0, 0))
    label.add_column(width=_MARK, no_wrap=True)
    label.add_column(overflow="fold")
    mark = Text(verdict_text(line.truth), style=_COLOURS[line.truth])
    label.add_row(mark, Text("\n".join(lines), style="" if line.decides else "dim"))
    return label


def _beside(line: Why) -> str:
    """What stands on the line itself: the entry behind the answer, or what silence was taken for."""
    if line.seen:
        return str(line.seen[0])
    return line.notes[0] if line.notes and not line.ask else ""


def continued(line: Why) -> list[str]:
    """What stands below a line: the question, why it is open, further entries, those that do not count."""
    ask = [f"ask: {line.ask}"] if line.ask else []
    return [
        *ask,
        *line.notes,
        *_listed("also: ", line.seen[1:]),
        *_listed("undecided: ", line.maybe),
        *_listed("not counted: ", line.refused),
    ]


def _listed(label: str, rows: Sequence[Seen]) -> list[str]:
    lines = [f"{label}{row}" for row in rows[:ROW_LIMIT]]
    more = len(rows) - ROW_LIMIT
    return [*lines, f"{label}and {more} more"] if more > 0 else lines


def as_json(why: Why) -> dict[str, Any]:
    """The same for a program; members that say nothing are left out."""
    body: dict[str, Any] = {"truth": why.truth.value, "text": why.text}
    for name in ("value", "rule", "ask"):
        if getattr(why, name):
            body[name] = getattr(why, name)
    body["decides"] = why.decides
    if why.notes:
        body["notes"] = list(why.notes)
    for name in ("seen", "maybe", "refused"):
        if getattr(why, name):
            body[name] = [
                {key: value for key, value in asdict(row).items() if value} for row in getattr(why, name)
            ]
    if why.children:
        body["children"] = [as_json(child) for child in why.children]
    return body
