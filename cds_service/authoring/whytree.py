"""Why a rule decides as it does, as data: every criterion with its answer, evidence, and what is missing.

Built from what the pipeline recorded; nothing is evaluated here but the tree of criteria.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from cds_service.authoring.whylocal import changed_here
from cds_service.authoring.whymade import calculations, made_of
from cds_service.authoring.whyrow import Seen, answer, told
from cds_service.cards.reading import UNREAD, Record
from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding
from cds_service.facts.shelf import Entry
from cds_service.infer.criteria import rule_states
from cds_service.infer.program import logic_of
from cds_service.infer.trace import Node, trace
from cds_service.rulebook.fact import CalculateFact, ConclusionFact, Fact
from cds_service.rulebook.overlay import LocalChange
from cds_service.rulebook.rule import Rule
from cds_service.truth import UNKNOWN, Truth


@dataclass(frozen=True)
class Why:
    """One line of the explanation.

    `text` is the criterion as written, `value` the answer in words, `seen` the entries of the chart behind
    it. `ask` is the plain question where the answer is unknown, `notes` say why. `maybe` are rows that could
    not be decided, `refused` those that do not count. `decides`: the verdict hangs on this line. `rule` is
    the rule whose verdict the line is; its criteria are the children (none if they stand above already).
    """

    truth: Truth
    text: str
    value: str = ""
    seen: tuple[Seen, ...] = ()
    ask: str = ""
    notes: tuple[str, ...] = ()
    maybe: tuple[Seen, ...] = ()
    refused: tuple[Seen, ...] = ()
    decides: bool = True
    rule: str = ""
    children: tuple[Why, ...] = ()

    def walk(self) -> Iterator[Why]:
        """This line and every line below it, top to bottom."""
        yield self
        for child in self.children:
            yield from child.walk()


def why_tree(
    record: Record, rule_id: str, chart: Chart | None = None, local: Sequence[LocalChange] = ()
) -> Why:
    """The explanation of one rule's verdict; the chart, if there is one, adds the codes to the words.

    Lines that a site changed (`local`) say so.

    The notes of the root are the calculations that only the cards use.
    """
    rule = record.rules[rule_id]
    why = _Builder(record, chart, local).rule(rule)
    told = {note for line in why.walk() for note in line.notes}
    lines = calculations(rule, record.findings.get(rule_id, {}))
    return replace(why, notes=tuple(line for line in lines if line not in told))


@dataclass
class _Builder:
    record: Record
    chart: Chart | None
    local: Sequence[LocalChange] = ()
    expanded: set[str] = field(default_factory=set)

    def rule(self, rule: Rule) -> Why:
        self.expanded.add(rule.rule)
        findings = self.record.findings.get(rule.rule, {})
        logic = logic_of(rule)
        states = rule_states(logic, findings, self.record.as_of, self.record.zone)
        root = self.node(trace(logic, states, self.record.conclusions), rule)
        plain_all = root.text == "all of" and not root.rule
        children = root.children if plain_all else (root,)
        return Why(root.truth, f"{rule.rule} {rule.version}", rule=rule.rule, children=children)

    def node(self, node: Node, rule: Rule) -> Why:
        if node.kind == "criterion":
            return self.criterion(node, rule)
        if node.kind == "not" and node.children[0].kind == "criterion":
            inner = self.criterion(node.children[0], rule)
            return replace(inner, truth=node.truth, text=f"not {inner.text}", decides=node.decides)
        children = tuple(self.node(child, rule) for child in node.children)
        return Why(node.truth, node.text, decides=node.decides, children=children)

    def criterion(self, node: Node, rule: Rule) -> Why:
        fact = rule.data[node.fact]
        line = Why(node.truth, node.text, decides=node.decides)
        if isinstance(fact, ConclusionFact):
            return self.conclusion(line, fact)
        findings = self.record.findings.get(rule.rule, {})
        found = self.finding(line, fact, findings.get(node.fact, UNREAD), _column(node.text))
        made = (*made_of(node.fact, rule, findings), *changed_here(node, rule, self.local))
        return replace(found, notes=(*made, *found.notes))

    def conclusion(self, line: Why, fact: ConclusionFact) -> Why:
        used = self.record.rules[fact.conclusion]
        line = replace(line, rule=used.rule, value=f"rule {used.rule} {used.version}")
        if used.rule in self.expanded:
            return replace(line, value=f"{line.value} (shown above)")
        if used.rule not in self.record.findings:
            return replace(line, ask=fact.ask if line.truth is UNKNOWN else "")
        inside = self.rule(used).children
        if len(inside) == 1 and inside[0].children and not inside[0].rule:
            return replace(line, value=f"{line.value}: {inside[0].text}", children=inside[0].children)
        return replace(line, children=inside)

    def finding(self, line: Why, fact: Fact, finding: Finding, column: str) -> Why:
        value, seen = answer(fact, finding, column)
        undecided, refused = told(finding, seen)
        where = self.chart.patient_id if self.chart is not None and value and not seen else ""
        if not seen and where and getattr(fact, "find", "") == "Patient":
            seen = (Seen(f"Patient/{where}"),)
        return replace(
            line,
            value=value,
            seen=tuple(self.coded(one, fact) for one in seen),
            ask=fact.ask if line.truth is UNKNOWN else "",
            notes=notes(fact, finding, line.truth) if self.chart is not None else as_given(fact, finding),
            maybe=tuple(self.coded(one, fact) for one in undecided),
            refused=tuple(self.coded(one, fact) for one in refused),
        )

    def coded(self, seen: Seen, fact: Fact) -> Seen:
        """The entry with the code that made it one, if it has one of the fact's value sets."""
        entry = self.entries.get(seen.reference)
        wanted = getattr(fact, "code_in", None)
        if entry is None or self.chart is None or not wanted or entry.drug is not None:
            return seen
        sets_of = self.chart.terminology.sets_of
        codes = (one.code for one in entry.codes if not sets_of(one.system, one.code).isdisjoint(wanted))
        return replace(seen, code=next(codes, ""))

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every entry of the chart by reference."""
        if self.chart is None:
            return {}
        shelves = (*self.chart.shelves.values(), *self.chart.drafts.values())
        return {one.reference: one for shelf in shelves for one in (*shelf.entries, *shelf.aside)}


def _column(criterion: str) -> str:
    """The column a criterion compares, "" for none."""
    return criterion.split()[0].partition(".")[2]


def as_given(fact: Fact, finding: Finding) -> tuple[str, ...]:
    """The same where no chart was read: a test gave the answer."""
    unknown = finding.state is UNKNOWN and not isinstance(fact, CalculateFact)
    return ("given as unknown",) if unknown else ()


def notes(fact: Fact, finding: Finding, truth: Truth) -> tuple[str, ...]:
    """Why the answer is not more than it is: what was not obtained, and what the record's silence means."""
    found = [f"not obtained: {missed.key} ({missed.reason})" for missed in finding.because]
    record, because = getattr(fact, "record", None), getattr(fact, "because", "")
    give = getattr(getattr(fact, "give", None), "kind", "")
    if record == "complete" and not finding.because and not finding.rows and finding.state is not UNKNOWN:
        found.append(f"the record is complete: {because}" if because else "the record is complete")
    if truth is not UNKNOWN or isinstance(fact, CalculateFact):
        return tuple(found)
    if record == "partial" and not finding.because:
        silent = give == "exists" and not finding.rows
        found.append(
            "searched, but the record is partial: "
            + ("silence is no answer" if silent else "there may be more")
        )
    elif finding.state is UNKNOWN and not finding.because and not finding.rows:
        found.append("searched, none on record")
    return tuple(found)
