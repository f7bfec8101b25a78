"""Could not look is never clear: the one card that says which safety rules could not be checked, and why.

It speaks only of keys that were not obtained. "Searched, nothing recorded" is the author's `when_unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cds_service.cards.build import DraftCard, Entry, summary
from cds_service.cards.cardbook import PreparedCheck
from cds_service.cards.citations import cited
from cds_service.cards.decision import Decision
from cds_service.cards.reading import UNREAD
from cds_service.cards.wording import MARKDOWN, PLAIN, Style
from cds_service.facts.finding import MEDICATIONS, NotObtained
from cds_service.rulebook.rule import SAFETY_KINDS, Rule
from cds_service.rulebook.views import OBSERVATIONS
from cds_service.truth import TRUE, UNKNOWN

Gaps = Mapping[str, tuple[NotObtained, ...]]
"""By unknown rule: the keys not obtained that could have settled it; rules with none are absent."""

NOT_SUPPLIED = "not-supplied"
_REASONS = {
    NOT_SUPPLIED: "not supplied",
    "failed": "could not be read",
    "truncated": "incomplete",
    "other-patient": "some name another patient, or do not say whose they are",
    "deadline": "not read in time",
}


def gaps_of(decision: Decision) -> Gaps:
    """What could not be looked at, for every rule that is unknown because of it."""
    record = decision.record
    found = (
        (rule.rule, record.because(rule.rule))
        for rule in decision.rules
        if record.verdict(rule.rule) is UNKNOWN
    )
    return {rule: because for rule, because in found if because}


def unchecked(decision: Decision, gaps: Gaps) -> DraftCard | None:
    """The could-not-check card, or None if every safety rule shown on this hook could look."""
    hook = decision.request.hook
    rules = [
        rule
        for rule in decision.rules
        if rule.rule in gaps and rule.kind in SAFETY_KINDS and rule.status == "active" and hook in rule.hooks
    ]
    return _card(decision, rules, gaps) if rules and _relevant(decision, rules, gaps) else None


def _relevant(decision: Decision, rules: Sequence[Rule], gaps: Gaps) -> bool:
    """Whether the rulebook's conditions let the card through.

    A read that went wrong for this chart (failed, cut short, another patient's, too late) always does. A key
    merely not supplied is how a site is set up, and would show the card on every chart there: then one of
    `only_if_rules` must be true, or one of `or_unknown_rules` unknown for want of data. Where none of
    them was evaluated on this hook they cannot hold the card back.
    """
    if any(missed.reason != NOT_SUPPLIED for rule in rules for missed in gaps[rule.rule]):
        return True
    check, known = decision.book.rulebook.about.could_not_check, decision.conclusions
    true = [rule for rule in check.only_if_rules if rule in known]
    unknown = [rule for rule in check.or_unknown_rules if rule in known]
    if not true and not unknown:
        return True
    return any(decision.record.verdict(rule) is TRUE for rule in true) or any(
        rule in gaps for rule in unknown
    )


def _card(decision: Decision, rules: Sequence[Rule], gaps: Gaps) -> DraftCard:
    book = decision.book
    about, check = book.rulebook.about.could_not_check, book.check
    body = _body(check, decision, rules, gaps)
    sources = book.references.known((about.source, *check.summary_cites, *cited(body)))
    return DraftCard(
        prefix=check.prefix,
        entries=tuple(Entry(rule.rule, rule.version, UNKNOWN, sources) for rule in rules),
        kind="data-gap",
        order=-1,
        indicator=about.indicator,
        summary=summary(
            check.summary, None, _words(decision, rules, gaps, PLAIN), "Not everything could be checked"
        ),
        body=body,
        source=about.source,
        sources=sources,
        overrides=check.overrides,
        stays=True,
    )


def _body(check: PreparedCheck, decision: Decision, rules: Sequence[Rule], gaps: Gaps) -> str:
    words = _words(decision, rules, gaps, MARKDOWN)
    body = check.detail.fill(None, MARKDOWN, words)
    return body if check.names_keys else f"{body}\n\nNot obtained: {words['keys']}."


def _words(decision: Decision, rules: Sequence[Rule], gaps: Gaps, style: Style) -> Mapping[str, str]:
    questions = tuple(
        dict.fromkeys(question for rule in rules for question in _questions(decision, rule.rule))
    )
    return {
        "keys": in_words((missed for rule in rules for missed in gaps[rule.rule]), decision.unread),
        "rules": style.lines([rule.title for rule in rules]),
        "rule_count": str(len(rules)),
        "missing_count": str(len(questions)),
        "missing_questions": style.lines(questions),
    }


def _questions(decision: Decision, rule: str) -> Iterable[str]:
    """The rule's open questions whose data was not obtained; the others are not this card's business."""
    findings = decision.record.findings
    for asker, name in decision.record.undecided(rule):
        if findings.get(asker.rule, {}).get(name, UNREAD).because:
            yield asker.data[name].ask


def in_words(missed: Iterable[NotObtained], unread: Mapping[str, int] | None = None) -> str:
    """Keys as a clinician reads them: `conditions (not supplied), observations: body weight (incomplete)`.

    `unread` counts by key the entries that refer to a medication nobody could read.
    """
    return ", ".join(
        _unread_in_words(unread)
        if unread and each.key == MEDICATIONS
        else f"{_key_in_words(each.key)} ({_REASONS.get(each.reason, 'not obtained')})"
        for each in dict.fromkeys(missed)
    )


def _unread_in_words(unread: Mapping[str, int]) -> str:
    counted = [
        f"{number} {_key_in_words(key).removesuffix('s') if number == 1 else _key_in_words(key)}"
        for key, number in unread.items()
    ]
    return f"the medications of {' and '.join(counted)} (not sent, and could not be read)"


def _key_in_words(key: str) -> str:
    group = key.removeprefix(f"{OBSERVATIONS}-")
    words = group.replace("-", " ")
    return words if group == key else f"{OBSERVATIONS}: {words}"
