"""What must be disclosed of decision support: who made it, on what sources, and which personal data it uses.

After the source attributes of 45 CFR 170.315(b)(11) for evidence-based interventions. What the rulebook does
not say is reported as not stated, never guessed; use of data follows from what the facts really read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from cds_service.authoring.export.terms import iso
from cds_service.facts.prefetch import fact_keys
from cds_service.rulebook.book import Rulebook, served
from cds_service.rulebook.fact import Fact, FindFact
from cds_service.rulebook.files import Source
from cds_service.rulebook.rule import Rule

NOT_STATED = "not stated"
_NEVER_READ = ("race", "ethnicity", "language", "sexual orientation", "gender identity")
"""The program does not decode these members of Patient, so no rule can read them."""
_QUESTIONNAIRES = "questionnaire-responses"


def transparency(book: Rulebook, *, funding: str = "", released: date | None = None) -> dict[str, Any]:
    """The source attributes of a rulebook; `funding` and `released` are known to the publisher only."""
    rules = [rule for rule in book.rules if served(rule)]
    about = book.about
    return {
        "rulebook": {"id": book.id, "title": about.title, "version": about.version, "digest": book.digest},
        "developer": about.publisher,
        "funding": funding or NOT_STATED,
        "released": iso(released) or NOT_STATED,
        "intendedUse": about.usage.strip() or NOT_STATED,
        "citations": [
            {
                "number": number,
                "citation": one.cite,
                "url": one.url or "",
                "checked": iso(one.checked) or NOT_STATED,
            }
            for number, one in sorted(book.sources.items())
        ],
        "rules": [_rule(rule) for rule in rules],
        "dataUsed": {
            "date of birth": _users(rules, _reads_age),
            "sex": _users(rules, _reads_sex),
            **{name: [] for name in _NEVER_READ},
            "questionnaire answers on health": _users(
                rules, lambda fact: _QUESTIONNAIRES in fact_keys(fact, book)
            ),
        },
        "socialDeterminants": "not derived: see the value sets of each rule",
    }


def _citation(number: int, source: Source) -> dict[str, Any]:
    checked = iso(source.checked) or NOT_STATED
    return {"number": number, "citation": source.cite, "url": source.url or "", "checked": checked}


def _rule(rule: Rule) -> dict[str, Any]:
    approved = rule.about.approved_by.strip()
    return {
        "id": rule.rule,
        "version": rule.version,
        "status": rule.status,
        "sources": [one.source for one in rule.evidence],
        "reviewed": iso(rule.about.reviewed) or NOT_STATED,
        "reviewBy": iso(rule.about.review_by) or NOT_STATED,
        "approvedBy": approved or "nobody yet",
        "approvedOn": (iso(rule.about.approved_on) if approved else None) or NOT_STATED,
    }


def _users(rules: list[Rule], reads: Callable[[Fact], bool]) -> list[dict[str, Any]]:
    found = ((rule, [name for name, fact in rule.data.items() if reads(fact)]) for rule in rules)
    return [{"rule": rule.rule, "facts": facts} for rule, facts in found if facts]


def _reads_age(fact: Fact) -> bool:
    return isinstance(fact, FindFact) and fact.find == "Patient" and fact.give.kind == "age"


def _reads_sex(fact: Fact) -> bool:
    return isinstance(fact, FindFact) and fact.find == "Patient" and "gender" in {*fact.where, *fact.unsure}


def as_markdown(found: dict[str, Any]) -> str:
    """The same for a page."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    book = found["rulebook"]
    yield from (f"# {book['title']}", "", f"`{book['id']}` {book['version']}, {book['digest']}", "")
    for label, name in (("Developer", "developer"), ("Funding", "funding"), ("Released", "released")):
        yield f"- {label}: {found[name]}"
    yield from (
        f"- Intended use: {' '.join(found['intendedUse'].split())}",
        "",
        "## Use of personal data",
        "",
    )
    for name, users in found["dataUsed"].items():
        told = ", ".join(f"`{one['rule']}` ({', '.join(one['facts'])})" for one in users)
        yield f"- {name}: {told or 'not used'}"
    yield from (f"- social determinants of health: {found['socialDeterminants']}", "", "## Rules", "")
    yield from ("| rule | version | status | sources | reviewed | approved |", "|---|---|---|---|---|---|")
    for one in found["rules"]:
        cited = ", ".join(f"[{number}]" for number in one["sources"])
        cells = (f"`{one['id']}`", one["version"], one["status"], cited, one["reviewed"], one["approvedBy"])
        yield f"| {' | '.join(cells)} |"
    yield from ("", "## Sources", "")
    for one in found["citations"]:
        yield f"- [{one['number']}] {one['citation']} {one['url']} (read on: {one['checked']})".replace(
            "  ", " "
        )
