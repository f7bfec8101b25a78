"""Whether a search brought everything, as what came says of itself: reports among the entries, labels.

A report may be a remark on what came, or say that something was left out or not looked at. Which of the two
is told by its issue type (FHIR R4, http://hl7.org/fhir/issue-type): docs/missing-data.md lists them. A label
(`meta.tag`, `meta.security`) may say that a resource or a whole Bundle was sent in part.
"""

from __future__ import annotations

from cds_service.facts import fhir
from cds_service.facts.fhir_types import Labels

_REMARKS = frozenset(
    """
    informational processing duplicate not-found deleted
    invalid required value invariant code-invalid extension
    """.split()
)
"""Issue types that speak of the request or of entries that are there. Any other, unknown ones included, may
mean that entries are not there."""

_PARTIAL = frozenset({"SUBSETTED", "REDACTED", "MASKED"})
"""Codes of http://terminology.hl7.org/CodeSystem/v3-ObservationValue for what was cut out or hidden."""


def says_partial(labels: Labels | None) -> bool:
    """Whether a resource or Bundle says that parts of it were left out."""
    if labels is None or not (labels.tag or labels.security):
        return False
    return any(label.code in _PARTIAL for label in (*labels.tag, *labels.security))


def says_failed(report: fhir.OperationOutcome) -> bool:
    """Whether a report says that the search failed: by an error, a severity nobody knows, or no issue."""
    severities = {issue.severity for issue in report.issue}
    return not severities or not severities <= {"warning", "information"}


def says_left_out(report: fhir.OperationOutcome) -> bool:
    """Whether a report says that entries were left out, or that something was not looked at."""
    return not _REMARKS.issuperset(issue.code for issue in report.issue)
