"""What a search finds: by patient, code, text and date, in which order, page after page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fhir_examples import client_of, found, ids, link, observation, pages, patient, searchset
from hypothesis import given
from hypothesis import strategies as st

LOINC = "http://loinc.org"


def coded(number: str, *codings: dict[str, str], **members: Any) -> dict[str, Any]:
    return observation(number, code={"coding": list(codings)}, **members)


def undated(number: str) -> dict[str, Any]:
    return {name: value for name, value in observation(number).items() if name != "effectiveDateTime"}


# --- patient, code, text -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "patient=p1",
        "patient=Patient/p1",
        "subject=p1",
        "subject=Patient/p1",
        "subject:Patient=p1",
        "patient=http://localhost/fhir/Patient/p1",
        "patient=nobody,p1",
        "patient=p1&subject=p1",
    ],
)
def test_a_patient_is_named_in_every_way_fhir_knows(query: str) -> None:
    client = client_of(observation("mine"), observation("other", owner="p2"))
    assert found(client, f"Observation?{query}") == ["mine"]


@pytest.mark.parametrize(
    "query", ["patient=p2", "patient=http://elsewhere/fhir/Patient/p1", "patient=Group/p1"]
)
def test_another_patient_finds_nothing(query: str) -> None:
    assert found(client_of(observation("mine")), f"Observation?{query}") == []


def test_an_allergy_is_found_by_its_patient() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p1"}}
    assert found(client_of(allergy), "AllergyIntolerance?patient=p1") == ["a"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("code=1", ["loinc", "local", "none"]),
        (f"code={LOINC}|1", ["loinc"]),
        ("code=|1", ["none"]),
        (f"code={LOINC}|", ["loinc", "second"]),
        (f"code={LOINC}|1,urn:x|1", ["loinc", "local"]),
        (f"code={LOINC}|2,|1", ["none", "second"]),
        (f"code={LOINC}|1&code=2", []),
        ("code=2&code=3", ["second"]),
        ("code=a\\,b", ["comma"]),
        ("code=c\\|d", ["bar"]),
        ("combo-code=part", ["parts"]),
        ("component-code=part", ["parts"]),
        ("code=part", []),
    ],
)
def test_codes_are_matched_with_and_without_their_system(query: str, expected: list[str]) -> None:
    client = client_of(
        coded("loinc", {"system": LOINC, "code": "1"}),
        coded("local", {"system": "urn:x", "code": "1"}),
        coded("none", {"code": "1"}),
        coded("second", {"system": "urn:x", "code": "3"}, {"system": LOINC, "code": "2"}),
        coded("comma", {"system": "urn:x", "code": "a,b"}),
        coded("bar", {"system": "urn:x", "code": "c|d"}),
        coded("parts", component=[{"code": {"coding": [{"code": "part"}]}}]),
    )
    assert found(client, f"Observation?{query}") == expected


def test_category_and_status_narrow_a_search() -> None:
    vital = {"category": [{"coding": [{"code": "survey"}, {"code": "vital-signs"}]}]}
    client = client_of(observation("a", **vital), observation("b", status="preliminary", **vital), coded("c"))
    assert found(client, "Observation?category=vital-signs&status=final") == ["a"]
    assert found(client, "Observation?status=preliminary,amended") == ["b"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_id=p2", ["p2"]),
        ("_id=p1,p2", ["p1", "p2"]),
        ("family=fix", ["p1"]),
        ("family=ture", []),
        ("name=ANN", ["p2"]),
        ("name=fixture", ["p1"]),
        ("given=ann", ["p2"]),
        ("birthdate=lt1990", ["p1"]),
        ("gender=female", ["p2"]),
        ("identifier=urn:mrn|7", ["p1"]),
        ("identifier=8", []),
    ],
)
def test_patients_are_found_by_what_identifies_them(query: str, expected: list[str]) -> None:
    first = patient(birthDate="1980-05-01", name=[{"family": "Fixture", "given": ["Joe"]}])
    first |= {"identifier": [{"system": "urn:mrn", "value": "7"}]}
    second = patient("p2", birthDate="1990", gender="female", name=[{"given": ["Mary", "Ann"]}])
    assert found(client_of(first, second), f"Patient?{query}") == expected


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "matching", "not_matching"),
    [
        (
            "2026-02-10",
            ["2026-02-10", "2026-02", "2026", "ge2026-02-10", "le2026-02-10", "gt2026-02-09", "lt2026-02-11"],
            [
                "2026-02-10T08:00:00Z",
                "gt2026-02-10",
                "lt2026-02-10",
                "ge2026-02-11",
                "gt2026-02",
                "le2026-02-09",
            ],
        ),
        (
            "2026",
            [
                "2026",
                "ge2026",
                "le2026",
                "gt2026-05",
                "lt2026-05",
                "ge2026-05",
                "le2026-05",
                "gt2025",
                "lt2027",
            ],
            ["2026-05", "gt2026", "lt2026", "ge2027", "le2025"],
        ),
        (
            "2026-02-10T23:30:00-02:00",
            ["2026-02-11", "2026-02-11T01:30:00Z", "2026-02-11T01:30Z", "ge2026-02-11", "gt2026-02-10"],
            ["2026-02-10", "lt2026-02-11", "gt2026-02-11", "2026-02-11T01:30:01Z"],
        ),
    ],
)
def test_a_date_is_compared_to_its_precision(
    recorded: str, matching: list[str], not_matching: list[str]
) -> None:
    client = client_of(observation("o", recorded))
    assert [one for one in matching if not found(client, f"Observation?date={one}")] == []
    assert [one for one in not_matching if found(client, f"Observation?date={one}")] == []


def test_an_open_period_reaches_for_ever() -> None:
    visit: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "in-progress",
        "class": {"code": "AMB"},
    }
    visit["period"] = {"start": "2026-02-01"}
    client = client_of(visit)
    assert found(client, "Encounter?date=gt2090") == ["e"]
    assert found(client, "Encounter?date=lt2026-02-01") == []
    assert found(client, "Encounter?date=2026-02") == []


def test_two_dates_bound_a_window_and_a_list_is_either() -> None:
    client = client_of(*(observation(f"o{day}", f"2026-02-0{day}") for day in range(1, 6)))
    assert found(client, "Observation?date=ge2026-02-02&date=le2026-02-03") == ["o2", "o3"]
    assert found(client, "Observation?date=2026-02-02,2026-02-05") == ["o2", "o5"]


def test_what_has_no_date_is_never_found_by_date() -> None:
    client = client_of(undated("o"), observation("odd", "sometime"))
    assert found(client, "Observation?date=ge1900,le1900") == []


DATES = st.dates(date(1990, 1, 1), date(2030, 12, 31))


def _texts(day: date) -> st.SearchStrategy[str]:
    full = day.isoformat()
    return st.sampled_from([full[:4], full[:7], full, f"{full}T12:00:00Z", f"{full}T12:00:00.5Z"])


TEXTS = DATES.flatmap(_texts)


@given(TEXTS, TEXTS)
def test_date_prefixes_agree_with_each_other(recorded: str, asked: str) -> None:
    """ge is gt or eq, le is lt or eq, and what is neither later nor earlier lies inside."""
    client = client_of(observation("o", recorded))
    hit = {
        one: bool(found(client, f"Observation?date={one}{asked}")) for one in ("eq", "ge", "gt", "le", "lt")
    }
    assert hit["ge"] == (hit["gt"] or hit["eq"])
    assert hit["le"] == (hit["lt"] or hit["eq"])
    assert hit["eq"] == (not hit["gt"] and not hit["lt"])


@given(DATES, DATES)
def test_whole_days_compare_as_days(recorded: date, asked: date) -> None:
    client = client_of(observation("o", recorded.isoformat()))
    expected = {"eq": recorded == asked, "ge": recorded >= asked, "gt": recorded > asked}
    expected |= {"le": recorded <= asked, "lt": recorded < asked}
    for prefix, hit in expected.items():
        assert bool(found(client, f"Observation?date={prefix}{asked}")) is hit


# --- order and pages -----------------------------------------------------------------------------


@given(st.lists(DATES, max_size=12))
def test_dates_sort_upwards_and_downwards(days: list[date]) -> None:
    when = {f"o{index}": day for index, day in enumerate(days)}
    client = client_of(*(observation(number, day.isoformat()) for number, day in when.items()))
    upwards, downwards = found(client, "Observation?_sort=date"), found(client, "Observation?_sort=-date")
    assert [when[number] for number in upwards] == sorted(days)
    assert [when[number] for number in downwards] == sorted(days, reverse=True)
    assert sorted(upwards) == sorted(downwards) == sorted(when)


def test_what_has_no_date_comes_last_in_either_order() -> None:
    client = client_of(undated("none"), observation("old", "2020"), observation("new", "2021"))
    assert found(client, "Observation?_sort=date") == ["old", "new", "none"]
    assert found(client, "Observation?_sort=-date") == ["new", "old", "none"]


def test_a_second_order_breaks_ties_of_the_first() -> None:
    days = {"b": "2026-01-01", "a": "2026-01-01", "c": "2025-01-01"}
    client = client_of(*(observation(number, day) for number, day in days.items()))
    assert found(client, "Observation?_sort=date,_id") == ["c", "a", "b"]
    assert found(client, "Observation?_sort=-date,-_id") == ["b", "a", "c"]
    assert found(client, "Observation?_sort=_id") == ["a", "b", "c"]


def test_the_time_of_the_last_change_sorts_too() -> None:
    moments = {"new": "2026-01-02T00:00:00Z", "old": "2026-01-01T00:00:00Z"}
    client = client_of(*(observation(one, meta={"lastUpdated": at}) for one, at in moments.items()))
    assert found(client, "Observation?_sort=_lastUpdated") == ["old", "new"]
    assert found(client, "Observation?_lastUpdated=lt2026-01-02") == ["old"]


@given(
    st.integers(0, 25),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(1, 12)),
    st.sampled_from(["", "_sort=-date&", "_sort=_id&", "code=29463-7&"]),
)
def test_following_next_yields_each_match_exactly_once(
    number: int, cap: int, count: int | None, extra: str
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = [observation(f"o{i}", (start + timedelta(days=i * 7 % 11)).isoformat()) for i in range(number)]
    client = client_of(*made, observation("other", owner="p2"), page=cap)
    asked = f"Observation?{extra}patient=p1" + ("" if count is None else f"&_count={count}")
    sheets = list(pages(client, asked))
    seen = [one for sheet in sheets for one in ids(sheet)]
    assert sorted(seen) == sorted(one["id"] for one in made)
    assert {sheet["total"] for sheet in sheets} == {number}
    size = cap if count is None else min(cap, count)
    assert [len(ids(sheet)) for sheet in sheets[:-1]] == [size] * (len(sheets) - 1)
    assert seen == found(client_of(*made, observation("other", owner="p2")), asked.partition("&_count")[0])


def test_a_count_of_zero_only_counts() -> None:
    bundle = searchset(client_of(observation("o")).get("/fhir/Observation?_count=0"))
    assert (bundle["total"], ids(bundle), link(bundle, "next")) == (1, [], None)


def test_an_empty_answer_has_no_entries() -> None:
    assert "entry" not in searchset(client_of().get("/fhir/Observation"))
