"""Rows at or after, or before, a moment that another fact tells; undecided where they cannot be ordered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from cds_service.facts.dates import When
from cds_service.facts.finding import Finding, OwnWords, Row
from cds_service.facts.rows import Rows
from cds_service.rulebook.fact import RowsFact
from cds_service.rulebook.formula import Anchor
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

_INSTANT = timedelta(microseconds=1)
_LENGTHS = {"minutes": "minutes", "hours": "hours", "days": "days", "weeks": "weeks"}


def anchored(rows: Rows, fact: RowsFact, used: Mapping[str, Finding]) -> Rows:
    """The rows with the fact's `after` and `before` applied."""
    counted, rejected = rows.counted, list(rows.rejected)
    for anchor, later in ((fact.after, True), (fact.before, False)):
        if anchor is None:
            continue
        moment = _moment(anchor, used)
        kept: list[Row] = []
        for row in counted:
            answer = _ordered(row.evidence.when, moment, later=later)
            told = f"must be {'at or after' if later else 'before'} {anchor.text}"
            if answer is TRUE:
                kept.append(row)
            elif answer is FALSE:
                rejected.append(
                    replace(row, counts=FALSE, why=(OwnWords(f"dated {row.evidence.when}, {told}"),))
                )
            else:
                kept.append(
                    replace(row, counts=UNKNOWN, why=(*row.why, OwnWords(f"{told}, which cannot be told")))
                )
        counted = kept
    return Rows(counted, rejected)


def _moment(anchor: Anchor, used: Mapping[str, Finding]) -> When | None:
    value = used[anchor.fact].value
    if isinstance(value, Row):
        value = value.evidence.when
    if not isinstance(value, When):
        return None
    move = timedelta(**{_LENGTHS[anchor.unit]: anchor.number})
    try:
        return When(value.start + move, value.end + move, value.text)
    except OverflowError:
        return value


def _ordered(when: When | None, moment: When | None, *, later: bool) -> Truth:
    """Whether a row is at or after the moment (or before it), for every instant that both may mean."""
    if when is None or moment is None:
        return UNKNOWN
    after = when.start >= moment.end - _INSTANT
    before = when.end <= moment.start
    if not after and not before:
        return UNKNOWN
    return TRUE if after is later else FALSE
