"""Every check there is, found by its place: checks/<category>/<name>.py is the check `<category>/<name>`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from cds_service.authoring.lint import checks
from cds_service.authoring.lint.check import Check

ABOUT_LINTING = "lint/"
"""Checks of the comments that set others aside; they look last."""


@cache
def every_check() -> Mapping[str, Check]:
    """The checks by id, in the order of their ids, those about linting last."""
    found: dict[str, Check] = {}
    for category in iter_modules(checks.__path__):
        package = import_module(f"{checks.__name__}.{category.name}")
        for module in iter_modules(package.__path__):
            check: Check = import_module(f"{package.__name__}.{module.name}").CHECK
            found[check.id] = check
    order = sorted(found, key=lambda name: (name.startswith(ABOUT_LINTING), name))
    return MappingProxyType({name: found[name] for name in order})
