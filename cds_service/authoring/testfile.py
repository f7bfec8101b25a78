"""The tests beside a rule: `x.test.yaml` and `x.<part>.test.yaml`, read as strictly as the rule itself.

A case gives facts, or a chart with changes, or a recorded hook call, and says what the rule must make of it.
Every mistake is a Problem with its file, line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from cds_service.authoring.charts import CHARTS, REQUESTS, find_chart, find_request
from cds_service.authoring.given import GivenError, Value, finding_of, not_given
from cds_service.errors import Place, Problem, UsageError, nearest
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.overlay import overlay_path
from cds_service.rulebook.parsed import Parsed, parse
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shape import Day, FactName, RuleId, Shape
from cds_service.rulebook.yamlfile import DataPath, read_yaml
from cds_service.truth import Truth

SUFFIX = ".test.yaml"
_PART = re.compile(r"(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)?" + re.escape(SUFFIX))
"""What follows the rule's id in the name of a file of its tests."""
_A_PART = "<part> is lower-case words or numbers joined by hyphens, without a dot"
DEFAULT_HOOK = "patient-view"
"""Where a rule without hooks of its own is tried."""


def _truth(value: object) -> object:
    if isinstance(value, Truth):
        return value
    text = str(value).lower() if isinstance(value, bool) else value
    if text in ("true", "false", "unknown"):
        return Truth(str(text))
    raise mistake("bad_verdict", f"{value!r} is not a verdict", "write true, false or unknown")


def _given(value: object) -> object:
    scalar = (bool, int, float, str)
    if isinstance(value, scalar):
        return value
    if isinstance(value, Mapping) and value and all(isinstance(cell, scalar) for cell in value.values()):
        return dict(value)
    raise mistake(
        "bad_given",
        f"{value!r} is not a value of a fact",
        "write true, false, unknown, a number, 2+, a date, or the columns of a reading",
    )


