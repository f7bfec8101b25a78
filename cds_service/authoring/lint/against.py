"""The rules as they were in an earlier commit, read from git without touching the work tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cds_service.errors import UsageError
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import read_shelf


@dataclass(frozen=True)
class Earlier:
    """The rules of an earlier commit by id, and the ids of rules that were removed before it."""

    revision: str
    rules: Mapping[str, Rule]
    removed: frozenset[str]


def rules_at(folder: Path, revision: str) -> Earlier:
    """The rules of a rulebook folder in the commit `revision`. Raises UsageError where git has none.

    A rulebook that was not there yet has no rules.
    """
    # A revision that begins with a hyphen would be read as an option.
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = found.decode().strip()
    try:
        archive = _git(folder, "archive", "--format=tar", commit, ".")
    except UsageError:
        return Earlier(revision, {}, _removed(folder, commit))
    with tempfile.TemporaryDirectory() as made:
        with tarfile.open(fileobj=io.BytesIO(archive)) as held:
            held.extractall(made, filter="data")
        rules = {one.model.rule: one.model for one in read_shelf(Path(made)).rules if one.sound}
    return Earlier(revision, rules, _removed(folder, commit) - rules.keys())


def _removed(folder: Path, commit: str) -> frozenset[str]:
    """The names of rule files that some commit up to this one took away."""
    names = _git(folder, "log", "--diff-filter=D", "--name-only", "--format=", commit, "--", ".")
    paths = [Path(line) for line in names.decode(errors="replace").splitlines() if line.endswith(".yaml")]
    return frozenset(path.stem for path in paths if not path.name.endswith(".test.yaml"))


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("--against needs git, which is not installed here") from error
    if done.returncode:
        raise UsageError(
            f"--against found no such commit of {folder.as_posix()}: name one, such as HEAD or main, "
            "and run this in a git repository"
        )
    return done.stdout
