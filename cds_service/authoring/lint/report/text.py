"""For eyes: `pretty` shows the line of YAML with a mark under the place, `compact` is one line a problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import click

from cds_service.authoring.lint.report.what import Report, closing, page_of, told
from cds_service.authoring.lint.run import SetAside
from cds_service.errors import Place, Problem

_COLOURS: Mapping[str, str] = {"error": "red", "warning": "yellow", "pedantic": "blue"}
_COMMENT = re.compile(r"\s+#(?:\s.*)?$")


def pretty(report: Report) -> str:
    """Each problem with its line of YAML; click leaves the colours out where stdout is not a terminal."""
    lines = [line for problem in report.problems for line in (*_shown(problem), "")]
    return _joined([*lines, *_set_aside(report), closing(report)])


def compact(report: Report) -> str:
    """One line a problem, as editors read it: file:line:column: message (hint) level[code]."""
    lines = [f"{_bold(problem.place)}: {_said(problem)} {_tag(problem)}" for problem in report.problems]
    return _joined([*lines, *_set_aside(report), closing(report)])


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _said(problem: Problem) -> str:
    hint = click.style(f" ({problem.hint})", fg="cyan") if problem.hint else ""
    return problem.message + hint


def _tag(problem: Problem) -> str:
    return click.style(f"{problem.level}[{problem.code}]", fg=_COLOURS.get(problem.level, "white"))


def _bold(place: Place) -> str:
    return click.style(str(place), bold=True)


def _set_aside(report: Report) -> Iterator[str]:
    if report.lists_set_aside:
        yield from (_aside(one) for one in report.set_aside)


def _aside(one: SetAside) -> str:
    return f"set aside: {_bold(one.problem.place)}: {told(one.problem)} [{one.problem.code}]: {one.reason}"


def _shown(problem: Problem) -> Iterator[str]:
    number = str(problem.place.line or "")
    gap = " " * len(number)
    yield f"{_tag(problem)}: {problem.message}"
    yield f"{gap}--> {_bold(problem.place)}"
    line = _line(problem.place)
    if line:
        yield f"{gap} |"
        yield f"{number} | {line}"
        yield f"{gap} | {_mark(problem, line)}"
    elif problem.hint:
        yield f"{gap} = try: {problem.hint}"
    yield f"{gap} = help: {page_of(problem.code)}"


def _mark(problem: Problem, line: str) -> str:
    start = max(problem.place.column, 1) - 1
    # Tabs before the place stay tabs, so that the mark stands under it.
    before = re.sub(r"[^\t]", " ", line[:start])
    length = max(len(_COMMENT.sub("", line)) - start, 1)
    mark = click.style("^" * length, fg=_COLOURS.get(problem.level, "white"))
    return f"{before}{mark}" + (f" {click.style(problem.hint, fg='cyan')}" if problem.hint else "")


def _line(place: Place) -> str:
    lines = _lines(place.file) if place.line else ()
    return lines[place.line - 1].rstrip() if place.line <= len(lines) and lines else ""


@cache
def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(Path(file).read_text(encoding="utf-8-sig", errors="replace").split("\n"))
    except OSError:
        return ()
