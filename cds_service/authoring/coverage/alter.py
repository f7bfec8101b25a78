"""One member of a resource altered so that it stands on the other side of a condition of a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cds_service.authoring.charts import Json
from cds_service.authoring.coverage.seeds import codes_of, concept
from cds_service.facts.dates import months_before
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import Amount, Criterion, Duration, Threshold
from cds_service.rulebook.fact import InSet, Listed, NotInSet, NotListed, RowsFact, ViewFact
from cds_service.rulebook.formula import Anchor
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import FINDABLE
from cds_service.rulebook.walk import everything
from cds_service.rulebook.yamlfile import DataPath

Alteration = tuple[str, str, Any]
"""What was done in words, the member, and its new value (None: taken out)."""

DAY = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
_DAYS = {"days": 1, "weeks": 7, "d": 1, "wk": 7}
_MONTHS = {"months": 1, "years": 12}
_CODED = ("clinicalStatus", "verificationStatus")
_PLAIN = ("status", "intent", "type")
_NAMED_BY = {
    "status": ("status",),
    "verificationStatus": ("verificationStatus",),
    "clinicalStatus": ("clinicalStatus",),
    "intent": ("intent",),
    "type": ("type",),
    "class": ("class",),
    "reason": ("reason",),
    "route": ("route",),
    "answer": ("answer", "value"),
    "value": ("answer", "value"),
    "code": ("code", "Concept"),
}
"""What the alterations that touch an element are called."""
_DATED = re.compile(r"\d{4}-\d\d")
_NUMBERED = re.compile(r"\d")
_KEPT = ("resourceType", "id", "subject", "patient", "meta", "identifier", "text", "recorder", "requester")
_OTHER = {"text": "something else"}


@dataclass(frozen=True)
class Limits:
    """What the conditions of a fact compare: lengths of time, numbers, words, and codes by element."""

    spans: tuple[tuple[float, str], ...]
    numbers: tuple[float, ...]
    words: Mapping[str, tuple[str, ...]]
    concepts: Mapping[str, tuple[Json, ...]]

    @classmethod
    def of(cls, rule: Rule, name: str, book: Rulebook) -> Limits:
        """The limits of a fact, and of the criteria that compare it."""
        fact = rule.data[name]
        assert isinstance(fact, RowsFact)
        spans: dict[tuple[float, str], None] = {}
        numbers: dict[float, None] = {}
        criteria = [one for one in rule.criteria if one.fact == name]
        for value in [*criteria, *(one for _, one in everything(fact)), *_arguments(fact)]:
            if (
                isinstance(value, Criterion | Threshold | Amount | Duration | Anchor)
                and value.number is not None
            ):
                spans[(abs(value.number), value.unit)] = None
                numbers[value.number] = None
        return cls(tuple(spans), tuple(numbers), _words(fact), _concepts(fact, book))


def _arguments(fact: RowsFact) -> Iterator[Amount]:
    for value in fact.arguments.values() if isinstance(fact, ViewFact) else ():
        if isinstance(value, str) and value[:1].isdigit():
            yield Amount.parse(value)


def _words(fact: RowsFact) -> dict[str, tuple[str, ...]]:
    """By element the words its conditions name, and one that they do not."""
    found: dict[str, dict[str, None]] = {}
    for tests in (fact.where, fact.unsure):
        for element, test in tests.items():
            if isinstance(test, Listed | NotListed):
                found.setdefault(element, {}).update(dict.fromkeys(test.values))
    return {element: tuple(words) for element, words in found.items()}


def _concepts(fact: RowsFact, book: Rulebook) -> dict[str, tuple[Json, ...]]:
    """By element one code of each value set its conditions name, and words that no code stands for."""
    found: dict[str, list[Json]] = {}
    for tests in (fact.where, fact.unsure):
        for element, test in tests.items():
            if isinstance(test, InSet | NotInSet):
                codes = (concept(one) for one in codes_of(book, test.valuesets, 1))
                found.setdefault(element, []).extend(codes)
            found.setdefault(element, []).append(_OTHER)
    return {element: tuple(codes) for element, codes in found.items()}


def alterations(resource: Json, limits: Limits, as_of: datetime) -> Iterator[Alteration]:
    """Everything worth altering in a resource."""
    for member, value in resource.items():
        if member in _KEPT:
            continue
        yield f"no {member}", member, None
        if isinstance(value, str) and DAY.fullmatch(value):
            for moved in _moments(value, limits, as_of):
                yield f"{member} {moved}", member, moved
        elif isinstance(value, dict | list):
            yield from _inside(member, value, limits, as_of)
    yield from _worded(resource, limits.words)
    yield from _recoded(resource, limits)


def _moments(text: str, limits: Limits, as_of: datetime) -> Iterator[str]:
    found = DAY.fullmatch(text)
    tail = (found[2] or "") if found else ""
    for day in _days(limits, as_of.date()):
        yield f"{day.isoformat()}{tail}"
    for number, unit in limits.spans:
        if unit in ("minutes", "hours"):
            for moved in (number - 1, number, number + 1):
                moment = as_of - timedelta(**{unit: moved})
                yield moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _days(limits: Limits, today: date) -> Iterator[date]:
    for number, unit in limits.spans:
        for moved in (number - 1, number, number + 1):
            if unit in _DAYS:
                yield today - timedelta(days=moved * _DAYS[unit])
            elif unit in _MONTHS and moved == int(moved) and moved >= 0:
                day = months_before(today, int(moved) * _MONTHS[unit])
                yield from (day, day - timedelta(days=1))
    yield from (today, today - timedelta(days=3650))


def _inside(member: str, value: Any, limits: Limits, as_of: datetime) -> Iterator[Alteration]:
    """The dates and numbers within a member, one at a time."""
    for path, held in list(_leaves(value, ())):
        changed: list[Any] = []
        if isinstance(held, str) and DAY.fullmatch(held):
            changed = list(_moments(held, limits, as_of))
        elif isinstance(held, int | float) and not isinstance(held, bool):
            changed = list(_numbers(limits, held))
        for one in changed:
            yield f"{member} {'.'.join(map(str, path))} {one}", member, _put(value, path, one)
        if path[-2:-1] and path[-1] == "code" and "route" in path:
            at = path[: path.index("route")]
            yield f"{member} without route", member, _put(value, (*at, "route"), {"text": "unclear"})


def _numbers(limits: Limits, now: float) -> Iterator[float]:
    for number in limits.numbers:
        step = 1 if number == int(number) else 0.1
        for moved in (number - step, number, number + step):
            yield int(moved) if moved == int(moved) else round(moved, 6)
    yield from (now - 1, now + 1, now * 2, now / 2)


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _leaves(part, (*path, at))
    else:
        yield path, value


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    changed = deepcopy(value)
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = new
    return changed


def _worded(resource: Json, words: Mapping[str, tuple[str, ...]]) -> Iterator[Alteration]:
    """Every word that FHIR or a condition knows for an element."""
    kind = resource["resourceType"]
    known = FINDABLE.get(kind)
    for element in dict.fromkeys((*words, *(known.elements if known is not None else ()))):
        allowed = sorted(known.allowed(kind, element)) if known is not None else ()
        for word in dict.fromkeys((*words.get(element, ()), *allowed)):
            if element in _CODED and element in resource:
                coding = {"system": resource[element]["coding"][0]["system"], "code": word}
                yield f"{element} {word}", element, {"coding": [coding]}
            elif element in _PLAIN and (element in resource or element == "type"):
                yield f"{element} {word}", element, word
            elif element == "doNotPerform":
                yield f"{element} {word}", element, word == "true"


def _recoded(resource: Json, limits: Limits) -> Iterator[Alteration]:
    members = {
        "reason": ("reasonCode", True),
        "code": ("medicationCodeableConcept" if "medicationCodeableConcept" in resource else "code", False),
        "answer": ("valueCodeableConcept", False),
        "type": ("type", True),
    }
    for element, concepts in limits.concepts.items():
        if element == "route" and resource.get("dosageInstruction"):
            for one in concepts:
                told = "dosageInstruction"
                yield f"route {_told(one)}", told, _put(resource[told], (0, "route"), one)
        if element in members:
            member, many = members[element]
            for one in concepts:
                yield f"{element} {_told(one)}", member, [one] if many else one


def concerns(told: str, path: DataPath) -> bool:
    """Whether an alteration, in its words, may matter to an edit of a fact at this path."""
    if path[2] == "record":
        return told.startswith("no ")
    if path[2] in ("within", "after", "before"):
        return bool(_DATED.search(told))
    element = str(path[3])
    if path[2] != "with" and element in _NAMED_BY:
        return any(word in told for word in _NAMED_BY[element])
    return path[2] == "with" or bool(_NUMBERED.search(told)) or element in told


def _told(one: Json) -> str:
    return str(one["text"]) if "text" in one else str(one["coding"][0]["code"])
