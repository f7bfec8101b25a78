"""The durable-rules engine: one durable rule per clinical rule, chained by their conclusions.

A request asserts its findings messages (antecedent.py). The library tests them natively: a rule nobody
consumes waits for `!= "false"` on every plain member of its outermost `all`, so a settled rule never fires;
a rule that consumes conclusions joins one message for each. A firing computes the verdict with truth.py
and, where another rule consumes it, asserts the conclusion. A rule that stayed silent must have a false
gate; otherwise something was lost, and that is an error, never a verdict.

The library's own loop around a firing costs six times the firing (it decodes the message, reads the clock
twice and writes the session's state back), and swallows exceptions into that state. We step through the
firings with the same calls it makes, so an exception surfaces where it happens. What forces each odd line
here is pinned in tests/infer/test_durable_habits.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, cycle
from threading import RLock
from typing import Any, cast

import durable_rules_engine as library
from durable import engine as durable

from cds_service.errors import InferenceError
from cds_service.infer.antecedent import Pack, conclusion_template, gates_of, packs_of, told_by
from cds_service.infer.conclusion import Conclusion, States
from cds_service.infer.direct import conclude, forget
from cds_service.infer.program import Program, RuleLogic
from cds_service.truth import FALSE, UNKNOWN

MAX_TESTED = 480
"""Findings messages and conclusions told apart in one program; at 512 the library loops for ever."""
SESSIONS = 1000
"""Session ids in use, one at a time: unique among the living, and none hashes like another name (a test)."""

_LOCK = RLock()  # an engine may be closed by a garbage collection that began while another one infers
_sids = cycle([str(number) for number in range(SESSIONS)])
_names = count(1)
_REFUSALS = {1: "no rule reads it", 2: "it was observed before", 3: "it was deferred"}


class QuietHost(durable.Host):  # type: ignore[misc]
    """A host without the timer threads that would run actions outside the request."""

    def _run(self) -> None:
        pass


@dataclass(slots=True)
class Request:
    """One inference: its session, its states, and what was concluded so far."""

    sid: str
    states: States
    done: dict[str, Conclusion] = field(default_factory=dict)


Action = Callable[[Request], None]


class DurableEngine:
    """Infers with durable-rules under one lock for the process: the library has none, and crashes."""

    name = "durable"

    def __init__(self, program: Program) -> None:
        """Raises InferenceError if the library cannot hold the program."""
        self.program = program
        self._gates = {rule.id: [leaf.text for leaf in gates_of(rule, program)] for rule in program.rules}
        packs = tuple(packs_of(program))
        self._told = told_by(packs)
        if len(packs) + len(self._told) > MAX_TESTED:
            raise InferenceError(f"{len(program.consumed)} consumed rules are more than a program can hold")
        self._messages = tuple((pack, pack.template) for pack in packs)
        self._numbers = {rule.id: number for number, rule in enumerate(program.rules)}
        self._actions: dict[str, Action] = {}
        self._fired = False
        with _LOCK:
            self._handle: int | None = self._build(packs)
        self._rehearse()

    def infer(self, states: States) -> dict[str, Conclusion]:
        """The conclusion of every rule. Raises InferenceError; its text holds no patient data."""
        with _LOCK:
            if self._handle is None:
                raise InferenceError("this engine was closed")
            request = Request(next(_sids), states)
            try:
                self._run(self._handle, request)
            except library.error as error:
                raise InferenceError(f"durable-rules failed: {error}") from error
        return self._settled(request)

    def close(self) -> None:
        """Free the library's memory of the rules."""
        with _LOCK:
            handle, self._handle = self._handle, None
            if handle is not None:
                library.delete_ruleset(handle)
        forget()

    # --- a request ---------------------------------------------------------------------------------

    def _run(self, handle: int, request: Request) -> None:
        messages = [text % (request.sid, *pack.values(request.states)) for pack, text in self._messages]
        try:
            for message in messages:
                self._fire(handle, _assert(handle, message), request)
        finally:
            # Until something has fired, the library frees unset memory here and crashes the process. The
            # rehearsal fires; a program whose rehearsal failed before that is freed as a whole.
            if self._fired:
                library.delete_state(handle, request.sid)

    def _fire(self, handle: int, offset: int, request: Request) -> None:
        """Run every rule that is ready, then those that this made ready."""
        first = library.start_action_for_state(handle, offset)
        message: str | None = first[1] if first else None
        self._fired = self._fired or message is not None
        while message:
            self._actions[message[2 : message.index('"', 2)]](request)
            message = library.complete_and_start_action(handle, offset)

    def _settled(self, request: Request) -> dict[str, Conclusion]:
        """All conclusions in the program's order; a silent rule is false, and its gates must say so."""
        done: dict[str, Conclusion] = {}
        for rule in self.program.rules:
            conclusion = request.done.get(rule.id)
            if conclusion is None:
                states = request.states.get(rule.id, {})
                if FALSE not in [states[text] for text in self._gates[rule.id]]:
                    raise InferenceError(f"rule {rule.id} never fired though nothing settled it")
                conclusion = conclude(rule, states, request.done)
            done[rule.id] = conclusion
        return done

    # --- building ----------------------------------------------------------------------------------

    def _build(self, packs: tuple[Pack, ...]) -> int:
        """Give the rules to the library. Its names are `f0` for a catch-all, `r0` for a rule."""
        rules: dict[str, Any] = {}
        for pack in packs:
            rules[pack.tag] = {"all": [{"m_0": {pack.tag: 1}}], "run": _nothing}
            for rule in pack.rules:
                antecedent = pack.antecedent(rule, self._told)
                rules[f"r{self._numbers[rule.id]}"] = {"all": antecedent, "run": self._action(rule)}
        self._actions = {name: rule["run"] for name, rule in rules.items()}
        try:
            return create(rules)
        except library.error as error:
            raise InferenceError(f"durable-rules does not take these rules: {error}") from error

    def _action(self, rule: RuleLogic) -> Action:
        text = conclusion_template(rule, self._numbers[rule.id], self._told)
        consumed = rule.id in self.program.consumed

        def act(request: Request) -> None:
            conclusion = conclude(rule, request.states.get(rule.id, {}), request.done)
            request.done[rule.id] = conclusion
            if consumed:
                _assert(cast(int, self._handle), text % (request.sid, conclusion.verdict))

        return act

    def _rehearse(self) -> None:
        """Infer once with every state unknown: then every rule fires, the most the library must hold."""
        try:
            self.infer({rule.id: {leaf.text: UNKNOWN for leaf in rule.plain} for rule in self.program.rules})
        except InferenceError:
            self.close()
            raise


def create(rules: dict[str, Any]) -> int:
    """Make a ruleset under a name of its own; the handle the library's functions take."""
    name = f"cds{next(_names)}"
    host = QuietHost()
    host.register_rulesets({name: rules})
    return int(host.get_ruleset(name)._handle)


def _assert(handle: int, message: str) -> int:
    """Assert one fact; where its session stands. Raises InferenceError if no rule took it."""
    result, offset = library.assert_fact(handle, message)
    if result:
        raise InferenceError(f"durable-rules did not take a message: {_REFUSALS.get(result, result)}")
    return int(offset)


def _nothing(_: Request) -> None:
    """The catch-all's action: a message some rule reads is not refused, and the session has fired."""
