"""Whether a search brought everything, as what came says of itself: a report among the entries.

A report may be a remark on what came, or say that something was left out or not looked at. Which of the two
is told by its issue type (FHIR R4, http://hl7.org/fhir/issue-type): docs/missing-data.md lists them.
"""

from __future__ import annotations

from cds_service.facts import fhir

_REMARKS = frozenset(
    """
    informational processing duplicate not-found deleted
    invalid required value invariant code-invalid extension
    """.split()
)
"""Issue types that speak of the request or of entries that are there. Any other, unknown ones included, may
mean that entries are not there."""


def says_failed(report: fhir.OperationOutcome) -> bool:
    """Whether a report says that the search failed: an error, or a severity that nobody knows, or no issue."""
    severities = {issue.severity for issue in report.issue}
    return not severities or not severities <= {"warning", "information"}


def says_left_out(report: fhir.OperationOutcome) -> bool:
    """Whether a report says that entries were left out, or that something was not looked at."""
    return not _REMARKS.issuperset(issue.code for issue in report.issue)
