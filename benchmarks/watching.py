"""Watches a server under load once a second: what its workers hold in memory (Linux), and its /metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

_SIZE = re.compile(r"^VmRSS:\s+(\d+) kB", re.M)


def worker_pids(server: int) -> tuple[int, ...]:
    """The children of a server that run Python code of ours: all but multiprocessing's resource tracker."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    names = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    return tuple(pid for pid, name in names.items() if "resource_tracker" not in name)


def resident(pid: int) -> float:
    """Megabytes a process holds in memory."""
    found = _SIZE.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def counted(samples: dict[str, float], name: str, label: str = "") -> float:
    """The sum of a counter over all its labels, or those that hold this one."""
    return sum(value for found, value in samples.items() if found.startswith(name) and label in found)


class Watch:
    """The sizes of every worker so far, by process, and how often /metrics was read."""

    def __init__(self, port: int, pids: Sequence[int]) -> None:
        self._port, self._ended = port, Event()
        self.memory: dict[int, list[float]] = {pid: [] for pid in pids}
        self.scrapes = 0

    def run(self) -> None:
        """Watch until stopped."""
        while True:
            for pid, sizes in self.memory.items():
                sizes.append(resident(pid))
            self.scrape()
            self.scrapes += 1
            if self._ended.wait(1):
                return

    def stop(self) -> None:
        """End the watching."""
        self._ended.set()

    def scrape(self) -> dict[str, float]:
        """The samples of /metrics by name and labels. Raises RuntimeError unless it answers 200."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"/metrics answered {response.status}")
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}
