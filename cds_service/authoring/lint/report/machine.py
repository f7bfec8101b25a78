"""For machines: JSON, and the commands by which a GitHub workflow marks lines of a pull request."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cds_service.authoring.lint.report.what import Report, page_of, told
from cds_service.errors import Problem

_COMMANDS: Mapping[str, str] = {"error": "error", "warning": "warning", "pedantic": "notice"}


def json_report(report: Report) -> str:
    """`problems` and `setAside`, each with file, line, column, code, level, message, hint and page."""
    record = {
        "problems": [_record(problem) for problem in report.problems],
        "setAside": [{**_record(one.problem), "reason": one.reason} for one in report.set_aside],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _record(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "code": problem.code,
        "level": problem.level,
        "message": problem.message,
        "hint": problem.hint,
        "help": page_of(problem.code),
    }


def github(report: Report) -> str:
    """One workflow command a problem."""
    return "".join(f"{_command(problem)}\n" for problem in report.problems)


def _command(problem: Problem) -> str:
    place = problem.place
    where = f"file={_property(place.file)},line={max(place.line, 1)},col={max(place.column, 1)}"
    text = _escaped(f"{told(problem)}; {page_of(problem.code)}")
    return f"::{_COMMANDS[problem.level]} {where},title={_property(problem.code)}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
