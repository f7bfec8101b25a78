"""The Flask application: rulebooks in, routes out. What depends on the rules alone is done here, once."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Flask

from cds_service.facts.server.reads import FhirReader
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.store.feedback import FeedbackLog
from cds_service.web import cors, discovery, feedback, health, outcome, service
from cds_service.web.auth.gate import gate_of
from cds_service.web.caller import Gate
from cds_service.web.observe.start import observe
from cds_service.web.proxy import behind_proxies
from cds_service.web.reload import reloader_of, shared_folder
from cds_service.web.roster import Roster
from cds_service.web.rules import CurrentRules, Rules, load_rulebooks
from cds_service.web.service import Clock

RELOADER = "cds_service.reloader"
"""Where the application keeps its Reloader, in `extensions`."""


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
    current = CurrentRules(_rules(settings, rulebooks))
    roster = Roster(shared_folder(settings))
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # a redirect is no answer to a POST, and Flask's is HTML
    observers = observe(app, settings, current, clock)
    reloader = reloader_of(settings, current, roster, observers.serving)
    app.extensions[RELOADER] = reloader
    outcome.answer_errors(app)
    cors.register(app, settings.cors_origins)
    app.wsgi_app = behind_proxies(app.wsgi_app, settings)  # type: ignore[assignment, method-assign]
    database = Database(settings.database_url)
    gate = gate or gate_of(settings, database, clock)
    discovery.register(app, current, gate)
    health.register(app, current, database, roster, reloader, with_tokens=bool(settings.clients))
    reader = FhirReader(settings.deadline_ms)
    weakref.finalize(app, reader.close)
    tell, limit, zone = _clock(settings, clock), settings.max_body, settings.timezone
    service.register(
        app,
        current,
        clock=tell,
        zone=zone,
        limit=limit,
        gate=gate,
        reader=reader,
        witnesses=observers.witnesses,
    )
    kept = FeedbackLog(database)
    feedback.register(app, current, kept, gate=gate, clock=tell, limit=limit, tell=observers.kept)
    return app


def _rules(settings: Settings, rulebooks: Sequence[Rulebook] | None) -> Rules:
    return Rules.prepare(load_rulebooks(settings) if rulebooks is None else rulebooks, settings)


def _clock(settings: Settings, clock: Clock | None) -> Clock:
    frozen = settings.today
    if frozen is not None:
        return lambda: frozen
    return clock or (lambda: datetime.now(UTC))
