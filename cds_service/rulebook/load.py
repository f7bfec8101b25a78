"""Reads a rulebook folder: every file checked alone, then together; a rulebook, or every reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cds_service.errors import Place, Problem, RuleError
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.checks import check
from cds_service.rulebook.digest import digest_of
from cds_service.rulebook.drugs import DrugTable
from cds_service.rulebook.like import told_once
from cds_service.rulebook.order import in_order
from cds_service.rulebook.overlay import LOCAL
from cds_service.rulebook.shelf import BOOK, DRUGS, Shelf, read_shelf
from cds_service.rulebook.terminology import Terminology


def load_rulebook(folder: Path) -> Rulebook:
    """Load the rulebook in `folder`. Raises RuleError with every problem of the run."""
    rulebook, problems = check_rulebook(folder)
    errors = [problem for problem in problems if problem.level == "error"]
    if rulebook is None or errors:
        raise RuleError(errors)
    return rulebook


def check_rulebook(folder: Path) -> tuple[Rulebook | None, tuple[Problem, ...]]:
    """The rulebook (None if there is any error) and every problem, in file order."""
    examined = examine(folder)
    return examined.book, examined.problems


@dataclass(frozen=True)
class Examined:
    """A folder as read: `book` is None if there is any error, `shelf` if there is no such folder."""

    book: Rulebook | None
    shelf: Shelf | None
    problems: tuple[Problem, ...]


def examine(folder: Path) -> Examined:
    """The rulebook, the files it was made of with their places, and every problem, in file order."""
    if not folder.is_dir():
        place = Place(folder.as_posix())
        problem = Problem(place, "schema/missing-folder", "there is no such folder", "check the path")
        return Examined(None, None, (problem,))
    shelf = read_shelf(folder)
    drugs, drug_problems = _drugs(folder.resolve().parent / DRUGS)
    found = tuple(sorted(told_once({*shelf.problems, *drug_problems, *check(shelf)}, shelf.likes)))
    if drugs is None or any(problem.level == "error" for problem in found):
        return Examined(None, shelf, found)
    return Examined(_assemble(shelf, drugs), shelf, found)


def find_rulebooks(path: Path) -> tuple[Path, ...]:
    """The rulebook folders at `path`: the folder itself, or those directly inside it."""
    if (path / BOOK).is_file():
        return (path,)
    if not path.is_dir():
        return ()
    return tuple(sorted(one for one in path.iterdir() if (one / BOOK).is_file()))


def rulebook_of(path: Path) -> Path | None:
    """The rulebook that a file or folder is part of, or whose local changes or tests it holds."""
    for one in (path, *path.parents):
        if (one / BOOK).is_file():
            return one
        local_to = one.parent.parent / one.stem
        if one.parent.name == LOCAL and (local_to / BOOK).is_file():
            return local_to
    return None


def _drugs(path: Path) -> tuple[DrugTable | None, list[Problem]]:
    """The shared drug table; a rulebook that stands alone has an empty one."""
    if not path.is_file():
        return DrugTable.of(()), []
    try:
        return DrugTable.read(path), []
    except (KeyError, ValueError) as error:
        problem = Problem(
            Place(path.as_posix()),
            "terminology/bad-drug-table",
            f"the drug table cannot be read: {error}",
            "it needs the columns ingredient_rxcui, ingredient, rxcui, tty, name, strength, strength_unit",
        )
        return None, [problem]


def _assemble(shelf: Shelf, drugs: DrugTable) -> Rulebook:
    assert shelf.about and shelf.sources and shelf.reasons, "a missing file is an error found before"
    return Rulebook(
        about=shelf.about.model,
        rules=in_order([parsed.model for parsed in shelf.rules]),
        sources=shelf.sources.model.root,
        override_reasons=shelf.reasons.model.root,
        tables={name: parsed.model for name, parsed in shelf.tables.items()},
        templates={name: parsed.model for name, parsed in shelf.templates.items()},
        terminology=Terminology.build(
            {name: p.model for name, p in shelf.valuesets.items()}, drugs, shelf.about.model.empty_words
        ),
        digest=digest_of(shelf.files, shelf.folder.resolve().parent / DRUGS),
        folder=shelf.folder,
        paths=shelf.paths,
        local=tuple(shelf.overlay.changes) if shelf.overlay is not None else (),
    )
