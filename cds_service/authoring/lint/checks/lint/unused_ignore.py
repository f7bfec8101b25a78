"""A comment sets aside what is found on its line. What the loader finds cannot be set aside."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Ignore, Linted, Seen
from cds_service.authoring.lint.ignores import covers
from cds_service.errors import nearest


def _look(linted: Linted) -> Iterator[Seen]:
    for ignore in linted.ignores:
        if not ignore.ids:
            yield Seen(
                ignore.place, "this comment names no check", "name one: # cds: ignore[category/name] why"
            )
        for name in ignore.ids:
            seen = _unused(name, ignore, linted)
            if seen is not None:
                yield seen


def _unused(name: str, ignore: Ignore, linted: Linted) -> Seen | None:
    if name not in linted.known:
        hint = nearest(name, sorted(linted.known))
        return Seen(ignore.place, f"{name!r} is no check that can be set aside", hint)
    if name in linted.ran and not any(covers(ignore, one) for one in linted.found if one.code == name):
        return Seen(ignore.place, f"{name} finds nothing in this line", "remove the comment")
    return None


CHECK = Check(
    "lint/unused-ignore", "warning", "regular", "A comment sets aside what is not found on its line.", _look
)