def _summary(value: object) -> object:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, Summary):
        return value
    if isinstance(value, Mapping) and set(value) == {"contains"}:
        parts = value["contains"]
        parts = [parts] if isinstance(parts, str) else parts
        if isinstance(parts, list | tuple) and parts and all(isinstance(part, str) for part in parts):
            return Summary(tuple(parts))
    raise mistake(
        "bad_summary",
        "a summary is the whole text, or a list of texts it contains",
        'write summary: "the text", or summary: {contains: ["one part", "another"]}',
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Parts that a card's summary must contain."""

    contains: tuple[str, ...]


Verdict = Annotated[Truth, PlainValidator(_truth), WithJsonSchema({"enum": [True, False, "unknown"]})]
GivenValue = Annotated[Value, PlainValidator(_given), WithJsonSchema({})]
SummaryText = Annotated[str | Summary, PlainValidator(_summary), WithJsonSchema({})]
Anything = Annotated[Any, PlainValidator(lambda value: value), WithJsonSchema({})]


class Detail(Shape):
    """Parts that the text below a card's summary must contain, and parts it must not."""

    contains: tuple[str, ...] = Field(default=(), description="what stands there, as sent (markdown)")
    lacks: tuple[str, ...] = Field(default=(), description="what does not stand there")


class Case(Shape):
    """One test: what is given, and what the rule must make of it."""

    name: str = Field(min_length=3, description="what is tried and why it matters")
    given: dict[FactName, GivenValue] = Field(
        default_factory=dict, description="facts other than the defaults"
    )
    chart: str = Field(default="", description="a chart of fhir_fixtures/charts, instead of given facts")
    change: dict[str, Anything] = Field(
        default_factory=dict, description="Type/id/member: value in the chart"
    )
    remove: tuple[str, ...] = Field(default=(), description="resources or members to take out of the chart")
    drafts: tuple[str, ...] = Field(default=(), description="orders of the chart that are being written")
    selections: tuple[str, ...] | None = Field(
        default=None, description="which of the drafts are selected; all of them unless given"
    )
    encounter: str = Field(
        default="", description="the encounter of the call; the one in progress unless given"
    )
    request: str = Field(
        default="", description="a recorded call of fhir_fixtures/requests, instead of a chart"
    )
    hook: str = Field(default="", description="where the rule is tried; its first hook unless given")
    expect: Verdict = Field(description="the verdict: true, false or unknown")
    missing: tuple[FactName, ...] | None = Field(
        default=None, description="the facts that could still decide it"
    )
    card: bool | None = Field(default=None, description="whether a card is shown")
    summary: SummaryText | None = Field(default=None, description="the summary of the card")
    detail: Detail | None = Field(default=None, description="what stands below the summary of the card")
    suggestions: tuple[str, ...] | None = Field(default=None, description="the buttons of the card, in order")

    @property
    def whole_chart(self) -> bool:
        """Whether the case goes through the whole pipeline."""
        return bool(self.chart or self.request)


class RuleTests(Shape):
    """Tests of one rule: all of them, or one part in a file of its own."""

    rule: RuleId = Field(description="the rule under test")
    today: Day = Field(description="the day of the tests that give facts; charts have their own")
    defaults: dict[FactName, GivenValue] = Field(default_factory=dict, description="a value for every fact")
    tests: tuple[Case, ...] = Field(min_length=1, description="the cases")


@dataclass(frozen=True)
class Item:
    """One case with its rule and its place in the file."""

    rule: Rule
    tests: RuleTests
    case: Case
    place: Place

    @property
    def id(self) -> str:
        """`rule / case`, the name in reports and of the pytest item."""
        return f"{self.rule.rule} / {self.case.name}"

    @property
    def hook(self) -> str:
        """The hook the rule is tried on."""
        return self.case.hook or next(iter(self.rule.hooks), DEFAULT_HOOK)


def hooks_of(book: Rulebook, rule: Rule) -> tuple[str, ...]:
    """The hooks a rule may be tried on: those of the rulebook, its own, and the one every chart opens."""
    return tuple(dict.fromkeys((*book.hooks, *rule.hooks, DEFAULT_HOOK)))


def path_beside(rule_path: Path) -> Path:
    """The first file of a rule's tests: beside it, `.test.yaml` for `.yaml`."""
    return rule_path.with_name(rule_path.name.removesuffix(".yaml") + SUFFIX)


def paths_beside(rule_path: Path) -> tuple[Path, ...]:
    """Every file of a rule's tests that is there: `x.test.yaml` first, then its parts by name."""
    rule, first = rule_path.name.removesuffix(".yaml"), path_beside(rule_path)
    held = (path for path in rule_path.parent.glob(f"*{SUFFIX}") if _is_of(path.name, rule))
    return tuple(sorted(held, key=lambda path: (path != first, path)))


def _is_of(name: str, rule: str) -> bool:
    """Whether a file's name is that of tests of this rule; an id holds no dot, so no other rule's is."""
    return name.startswith(rule) and _PART.fullmatch(name.removeprefix(rule)) is not None


def repeated(items: Iterable[Item]) -> Iterator[Problem]:
    """Cases of one rule that share a name although they stand in different files of its tests."""
    seen: dict[str, Item] = {}
    for item in items:
        first = seen.setdefault(item.id, item)
        if first is not item:
            message = f"another test of {item.rule.rule} is named {item.case.name!r}"
            hint = f"rename one; the other stands at {first.place.file}:{first.place.line}"
            yield Problem(item.place, "tests/duplicate-name", message, hint)


def local_tests(folder: Path) -> Path:
    """Where a site keeps tests for what it changed in a rulebook; they replace those of the same name."""
    return overlay_path(folder).with_suffix("")


def read_tests(
    path: Path, book: Rulebook, fixtures: Path, zone: tzinfo = UTC
) -> tuple[tuple[Item, ...], tuple[Problem, ...]]:
    """The cases of one file and everything wrong with it; no cases if anything is."""
    parsed, problems = parse(read_yaml(path), RuleTests)
    if parsed is None:
        return (), tuple(problems)
    found = (*problems, *_wrong_rule(parsed, path, book))
    rule = book.by_id.get(parsed.model.rule)
    if found or rule is None:
        return (), found
    found = tuple(_Check(parsed, rule, hooks_of(book, rule), fixtures, zone).problems())
    if found:
        return (), found
    places = (parsed.file.place(("tests", at)) for at in range(len(parsed.model.tests)))
    return tuple(
        Item(rule, parsed.model, case, place) for case, place in zip(parsed.model.tests, places, strict=True)
    ), ()


def _wrong_rule(parsed: Parsed[RuleTests], path: Path, book: Rulebook) -> Iterator[Problem]:
    named = parsed.model.rule
    if named not in book.by_id:
        hint = nearest(named, list(book.by_id))
        yield parsed.problem(("rule",), "tests/unknown-rule", f"there is no rule {named!r}", hint)
    elif not _in_place(path.resolve(), book, named):
        beside = path_beside(book.paths[named])
        there = path.resolve().parent == beside.resolve().parent
        told = f"{path.name} is no name of" if there else "this is not the folder for"
        hint = (
            f"rename the file to {beside.as_posix()}, or, for a part of them, to {named}.<part>{SUFFIX} there"
        )
        yield parsed.problem(
            ("rule",), "tests/not-beside-its-rule", f"{told} tests of {named}", f"{hint}; {_A_PART}"
        )


def _in_place(path: Path, book: Rulebook, rule: str) -> bool:
    """Whether tests stand beside their rule, or among the site's own."""
    local = local_tests(book.folder.resolve())
    beside = path.parent == book.paths[rule].resolve().parent
    return _is_of(path.name, rule) and (beside or path.is_relative_to(local))


@dataclass(frozen=True)
class _Check:
    """What the shape alone cannot say: facts that do not exist, values that do not fit, charts not there."""

    parsed: Parsed[RuleTests]
    rule: Rule
    hooks: tuple[str, ...]
    fixtures: Path
    zone: tzinfo

    def problems(self) -> Iterator[Problem]:
        """Everything wrong with the file."""
        tests = self.parsed.model
        yield from self._values(tests.defaults, ("defaults",))
        names: dict[str, int] = {}
        for at, case in enumerate(tests.tests):
            if case.name in names:
                yield self._problem(
                    ("tests", at, "name"),
                    "duplicate-name",
                    f"two tests are named {case.name!r}",
                    "rename one",
                )
            names[case.name] = at
            yield from self._case(case, ("tests", at))

    def _problem(self, path: DataPath, code: str, message: str, hint: str = "") -> Problem:
        return self.parsed.problem(path, f"tests/{code}", message, hint)

    def _case(self, case: Case, path: DataPath) -> Iterator[Problem]:
        yield from self._values(case.given, (*path, "given"))
        for name in case.missing or ():
            if name not in self.rule.data:
                yield self._unknown_fact(name, (*path, "missing"))
        if case.hook and case.hook not in self.hooks:
            hint = nearest(case.hook, self.hooks)
            yield self._problem(
                (*path, "hook"), "unknown-hook", f"no rule is for the hook {case.hook!r}", hint
            )
        yield from self._contradictions(case, path)
        if case.whole_chart:
            yield from self._fixture(case, path)
        else:
            unset = not_given(self.rule, {**self.parsed.model.defaults, **case.given})
            if unset:
                message = f"no value is given for {', '.join(unset)}"
                yield self._problem(
                    path, "fact-not-given", message, "add it to defaults (unknown is a value)"
                )

    def _values(self, values: Mapping[str, Value], path: DataPath) -> Iterator[Problem]:
        for name, value in values.items():
            if name not in self.rule.data:
                yield self._unknown_fact(name, (*path, name), at_key=True)
                continue
            try:
                finding_of(self.rule, name, value, self.zone)
            except GivenError as error:
                yield self._problem((*path, name), "value-does-not-fit", str(error), error.hint)

    def _unknown_fact(self, name: str, path: DataPath, *, at_key: bool = False) -> Problem:
        place = self.parsed.file.key_place(path) if at_key else self.parsed.file.place(path)
        message = f"{name!r} is not a fact of {self.rule.rule}"
        return Problem(place, "tests/unknown-fact", message, nearest(name, list(self.rule.data)))

    def _contradictions(self, case: Case, path: DataPath) -> Iterator[Problem]:
        if case.given and case.whole_chart:
            hint = "remove given; use change and remove to alter a chart"
            yield self._problem(
                (*path, "given"), "facts-and-chart", "a case gives facts or a chart, not both", hint
            )
        if case.request and case.hook:
            message = "a recorded call names its own hook"
            yield self._problem((*path, "hook"), "hook-and-request", message, "remove hook")
        if case.chart and case.request:
            message, hint = "a case replays a chart or a recorded call, not both", "keep one"
            yield self._problem((*path, "request"), "chart-and-request", message, hint)
        if (case.change or case.remove or case.drafts or case.encounter) and not case.chart:
            message = "change, remove, drafts and encounter are about a chart, and this case has none"
            yield self._problem(path, "no-chart", message, "add chart: its name")
        stray = [name for name in case.selections or () if name not in case.drafts]
        if stray:
            message = f"{stray[0]} is selected, but not among the drafts"
            hint = nearest(stray[0], case.drafts) or "add it to drafts"
            yield self._problem((*path, "selections"), "selection-not-a-draft", message, hint)
        if case.summary is not None and case.card is False:
            message = "a card that is not shown has no summary"
            yield self._problem((*path, "summary"), "summary-without-card", message, "remove one of the two")
        if case.detail is not None and case.card is False:
            message = "a card that is not shown has no detail"
            yield self._problem((*path, "detail"), "detail-without-card", message, "remove one of the two")
        if case.suggestions and case.card is False:
            message = "a card that is not shown has no suggestions"
            hint = "remove one of the two"
            yield self._problem((*path, "suggestions"), "suggestions-without-card", message, hint)
        if case.missing and case.expect is not Truth.UNKNOWN:
            message = f"nothing is missing where the verdict is {case.expect.value}"
            yield self._problem((*path, "missing"), "missing-but-decided", message, "remove missing")

    def _fixture(self, case: Case, path: DataPath) -> Iterator[Problem]:
        key = "chart" if case.chart else "request"
        find, folder = (find_chart, CHARTS) if case.chart else (find_request, REQUESTS)
        try:
            find(case.chart or case.request, self.fixtures / folder)
        except UsageError as error:
            yield self._problem((*path, key), f"unknown-{key}", str(error))
