"""Every answer to every fixture keeps every row about responses; one spoiled in one way does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from ruamel.yaml import YAML
from web.answers import NOW, VIEW, changed, view_call

from .checks import RESPONSE, Json, links, response_problems
from .rows import ROOT, row

GOOD: Json = {
    "cards": [
        {
            "uuid": "00000000-0000-4000-8000-000000000001",
            "summary": "s" * 139,
            "detail": "Some **text**, 3 \\< 4, <https://example.org>",
            "indicator": "info",
            "source": {
                "label": "A source",
                "url": "https://example.org",
                "topic": {"system": "urn:x", "code": "c"},
            },
            "suggestions": [
                {
                    "uuid": "00000000-0000-4000-8000-000000000002",
                    "label": "Do it",
                    "isRecommended": True,
                    "actions": [
                        {
                            "type": "create",
                            "description": "Order it",
                            "resource": {
                                "resourceType": "ServiceRequest",
                                "id": "new1",
                                "status": "draft",
                                "subject": {"reference": "Patient/p1"},
                            },
                        },
                        {
                            "type": "update",
                            "description": "Change it",
                            "resource": {"resourceType": "MedicationRequest", "id": "d1"},
                        },
                        {"type": "delete", "description": "Remove it", "resourceId": "MedicationRequest/d2"},
                    ],
                },
                {
                    "uuid": "00000000-0000-4000-8000-000000000003",
                    "label": "Leave it",
                },
            ],
            "selectionBehavior": "at-most-one",
            "overrideReasons": [{"code": "no", "system": "urn:x", "display": "No"}],
            "links": [{"label": "Read", "url": "https://example.org/a", "type": "absolute"}],
            "extension": {"org.example.x": {"a": 1}},
        }
    ]
}
CARD, OFFER, LINK = "cards/0", "cards/0/suggestions/0", "cards/0/links/0"
CREATE, UPDATE, DELETE = (f"{OFFER}/actions/{place}" for place in range(3))
GONE = object()
SPOILED: dict[str, list[tuple[str, Any]]] = {
    "G-2": [("extension", None), (f"{CREATE}/resource/note", []), (f"{CARD}/source/url", "")],
    "G-3": [("systemActions", []), (f"{CARD}/detail", ""), (f"{CARD}/suggestions", [])],
    "G-4": [(f"{CREATE}/resource", '{"resourceType": "ServiceRequest"}')],
    "G-6": [(f"{CARD}/summary", "  ")],
    "S-1": [("cards", GONE), ("cards", {})],
    "S-2": [("extension", {"systemActions": [{"type": "create"}]})],
    "S-3": [("systemActions", [{"type": "delete", "description": "x", "resourceId": "Task/1"}])],
    "S-4": [("systemActions", [{"type": "delete", "resourceId": "Task/1"}])],
    "C-1": [(f"{CARD}/uuid", GONE), ("cards/1", {"uuid": "00000000-0000-4000-8000-000000000001"})],
    "C-2": [(f"{CARD}/summary", "s" * 140), (f"{CARD}/summary", GONE), (f"{CARD}/summary", "two\nlines")],
    "C-3": [(f"{CARD}/detail", "see <b>this</b>"), (f"{CARD}/detail", 5)],
    "C-4": [(f"{CARD}/indicator", "hard-stop"), (f"{CARD}/indicator", "Info")],
    "C-5": [(f"{CARD}/source", {}), (f"{CARD}/source", "A source")],
    "C-6": [(f"{CARD}/suggestions", [])],
    "C-7": [(f"{CARD}/selectionBehavior", GONE), (f"{CARD}/selectionBehavior", "all")],
    "C-8": [(f"{CARD}/overrideReasons/0/{name}", GONE) for name in ("code", "system", "display")],
    "C-9": [(f"{CARD}/links", [])],
    "C-10": [(f"{CARD}/rule", "x"), (f"{CARD}/extension", {"rule": "x"})],
    "SO-1": [(f"{CARD}/source/label", GONE)],
    "SO-2": [(f"{CARD}/source/url", "/page")],
    "SO-3": [(f"{CARD}/source/icon", "icon.png")],
    "SO-4": [
        (f"{CARD}/source/topic", GONE),
        (f"{CARD}/source/topic", "c"),
        (f"{CARD}/source/topic/system", GONE),
    ],
    "SG-1": [(f"{OFFER}/label", GONE)],
    "SG-2": [(f"{OFFER}/uuid", GONE), (f"{OFFER}/uuid", "00000000-0000-4000-8000-000000000003")],
    "SG-3": [(f"{OFFER}/isRecommended", "true"), ("cards/0/suggestions/1/isRecommended", True)],
    "SG-4": [(f"{OFFER}/actions", [])],
    "SG-5": [(f"{OFFER}/actionSelectionBehavior", "any")],
    "A-1": [(f"{CREATE}/type", "CREATE")],
    "A-2": [(f"{UPDATE}/description", GONE)],
    "A-3": [(f"{CREATE}/resource/status", "active"), (f"{CREATE}/resource/subject", GONE)],
    "A-4": [(f"{UPDATE}/resource/id", GONE)],
    "A-5": [(f"{DELETE}/resourceId", GONE), (f"{DELETE}/resourceId", "d2")],
    "A-6": [(f"{DELETE}/resource", "d2")],
    "A-7": [(f"{CREATE}/resource/id", GONE)],
    "L-1": [(f"{LINK}/label", GONE)],
    "L-2": [(f"{LINK}/url", "javascript:alert(1)"), (f"{LINK}/url", GONE)],
    "L-3": [(f"{LINK}/type", "relative")],
    "L-4": [(f"{LINK}/appContext", "x"), ("cards/0/links/1", {"type": "smart", "appContext": {"a": 1}})],
    "L-5": [(f"{LINK}/autolaunchable", True)],
}


def spoiled(path: str, value: Any) -> Json:
    """The good answer with one value put in, replaced or taken out."""
    body = copy.deepcopy(GOOD)
    *steps, last = path.split("/")
    place: Any = body
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        place.append(value)
    elif value is GONE:
        del place[last]
    else:
        place[last] = value
    return body


@row(*RESPONSE)
@pytest.mark.parametrize("id", RESPONSE)
def test_every_answer_keeps_the_row_and_a_spoiled_one_does_not(answered: dict[str, Json], id: str) -> None:
    check: Callable[[Json], list[str]] = RESPONSE[id]
    assert {name: check(body) for name, body in answered.items() if check(body)} == {}
    assert check(GOOD) == []
    for path, value in SPOILED[id]:
        assert check(spoiled(path, value)), (path, value)


def test_the_good_answer_has_nothing_wrong_with_it() -> None:
    assert response_problems(GOOD) == []


def test_the_answers_judged_hold_every_kind_of_part(answered: dict[str, Json]) -> None:
    """What no answer holds would be judged in no answer."""
    every = [card for body in answered.values() for card in body["cards"]]
    kinds = {
        action["type"]
        for card in every
        for offer in card.get("suggestions", [])
        for action in offer.get("actions", [])
    }
    assert {"create", "update"} <= kinds
    assert {"links", "overrideReasons", "suggestions", "detail"} <= {name for card in every for name in card}
    assert any(body["cards"] == [] for body in answered.values())


@row("SEC-24", "SEC-25")
def test_every_answer_says_what_was_decided_by_which_rules_when_and_without_what(
    answered: dict[str, Json],
) -> None:
    for name, body in answered.items():
        decided = body["extension"]["org.cds-service.decision"]
        assert datetime.fromisoformat(decided["asOf"]) == NOW, name
        assert {"id", "version", "digest"} == set(decided["rulebook"])
        assert decided["verdicts"]
        assert all({"rule", "version", "verdict", "card"} <= set(line) for line in decided["verdicts"])
        reasons = [one for line in decided["verdicts"] for one in line.get("because", [])]
        assert all(set(one) == {"key", "reason"} for one in reasons)
        assert not (reasons and decided["complete"])


@row("SEC-26")
def test_links_lead_to_the_pages_of_the_sources_only(answered: dict[str, Json]) -> None:
    sources = YAML(typ="safe").load((ROOT / "rules/ketamine-trd/sources.yaml").read_text(encoding="utf-8"))
    pages = {source.get("url") for source in sources.values()}
    found = {link["url"] for body in answered.values() for link in links(body)}
    assert found
    assert found <= pages


@row("S-6", "S-7", "S-8")
def test_the_same_call_again_gets_the_whole_set_of_cards_again(sample: Any) -> None:
    first, again = (sample.post(VIEW, json=view_call()).get_json()["cards"] for _ in range(2))
    assert first == again != []
    fewer = sample.post(VIEW, json=changed(view_call(), "prefetch/conditions", None)).get_json()["cards"]
    assert len(fewer) == len(first) - 1
