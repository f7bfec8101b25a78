"""What `set:` does to an order: element paths compiled once into a tree, applied to the order received.

    dosageInstruction[0].doseAndRate[0].doseQuantity: {value: "{target_dose}", unit: mg}
    dosageInstruction[0].text: null                   # removed

Only the elements named are changed; missing ones on the way are created. A change is refused rather than
guessed: where a value is unknown, where the order has something of another shape, where an index enters a
list that came with several members (which of two dosage lines is meant?), and where the order has another
form of a choice (a doseRange beside a new doseQuantity), unless the same `set` removes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.cards.escape import NOTHING
from cds_service.cards.reading import Reading
from cds_service.cards.text import PARTS, Slot, Template, answer
from cds_service.cards.wording import PLAIN, first_row, number
from cds_service.facts.finding import Cell, Quantity
from cds_service.truth import UNKNOWN

_STEP = re.compile(r"(_?[A-Za-z][A-Za-z0-9]*)(?:\[(\d{1,3})\])?")
_FIXED = ("id", "resourceType", "subject")
# The data types a choice element of FHIR R4 may end in; `Code` is left out, since reasonCode is no choice.
_TYPES = (
    "Address Age Annotation Attachment Base64Binary Boolean Canonical CodeableConcept Coding ContactPoint "
    "Count Date DateTime Decimal Distance Duration HumanName Id Identifier Instant Integer Markdown Money "
    "Oid Period PositiveInt Quantity Range Ratio Reference SampledData Signature String Time Timing "
    "UnsignedInt Uri Url Uuid"
).split()


class BadPathError(ValueError):
    """A path of `set` that cannot be followed, for the load-time check."""


class UnfitError(Exception):
    """The change cannot be made to this order, or a value of it is unknown."""


Value = Any
"""A JSON value whose strings with placeholders are Templates."""


@dataclass(frozen=True, slots=True)
class Put:
    """The value an element gets."""

    value: Value


@dataclass(frozen=True, slots=True)
class Members:
    """Members of an object to change or remove; `rivals` are names none of which may stand beside them."""

    parts: Mapping[str, Change]
    gone: tuple[str, ...]
    rivals: frozenset[str]


@dataclass(frozen=True, slots=True)
class Items:
    """Members of a list to change, by index, ascending."""

    parts: tuple[tuple[int, Change], ...]


Change = Put | Members | Items

# --- when the rules load ------------------------------------------------------------------------


def compile_changes(settings: Mapping[str, Any]) -> Members:
    """The tree of some paths and values. Raises BadPathError for one that cannot be followed."""
    tree: dict[Any, Any] = {}
    for path, value in settings.items():
        prepared = _prepared(value)
        if value is not None and prepared is None:
            raise BadPathError(f"{path} is given nothing; write null to remove it")
        _enter(tree, path, _steps(path), Put(prepared))
    fixed = next((name for name in _FIXED if name in tree), "")
    if fixed:
        raise BadPathError(f"{fixed} of an order cannot be changed")
    return _members_of(tree)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise BadPathError(f"{path!r} is no element path, such as note[0].text")
        steps += [match[1]] if match[2] is None else [match[1], int(match[2])]
    return steps


def _enter(tree: dict[Any, Any], path: str, steps: list[str | int], put: Put) -> None:
    """Put a value into the tree: objects have names as keys there, lists have numbers."""
    *way, last = steps
    if put.value is None and isinstance(last, int):
        raise BadPathError(f"{path} cannot be taken out of its list; remove the whole list")
    node: Any = tree
    for step in way:
        node = node.setdefault(step, {}) if _fits(node, step) else None
    if not _fits(node, last) or last in node:
        raise BadPathError(f"{path} and another path are in each other's way")
    node[last] = put


def _fits(node: object, step: str | int) -> bool:
    return isinstance(node, dict) and all(type(known) is type(step) for known in node)


def _members_of(tree: Mapping[str, Any]) -> Members:
    gone = tuple(name for name, node in tree.items() if isinstance(node, Put) and node.value is None)
    parts = {name: _change(node) for name, node in tree.items() if name not in gone}
    rivals = frozenset(rival for name in parts for rival in _rivals(name))
    return Members(parts, gone, rivals.difference(tree))


def _change(node: Any) -> Change:
    if isinstance(node, Put):
        return node
    if isinstance(next(iter(node)), int):
        return Items(tuple((at, _change(node[at])) for at in sorted(node)))
    return _members_of(node)


def _rivals(name: str) -> Iterator[str]:
    for kind in _TYPES:
        if name.endswith(kind) and name != kind:
            stem = name.removesuffix(kind)
            yield from (f"{mark}{stem}{other}" for other in _TYPES if other != kind for mark in ("", "_"))


def _prepared(node: Any) -> Value:
    """Strings split at their placeholders, empty parts left out; None if nothing is left."""
    if isinstance(node, str):
        template = Template.of(node)
        return template if template.slots else node or None
    if isinstance(node, Mapping):
        members = {name: _prepared(part) for name, part in node.items()}
        return {name: part for name, part in members.items() if part is not None} or None
    if isinstance(node, list | tuple):
        return [part for part in map(_prepared, node) if part is not None] or None
    return node


def texts_in(node: Any) -> Iterator[str]:
    """Every string of a value, for the load-time check of its placeholders."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | list | tuple):
        for part in node.values() if isinstance(node, Mapping) else node:
            yield from texts_in(part)


