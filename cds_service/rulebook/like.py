"""Facts that ask of the same rows as another: `like: orders` is spelled out before anything is checked.

What chooses rows is taken over (`CHOOSES`); how they are answered, and what silence means, each fact says for
itself. So every check, and every reader of a rule, sees facts that are written out in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from cds_service.errors import Place, Problem, nearest
from cds_service.rulebook.yamlfile import DataPath, YamlFile

LIKE = "like"
CHOOSES = ("find", "view", "from", "code_in", "with", "where", "unsure", "within", "after", "before", "date")
"""The keys of a fact that choose rows, which a fact `like` another takes over."""
_BY_NAME = ("with", "where", "unsure")
"""Of these the entries are taken over one by one: one of the same name stands in for it."""


def spelled_out(file: YamlFile) -> YamlFile:
    """A rule's file with what its facts take over written into them; it stands where their `like` stands.

    One that cannot be spelled out is refused (`schema/bad-like`) and left out.
    """
    facts = file.data.get("data") if isinstance(file.data, dict) else None
    if not isinstance(facts, dict) or not any(_likened(fact) for fact in facts.values()):
        return file
    problems = {name: told for name in facts if (told := _refused(file, facts, name)) is not None}
    made = {
        name: _taken_over(fact, facts[fact[LIKE]]) if _likened(fact) and name not in problems else fact
        for name, fact in facts.items()
    }
    data = {**file.data, "data": made}
    added = {path: file.place((*path[:2], LIKE)) for path in _added(facts, made)}
    return replace(
        file,
        data=data,
        places={**added, **file.places},
        key_places={**added, **file.key_places},
        problems=(*file.problems, *problems.values()),
        bad=file.bad | {("data", name) for name in problems},
    )


def likes_of(file: YamlFile) -> Iterator[Place]:
    """Where a file's facts say what they are like."""
    return (place for path, place in file.places.items() if path[:1] == ("data",) and path[2:] == (LIKE,))


def told_once(problems: Iterable[Problem], likes: Collection[Place]) -> Iterator[Problem]:
    """The problems less those that facts took over with a line, and that are told at the line itself."""
    all_of_them = tuple(problems)
    elsewhere = {_told(one) for one in all_of_them if one.place not in likes}
    return (one for one in all_of_them if one.place not in likes or _told(one) not in elsewhere)


def _told(problem: Problem) -> tuple[str, str, str]:
    return problem.place.file, problem.code, problem.message


def _likened(fact: object) -> bool:
    return isinstance(fact, dict) and LIKE in fact


def _refused(file: YamlFile, facts: Mapping[str, Any], name: str) -> Problem | None:
    """Why a fact cannot be like what it names; None if it can, or says nothing of it."""
    if not _likened(facts[name]):
        return None
    place, own = file.place(("data", name, LIKE)), {"find", "view"} & facts[name].keys()
    fault = _fault(facts, name, facts[name][LIKE])
    if fault is None and own:
        fault = "a fact has exactly one of find, view, like", "remove like, or the other"
    return None if fault is None else Problem(place, "schema/bad-like", *fault)


def _fault(facts: Mapping[str, Any], name: str, other: Any) -> tuple[str, str] | None:
    """What is wrong with being like `other`, and what to write instead, which is itself right."""
    above = list(facts)[: list(facts).index(name)]
    could = [one for one in above if _has_rows(facts[one])]
    named = (
        f"name one of those above that look for rows: {', '.join(could)}" if could else "write find or view"
    )
    if isinstance(other, list) and len(other) == 1 and other[0] in could:
        return "like names one fact, and this is a list", f"write like: {other[0]}"
    if not isinstance(other, str) or other not in facts:
        return f"there is no fact {other!r} above", nearest(str(other), could) or named
    if other == name:
        return "a fact cannot be like itself", named
    if _likened(facts[other]):
        root = _root(facts, other)
        move = "" if root in could else f"move {root} before {name} and "
        return f"{other!r} is itself like another fact", f"{move}write like: {root}" if root else named
    if not _has_rows(facts[other]):
        return f"{other!r} has no rows: it has neither find nor view", named
    if other not in above:
        return f"{other!r} does not stand above", f"move {other} before {name}"
    return None


def _has_rows(fact: object) -> bool:
    return isinstance(fact, dict) and bool({"find", "view"} & fact.keys()) and not _likened(fact)


def _root(facts: Mapping[str, Any], name: str) -> str:
    """The fact whose rows a chain of likes ends in, "" if it ends in none."""
    seen: set[str] = set()
    while isinstance(name, str) and name in facts and name not in seen and _likened(facts[name]):
        seen.add(name)
        name = facts[name][LIKE]
    return name if isinstance(name, str) and _has_rows(facts.get(name)) else ""


def _taken_over(fact: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The fact with the rows of the other; its own keys stand in for those of the other."""
    rows = {key: deepcopy(other[key]) for key in CHOOSES if key in other}
    own = {key: value for key, value in fact.items() if key != LIKE}
    both = {
        key: {**rows[key], **own[key]}
        for key in _BY_NAME
        if isinstance(rows.get(key), dict) and isinstance(own.get(key), dict)
    }
    return {**rows, **own, **both}


def _added(facts: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[DataPath]:
    """The path of everything that was taken over."""
    for name, fact in made.items():
        if _likened(facts[name]) and not _likened(fact):
            yield from _below(fact, ("data", name))


def _below(data: Any, path: DataPath) -> Iterator[DataPath]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from _below(value, (*path, key))
