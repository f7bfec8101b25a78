"""In which order the keys of each kind of file stand.

Only mappings whose keys are named here are put in order; what an author names (facts, conditions, given
values, sources) stays as it was written. A test proves that no key of the models is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cds_service.rulebook.shelf import BOOK, REASONS, SOURCES


@dataclass(frozen=True)
class Order:
    """The keys of a mapping in order, and the orders of what stands below; `*` is below any other key.

    A list has the order of its items. `apart` keys have a blank line before them; `spaced` mappings and
    lists with `spaced_items` have one between their entries, unless both are single lines.
    """

    keys: tuple[str, ...] = ()
    below: Mapping[str, Order] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    spaced: bool = False
    spaced_items: bool = False

    def of(self, key: str) -> Order:
        """The order of what stands below a key."""
        return self.below.get(key) or self.below.get("*") or FREE


FREE = Order()
"""As it was written."""

ABOUT = Order(
    tuple("purpose population owner reviewer reviewed review_by approved_by approved_on limits".split())
)
EVIDENCE = Order(tuple("source claim claims direction strength certainty".split()))
FACT = Order(
    tuple(
        "ask conclusion find view like calculate from code_in with where unsure within after before date "
        "give unit round record because".split()
    )
)
LINE = Order(("text", "only_if", "hide_if"))
RESOURCE = Order(("template", "from", "set"))
ACTION = Order(("type", "description", "from", "resource"), {"resource": RESOURCE})
SUGGESTION = Order(("label", "recommended", "for_each", "only_if", "hide_if", "actions"), {"actions": ACTION})
CARD = Order(
    tuple(
        "only_if hide_if hooks merge indicator summary detail source suggestions override_reasons "
        "links".split()
    ),
    {"detail": LINE, "suggestions": SUGGESTION, "links": Order(("label", "url"))},
)
CARDS = Order(("when_true", "when_unknown", "when_false"), {"*": CARD}, spaced=True)
RULE = Order(
    tuple("rule title version status kind about evidence hooks data logic cards".split()),
    {"about": ABOUT, "evidence": EVIDENCE, "data": Order(below={"*": FACT}, spaced=True), "cards": CARDS},
    apart=frozenset(("about", "evidence", "hooks", "data", "logic", "cards")),
)
CASE = Order(
    tuple(
        "name chart request given change remove drafts selections encounter hook expect missing card summary "
        "detail suggestions".split()
    ),
    spaced_items=True,
)
TESTS = Order(
    ("rule", "today", "defaults", "tests"),
    {"tests": CASE},
    apart=frozenset(("defaults", "tests")),
)
MEMBER = Order(("system", "code", "starts_with", "display", "checked"))
VALUESET = Order(
    tuple(
        (
            "valueset title owner reviewed group scale note codes element words partial_words include"
            " excluded_because exclude"
        ).split()
    ),
    {"include": MEMBER, "exclude": MEMBER},
)
TABLE = Order(
    tuple("table title unit owner reviewed note columns rows".split()),
    {"rows": Order(below={"*": Order(("name", "values", "source", "since", "note"))})},
)
TEMPLATE = Order(("template", "title", "owner", "resource"))
SOURCE_LIST = Order(below={"*": Order(tuple("cite short url checked kind listed confidence note".split()))})
REASON_LIST = Order(below={"*": Order(("display", "system"))})
BOOK_FILE = Order(
    tuple(
        "rulebook title description version publisher topic example usage could_not_check wording "
        "empty_words merge".split()
    ),
    {
        "topic": Order(("system", "code", "display")),
        "could_not_check": Order(
            tuple("indicator summary detail source override_reasons only_if_rules or_unknown_rules".split())
        ),
    },
)
OVERLAY = Order(
    tuple("overlay owner reviewed valuesets numbers texts wording".split()),
    {
        "valuesets": Order(below={"*": Order(("add", "remove"), {"*": MEMBER})}),
        "numbers": Order(("rule", "fact", "shipped", "local")),
        "texts": Order(("rule", "shipped", "local")),
    },
)
BY_FILE: Mapping[str, Order] = {BOOK: BOOK_FILE, SOURCES: SOURCE_LIST, REASONS: REASON_LIST}
BY_KEY: Mapping[str, Order] = {
    "tests": TESTS,
    "rule": RULE,
    "valueset": VALUESET,
    "table": TABLE,
    "template": TEMPLATE,
    "overlay": OVERLAY,
}


def order_of(path: Path, keys: frozenset[str]) -> Order:
    """The order of a file, told by its name or by the keys it begins with."""
    named = BY_FILE.get(path.name)
    if named is not None:
        return named
    return next((order for key, order in BY_KEY.items() if key in keys), FREE)
