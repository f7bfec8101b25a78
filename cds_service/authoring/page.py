"""One page per rule for those who do not read YAML: what it asks, decides, shows, and why.

Generated text is deterministic and wrapped, so that a change of a rule is a readable change of its page.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cds_service.authoring.pagewords import Words
from cds_service.authoring.phrases import HOOKS, filled, listed
from cds_service.authoring.testfile import Case
from cds_service.rulebook.book import Rulebook, taken
from cds_service.rulebook.card import Action, Card, FromFact, Suggestion
from cds_service.rulebook.files import Source
from cds_service.rulebook.rule import Evidence, Rule

WIDTH = 108
MARK = "<!-- Written by `cds docs`"
_STATUS = {
    "draft": "a draft, never run in service",
    "shadow": "in trial: evaluated and logged, not shown",
    "active": "in use",
    "retired": "retired",
}
_OUTCOMES = (
    ("when_true", "When it is true"),
    ("when_unknown", "When it cannot be decided"),
    ("when_false", "When it is false"),
)
_LISTED = {
    "article": "a reference of the article",
    "matched": "matched to a reference of the article",
    "ours": "added by the authors of the rules",
}
# What would begin a heading, a quotation or a list if a line happened to break before it.
_AT_START = re.compile(r"^(\d*)([#>+*.)-])(?= |$)")


@dataclass(frozen=True)
class Page:
    """What a page is made of: the rule in its rulebook, its file and tests, the folder of the page."""

    book: Rulebook
    rule: Rule
    file: str
    cases: tuple[Case, ...]
    out: Path

    @property
    def words(self) -> Words:
        """The rule in words."""
        return Words(self.book, self.rule, self.out)

    def text(self) -> str:
        """The page."""
        parts = (
            self._head(),
            self._logic(),
            self._shown(),
            self._facts(),
            self._evidence(),
            self._sources(),
            self._people(),
            self._tests(),
        )
        return "\n".join("\n".join(part) + "\n" for part in parts)

    # --- what it is ------------------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        rule, about = self.rule, self.rule.about
        yield from (f"{MARK} from", f"{self.file};", "change that file. -->", "", f"# {rule.title}", "")
        approved = "" if about.approved_by.strip() else ", not approved by a clinician yet"
        kind = rule.kind.replace("-", " ")
        yield from wrapped(f"`{rule.rule}` {rule.version}, {kind}, {_STATUS[rule.status]}{approved}.")
        yield ""
        yield from item(f"**Purpose.** {about.purpose}")
        yield from item(f"**For whom.** {about.population}")
        yield from item(f"**What it cannot see.** {about.limits or 'Nothing is said.'}")
        yield from item(f"**Where.** {self._where()}")
        users = [one for one in self.book.rules if rule.rule in taken(one)]
        if users:
            yield from item(f"**Used by.** {', '.join(self.words.page(one.rule) for one in users)}.")

    def _where(self) -> str:
        if not self.rule.hooks:
            return "It has no cards of its own; other rules use its verdict."
        told = [f"{HOOKS[hook]} (`{hook}`)" if hook in HOOKS else f"`{hook}`" for hook in self.rule.hooks]
        return f"{listed(told, 'and').capitalize()}."

    def _logic(self) -> Iterator[str]:
        yield from ("## What makes it true", "")
        for depth, line in self.words.logic(self.rule.logic):
            yield from item(line, depth)
        yield ""
        yield from wrapped(
            "It is unknown while an answer is missing that could still change this, and false otherwise."
        )

    # --- what is shown ---------------------------------------------------------------------------

    def _shown(self) -> Iterator[str]:
        yield from ("## What is shown", "")
        yield from wrapped("Words in ‹ › are filled in from the chart; numbers in [ ] are sources.")
        for key, title in _OUTCOMES:
            yield from ("", f"### {title}", "")
            cards: tuple[Card, ...] = getattr(self.rule.cards, key)
            if not cards:
                yield "Nothing."
            if len(cards) > 1:
                yield from ("Of these cards the first that applies is shown.", "")
            for at, card in enumerate(cards):
                yield from ([""] if at else [])
                yield from self._card(card, otherwise=at > 0)

    def _card(self, card: Card, *, otherwise: bool) -> Iterator[str]:
        words = self.words
        limits = [f"shown only if: {words.condition(card.only_if)}"] if card.only_if else []
        limits += [f"hidden if: {words.condition(card.hide_if)}"] if card.hide_if else []
        limits += [f"only {listed([HOOKS.get(hook, hook) for hook in card.hooks])}"] if card.hooks else []
        told = f"{'An' if card.indicator == 'info' else 'A'} **{card.indicator}** card"
        limits += ["shown otherwise"] if otherwise and not limits else []
        yield from wrapped("; ".join([told, *limits]) + ":")
        yield from ("", *quoted(f"**{filled(card.summary)}**"))
        for line in card.detail:
            yield ">"
            only = f" *(only if: {words.condition(line.only_if)})*" if line.only_if else ""
            hidden = f" *(hidden if: {words.condition(line.hide_if)})*" if line.hide_if else ""
            yield from quoted(filled(line.text) + only + hidden)
        yield ""
        yield from item(f"Source named: {words.source(card.source)}.")
        if card.merge:
            yield from item(f"Shown as one card with others: “{self.book.about.merge[card.merge].title}”.")
        for suggestion in card.suggestions:
            yield from self._suggestion(suggestion)
        for link in card.links:
            yield from item(f"Link: [{link.label}]({link.url}).")
        if card.override_reasons:
            reasons = [self.book.override_reasons[reason].display for reason in card.override_reasons]
            yield from item(f"Reasons to dismiss it: {'; '.join(reasons)}.")

    def _suggestion(self, suggestion: Suggestion) -> Iterator[str]:
        notes = ["recommended"] if suggestion.recommended else []
        if suggestion.for_each:
            notes.append(f"one for each entry of “{self.rule.data[suggestion.for_each].ask}”")
        if suggestion.only_if:
            notes.append(f"offered only if: {self.words.condition(suggestion.only_if)}")
        if suggestion.hide_if:
            notes.append(f"not offered if: {self.words.condition(suggestion.hide_if)}")
        told = f" ({'; '.join(notes)})" if notes else ""
        yield from item(f"Button **{filled(suggestion.label)}**{told}:")
        for action in suggestion.actions:
            yield from item(self._action(action), 1)

    def _action(self, action: Action) -> str:
        told = filled(action.description)
        if isinstance(action.resource, FromFact):
            elements = listed([f"`{path}`" for path in action.resource.set], "and")
            return f"{told} (changes {elements} of the order)"
        return f"{told} (removes the order)" if action.type == "delete" else told

    # --- what it asks ----------------------------------------------------------------------------

    def _facts(self) -> Iterator[str]:
        yield from ("## What it asks", "")
        yield from wrapped(
            "What did not reach the service is always unknown, whatever is said here of silence."
        )
        for name, fact in self.rule.data.items():
            yield from ("", *wrapped(f"**{fact.ask}**"), "")
            for label, words in self.words.fact(name):
                yield from item(f"{label}: {words}.")
            yield from item(f"Name in the rule: `{name}`.")

    # --- why -------------------------------------------------------------------------------------

    def _evidence(self) -> Iterator[str]:
        yield from ("## Evidence", "")
        yield "| source | what it is taken to say | claims | for or against | strength | certainty |"
        yield "|---|---|---|---|---|---|"
        for one in self.rule.evidence:
            yield f"| {' | '.join(_cell(cell) for cell in self._row(one))} |"

    def _row(self, one: Evidence) -> tuple[str, ...]:
        claims = ", ".join(one.claims) or "–"
        return (
            self.words.source(one.source),
            one.claim,
            claims,
            one.direction,
            one.strength,
            one.certainty.replace("-", " "),
        )

    def _sources(self) -> Iterator[str]:
        yield from ("## Sources", "")
        for number in sorted({one.source for one in self.rule.evidence}):
            yield from item(f"[{number}] {_source(self.book.sources[number])}")

    def _people(self) -> Iterator[str]:
        about = self.rule.about
        yield from ("## Who answers for it", "")
        yield from item(f"Owner: {about.owner}.")
        reviewed = f" on {about.reviewed}" if about.reviewed else ""
        yield from item(
            f"Reviewed by: {about.reviewer}{reviewed}." if about.reviewer else "Not reviewed yet."
        )
        if about.review_by:
            yield from item(f"To be reviewed again by: {about.review_by}.")
        approved = f" on {about.approved_on}" if about.approved_on else ""
        no = "No clinician has approved it yet; its cards say so."
        yield from item(f"Approved by: {about.approved_by}{approved}." if about.approved_by.strip() else no)

    def _tests(self) -> Iterator[str]:
        yield from ("## Tests", "")
        if not self.cases:
            yield "None yet."
        for case in self.cases:
            yield from item(f"{case.name}: {case.expect.value}")


def _source(source: Source) -> str:
    parts = [source.cite.strip()]
    parts += [f"<{source.url}>"] if source.url else []
    parts += [f"Checked {source.checked}."] if source.checked else []
    sure = f", confidence {source.confidence}" if source.confidence else ""
    parts += [f"({_LISTED[source.listed].capitalize()}{sure}.)"]
    parts += [source.note.strip()] if source.note else []
    return " ".join(parts)


# --- markdown ------------------------------------------------------------------------------------


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """A text in lines of the page's width; no line begins what it is not."""
    lines = textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    inner = (rest + _AT_START.sub(r"\1\\\2", line[len(rest) :]) for line in lines[1:])
    return [*lines[:1], *inner]


def item(text: str, depth: int = 0) -> list[str]:
    """An entry of a list."""
    return wrapped(text, f"{'  ' * depth}- ", "  " * (depth + 1))


def quoted(text: str) -> list[str]:
    """A text of a card, in a quotation; its own lines stay lines."""
    return [line for part in text.split("\n") if part.strip() for line in wrapped(part, "> ", "> ")]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
