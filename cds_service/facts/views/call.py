"""How a rule calls a view: value sets, arguments and keys, resolved once when the rulebook is compiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import Amount, Duration
from cds_service.rulebook.fact import Origin
from cds_service.rulebook.files import TableFile
from cds_service.rulebook.rule import Argument, ViewFact
from cds_service.rulebook.terminology import Coded


@dataclass(frozen=True)
class ViewCall:
    """One use of a view. `keys` are the prefetch keys of its observations, `all_keys` every key it reads."""

    view: str
    origin: Origin
    code_in: tuple[str, ...]
    arguments: dict[str, Argument]
    keys: tuple[str, ...]
    all_keys: tuple[str, ...]
    book: Rulebook

    @classmethod
    def of(cls, fact: ViewFact, book: Rulebook, keys: tuple[str, ...]) -> ViewCall:
        """The call a fact makes."""
        observations = tuple(key for key in keys if key.startswith("observations-"))
        return cls(fact.view, fact.origin, fact.code_in or (), dict(fact.arguments), observations, keys, book)

    def matches(self, codes: Iterable[Coded]) -> bool:
        """Whether one of the codes is in the call's value sets."""
        sets_of = self.book.terminology.sets_of
        return any(not sets_of(code.system, code.code).isdisjoint(self.code_in) for code in codes)

    def sets(self, name: str) -> frozenset[str]:
        """A value-set argument, one or several; empty if not given."""
        value = self.arguments.get(name, ())
        return frozenset((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ())

    def table(self, name: str) -> TableFile | None:
        """A table argument."""
        value = self.arguments.get(name)
        return self.book.tables[value] if isinstance(value, str) else None

    def text(self, name: str, default: str = "") -> str:
        """A text argument."""
        return str(self.arguments.get(name, default))

    def amount(self, name: str) -> Amount:
        """A number with its unit and source. Raises KeyError if the rule does not give it."""
        return Amount.parse(self.arguments[name])

    def days(self, name: str) -> int:
        """A length of time in days (weeks are seven; months do not belong in a view's arguments)."""
        duration = Duration.parse(self.arguments[name])
        return duration.number * (7 if duration.unit == "weeks" else 1)
