"""The tests beside the rules as pytest items: `pytest rules/ -k bipolar` in any repository of rules.

Only a file `*.test.yaml` inside a rulebook folder is taken; everywhere else the plugin does nothing and
imports nothing. `cds_fixtures` in pytest's configuration names the folder of the charts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cds_service.authoring.cases import Result, Runner
    from cds_service.authoring.testfile import Item

SUFFIX, BOOK, LOCAL = ".test.yaml", "rulebook.yaml", "local"
FIXTURES = "cds_fixtures"
_RUNNERS = pytest.StashKey["dict[Path, Runner]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one setting of the plugin."""
    parser.addini(FIXTURES, "the folder of charts and requests for rule tests", default="fhir_fixtures")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The tests of a rule, if the file stands in a rulebook, or among a site's own for one."""
    if not file_path.name.endswith(SUFFIX):
        return None
    book = next((one for one in map(_book, file_path.parents) if one is not None), None)
    if book is None or _replaced(file_path, book):
        return None
    return RuleFile.of(parent, path=file_path, book=book)


def _book(folder: Path) -> Path | None:
    """The rulebook that a folder is, or whose local tests it holds."""
    beside = folder.parent.parent / folder.name if folder.parent.name == LOCAL else folder
    return beside if (beside / BOOK).is_file() else None


def _replaced(path: Path, book: Path) -> bool:
    """Whether a site has tests of its own in place of these."""
    local = book.parent / LOCAL / book.name
    return not path.is_relative_to(local) and any(local.rglob(path.name))


class RuleFile(pytest.File):
    """A file of tests beside a rule."""

    book: Path

    @classmethod
    def of(cls, parent: pytest.Collector, *, path: Path, book: Path) -> RuleFile:
        """The file and the rulebook it stands in."""
        file: RuleFile = cls.from_parent(parent, path=path)
        file.book = book
        return file

    def collect(self) -> Iterator[pytest.Item]:
        """One item per case; mistakes in the rulebook or the file are an error of collection."""
        from cds_service.authoring.testfile import read_tests
        from cds_service.errors import CdsError

        try:
            runner = self._runner()
            cases, problems = read_tests(self.path, runner.bench.book, runner.fixtures, runner.zone)
        except CdsError as error:
            raise self.CollectError(str(error)) from error
        if problems:
            raise self.CollectError("\n".join(str(problem) for problem in problems))
        for case in cases:
            yield RuleItem.of(self, runner, case)

    def _runner(self) -> Runner:
        """What runs the cases of the rulebook; read once a session."""
        from cds_service.authoring.bench import Bench
        from cds_service.authoring.cases import Runner
        from cds_service.rulebook.load import load_rulebook

        held = self.config.stash.setdefault(_RUNNERS, {})
        if self.book not in held:
            fixtures = self.config.rootpath / str(self.config.getini(FIXTURES))
            held[self.book] = Runner(Bench.of(load_rulebook(self.book)), fixtures)
        return held[self.book]


class RuleTestError(Exception):
    """A case that went otherwise than its author expects."""

    def __init__(self, result: Result) -> None:
        super().__init__(str(result))
        self.result = result


class RuleItem(pytest.Item):
    """One case."""

    runner: Runner
    case: Item

    @classmethod
    def of(cls, parent: RuleFile, runner: Runner, case: Item) -> RuleItem:
        """The case, named by its sentence."""
        item: RuleItem = cls.from_parent(parent, name=case.case.name)
        item.runner, item.case = runner, case
        return item

    def runtest(self) -> None:
        """Run the case."""
        result = self.runner.run(self.case)
        if not result.passed:
            raise RuleTestError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was got beside what was expected, and why; no traceback, since no Python is wrong."""
        error = excinfo.value
        if isinstance(error, RuleTestError):
            return f"{error.result}\n\n{error.result.why}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, self.case.place.line - 1, self.case.id
