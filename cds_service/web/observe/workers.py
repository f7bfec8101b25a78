"""The folder in which the workers of one `cds serve` share their counters.

It lies in memory where the system has a file system there: a worker whose counters are in a file on a disk
that is full would be stopped by the system. It is new for every start, and removed at the end. One that was
left behind by a killed server is removed by the next: nobody holds its lock any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The setting of prometheus-client."""

_PREFIX = "cds-metrics-"
_IN_MEMORY = Path("/dev/shm")


@contextmanager
def shared_counters() -> Iterator[Path]:
    """Name a new folder in the environment that workers inherit, and remove it when they have ended.

    A folder that the environment names already is kept, and emptied of the counters of an earlier start.
    """
    given = os.environ.get(SHARED, "").strip()
    if given:
        yield _emptied(Path(given))
        return
    parent = _parent()
    _remove_stale(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # forked workers hold it too
    os.environ[SHARED] = str(folder)
    try:
        yield folder
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _parent() -> Path:
    usable = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK | os.X_OK)
    return _IN_MEMORY if usable else Path(tempfile.gettempdir())


def _emptied(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.glob("*.db"):
        path.unlink(missing_ok=True)
    return folder


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        if _left_behind(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _left_behind(folder: Path) -> bool:
    """Whether the folder is ours, was used, and nobody holds its lock."""
    try:
        if folder.stat().st_uid != os.getuid() or not any(folder.glob("*.db")):
            return False
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
