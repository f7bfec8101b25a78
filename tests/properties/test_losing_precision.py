"""A date told less exactly says less, never something else: no verdict moves between true and false by it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from losing import CALLS, CHARTS, decide, reads, story_call, verdicts

from cds_service.facts.dates import parse_when
from cds_service.facts.request import HookRequest

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?|\d{4}-\d{2}")
_LENGTHS = {"day": 10, "month": 7, "year": 4}
DAYS_LATER = (0, 19)
"""The first of a month, on which the month is a day, and one in its middle."""


def vaguer(value: Any, length: int, request: HookRequest) -> Any:
    """The JSON with each date up to the time of the call cut to its day, month or year."""
    if isinstance(value, dict):
        return {name: vaguer(part, length, request) for name, part in value.items()}
    if isinstance(value, list):
        return [vaguer(part, length, request) for part in value]
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return value
    when = parse_when(value, request.zone)
    if when is None or when.start > request.as_of:
        return value  # of what is dated ahead the date is wrong, and less of it tells less of that
    return when.start.astimezone(request.zone).date().isoformat()[:length] if len(value) > length else value


def told_less(request: HookRequest) -> Iterator[tuple[str, str, HookRequest]]:
    for key in sorted(request.prefetch.keys() - {"patient"}):
        for told, length in _LENGTHS.items():
            before = json.loads(bytes(request.prefetch[key]))
            after = vaguer(before, length, request)
            if after != before:
                prefetch = {**request.prefetch, key: msgspec.Raw(json.dumps(after).encode())}
                yield key, told, replace(request, prefetch=prefetch)


@pytest.mark.parametrize("later", DAYS_LATER)
@pytest.mark.parametrize("story", [*CHARTS, *CALLS], ids=lambda path: path.stem)
def test_a_date_told_less_exactly_never_turns_a_verdict_round(story: Path, later: int) -> None:
    call = story_call(story)
    request = replace(call, as_of=call.as_of + timedelta(days=later))
    whole = decide(request)
    assert whole is not None
    before = verdicts(whole)
    for key, told, less in told_less(request):
        body = decide(less)
        assert body is not None
        for rule, verdict in verdicts(body).items():
            allowed = (before[rule], "unknown") if key in reads(rule) else (before[rule],)
            assert verdict in allowed, (key, told, rule)
