"""Probes of whole charts: each chart of the cases with one resource altered, taken out, or put in.

What is altered follows from the conditions and numbers of the fact: a status it does not take, a day beyond
its limit, a number one step off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cds_service.authoring.cases import Runner
from cds_service.authoring.charts import CHARTS, ChartFile, Json, find_chart
from cds_service.authoring.coverage.alter import DAY, Alteration, Limits, alterations, concerns
from cds_service.authoring.coverage.seeds import seeds
from cds_service.authoring.coverage.trial import Trial
from cds_service.authoring.patches import patched
from cds_service.authoring.testfile import Case, Item
from cds_service.errors import CdsError
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.fact import FindFact, RowsFact, ViewFact
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.yamlfile import DataPath

_BASES, _HOSTS = 16, 4
_TIME = re.compile(r"(?<=\d\d)T12:00:00Z")


@dataclass(frozen=True)
class _Base:
    """A case with a chart, and the chart as the case alters it."""

    trial: Trial
    chart: ChartFile

    @property
    def as_of(self) -> datetime:
        return self.trial.record.as_of

    def resource(self, reference: str) -> Json | None:
        """A resource of the chart by `Type/id`."""
        return next((one for one in self.chart.resources if _name(one) == reference), None)


def chart_cases(
    runner: Runner, rule: Rule, trials: Sequence[Trial], fact: str, paths: Sequence[DataPath]
) -> Iterator[Item]:
    """Items near those that are there, in what a fact reads and what may matter to edits at these paths."""
    asked = rule.data[fact]
    if not isinstance(asked, RowsFact):
        return
    bases = list(_bases(runner, trials))
    limits = Limits.of(rule, fact, runner.bench.book)
    seeded = _Seeded(asked, limits, paths)
    for item in _near(bases, seeded, runner.bench.book, _found(bases, fact)):
        name = f"{fact}: {item.case.name}"
        yield replace(item, case=item.case.model_copy(update={"name": name}))


@dataclass(frozen=True)
class _Seeded:
    """A fact, what its conditions compare, and where it is edited."""

    fact: RowsFact
    limits: Limits
    paths: Sequence[DataPath]

    def alterations(self, resource: Json, as_of: datetime) -> Iterator[Alteration]:
        """Those that may matter to an edit."""
        for one in alterations(resource, self.limits, as_of):
            if any(concerns(one[0], path) for path in self.paths):
                yield one


def _near(bases: Sequence[_Base], asked: _Seeded, book: Rulebook, found: Sequence[Json]) -> Iterator[Item]:
    for host in _hosts(bases):
        for seed in seeds(asked.fact, book, host.as_of, found):
            yield from _planted(host, asked, seed)
    for base in bases[:_BASES]:
        yield from _altered(base, asked)


def _bases(runner: Runner, trials: Sequence[Trial]) -> Iterator[_Base]:
    for trial in trials:
        case = trial.item.case
        if not case.chart:
            continue
        try:
            chart = ChartFile.read(find_chart(case.chart, runner.fixtures / CHARTS))
            yield _Base(trial, patched(chart, case.change, case.remove))
        except CdsError:
            continue


def _found(bases: Sequence[_Base], fact: str) -> list[Json]:
    """The resources behind the rows of a fact, the same kind of resource once."""
    kept: dict[str, Json] = {}
    for base in bases:
        for row in base.trial.findings[fact].rows:
            resource = base.resource(row.evidence.reference)
            if resource is not None:
                kept.setdefault(resource["resourceType"], resource)
    return list(kept.values())


def _hosts(bases: Sequence[_Base]) -> list[_Base]:
    """A few charts to put a resource into: of each verdict and hook the first."""
    kept: dict[object, _Base] = {}
    for base in bases:
        kept.setdefault((base.trial.conclusion.verdict, base.trial.hook), base)
    return list(kept.values())[:_HOSTS]


def _altered(base: _Base, asked: _Seeded) -> Iterator[Item]:
    fact = asked.fact
    case = base.trial.item.case
    kinds = (
        (fact.find,)
        if isinstance(fact, FindFact)
        else VIEWS[fact.view].reads
        if isinstance(fact, ViewFact)
        else ()
    )
    for resource in base.chart.resources:
        if resource["resourceType"] not in kinds:
            continue
        name = _name(resource)
        if name not in case.drafts and resource["resourceType"] != "Patient":  # no call is without one
            yield _item(base, f"without {name}", {}, (name,))
        for told, member, value in asked.alterations(resource, base.as_of):
            if value is None:
                yield _item(base, f"{name}: {told}", {}, (f"{name}/{member}",))
            else:
                yield _item(base, f"{name}: {told}", {f"{name}/{member}": value}, ())


def _planted(base: _Base, asked: _Seeded, seed: Json) -> Iterator[Item]:
    fact = asked.fact
    kind = seed["resourceType"]
    name = f"{kind}/probe"
    drafts = (name,) if fact.origin != "chart" else ()
    body = {key: value for key, value in seed.items() if key not in ("resourceType", "id")}
    companions: list[Json] = [{}]
    if fact.give.kind in ("count", "count_distinct") and not drafts:
        companions.append({f"{kind}/companion": _earlier(body, base.as_of)})
    for beside in companions:
        another = f"two more {kind}s" if beside else f"one more {kind}"
        yield _item(base, another, {name: body, **beside}, (), drafts)
        for told, member, value in asked.alterations(seed, base.as_of):
            changed = {key: one for key, one in body.items() if key != member}
            if value is not None:
                changed[member] = value
            yield _item(base, f"{another}, {told}", {name: changed, **beside}, (), drafts)


def _earlier(body: Json, as_of: datetime) -> Json:
    """The same two days before."""
    day = (as_of - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        key: day if isinstance(value, str) and DAY.fullmatch(value) else value for key, value in body.items()
    }


def _item(
    base: _Base, told: str, change: Json, remove: tuple[str, ...], drafts: tuple[str, ...] = ()
) -> Item:
    old = base.trial.item.case
    case = Case.model_validate({"name": f"{_TIME.sub('', told)} ({old.name})", "expect": "unknown"})
    update = {
        "chart": old.chart,
        "hook": base.trial.hook,
        "encounter": old.encounter,
        "change": {**old.change, **change},
        "remove": (*old.remove, *remove),
        "drafts": (*old.drafts, *drafts),
        "selections": (*old.selections, *drafts) if old.selections is not None else None,
    }
    return replace(base.trial.item, case=case.model_copy(update=update))


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"
