"""Two versions of the rules side by side: the folder at hand, and another folder or a revision of git.

A revision is read from git's objects into a temporary folder; the work tree and the index are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cds_service.authoring.replay.decide import Pair, RulesAt, prepared
from cds_service.authoring.revision import commit_of, git, write_out
from cds_service.errors import RuleError, UsageError
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.rulebook.overlay import LOCAL
from cds_service.rulebook.shelf import BOOK


@dataclass(frozen=True, slots=True)
class Edition:
    """All rulebooks of one folder. `label` is what readers know it by: `HEAD (1a2b3c4d5e)`, `rules`."""

    label: str
    books: Mapping[str, RulesAt]

    @classmethod
    def of(cls, label: str, rules: Path) -> Edition:
        """Load every rulebook at a path. Raises UsageError if there is none, RuleError."""
        folders = find_rulebooks(rules)
        if not folders:
            raise UsageError(f"no rulebook in {label}: run this where rules/ is, or give --rules FOLDER")
        books: dict[str, RulesAt] = {}
        for folder in folders:
            book = load_rulebook(folder)
            at = RulesAt(folder.resolve(), book.digest)
            books[book.id] = at
        return cls(label, books)


@dataclass(frozen=True, slots=True)
class BookVersions:
    """A rulebook's id and its version before and after, empty where it does not exist."""

    id: str
    before: str
    after: str


def pairs(before: Edition, after: Edition) -> tuple[Pair, ...]:
    """The rulebooks that differ in any byte of meaning."""
    names = sorted({*before.books, *after.books})
    both = [(before.books.get(name), after.books.get(name)) for name in names]
    return tuple(Pair(old, new) for old, new in both if (old and old.digest) != (new and new.digest))


def book_versions(before: Edition, after: Edition) -> tuple[BookVersions, ...]:
    """Every rulebook with its versions."""
    names = sorted({*before.books, *after.books})
    return tuple(BookVersions(name, _version(before, name), _version(after, name)) for name in names)


def edited(both: tuple[Pair, ...]) -> tuple[str, ...]:
    """The rules that are written differently, are new or are gone; a changed value set edits no rule."""
    found: set[str] = set()
    for pair in both:
        old, new = (prepared(at).book.by_id if at is not None else {} for at in (pair.before, pair.after))
        found |= {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return tuple(sorted(found))


def _version(edition: Edition, name: str) -> str:
    at = edition.books.get(name)
    return prepared(at).book.about.version if at is not None else ""


@contextmanager
def other_edition(against: str, rules: Path) -> Iterator[Edition]:
    """The edition to compare with: a folder if there is one of that name, else a revision of git.

    Raises UsageError if it is neither, if it has no rules, or if this program cannot read them.
    """
    folder = Path(against)
    if folder.is_dir():
        inside = folder / "rules"
        yield _edition(folder.as_posix(), folder if find_rulebooks(folder) else inside)
        return
    with TemporaryDirectory(prefix="cds-replay-") as temporary:
        label, path = _checked_out(against, rules, Path(temporary))
        yield _edition(label, path)


def _edition(label: str, path: Path) -> Edition:
    try:
        return Edition.of(label, path)
    except RuleError as error:
        raise UsageError(f"the rules of {label} cannot be read by this version:\n{error}") from error


def _checked_out(revision: str, rules: Path, into: Path) -> tuple[str, Path]:
    """Write the rules of a revision into a folder; its label, and the same path inside."""
    here = rules.resolve()
    start = here if here.is_dir() else here.parent
    try:
        top = Path(git(start, "rev-parse", "--show-toplevel").decode().strip()).resolve()
        commit = commit_of(start, revision)
    except UsageError:
        raise UsageError(
            f"--against {revision}: neither a folder nor a revision of git; try HEAD, main, or a folder"
        ) from None
    inside = here.relative_to(top)
    beside = (inside.parent / "terminology", inside.parent / LOCAL) if (here / BOOK).is_file() else ()
    wanted = [inside, *beside]
    held = [path for path in wanted if _has(top, commit, path)]
    if not held:
        raise UsageError(f"--against {revision}: that revision has no {inside.as_posix()}")
    write_out(top, commit, [path.as_posix() for path in held], into)
    return f"{revision} ({commit[:10]})", into / inside


def _has(top: Path, commit: str, path: Path) -> bool:
    try:
        git(top, "cat-file", "-e", f"{commit}:{'' if path == Path() else path.as_posix()}")
    except UsageError:
        return False
    return True
