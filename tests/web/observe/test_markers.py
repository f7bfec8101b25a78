"""SEC-20 and more: everything a caller says is marked, and no mark turns up where it has no business.

A real `cds serve` with clients, two workers, a decision log and a database answers good calls, refuses bad
ones, fails over one, reads an EHR that fails, and takes feedback. Then whatever it wrote is searched.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from .. import test_serve
from ..answers import RULEBOOKS, VIEW, changed
from ..auth.parties import CITY, PUBLIC, STRANGER, client_of, clients_file
from ..auth.test_served_with_clients import fresh
from ..test_serve import Server
from .marked import (
    COMMENT,
    FAULT,
    HEADERS,
    MARK,
    NAME,
    PATIENT,
    QUERY,
    SERVE_WITH_A_FAULT,
    TOKEN,
    access,
    feedback,
    marked_call,
    marked_ehr,
)
from .test_served import folder_of

_DATABASE = "cds.sqlite3"


@dataclass
class Run:
    """What was sent and answered, and where the server wrote."""

    folder: Path
    server: Server
    tokens: list[str] = field(default_factory=list)
    answers: dict[str, requests.Response] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)

    def post(self, name: str, body: Any, status: int, path: str = VIEW, token: str = "") -> requests.Response:
        """Send a marked body with a token of its own; the answer has this status."""
        token = token or fresh(aud=f"{PUBLIC}{path}", tenant=f"{MARK}tenant", sub=NAME)
        self.tokens.append(token)
        raw = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = HEADERS | {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        response = requests.post(self.server.url + path + QUERY, headers=headers, timeout=30, **raw)
        assert response.status_code == status, (name, response.text)
        self.answers[name] = response
        return response


def act(run: Run, base: str) -> None:
    """Every kind of call and answer."""
    good = run.post("good", marked_call(), 200)
    run.post("read back", changed(marked_call(**access(base)), "prefetch/conditions", ...), 200)
    run.post("412", changed(marked_call(**access(base)), "prefetch", {}), 412)
    run.post("another patient", changed(marked_call(), "prefetch/patient/id", f"{MARK}other"), 400)
    run.post("bad id", changed(marked_call(), "context/patientId", f"{PATIENT} {NAME}"), 400)
    run.post("wrong type", changed(marked_call(), "context/userId", {NAME: NAME}), 400)
    run.post("given twice", f'{{"prefetch": {{"{NAME}": 1, "{NAME}": 2}}}}'.encode(), 400)
    run.post("no JSON", f'{{"hook": {NAME}'.encode(), 400)
    run.post("no hook", changed(marked_call(), "hook", MARK), 400)
    run.post("fault", marked_call(hookInstance=FAULT, **access(base)), 500)
    run.post("no service", marked_call(), 404, path=f"/cds-services/{MARK}service")
    run.post("no address", marked_call(), 404, path=f"/{MARK}/{NAME}")
    run.post("stranger", marked_call(), 401, token=STRANGER.token(sub=NAME, jti=f"{MARK} {NAME}"))
    run.post("no token", marked_call(), 401, token=f"{MARK}.{NAME}.{TOKEN}")
    run.post("used token", marked_call(), 401, token=run.tokens[0])
    to = f"{VIEW}/feedback"
    run.post("feedback", feedback(good.json()["cards"][0]["uuid"]), 200, path=to)
    run.post("bad feedback", {"feedback": [{"card": f"{MARK} card", NAME: COMMENT}]}, 400, path=to)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("marked")
    with marked_ehr() as (base, asked), pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_serve, "COMMAND", [sys.executable, "-c", SERVE_WITH_A_FAULT])
        agreed = {"fhir": {"bases": [base], "networks": ["127.0.0.0/8"], "subject": f"{MARK}subject"}}
        environment = {
            "CDS_CLIENTS": str(clients_file(folder, [client_of(CITY, "city", **agreed)])),
            "CDS_PUBLIC_URL": PUBLIC,
            "CDS_DATABASE_URL": f"sqlite:///{folder / _DATABASE}",
            "CDS_DECISION_LOG": str(folder / "decisions.jsonl"),
        }
        server = Server("--rules", str(RULEBOOKS), "--workers", "2", **environment)
        made = Run(folder, server)
        try:
            act(made, base)
            assert f"Bearer {TOKEN}" in asked
            made.written["/metrics"] = requests.get(f"{server.url}/metrics", timeout=20).content
            made.written["/readyz"] = requests.get(f"{server.url}/readyz", timeout=20).content
            made.written |= {str(path): path.read_bytes() for path in folder_of(server).iterdir()}
        finally:
            server.stop()
        assert server.process.stdout is not None
        made.written["output"] = (server.message + server.process.stdout.read()).encode()
        for path in folder.iterdir():
            if not path.name.startswith("clients"):
                made.written[path.name] = path.read_bytes()
        yield made


def marks(raw: bytes) -> set[str]:
    return {found.decode() for found in re.findall(rf"(?i){MARK}[a-z0-9]*".encode(), raw)}


def test_the_run_wrote_everywhere_and_its_calls_were_marked(run: Run):
    assert b'"status":500' in run.written["decisions.jsonl"]
    assert run.written["decisions.jsonl"].count(b"\n") == 14
    assert b"incident" in run.written["output"]
    assert run.written["output"].count(b"401:") == 3
    assert b"cds_fhir_reads_total" in run.written["/metrics"]
    assert any(path.endswith(".db") for path in run.written)
    sent = b"".join(answer.request.body or b"" for answer in run.answers.values())  # type: ignore[misc]
    assert marks(sent) >= {TOKEN, NAME, PATIENT, COMMENT}


def test_sec_20_no_token_and_no_part_of_one_is_written_or_answered(run: Run):
    parts = [part for token in run.tokens for part in token.split(".") if len(part) > 8]
    secret = [TOKEN, *parts]
    written = run.written | {name: answer.content for name, answer in run.answers.items()}
    for place, raw in written.items():
        assert not [part for part in secret if part.encode() in raw], place


def test_no_mark_is_in_the_log_the_output_or_the_counters(run: Run):
    for place, raw in run.written.items():
        if not place.startswith(_DATABASE):
            assert not marks(raw), place


def test_no_error_body_repeats_what_was_sent(run: Run):
    for name, answer in run.answers.items():
        if answer.status_code != 200:
            assert not marks(answer.content), name


def test_the_database_holds_the_words_of_feedback_and_no_other(run: Run):
    for place, raw in run.written.items():
        if place.startswith(_DATABASE):
            for word in (COMMENT, f"{MARK}code", f"{MARK}display"):
                raw = raw.replace(word.encode(), b"")
            assert not marks(raw), place
    with sqlite3.connect(run.folder / _DATABASE) as connection:
        rows = connection.execute("select client, comment, reason_code from feedback").fetchall()
    assert rows == [("city", COMMENT, f"{MARK}code")]


def test_an_answer_names_entries_of_the_chart_and_nobody(run: Run):
    """Ids of entries are in `notes` and the patient's own data in its cards; ids of people are nowhere."""
    assert marks(run.answers["good"].content) <= {
        f"{MARK}entry",
        f"{MARK}entry2",
        f"{MARK}text",
        f"{MARK}key",
    }
