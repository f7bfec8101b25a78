"""What one rule's cards may read: its own findings, the verdicts it consumes, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from msgspec import structs

from cds_service.cards.drafts import NO_DRAFTS, Drafts
from cds_service.facts.finding import Finding, NotObtained, Row
from cds_service.infer.conclusion import Conclusion
from cds_service.rulebook.rule import ConclusionFact, Rule
from cds_service.truth import TRUE, UNKNOWN, Truth

UNREAD = Finding(UNKNOWN)


@dataclass(frozen=True, slots=True)
class Record:
    """Every finding and conclusion of one decision, by rule, and its drafts; the same for all its cards."""

    rules: Mapping[str, Rule]
    findings: Mapping[str, Mapping[str, Finding]]
    conclusions: Mapping[str, Conclusion]
    as_of: datetime
    zone: tzinfo
    drafts: Drafts = NO_DRAFTS

    def verdict(self, rule: str) -> Truth:
        """A rule's verdict; a rule that was not evaluated is unknown."""
        conclusion = self.conclusions.get(rule)
        return UNKNOWN if conclusion is None else conclusion.verdict

    def undecided(self, rule: str) -> list[tuple[Rule, str]]:
        """The facts that could still settle a rule, each with the rule that asks it.

        A missing conclusion is replaced by what its own rule is missing, all the way down; a rule met twice
        is walked once.
        """
        found: list[tuple[Rule, str]] = []
        self._walk(rule, {rule}, found)
        return found

    def _walk(self, rule: str, seen: set[str], found: list[tuple[Rule, str]]) -> None:
        conclusion, known = self.conclusions.get(rule), self.rules.get(rule)
        if conclusion is None or known is None:
            return
        for name in conclusion.missing:
            fact = known.data.get(name)
            if isinstance(fact, ConclusionFact) and self._open(fact.conclusion):
                if fact.conclusion not in seen:
                    seen.add(fact.conclusion)
                    self._walk(fact.conclusion, seen, found)
            elif fact is not None:
                found.append((known, name))

    def _open(self, rule: str) -> bool:
        conclusion = self.conclusions.get(rule)
        return rule in self.rules and conclusion is not None and bool(conclusion.missing)

    def questions(self, rule: str) -> tuple[str, ...]:
        """What to ask to settle a rule, each question once."""
        return tuple(dict.fromkeys(asker.data[name].ask for asker, name in self.undecided(rule)))

    def because(self, rule: str) -> tuple[NotObtained, ...]:
        """The keys that were not obtained and could have settled a rule, each once."""
        kept: dict[NotObtained, None] = {}
        for asker, name in self.undecided(rule):
            finding = self.findings.get(asker.rule, {}).get(name)
            if finding is not None and finding.because:
                kept.update(dict.fromkeys(finding.because))
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Reading:
    """One rule within a decision. `consumed` names the rule behind each of its conclusion facts."""

    rule: Rule
    consumed: Mapping[str, str]
    findings: Mapping[str, Finding]
    record: Record

    def finding(self, fact: str) -> Finding:
        """The answer to a fact; a conclusion's answer is its verdict, one never given is unknown."""
        consumed = self.consumed.get(fact)
        if consumed is not None:
            return Finding(self.record.verdict(consumed))
        return self.findings.get(fact, UNREAD)

    def each(self, fact: str) -> list[Reading]:
        """One reading per row of a fact that surely counts: in it that row is the one placeholders read."""
        finding = self.finding(fact)
        return [self._with_first(fact, finding, row) for row in finding.rows if row.counts is TRUE]

    def _with_first(self, fact: str, finding: Finding, row: Row) -> Reading:
        others = (other for other in finding.rows if other is not row)
        value = row if isinstance(finding.value, Row) else finding.value
        return replace(
            self, findings={**self.findings, fact: structs.replace(finding, value=value, rows=(row, *others))}
        )

    def questions(self) -> tuple[str, ...]:
        """What to ask to settle this rule."""
        return self.record.questions(self.rule.rule)

    def unit(self, fact: str) -> str:
        """The unit the rule declares for a fact."""
        return str(getattr(self.rule.data.get(fact), "unit", ""))
