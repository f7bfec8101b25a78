"""What a revision of git holds, read from git's objects: neither the work tree nor the index is touched."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from cds_service.errors import UsageError


def git(folder: Path, *arguments: str) -> bytes:
    """What git says in a folder. Raises UsageError if it is not installed or says no."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise UsageError("git is not installed, so no revision can be read; give a folder") from error
    if done.returncode:
        raise UsageError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def commit_of(folder: Path, revision: str) -> str:
    """The commit that a revision names. Raises UsageError where git has none."""
    # A revision that begins with a hyphen would be read as an option.
    found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip()


def write_out(folder: Path, commit: str, names: Sequence[str], into: Path) -> None:
    """Write files of a commit below a folder, at their paths as seen from `folder`.

    Raises UsageError if one of `names` is not there.
    """
    archive = git(folder, "archive", "--format=tar", commit, "--", *names)
    with tarfile.open(fileobj=io.BytesIO(archive)) as held:
        held.extractall(into, filter="data")
