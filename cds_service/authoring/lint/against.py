"""The rules as they were in an earlier commit, read from git without touching the work tree."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cds_service.authoring.revision import commit_of, git, write_out
from cds_service.errors import UsageError
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import read_shelf


@dataclass(frozen=True)
class Earlier:
    """The rules of an earlier commit by id, and the ids of rules that were removed before it.

    `now` are the rules of today to compare with: as shipped, since what a site changes is no new version.
    """

    revision: str
    rules: Mapping[str, Rule]
    removed: frozenset[str]
    now: Mapping[str, Rule]


def rules_at(folder: Path, revision: str) -> Earlier:
    """The rules of a rulebook folder in the commit `revision`. Raises UsageError where git has none.

    A rulebook that was not there yet has no rules.
    """
    try:
        commit = commit_of(folder, revision)
    except UsageError as error:
        raise UsageError(
            f"--against found no such commit of {folder.as_posix()} ({error}): name one, such as HEAD or "
            "main, and run this in a git repository"
        ) from None
    with tempfile.TemporaryDirectory() as made:
        try:
            write_out(folder, commit, ["."], Path(made))
        except UsageError:
            return Earlier(revision, {}, _removed(folder, commit), {})
        rules = _shipped(Path(made))
    return Earlier(revision, rules, _removed(folder, commit) - rules.keys(), _shipped(folder))


def _shipped(folder: Path) -> Mapping[str, Rule]:
    return {one.model.rule: one.model for one in read_shelf(folder, local=False).rules if one.sound}


def _removed(folder: Path, commit: str) -> frozenset[str]:
    """The names of rule files that some commit up to this one took away."""
    names = git(folder, "log", "--diff-filter=D", "--name-only", "--format=", commit, "--", ".")
    paths = [Path(line) for line in names.decode(errors="replace").splitlines() if line.endswith(".yaml")]
    return frozenset(path.stem for path in paths if not path.name.endswith(".test.yaml"))
