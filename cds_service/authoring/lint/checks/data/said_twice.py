"""A value, a name or a code stands twice in one list: the second does nothing; another was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.errors import Place
from cds_service.rulebook.files import Code, Member
from cds_service.rulebook.systems import plain_code
from cds_service.rulebook.yamlfile import DataPath

_LISTS = ("code_in", "date", "where", "unsure")


def _look(linted: Linted) -> Iterator[Seen]:
    for rule in linted.rules:
        for name in rule.model.data:
            for key in _LISTS:
                yield from (
                    _seen(rule.file.place(path), repr(value))
                    for path, value in _again(rule.file.data["data"][name].get(key), ("data", name, key))
                )
    for parsed in linted.shelf.valuesets.values():
        for key, members in (("include", parsed.model.include), ("exclude", parsed.model.exclude)):
            held: set[tuple[str, str]] = set()
            for index, member in enumerate(members):
                code = _plain(member)
                if code in held:
                    yield _seen(parsed.file.place((key, index)), " ".join(code))
                held.add(code)


def _again(data: Any, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """What stands a second time in a list, at any depth, with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _again(value, (*path, key))
    elif isinstance(data, list):
        told = [str(one).casefold() for one in data]
        yield from (((*path, at), told[at]) for at in range(len(data)) if told[at] in told[:at])


def _plain(member: Member) -> tuple[str, str]:
    if isinstance(member, Code):
        return member.system, plain_code(member.system, member.code)
    return member.system, f"{plain_code(member.system, member.starts_with)}…"


def _seen(place: Place, what: str) -> Seen:
    return Seen(place, f"{what} stands here a second time", "remove it, or write the one that was meant")


CHECK = Check("data/said-twice", "warning", "regular", "Something stands twice in one list.", _look)