# --- for one chart ------------------------------------------------------------------------------


def changed(received: Any, change: Change, reading: Reading) -> Any:
    """A copy of what was received with the change made; what is not changed is shared. Raises UnfitError."""
    if isinstance(change, Put):
        return _filled(change.value, reading)
    if isinstance(change, Members):
        return _members(received, change, reading)
    return _items(received, change, reading)


def _members(received: Any, change: Members, reading: Reading) -> dict[str, Any]:
    if received is not None and not isinstance(received, dict):
        raise UnfitError
    made = {name: part for name, part in (received or {}).items() if name not in change.gone}
    if not change.rivals.isdisjoint(made):
        raise UnfitError
    for name, part in change.parts.items():
        made[name] = changed(made.get(name), part, reading)
    if not made:
        raise UnfitError
    return made


def _items(received: Any, change: Items, reading: Reading) -> list[Any]:
    if received is not None and not isinstance(received, list):
        raise UnfitError
    made = list(received or ())
    came = len(made)
    for at, part in change.parts:
        if at >= came:
            made.append(changed(None, part, reading))
        elif came == 1:
            made[at] = changed(made[at], part, reading)
        else:
            raise UnfitError
    return made


def _filled(value: Value, reading: Reading) -> Any:
    if isinstance(value, Template):
        parts = [part if isinstance(part, str) else _exact(part, reading) for part in value.parts]
        if len(parts) == 1:
            return parts[0]
        return "".join(part if isinstance(part, str) else number(part) for part in parts)
    if isinstance(value, dict):
        return {name: _filled(part, reading) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, reading) for part in value]
    return value


def _exact(slot: Slot, reading: Reading) -> str | int | float:
    """What stands for a placeholder in a resource: a number, or words; never a range, never "unknown"."""
    finding = reading.finding(slot.name)
    if finding.state is UNKNOWN:
        raise UnfitError
    cell: Cell | object = finding.value
    if slot.part:
        row = first_row(finding) if slot.part not in PARTS else None
        cell = row.columns.get(slot.part) if row is not None else None
    if isinstance(cell, Quantity):
        if not cell.span.exact:
            raise UnfitError
        return _json_number(cell.span.low)
    text = answer(slot, reading, PLAIN)
    if text in (NOTHING, ""):
        raise UnfitError
    return text


def _json_number(value: float) -> int | float:
    """The number as a reader sees it: 35, not 35.0 or 34.99999999999999."""
    text = number(value)
    if text == NOTHING:
        raise UnfitError
    return float(text) if "." in text else int(text)
