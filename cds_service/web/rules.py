"""The rules that a process answers with: checked as a whole, immutable, exchanged between two requests."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cds_service.errors import CdsError, Place, Problem, RuleError, UsageError
from cds_service.pipeline import ServedRulebook
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.settings import Settings
from cds_service.web.discovery import describe, service_id, version_of


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of discovery: the hook it answers, and the rulebook it answers with."""

    id: str
    hook: str
    served: ServedRulebook


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Rules:
    """Rulebooks ready to answer calls, and everything that depends on them alone.

    `engine` is `none` without a rulebook. `discovery` is the list of services as bytes, `tag` its entity tag.
    What the engines hold is freed when nobody uses these rules any more: the last call may outlive the
    exchange.
    """

    books: tuple[Rulebook, ...]
    services: Mapping[str, Service]
    engine: str
    discovery: bytes
    tag: str

    @classmethod
    def prepare(cls, books: Sequence[Rulebook], settings: Settings) -> Rules:
        """Do all work that depends on the rules alone. Raises RuleError, UsageError and InferenceError."""
        if settings.require_approval:
            refuse_unapproved(books)
        prepared: list[ServedRulebook] = []
        try:
            prepared += (ServedRulebook.prepare(book, settings.engine) for book in books)
            services = services_of(prepared)
        except CdsError:
            _close(prepared)
            raise
        engine = prepared[0].engine if prepared else "none"
        body = describe(books)
        made = cls(tuple(books), services, engine, body, version_of(body, books))
        weakref.finalize(made, _close, prepared).atexit = False
        return made


class CurrentRules:
    """The rules in use. A call asks for `now` once and keeps what it got until it is answered."""

    def __init__(self, rules: Rules) -> None:
        self.now = rules


def load_rules(settings: Settings) -> Rules:
    """The rules of the folder, after everything that could keep them from being served was tried.

    Raises RuleError, UsageError and InferenceError.
    """
    books = load_rulebooks(settings)
    if not books:
        raise UsageError(
            f"CDS_RULES: {settings.rules} holds no rulebook; name a folder with a rulebook.yaml in it, or "
            "the folder above, such as rules"
        )
    return Rules.prepare(books, settings)


def load_rulebooks(settings: Settings) -> tuple[Rulebook, ...]:
    """Every rulebook under `settings.rules`. Raises RuleError with the problems of all of them."""
    if not settings.rules.is_dir():
        raise UsageError(
            f"CDS_RULES: there is no folder {str(settings.rules)!r} here; try the path of a folder of "
            "rulebooks, in CDS_RULES or --rules."
        )
    books: list[Rulebook] = []
    problems: list[Problem] = []
    for folder in find_rulebooks(settings.rules):
        try:
            books.append(load_rulebook(folder))
        except RuleError as error:
            problems.extend(error.problems)
    if problems:
        raise RuleError(problems)
    return tuple(books)


def refuse_unapproved(books: Iterable[Rulebook]) -> None:
    """Raises RuleError naming every active rule that nobody approved."""
    problems = [
        Problem(
            Place(str(book.paths.get(rule.rule, book.folder))),
            "approval/missing",
            f"{rule.rule} is active but nobody approved it, and CDS_REQUIRE_APPROVAL is on",
            "fill about.approved_by and about.approved_on, or set status: shadow",
        )
        for book in books
        for rule in book.rules
        if rule.status == "active" and not rule.about.approved_by.strip()
    ]
    if problems:
        raise RuleError(problems)


def services_of(books: Iterable[ServedRulebook]) -> dict[str, Service]:
    """Services by id, one per rulebook and hook. Raises UsageError if two would share an id."""
    services: dict[str, Service] = {}
    for served in books:
        for hook in served.book.hooks:
            made = Service(service_id(served.book, hook), hook, served)
            if made.id in services:
                raise UsageError(f"two services would have the id {made.id!r}; try another rulebook id.")
            services[made.id] = made
    return services


def _close(prepared: Iterable[ServedRulebook]) -> None:
    for served in prepared:
        served.close()
