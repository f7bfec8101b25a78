"""One hook call decided: everything cards are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Raw

from cds_service.cards.cardbook import CardBook
from cds_service.cards.drafts import Drafts
from cds_service.cards.reading import Record
from cds_service.facts.finding import Finding, NotObtained
from cds_service.facts.request import HookRequest
from cds_service.infer.conclusion import Conclusion
from cds_service.rulebook.rule import Rule


@dataclass(frozen=True)
class Decision:
    """What the rules said about one patient.

    `id` is unique to the call. `rules` are those of the hook and all they consume, in dependency order;
    `findings` the answers to their facts (not to conclusion facts), by rule and fact; `conclusions` their
    verdicts. `not_obtained` names all of the hook's data that was not fully obtained, `notes` the chart
    entries passed over, as (code, reference). `hidden` says why nobody may see cards ("deceased",
    "not-a-clinician"), or is empty. `drafts` are the unsigned orders of the call as JSON, by `Type/id`.
    `unread` counts, by key, the entries whose drug stands in a Medication that could not be had.
    """

    id: str
    book: CardBook
    request: HookRequest
    rules: tuple[Rule, ...]
    findings: Mapping[str, Mapping[str, Finding]]
    conclusions: Mapping[str, Conclusion]
    not_obtained: tuple[NotObtained, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    hidden: str = ""
    drafts: Mapping[str, Raw] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    record: Record = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = self.book.rulebook.by_id
        at, zone = self.request.as_of, self.request.zone
        record = Record(rules, self.findings, self.conclusions, at, zone, Drafts(self.drafts))
        object.__setattr__(self, "record", record)
