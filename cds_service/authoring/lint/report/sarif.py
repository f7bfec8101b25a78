"""SARIF 2.1.0, the form in which code scanning services take findings (OASIS, sections 3.13 to 3.52)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from cds_service.authoring.lint.registry import every_check
from cds_service.authoring.lint.report.what import Report, page_of, told
from cds_service.errors import Problem

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Mapping[str, str] = {"error": "error", "warning": "warning", "pedantic": "note"}


def sarif(report: Report) -> str:
    """One run; what was set aside is a result too, with a suppression and its reason."""
    aside = [one.problem for one in report.set_aside]
    codes = sorted({problem.code for problem in (*report.problems, *aside)})
    results = [_result(problem, codes) for problem in report.problems]
    results += [
        {
            **_result(one.problem, codes),
            "suppressions": [{"kind": "inSource", "justification": one.reason}],
        }
        for one in report.set_aside
    ]
    run = {"tool": {"driver": _driver(codes)}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _driver(codes: list[str]) -> dict[str, Any]:
    return {"name": "cds lint", "version": version("cds-service"), "rules": [_rule(code) for code in codes]}


def _rule(code: str) -> dict[str, Any]:
    check = every_check().get(code)
    rule: dict[str, Any] = {"id": code, "help": {"text": f"See {page_of(code)}."}}
    return rule | ({"shortDescription": {"text": check.says}} if check else {})


def _result(problem: Problem, codes: list[str]) -> dict[str, Any]:
    place = problem.place
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": _LEVELS[problem.level],
        "message": {"text": told(problem)},
        "locations": [{"physicalLocation": physical}],
    }
