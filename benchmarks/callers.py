"""Callers that send the recorded calls over kept connections and judge every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Thread
from time import monotonic, perf_counter
from typing import Any

import msgspec

from benchmarks.bodies import NOW, ROOT, shipped
from cds_service.pipeline import evaluate
from cds_service.web.request import read_request

FIXTURES = ROOT / "fhir_fixtures"
_JSON = {"Content-Type": "application/json"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FEEDBACK_EVERY = 10


@dataclass(frozen=True)
class Recorded:
    """One recorded call: its service, its body, the one right answer, the uuids of the cards in it."""

    service: str
    body: bytes
    answer: bytes
    cards: tuple[str, ...]


def recorded(engine: str) -> tuple[Recorded, ...]:
    """Every recorded call. Raises AssertionError if this process gives another answer than the approved."""
    served = shipped(engine)
    made = []
    for path in sorted((FIXTURES / "requests").glob("*.json")):
        body, hook = path.read_bytes(), path.suffixes[-2].removeprefix(".")
        service = f"{served.book.id}-{hook}"
        call = read_request(body, service_id=service, hook=hook, as_of=NOW, zone=UTC)
        answer = evaluate(call, served).body
        text = msgspec.json.encode(answer)
        approved = json.loads((FIXTURES / "cards" / path.name).read_bytes())
        assert normalised(text.decode()) == approved, f"{path.name}: the answer is not the approved one"
        made.append(Recorded(service, body, text, tuple(card["uuid"] for card in answer["cards"])))
    return tuple(made)


def normalised(text: str) -> Any:
    """An answer as approved ones are kept: ids numbered in order of appearance, without the digest."""
    seen: dict[str, str] = {}
    text = _UUID.sub(lambda match: seen.setdefault(match.group(), f"uuid-{len(seen) + 1}"), text)
    return json.loads(re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", text))


@dataclass
class Counts:
    """What became of the calls."""

    calls: int = 0
    wrong: int = 0
    feedback: int = 0
    errors: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)


class Script:
    """One caller: all calls again and again until the end (by `time.monotonic`), in an order of its own."""

    def __init__(self, port: int, calls: Sequence[Recorded], number: int, end: float) -> None:
        self._port, self._calls, self._number, self._end = port, calls, number, end
        self._connection = self._connect()
        self.counts = Counts()

    def run(self) -> None:
        """Call until the end."""
        order = Random(self._number)
        while monotonic() < self._end:
            self._call(order.choice(self._calls))
        self._connection.close()

    def _call(self, call: Recorded) -> None:
        begun = perf_counter()
        answer = self._post(call.service, call.body)
        self.counts.milliseconds.append((perf_counter() - begun) * 1000)
        self.counts.calls += 1
        self.counts.wrong += answer is not None and answer != call.answer
        if call.cards and self.counts.calls % _FEEDBACK_EVERY == 0:
            self._say(call)

    def _say(self, call: Recorded) -> None:
        """Feedback that nobody gave before, so that it is kept."""
        moment = NOW + timedelta(microseconds=self._number * 10_000_000 + self.counts.feedback)
        entry = {"card": call.cards[0], "outcome": "overridden", "outcomeTimestamp": moment.isoformat()}
        body = msgspec.json.encode({"feedback": [entry]})
        self.counts.feedback += self._post(f"{call.service}/feedback", body) is not None

    def _post(self, address: str, body: bytes) -> bytes | None:
        """The body of a 200; anything else is an error."""
        try:
            self._connection.request("POST", f"/cds-services/{address}", body, _JSON)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            self.counts.errors.append(type(error).__name__)
            self._connection.close()
            self._connection = self._connect()
            return None
        if response.status != 200:
            self.counts.errors.append(f"status {response.status}")
            return None
        return answer

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=30)


def call_all(scripts: Sequence[Script]) -> Counts:
    """Run all callers side by side; what became of all their calls."""
    threads = [Thread(target=script.run) for script in scripts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = [script.counts for script in scripts]
    return Counts(
        calls=sum(one.calls for one in each),
        wrong=sum(one.wrong for one in each),
        feedback=sum(one.feedback for one in each),
        errors=[error for one in each for error in one.errors],
        milliseconds=[time for one in each for time in one.milliseconds],
    )
