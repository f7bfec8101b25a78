"""The choice of an engine: durable-rules where it loads, direct evaluation everywhere."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from cds_service.errors import UsageError, nearest
from cds_service.infer.conclusion import Conclusion, States
from cds_service.infer.direct import DirectEngine
from cds_service.infer.program import Program


class Engine(Protocol):
    """Findings in, conclusions out; safe to share between threads."""

    @property
    def name(self) -> str:
        """`durable` or `direct`."""

    def infer(self, states: States) -> dict[str, Conclusion]:
        """The conclusion of every rule of the program. Raises InferenceError."""

    def close(self) -> None:
        """Free what the engine holds; it cannot infer afterwards."""


ENGINES = ("durable", "direct")
_DURABLE = "cds_service.infer.durable"


def make_engine(program: Program, name: str | None = None) -> Engine:
    """Build the engine for a program; `name` is CDS_ENGINE's value, None takes durable where it loads.

    Raises UsageError for another name, or if durable is asked for and cannot be loaded;
    InferenceError if the program is more than the engine can hold.
    """
    if name not in (None, *ENGINES):
        raise UsageError(f"there is no engine {name!r} ({nearest(str(name), ENGINES)})")
    if name == "direct":
        return DirectEngine(program)
    try:
        durable = import_module(_DURABLE)
    except ImportError as error:
        if name is None:
            return DirectEngine(program)
        raise UsageError(
            f"the durable engine cannot be loaded ({error}): install durable-rules on Python 3.11 or 3.12 "
            "with a C compiler, or set CDS_ENGINE=direct, which gives the same answers"
        ) from error
    return cast(Engine, durable.DurableEngine(program))
