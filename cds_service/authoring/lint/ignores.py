"""Comments that set a check aside on their line: `# cds: ignore[logic/double-negation] why`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cds_service.authoring.coverage.excuse import KINDS
from cds_service.authoring.lint.check import Ignore
from cds_service.errors import Place, Problem
from cds_service.rulebook.checks.buttons import texts_in
from cds_service.rulebook.shelf import Shelf

_EXCUSES = "|".join(KINDS)
"""Words of the remarks that `cds coverage` reads, which set no check aside."""
_COMMENT = re.compile(rf"#\s*cds:(?!\s*(?:{_EXCUSES})\[)\s*(?:ignore\[([^\]]*)\])?\s*(.*?)\s*$")


def ignores_in(shelf: Shelf) -> tuple[Ignore, ...]:
    """Every such comment of the files of a rulebook; the same words inside a text are no comment."""
    return tuple(one for name in shelf.files for one in _in_file(shelf, name))


def _in_file(shelf: Shelf, name: str) -> Iterator[Ignore]:
    path = shelf.path(name)
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if "cds:" not in text:
        return
    said = [value for _, value in texts_in(shelf.files[name], ())]
    for number, line in enumerate(text.splitlines(), start=1):
        comment = _COMMENT.search(line)
        if comment is None:
            continue
        # In a text its end may be a quote; what the bracket says is enough to know it again.
        known_by = line[comment.start() : comment.end(1)] if comment.group(1) else comment.group(0)
        if not any(known_by in value for value in said):
            ids = tuple(one.strip() for one in (comment.group(1) or "").split(",") if one.strip())
            yield Ignore(Place(path.as_posix(), number, comment.start() + 1), ids, comment.group(2))


def covers(ignore: Ignore, problem: Problem) -> bool:
    """Whether a comment sets a problem aside: same file, same line, its id."""
    place = problem.place
    return problem.code in ignore.ids and (place.file, place.line) == (ignore.place.file, ignore.place.line)


def reason_for(problem: Problem, ignores: Sequence[Ignore]) -> str | None:
    """Why a problem was set aside, "" if that is not said (a problem of its own); None if it was not."""
    return next((one.reason for one in ignores if covers(one, problem)), None)
