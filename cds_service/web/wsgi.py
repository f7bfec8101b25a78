"""The application for a WSGI server, settings taken from the environment.

    granian --interface wsgi --factory cds_service.web.wsgi:create
    gunicorn cds_service.web.wsgi:app

The server decides the address; keep it on this machine unless CDS_CLIENTS says who may call.
`app` is made when it is first asked for: importing this module costs nothing and reads nothing.
"""

from __future__ import annotations

import os

from flask import Flask

from cds_service.settings import Settings
from cds_service.web.app import RELOADER, create_app
from cds_service.web.reload import keep_watch, look, settle_memory


def create() -> Flask:
    """Make the application of this process. Raises UsageError and RuleError."""
    settings = Settings.from_environment(os.environ)
    first = look(settings)
    made = create_app(settings)
    settle_memory()
    keep_watch(settings, made.extensions[RELOADER], first)
    return made


def __getattr__(name: str) -> Flask:
    if name != "app":
        raise AttributeError(name)
    made = create()
    globals()["app"] = made
    return made
