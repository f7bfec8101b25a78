"""The Flask application: rulebooks in, routes out. What depends on the rules alone is done here, once."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from flask import Flask

from cds_service.errors import Place, Problem, RuleError, UsageError
from cds_service.facts.server.reads import FhirReader
from cds_service.pipeline import ServedRulebook
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import FeedbackLog
from cds_service.web import discovery, feedback, health, outcome, service
from cds_service.web.auth.gate import gate_of
from cds_service.web.caller import Gate
from cds_service.web.observe.start import observe
from cds_service.web.service import Clock, Service


def create_app(
    settings: Settings,
    rulebooks: Sequence[Rulebook] | None = None,
    *,
    clock: Clock | None = None,
    gate: Gate | None = None,
) -> Flask:
    """The application for these settings, ready to serve under any WSGI server.

    `rulebooks` are loaded from `settings.rules` unless given. `clock` tells the time unless `settings.today`
    froze it; tokens are checked by `clock` all the same. `gate` decides who may come in, by default the one
    that the settings ask for. Raises RuleError and UsageError: a service that could not answer does not
    start. Without its database it does: only feedback, and calls that need a token, are refused then.
    """
    books = tuple(rulebooks) if rulebooks is not None else load_rulebooks(settings)
    if settings.require_approval:
        refuse_unapproved(books)
    prepared = [ServedRulebook.prepare(book, settings.engine) for book in books]
    app = Flask(__name__, static_folder=None, template_folder=None)
    outcome.answer_errors(app)
    database = Database(settings.database_url)
    gate = gate or gate_of(settings, database, clock)
    discovery.register(app, books, gate)
    engine = prepared[0].engine if prepared else "none"
    health.register(app, books, engine, database, with_tokens=bool(settings.clients))
    reader = FhirReader(settings.deadline_ms)
    weakref.finalize(app, reader.close)
    services, tell = services_of(prepared), _clock(settings, clock)
    limit, zone = settings.max_body, settings.timezone
    observers = observe(app, settings, services, clock)
    observers.serving(books)
    service.register(
        app,
        services,
        clock=tell,
        zone=zone,
        limit=limit,
        gate=gate,
        reader=reader,
        witnesses=observers.witnesses,
    )
    kept = FeedbackLog(database)
    feedback.register(app, services, kept, gate=gate, clock=tell, limit=limit, tell=observers.kept)
    return app


def servable_rulebooks(settings: Settings) -> tuple[tuple[Rulebook, ...], str]:
    """The rulebooks and the engine, after everything that could keep a server from starting was tried.

    Raises RuleError, UsageError and InferenceError.
    """
    books = load_rulebooks(settings)
    if not books:
        raise UsageError(
            f"CDS_RULES: {settings.rules} holds no rulebook; name a folder with a rulebook.yaml in it, or "
            "the folder above, such as rules"
        )
    if settings.require_approval:
        refuse_unapproved(books)
    prepared = [ServedRulebook.prepare(book, settings.engine) for book in books]
    services_of(prepared)
    for served in prepared:
        served.close()
    return books, prepared[0].engine


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
            made = Service(discovery.service_id(served.book, hook), hook, served)
            if made.id in services:
                raise UsageError(f"two services would have the id {made.id!r}; try another rulebook id.")
            services[made.id] = made
    return services


def _clock(settings: Settings, clock: Clock | None) -> Clock:
    frozen = settings.today
    if frozen is not None:
        return lambda: frozen
    return clock or (lambda: datetime.now(UTC))
