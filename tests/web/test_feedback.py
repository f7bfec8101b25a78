"""POST /cds-services/<id>/feedback: rows FB-1 to FB-13 of the specification, through the application."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.identity import rule_prefix
from cds_service.errors import RequestError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import Entry, FeedbackLog
from cds_service.web.app import create_app
from cds_service.web.caller import Caller
from cds_service.web.feedback import LONGEST_COMMENT, MOST_ENTRIES, read_feedback

from .answers import MARK, NOW, VIEW, assert_cards, assert_outcome, changed, view_call

FEEDBACK = f"{VIEW}/feedback"
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
SUGGESTION = "e56e1945-20b3-4393-8503-a1a20fd73152"
ACCEPTED: dict[str, Any] = {
    "card": CARD,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": SUGGESTION}],
    "outcomeTimestamp": "2026-03-01T12:00:00.50Z",
}
OVERRIDDEN: dict[str, Any] = {
    "card": CARD,
    "outcome": "overridden",
    "overrideReason": {
        "reason": {"code": "patient-declined", "system": "urn:cds-service:override-reason"},
        "userComment": "Prefers to wait.",
    },
    "outcomeTimestamp": "2026-03-01T12:05:00Z",
}


class Kept:
    """An application, and what its database holds."""

    def __init__(self, url: str, book: Rulebook, **options: Any) -> None:
        self.app: Flask = create_app(Settings(today=NOW, database_url=url), [book], **options)
        self.client: FlaskClient = self.app.test_client()
        self.log = FeedbackLog(Database(url))

    def post(self, *entries: Any) -> Any:
        return self.send({"feedback": list(entries)})

    def send(self, body: Any, address: str = FEEDBACK) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(address, data=sent, content_type="application/json")

    def entries(self) -> list[Entry]:
        return [said.entry for said in self.log.said()]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/cds.sqlite3"


@pytest.fixture
def kept(url: str, sample_book: Rulebook) -> Iterator[Kept]:
    yield Kept(url, sample_book)


def test_what_a_clinician_did_is_kept_and_acknowledged(kept: Kept):
    response = kept.post(ACCEPTED, OVERRIDDEN)
    assert (response.status_code, response.json) == (200, {"received": 2})
    assert response.headers["Cache-Control"] == "no-store"
    accepted, overridden = kept.entries()
    assert (accepted.card, accepted.outcome, accepted.suggestions) == (CARD, "accepted", (SUGGESTION,))
    assert accepted.outcome_time == datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)
    assert (overridden.reason_code, overridden.comment) == ("patient-declined", "Prefers to wait.")
    assert overridden.reason_display == ""


def test_the_feedback_on_a_card_we_gave_is_attributed_to_its_rule(kept: Kept):
    answer = assert_cards(kept.send(view_call(), VIEW))
    for card in answer["cards"]:
        assert kept.post(OVERRIDDEN | {"card": card["uuid"]}).status_code == 200
    rules = [card["extension"]["org.cds-service.rules"][0] for card in answer["cards"]]
    expected = {rule_prefix(rule["id"], rule["version"]) for rule in rules}
    assert {entry.rule_prefix for entry in kept.entries()} == expected


def test_the_address_may_end_with_a_slash(kept: Kept):
    assert kept.send({"feedback": [ACCEPTED]}, FEEDBACK + "/").status_code == 200


@pytest.mark.parametrize(
    "body", [ACCEPTED, [ACCEPTED], {"feedback": ACCEPTED}, {"feedback": []}, {}, None, 5]
)
def test_a_body_without_an_array_of_entries_is_400(kept: Kept, body: Any):
    assert_outcome(kept.send(body), 400)
    assert kept.entries() == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("card", ..., "feedback[1].card"),
        ("card", "", "feedback[1].card"),
        ("card", 5, "feedback[1].card"),
        ("card", MARK + "\0", "feedback[1].card"),
        ("card", f"{MARK} {MARK}", "feedback[1].card"),
        ("card", "x" * 129, "feedback[1].card"),
        ("outcome", ..., "feedback[1].outcome"),
        ("outcome", "overriden", "feedback[1].outcome"),
        ("outcome", "ACCEPTED", "feedback[1].outcome"),
        ("outcome", MARK, "feedback[1].outcome"),
        ("acceptedSuggestions", ..., "feedback[1].acceptedSuggestions"),
        ("acceptedSuggestions", [], "feedback[1].acceptedSuggestions"),
        ("acceptedSuggestions", [SUGGESTION], "feedback[1].acceptedSuggestions[0]"),
        ("acceptedSuggestions", [{}], "feedback[1].acceptedSuggestions[0].id"),
        ("acceptedSuggestions", [{"id": "a"}] * 101, "feedback[1].acceptedSuggestions"),
        ("outcomeTimestamp", ..., "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", 1_772_366_400, "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", "2026-03-01", "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", "2026-03-01T12:00:00", "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", "2026-02-30T12:00:00Z", "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", "0001-01-01T00:00:00+14:00", "feedback[1].outcomeTimestamp"),
        ("outcomeTimestamp", MARK, "feedback[1].outcomeTimestamp"),
        ("overrideReason", "because", "feedback[1].overrideReason"),
        ("overrideReason", {"reason": "because"}, "feedback[1].overrideReason.reason"),
        ("overrideReason", {"reason": {"code": 1}}, "feedback[1].overrideReason.reason.code"),
        ("overrideReason", {"reason": {"code": "x" * 1001}}, "feedback[1].overrideReason.reason.code"),
        ("overrideReason", {"userComment": "x\0"}, "feedback[1].overrideReason.userComment"),
        (
            "overrideReason",
            {"userComment": MARK * LONGEST_COMMENT},
            "feedback[1].overrideReason.userComment",
        ),
    ],
)
def test_one_wrong_entry_refuses_the_whole_body_and_is_named(kept: Kept, path: str, value: Any, place: str):
    issue = assert_outcome(kept.post(OVERRIDDEN, changed(ACCEPTED, path, value)), 400)
    assert issue["expression"] == [place]
    assert place in issue["details"]["text"]
    assert kept.entries() == []


def test_an_entry_that_is_no_object_is_named(kept: Kept):
    assert assert_outcome(kept.post(ACCEPTED, CARD), 400)["expression"] == ["feedback[1]"]


def test_a_member_given_twice_is_400(kept: Kept):
    body = json.dumps({"feedback": [ACCEPTED]}).replace('"card"', '"card": "a", "card"').encode()
    assert assert_outcome(kept.send(body), 400)["expression"] == ["feedback[0]"]


def test_more_entries_than_a_screen_can_show_are_400(kept: Kept):
    assert_outcome(kept.post(*[ACCEPTED] * (MOST_ENTRIES + 1)), 400)
    assert kept.post(*[ACCEPTED] * MOST_ENTRIES).json == {"received": MOST_ENTRIES}


@pytest.mark.parametrize("nothing", [..., None, {}, {"reason": None}, {"reason": {}, "userComment": ""}])
def test_an_override_needs_no_reason(kept: Kept, nothing: Any):
    assert kept.post(changed(OVERRIDDEN, "overrideReason", nothing)).status_code == 200
    assert kept.entries()[0].reason_code == ""


def test_a_reason_of_the_client_and_a_comment_alone_are_kept(kept: Kept):
    own = OVERRIDDEN | {"card": "a", "overrideReason": {"reason": {"code": "x", "display": "Ours"}}}
    comment = OVERRIDDEN | {"card": "b", "overrideReason": {"userComment": "zu früh 😀\n" + "x" * 3000}}
    assert kept.post(own, comment).status_code == 200
    first, second = sorted(kept.entries(), key=lambda entry: entry.card)
    assert (first.reason_code, first.reason_display, first.reason_system) == ("x", "Ours", "")
    assert second.comment == comment["overrideReason"]["userComment"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1985-04-12T23:20:50.52Z", datetime(1985, 4, 12, 23, 20, 50, 520_000, UTC)),
        ("2026-03-01t12:00:00z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00-00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T14:00:00+02:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123456789123Z", datetime(2026, 3, 1, 12, 0, 0, 123_456, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999_999, UTC)),
    ],
)
def test_every_way_to_write_an_instant_is_kept_as_utc(kept: Kept, text: str, instant: datetime):
    assert kept.post(ACCEPTED | {"outcomeTimestamp": text}).status_code == 200
    assert [entry.outcome_time for entry in kept.entries()] == [instant]


def test_a_card_is_one_card_however_its_uuid_is_written(kept: Kept):
    for written in (CARD, CARD.upper(), f"urn:uuid:{CARD}"):
        assert kept.post(ACCEPTED | {"card": written}).status_code == 200
    assert [entry.card for entry in kept.entries()] == [CARD]


def test_what_is_said_again_is_kept_once_and_a_later_or_other_outcome_too(kept: Kept):
    later = ACCEPTED | {"outcomeTimestamp": "2026-03-02T12:00:00Z"}
    other = ACCEPTED | {"acceptedSuggestions": [{"id": "another"}]}
    for entry in (OVERRIDDEN, later, ACCEPTED, other, ACCEPTED, OVERRIDDEN, later):
        assert kept.post(entry).status_code == 200
    assert len(kept.entries()) == 4


def test_a_comment_that_comes_after_its_override_is_not_lost(kept: Kept):
    kept.post(changed(OVERRIDDEN, "overrideReason/userComment", ...))
    kept.post(OVERRIDDEN)
    assert {entry.comment for entry in kept.entries()} == {"", "Prefers to wait."}


@pytest.mark.parametrize("card", ["no-uuid", "ffffffff-ffff-8fff-bfff-ffffffffffff"])
def test_a_card_nobody_knows_is_kept(kept: Kept, card: str):
    assert kept.post(ACCEPTED | {"card": card}).status_code == 200
    assert [entry.card for entry in kept.entries()] == [card]


def test_members_nobody_knows_are_ignored(kept: Kept):
    entry = ACCEPTED | {"extension": {"a": 1}, "hookInstance": "x"}
    assert kept.send({"feedback": [entry], "extension": {}}).status_code == 200


@pytest.mark.parametrize(
    "address", ["/cds-services/nobody/feedback", f"{VIEW}/analytics/{CARD}", f"{VIEW}/feedback/x"]
)
def test_an_unknown_service_and_the_old_address_are_404(kept: Kept, address: str):
    assert_outcome(kept.send({"feedback": [ACCEPTED]}, address), 404)
    assert kept.entries() == []


def test_other_methods_types_and_sizes_are_refused(kept: Kept):
    assert_outcome(kept.client.get(FEEDBACK), 405)
    assert_outcome(kept.client.post(FEEDBACK, data=b"a=b", content_type="text/html"), 415)
    assert_outcome(kept.send(b" " * 10_000_001), 413)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"feedback": [{"card": "\xff"}]}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_400(kept: Kept, body: bytes):
    assert_outcome(kept.send(body), 400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
PATHS = ["card", "outcome", "acceptedSuggestions", "acceptedSuggestions/0/id", "outcomeTimestamp"]


@given(path=st.sampled_from([*PATHS, "overrideReason"]), value=JSON)
def test_whatever_stands_in_an_entry_is_read_or_refused(path: str, value: Any):
    body = json.dumps({"feedback": [changed(ACCEPTED, path, value)]}).encode()
    try:
        (entry,) = read_feedback(body)
    except RequestError as error:
        assert error.status == 400
    else:
        assert entry.card and entry.outcome_time.utcoffset() == timedelta(0)


# --- who calls, and a database that is not there -------------------------------------------------


class Doorkeeper:
    """Lets in who names a ward. The list names the tenant east."""

    def admit(self, request: Request) -> Caller:
        ward, tenant = request.headers.get("X-Ward"), request.headers.get("X-Tenant", "")
        if ward is None:
            raise RequestError("Not admitted.", status=401, code="security")
        return Caller(f"ward-{ward}", tenant, listed=tenant == "east")


def test_who_is_not_admitted_keeps_nothing(url: str, sample_book: Rulebook):
    kept = Kept(url, sample_book, gate=Doorkeeper())
    assert kept.post(ACCEPTED).status_code == 401
    assert kept.entries() == []
    body = {"feedback": [ACCEPTED]}
    assert kept.client.post(FEEDBACK, json=body, headers={"X-Ward": "3"}).status_code == 200


def test_each_client_and_listed_tenant_has_an_account_of_its_own_for_the_same_card(
    url: str, sample_book: Rulebook
):
    """A tenant on no list is what the client says, and may be anything."""
    kept = Kept(url, sample_book, gate=Doorkeeper())
    for ward, tenant in (("3", ""), ("4", ""), ("4", "east"), ("4", MARK), ("4", "east")):
        sent = {"X-Ward": ward, "X-Tenant": tenant}
        assert kept.client.post(FEEDBACK, json={"feedback": [ACCEPTED]}, headers=sent).status_code == 200
    service = VIEW.rpartition("/")[2]
    assert sorted(said.channel for said in kept.log.said()) == [
        ("ward-3", "", service),
        ("ward-4", "", service),
        ("ward-4", "east", service),
    ]


@pytest.fixture
def broken(tmp_path: Path, sample_book: Rulebook) -> FlaskClient:
    (tmp_path / "file").write_text("a folder cannot be made here")
    settings = Settings(today=NOW, database_url=f"sqlite:///{tmp_path}/file/cds.sqlite3")
    return create_app(settings, [sample_book]).test_client()


def test_without_its_database_only_feedback_is_refused(broken: FlaskClient):
    for _ in range(2):
        response = broken.post(FEEDBACK, json={"feedback": [ACCEPTED]})
        assert assert_outcome(response, 503)["code"] == "transient"
        assert response.headers["Retry-After"] == "5"
        assert_cards(broken.post(VIEW, json=view_call()))


def test_readyz_says_that_feedback_cannot_be_kept(broken: FlaskClient, kept: Kept):
    response = broken.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "ready")
    assert "feedback" in response.json["degraded"][0]
    assert "degraded" not in kept.client.get("/readyz").json


def test_readyz_notices_a_database_that_can_be_read_and_not_written(kept: Kept, url: str):
    assert "degraded" not in kept.client.get("/readyz").json
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "feedback" in kept.client.get("/readyz").json["degraded"][0]


def test_the_log_says_why_without_the_callers_data(broken: FlaskClient, caplog: pytest.LogCaptureFixture):
    broken.post(FEEDBACK, json={"feedback": [ACCEPTED | {"card": MARK}]})
    assert "NotADirectoryError" in caplog.text or "FileExistsError" in caplog.text
    assert MARK not in caplog.text


def test_a_token_sent_along_is_neither_kept_nor_logged(kept: Kept, tmp_path: Path, caplog: Any):
    caplog.set_level("DEBUG")
    body = {"feedback": [ACCEPTED | {"fhirAuthorization": {"access_token": MARK}}], "access_token": MARK}
    response = kept.client.post(FEEDBACK, json=body, headers={"Authorization": f"Bearer {MARK}"})
    assert response.status_code == 200
    assert kept.client.post(FEEDBACK, json=ACCEPTED, headers={"Authorization": MARK}).status_code == 400
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(CARD.encode() in held for held in files)
    assert not any(MARK.encode() in held for held in files)
    assert MARK not in caplog.text
