"""One small change of a rule at a time: a number by one step, a comparator, a condition left out.

Changes are made on the data of the rule, never on its text, and named by what stands there afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from cds_service.rulebook.criterion import Criterion
from cds_service.rulebook.fact import RowsFact
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.walk import everything
from cds_service.rulebook.yamlfile import DataPath

Kind = Literal["number", "comparator", "join", "drop", "not", "condition", "record"]
NUDGES: frozenset[str] = frozenset({"number", "comparator"})
"""The kinds that tell whether both sides of a number are tried."""

_AFTER = {">=": ">", ">": ">=", "<=": "<", "<": "<=", "==": "!=", "!=": "=="}
_COMPARED = re.compile(r"(?P<comparator>>=|<=|==|!=|>|<)(?P<space>\s*)(?P<number>-?\d+(?:\.\d+)?)")
_LEADING = re.compile(r"^(?P<number>-?\d+(?:\.\d+)?)")
_MOVED = re.compile(r"[+-]\s*(?P<number>\d+)(?=\s+[a-z])")
_FACTOR = re.compile(r"(?<![\w.\[])(?P<number>\d+(?:\.\d+)?)(?![\w.\]])")
_CITES = re.compile(r"\s*\[\d+\]")
_SET_ASIDE: Mapping[str, frozenset[str]] = {
    "verificationStatus": frozenset(["refuted", "entered-in-error"]),
    "status": frozenset(["entered-in-error"]),
    "doNotPerform": frozenset(["true"]),
}
"""What reading a chart sets aside before any condition is asked (facts/shelf.py): ruling it out again says so
to the reader of the rule, and changes nothing."""
_COUNTS = ("count", "count_distinct")


@dataclass(frozen=True, eq=False)
class Edit:
    """`value` put at `path`, or what stands there taken out (`value` None); `after` says it in words.

    `about` is the part of the logic that it is about.
    """

    kind: Kind
    path: DataPath
    before: str
    after: str
    value: Any = None
    about: Any = None

    @property
    def fact(self) -> str:
        """The fact whose reading the edit changes; empty for logic and cards."""
        return str(self.path[1]) if self.path[0] == "data" else ""

    def mentions(self, facts: Iterable[str]) -> frozenset[str]:
        """Those of the facts that stand in what is changed."""
        words = set(re.findall(r"[a-z][a-z0-9_]*", f"{self.before} {self.value} {self.about}"))
        return frozenset(words.intersection(facts))

    def on(self, data: dict[str, Any]) -> dict[str, Any]:
        """The data of the rule with this one change."""
        changed = deepcopy(data)
        place: Any = changed
        for part in self.path[:-1]:
            place = place[part]
        if self.value is None:
            del place[self.path[-1]]
        else:
            place[self.path[-1]] = self.value
        return changed


def edits_of(rule: Rule, data: dict[str, Any]) -> Iterator[Edit]:
    """Every edit of a rule, top to bottom; `data` is the rule as read from its file."""
    for name in rule.data:
        yield from _fact(data["data"][name], ("data", name))
        if not _no_is_like_unknown(name, rule):
            yield from _record(data["data"][name], ("data", name))
    yield from _logic(data["logic"], ("logic",), rule, alone=True)
    for outcome in ("when_true", "when_unknown", "when_false"):
        cards = data["cards"][outcome]
        if isinstance(cards, dict):
            yield from _conditions(cards, ("cards", outcome), rule)
        elif isinstance(cards, list):
            for at, card in enumerate(cards):
                yield from _conditions(card, ("cards", outcome, at), rule)


# --- logic and cards -----------------------------------------------------------------------------


def _conditions(shown: Any, path: DataPath, rule: Rule) -> Iterator[Edit]:
    """The conditions of a card, its lines and its buttons."""
    for key in ("only_if", "hide_if"):
        if key in shown:
            yield Edit("drop", (*path, key), key, f"no {key}", about=shown[key])
            yield from _logic(shown[key], (*path, key), rule, alone=True)
    for key in ("detail", "suggestions"):
        parts = shown.get(key)
        for at, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                yield from _conditions(part, (*path, key, at), rule)


def _logic(logic: Any, path: DataPath, rule: Rule, *, alone: bool) -> Iterator[Edit]:
    if not alone:
        yield Edit("drop", path, _named(logic), f"without {_named(logic)}", about=logic)
    if isinstance(logic, str):
        yield from _nudged(logic, path, flips=not _counted(logic, rule))
    elif isinstance(logic, list):
        yield from _joined(logic, path, path, "all", rule)
    elif "not" in logic:
        yield Edit("not", path, "not", "without not", logic["not"])
        yield from _logic(logic["not"], (*path, "not"), rule, alone=True)
    elif "at_least" in logic:
        yield from _at_least(logic["at_least"], (*path, "at_least"), rule)
    else:
        key = "all" if "all" in logic else "any"
        yield from _joined(logic[key], path, (*path, key), key, rule)


def _joined(parts: list[Any], path: DataPath, inside: DataPath, key: str, rule: Rule) -> Iterator[Edit]:
    other = "any" if key == "all" else "all"
    if len(parts) > 1:
        yield Edit("join", path, key, other, {other: parts})
    for at, part in enumerate(parts):
        yield from _logic(part, (*inside, at), rule, alone=len(parts) == 1)


def _at_least(spec: Any, path: DataPath, rule: Rule) -> Iterator[Edit]:
    count, parts = spec["n"], spec["of"]
    for changed in (count - 1, count + 1):
        if 1 <= changed <= len(parts):
            yield Edit("number", (*path, "n"), f"at least {count}", f"at least {changed}", changed, parts)
    for at, part in enumerate(parts):
        yield from _logic(part, (*path, "of", at), rule, alone=len(parts) == count)


def _counted(text: str, rule: Rule) -> bool:
    """Whether the criterion compares a count, where `> 1` is what `>= 2` is."""
    fact = rule.data.get(re.split(r"[\s.<>=!]", text, maxsplit=1)[0])
    return getattr(getattr(fact, "give", None), "kind", "") in _COUNTS


def _named(logic: Any) -> str:
    """A part of a tree in a few words."""
    if isinstance(logic, str):
        return _CITES.sub("", logic)
    if isinstance(logic, list):
        return "all of " + ", ".join(_named(part) for part in logic)
    key, inside = next(iter(logic.items()))
    return f"not {_named(inside)}" if key == "not" else f"{key} of …" if key != "at_least" else "at least …"


# --- data ----------------------------------------------------------------------------------------


def _fact(fact: Any, path: DataPath) -> Iterator[Edit]:
    for key in ("where", "unsure"):
        for name, test in fact.get(key, {}).items():
            if key == "unsure" or not _already_aside(name, test):
                yield Edit("condition", (*path, key, name), f"{key} {name}", f"no {key} {name}")
            if isinstance(test, str):
                yield from _nudged(test, (*path, key, name), flips=True)
    yield from _numbers(fact.get("within", ""), _LEADING, (*path, "within"))
    for key in ("after", "before"):
        yield from _numbers(fact.get(key, ""), _MOVED, (*path, key))
    yield from _numbers(fact.get("calculate", ""), _FACTOR, (*path, "calculate"))
    kinds = VIEWS[fact["view"]].arguments if "view" in fact else {}
    for name, value in fact.get("with", {}).items():
        if kinds.get(name) in ("amount", "duration"):
            yield from _numbers(value, _LEADING, (*path, "with", name))


def _record(fact: Any, path: DataPath) -> Iterator[Edit]:
    if "record" in fact:
        other = "partial" if fact["record"] == "complete" else "complete"
        yield Edit("record", (*path, "record"), f"record: {fact['record']}", f"record: {other}", other)


def _no_is_like_unknown(name: str, rule: Rule) -> bool:
    """Whether a fact is a question of which everything that reads it only asks for a yes.

    Its record then tells nothing: what it changes is whether nothing found is a no or is not known.
    """
    fact = rule.data[name]
    if not isinstance(fact, RowsFact) or not fact.give.yes_no:
        return False
    for path, part in everything(rule):
        if isinstance(part, Criterion) and part.fact == name and (path[0] == "logic" or "not" in path):
            return False
        if isinstance(part, str) and path[0] == "cards" and f"{{{name}}}" in part:
            return False
    return True


def _already_aside(element: str, test: Any) -> bool:
    ruled_out = test.get("not", ()) if isinstance(test, dict) else ()
    return bool(ruled_out) and _SET_ASIDE.get(element, frozenset()).issuperset(
        str(one).lower() for one in ruled_out
    )


# --- numbers -------------------------------------------------------------------------------------


def _nudged(text: str, path: DataPath, *, flips: bool) -> Iterator[Edit]:
    found = _COMPARED.search(text)
    if found is None:
        return
    yield from _numbers(text, _COMPARED, path)
    if flips:
        start, end = found.span("comparator")
        yield _rewritten("comparator", text, start, end, _AFTER[found["comparator"]], path)


def _numbers(value: Any, pattern: re.Pattern[str], path: DataPath) -> Iterator[Edit]:
    """Each number one step of its own precision down, and up."""
    text = str(value)
    for found in pattern.finditer(text):
        number = Decimal(found["number"])
        exponent = number.as_tuple().exponent
        step = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
        for changed in (number - step, number + step):
            if changed >= 0 or number < 0:
                yield _rewritten("number", text, *found.span("number"), str(changed), path)


def _rewritten(kind: Kind, text: str, start: int, end: int, new: str, path: DataPath) -> Edit:
    changed = text[:start] + new + text[end:]
    return Edit(kind, path, _CITES.sub("", text), _CITES.sub("", changed), changed)
