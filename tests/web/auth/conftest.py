"""A gate for two clients, over a real database of tokens, at a time that stands still."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from cds_service.errors import RequestError
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.web.auth.gate import gate_of
from cds_service.web.caller import Caller, Gate

from .parties import CITY, LAKE, NOW, PUBLIC, VIEW, client_of, clients_file


@dataclass
class Door:
    """Knocks at a gate. `log` is what the gate said about it so far."""

    gate: Gate
    log: pytest.LogCaptureFixture
    sent: list[str] = field(default_factory=list)

    def knock(
        self, token: str | None, address: str = VIEW, method: str = "POST", **headers: str
    ) -> Caller | None:
        """Ask to be let in with a token; whoever is, None for discovery. Raises RequestError."""
        request = request_to(address, method, {"Authorization": f"Bearer {token}"} if token else headers)
        self.sent.append(token or "")
        if method == "GET":
            return self.gate.admit_to_discovery(request)  # type: ignore[func-returns-value]
        return self.gate.admit(request)

    def admits(self, token: str, address: str = VIEW) -> Caller:
        """The caller a token stands for."""
        caller = self.knock(token, address)
        assert caller is not None
        return caller

    def refuses(self, token: str, address: str = VIEW, method: str = "POST") -> str:
        """The token is refused without a reason; the reason in the log, which holds nothing of the token."""
        before = len(self.log.messages)
        with pytest.raises(RequestError) as refusal:
            self.knock(token, address, method)
        assert (refusal.value.status, refusal.value.code) == (401, "login")
        assert str(refusal.value) == "This call needs a valid token of a known client."
        (line,) = self.log.messages[before:]
        assert not any(part in line for part in token.split(".") if len(part) > 7)
        assert "\n" not in line
        return line


def request_to(address: str, method: str, headers: dict[str, str]) -> Request:
    made = EnvironBuilder(path=address.removeprefix(PUBLIC), base_url=PUBLIC, method=method, headers=headers)
    return Request(made.get_environ())


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "cds_service"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = clients_file(tmp_path, [client_of(CITY, "city"), client_of(LAKE, "lake")])
    return Settings(
        clients=str(path), public_url=PUBLIC, database_url=f"sqlite:///{tmp_path / 'tokens.sqlite3'}"
    )


@pytest.fixture
def open_door(settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., Door]:
    """Makes a door for other clients, settings or another time."""

    def make(*clients: dict[str, Any], now: datetime = NOW, members: Any = None, **changes: Any) -> Door:
        if clients:
            clients_file(tmp_path, list(clients), **(members or {}))
        chosen = replace(settings, **changes)
        return Door(gate_of(chosen, Database(chosen.database_url), lambda: now), caplog)

    return make


@pytest.fixture
def door(open_door: Callable[..., Door]) -> Door:
    return open_door()
