"""A file that many processes append whole lines to, and that may be moved away at any time.

Each line is one write to a descriptor opened for appending. A file that was moved (by us when it is full, by
logrotate, by hand) is noticed by its inode, and a new one is begun in its place. Nothing is ever deleted or
overwritten here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Lock

MOST_BYTES = 100_000_000
"""From this size on a file is moved aside, and a new one begun."""


class LogFile:
    """Appends lines to the file at `path`; threads may share it. Raises OSError if it cannot be opened.

    The file is made for the owner alone, and so is its folder if there is none.
    """

    def __init__(self, path: Path, *, most: int = MOST_BYTES) -> None:
        self._path, self._most = path, most
        self._lock = Lock()
        self._torn = False
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = self._open()

    def append(self, line: bytes, at: datetime) -> None:
        """Write one line, its end included; `at` names the file that is moved aside, if one is.

        Raises OSError if it was not written, or not whole; the next line then stands apart from its rest.
        """
        with self._lock:
            try:
                if self._size() >= self._most:
                    self._move_aside(at)
                whole = b"\n" + line if self._torn else line
                if os.write(self._descriptor, whole) < len(whole):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                self._torn = True
                raise
            self._torn = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _open_anew(self) -> None:
        opened = self._open()
        os.close(self._descriptor)
        self._descriptor = opened

    def _size(self) -> int:
        """The size of the file that stands at the path now, which is then the one that is open."""
        if not self._current():
            self._open_anew()
        return os.fstat(self._descriptor).st_size

    def _current(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        return False

    def _move_aside(self, at: datetime) -> None:
        """One process moves the file; the others waited for it, and see that it is done."""
        with self._alone():
            if self._current():
                self._path.rename(self._free_name(at))
        self._open_anew()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _free_name(self, at: datetime) -> Path:
        name = f"{self._path.name}.{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        names = (self._path.with_name(f"{name}-{number}" if number else name) for number in count())
        return next(path for path in names if not path.exists())


class Output:
    """Appends lines to standard output."""

    def append(self, line: bytes, at: datetime) -> None:  # noqa: ARG002
        """Write one line. Raises OSError if it was not written, or not whole."""
        if os.write(1, line) < len(line):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
