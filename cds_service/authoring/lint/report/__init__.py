"""The ways to print what a run found: for eyes, for editors, for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cds_service.authoring.lint.report.machine import github, json_report
from cds_service.authoring.lint.report.sarif import sarif
from cds_service.authoring.lint.report.text import compact, pretty
from cds_service.authoring.lint.report.what import Report

__all__ = ["FORMATS", "Report"]

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "pretty": pretty,
    "compact": compact,
    "json": json_report,
    "github": github,
    "sarif": sarif,
}
