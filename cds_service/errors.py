"""One tree of errors, each saying who must act, where, and what to try.

CdsError
├── RuleError          the rule author must act (carries every problem of the run)
├── RequestError       the caller must act: HTTP 4xx
│   └── DataUnavailable   412: what the rules need could not be had
├── InferenceError     we must act: HTTP 500
├── ServiceUnavailable the caller may try again, we are not ready for the call: HTTP 503
│   ├── StoreUnavailable  the operator must act: the database cannot be used
│   ├── KeysUnavailable   the keys that a token is checked with could not be fetched
│   └── BusyError         more calls came than can be answered in time
└── UsageError         wrong use of the command line or the settings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file; line and column count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing a rule author should mend.

    `message` says what was seen and what was expected, `hint` what to try, `code` names the kind
    of problem (`schema/unknown-key`) for machines and for the page that explains it.
    """

    place: Place
    code: str
    message: str
    hint: str = ""
    level: str = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class CdsError(Exception):
    """Any error of this product."""


class RuleError(CdsError):
    """The rule files cannot be used as they are; `problems` holds every reason, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RequestError(CdsError):
    """The caller's request cannot be answered.

    `status` is the HTTP status, `code` the FHIR issue type, `where` the place in the body
    (`context.patientId`); the message never repeats a value of the body.
    """

    def __init__(self, message: str, *, status: int = 400, code: str = "invalid", where: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.where = status, code, where


class DataUnavailable(RequestError):
    """412: the patient, or everything but the patient, could not be had; `states` says why, by key."""

    def __init__(self, message: str, states: Mapping[str, str]) -> None:
        super().__init__(message, status=412, code="incomplete")
        self.states = dict(states)

    @property
    def keys(self) -> tuple[str, ...]:
        """The prefetch keys that could not be had."""
        return tuple(self.states)


class InferenceError(CdsError):
    """The engine failed; the message holds no patient data."""


class ServiceUnavailable(CdsError):
    """Something that the call needs is not to be had now; HTTP 503, issue type `transient` or `throttled`.

    `retry_seconds` is when to try again. The message holds no value of a request and no address of ours.
    """

    retry_seconds = 5


class StoreUnavailable(ServiceUnavailable):
    """The database cannot be used now, and nothing of the call was kept."""


class KeysUnavailable(ServiceUnavailable):
    """A token can neither be accepted nor found wrong: its client's keys could not be fetched.

    The caller is not told which part is missing, as with a 401.
    """

    def __init__(self) -> None:
        super().__init__(
            f"The call cannot be let in now; try again in {self.retry_seconds} seconds, with a new token."
        )


class BusyError(ServiceUnavailable):
    """The call waited its whole time for others, and nothing of it was looked at; HTTP 503, `throttled`."""


class UsageError(CdsError):
    """A command or a setting was used wrongly; the message says what to try."""


def nearest(word: str, known: Sequence[str]) -> str:
    """'did you mean …?' if a known word is close, otherwise the first few known words."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not known:
        return ""
    shown = ", ".join(sorted(known)[:8])
    return f"known: {shown}" + (", …" if len(known) > 8 else "")
