"""Results of rule tests as the XML that build servers read: a suite per rule, a case per test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cds_service.authoring.testrun import Timed
from cds_service.errors import Problem

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(results: Sequence[Timed], problems: Sequence[Problem]) -> str:
    """The report; a mistake in a test file is a case that ended in an error."""
    failed = sum(not one.result.passed for one in results)
    total = {"tests": len(results) + len(problems), "failures": failed, "errors": len(problems)}
    root = Element("testsuites", {"name": "cds test"} | {name: str(value) for name, value in total.items()})
    for rule, group in groupby(results, key=lambda one: one.result.item.rule.rule):
        _suite(root, rule, list(group))
    if problems:
        told = {"name": "test files", "tests": str(len(problems)), "errors": str(len(problems))}
        suite = SubElement(root, "testsuite", told)
        for problem in problems:
            _problem(suite, problem)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, rule: str, results: Sequence[Timed]) -> None:
    failed = sum(not one.result.passed for one in results)
    seconds = sum(one.seconds for one in results)
    told = {"name": rule, "tests": str(len(results)), "failures": str(failed), "errors": "0"}
    suite = SubElement(root, "testsuite", told | {"time": f"{seconds:.3f}"})
    for one in results:
        _case(suite, one)


def _case(suite: Element, one: Timed) -> None:
    item, differences = one.result.item, one.result.differences
    told = {"classname": item.rule.rule, "name": _clean(item.case.name)}
    place = {"file": item.place.file, "line": str(item.place.line), "time": f"{one.seconds:.3f}"}
    case = SubElement(suite, "testcase", told | place)
    if differences:
        message = _clean("; ".join(str(difference) for difference in differences))
        failure = SubElement(case, "failure", {"message": message, "type": differences[0].what})
        failure.text = _clean(f"{one.result}\n\n{one.result.why}")


def _problem(suite: Element, problem: Problem) -> None:
    place = {"file": problem.place.file, "line": str(problem.place.line)}
    case = SubElement(suite, "testcase", {"classname": "test files", "name": str(problem.place)} | place)
    error = SubElement(case, "error", {"message": _clean(problem.message), "type": problem.code})
    error.text = _clean(str(problem))


def _clean(text: str) -> str:
    """Without characters that XML cannot hold."""
    return _UNPRINTABLE.sub("?", text)
