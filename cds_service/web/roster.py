"""Which rules each worker has, as files of one folder: any worker can tell about all of them.

One small file per process, written whole under another name and then renamed, so that a reader finds either
the old one or the new one. A file whose process is gone is removed by whoever finds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cds_service.rulebook.book import Rulebook


class Roster:
    """The processes of one server. Without a `folder` a process knows of itself only."""

    def __init__(self, folder: Path | None, pid: int | None = None) -> None:
        self._folder, self._pid = folder, pid or os.getpid()
        self._mine: dict[str, Any] = {"pid": self._pid}

    def tell(self, entry: Mapping[str, Any]) -> None:
        """Say what this process has; a folder that cannot be written is passed over, calls matter more."""
        self._mine = {"pid": self._pid, **entry}
        if self._folder is None:
            return
        written = self._folder / f"{self._pid}.new"
        try:
            written.write_bytes(msgspec.json.encode(self._mine))
            written.replace(self._folder / f"{self._pid}.json")
        except OSError:
            return

    def everybody(self) -> list[dict[str, Any]]:
        """What each living process said last, in order of their numbers; always with this one."""
        told = {self._pid: self._mine}
        for path in self._folder.glob("*.json") if self._folder else ():
            if path.stem.isdigit() and int(path.stem) != self._pid:
                told |= _entry(path, int(path.stem))
        return [told[pid] for pid in sorted(told)]


def rules_entry(books: Sequence[Rulebook]) -> list[dict[str, str]]:
    """The rulebooks of a process, as they are told to others."""
    return [{"id": book.id, "version": book.about.version, "digest": book.digest} for book in books]


def _entry(path: Path, pid: int) -> dict[int, dict[str, Any]]:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        path.unlink(missing_ok=True)
        return {}
    except PermissionError:
        pass  # it lives, under another user
    try:
        return {pid: msgspec.json.decode(path.read_bytes(), type=dict[str, Any])}
    except (OSError, msgspec.DecodeError):
        return {}
