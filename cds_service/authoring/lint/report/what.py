"""What is to be printed, and the words all formats share."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.authoring.lint.run import SetAside
from cds_service.errors import Problem
from cds_service.rulebook.book import Rulebook

PAGES = "docs/lint"


@dataclass(frozen=True)
class Report:
    """The problems of a run in file order, what was set aside, and the rulebooks that were looked at."""

    problems: tuple[Problem, ...]
    set_aside: tuple[SetAside, ...] = ()
    books: tuple[Rulebook, ...] = ()
    lists_set_aside: bool = False


def page_of(code: str) -> str:
    """The page that explains a problem."""
    return f"{PAGES}/{code}.md"


def told(problem: Problem) -> str:
    """What was seen and what to try, in one line."""
    return problem.message + (f" ({problem.hint})" if problem.hint else "")


def counted(number: int, what: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def closing(report: Report) -> str:
    """The last line: how many problems, or what was found clean; and how many were set aside."""
    if report.problems:
        files = len({problem.place.file for problem in report.problems})
        line = f"{counted(len(report.problems), 'problem')} in {counted(files, 'file')}"
    else:
        line = f"clean: {_contents(report.books)}"
    return line + (f"; {len(report.set_aside)} set aside on the line" if report.set_aside else "")


def _contents(books: tuple[Rulebook, ...]) -> str:
    if not books:
        return "nothing to mend in the files named"
    counts = (
        (sum(len(book.rules) for book in books), "rule"),
        (sum(len(book.terminology.valuesets) for book in books), "value set"),
        (sum(len(book.tables) for book in books), "table"),
        (sum(len(book.templates) for book in books), "template"),
        (sum(len(book.sources) for book in books), "source"),
    )
    return ", ".join(counted(number, what) for number, what in counts)
