"""What holds for every test: no network but this machine, no settings leaking in from the shell."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("here", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("here")


def _local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded(method: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if not _local(address):
            raise RuntimeError(f"a test tried to reach {address[0]!r}; tests use this machine only")
        return method(self, address)

    return connect


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """Connections leave for loopback addresses and Unix sockets only; no CDS_ setting of the shell counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))
        for name in [name for name in os.environ if name.startswith("CDS_")]:
            patch.delenv(name)
        yield
