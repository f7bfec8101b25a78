"""What holds for every address and every way to cut a search into pages."""

from __future__ import annotations

import json
from itertools import pairwise

from chart_builder import bundle, condition
from hypothesis import example, given
from hypothesis import strategies as st
from scripted_server import call
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from cds_service.facts.read import Owner, read_key
from cds_service.facts.server.access import under_base
from cds_service.facts.server.pages import joined, next_of
from cds_service.facts.server.query import url_of

BASE = "https://ehr.example.org:8443/r4/fhir"
PARTS = [
    *("https:", "http:", "//", "/", "\\", "..", ".", "%2e", "%2f", "%5c", "@", ":", "8443", "443", "?", "#"),
    *(
        "ehr.example.org",
        "EHR.example.org",
        "evil.test",
        "r4",
        "fhir",
        "Condition",
        "[::1]",
        "\t",
        "\n",
        " ",
        "é",
    ),
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text(max_size=60))
@example("https://ehr.example.org:8443\\@evil.test/r4/fhir/x")
@example("https://ehr.example.org:8443/r4/fhir/../../admin")
def test_a_url_that_may_be_read_is_under_the_base_for_the_parser_that_connects_too(text: str) -> None:
    """requests hands the URL to urllib3, which takes URLs apart by rules of its own."""
    url = under_base(BASE, text)
    if not url:
        return
    try:
        found = parse_url(url)
    except LocationParseError:
        return  # then nothing is sent
    assert (found.scheme, found.host, found.port, found.auth) == ("https", "ehr.example.org", 8443, None)
    assert f"{found.path}/".startswith("/r4/fhir/")


@given(st.text(max_size=70))
def test_an_id_adds_no_step_to_a_path_and_nothing_to_a_query(number: str) -> None:
    template = "Encounter/{{context.encounterId}}?patient={{context.patientId}}"
    url = url_of(template, call(BASE, patient_id=number, encounter_id=number))
    assert url in ("", f"Encounter/{number}?patient={number}")
    if url:
        assert parse_url(f"{BASE}/{url}").path == f"/r4/fhir/Encounter/{number}"


CONDITIONS = [condition("F33.2", "2025-01-10", id=f"c{number}") for number in range(6)]


@given(st.lists(st.integers(0, 6), max_size=4).map(sorted), st.booleans())
def test_a_search_in_pages_is_read_like_the_same_search_in_one(cuts: list[int], whole: bool) -> None:
    pages = []
    for start, end in pairwise([0, *cuts, 6]):
        page = bundle(*CONDITIONS[start:end], total=6, more=end != 6)
        pages.append(json.dumps(page).encode())
    read = read_key("conditions", joined(pages, whole=whole), Owner("p"))
    assert [one.id for one in read.resources] == [one["id"] for one in CONDITIONS]
    assert read.state == ("found" if whole or len(pages) == 1 else "truncated")


@given(st.binary(max_size=40) | st.sampled_from([b"null", b"[]", b'{"resourceType":"Bundle","link":null}']))
def test_what_is_no_bundle_has_no_next_page_and_ends_a_search(body: bytes) -> None:
    assert next_of(body) is None
    first = json.dumps(bundle(CONDITIONS[0], more=True)).encode()
    assert read_key("conditions", joined([first, body], whole=True), Owner("p")).state == "truncated"
