"""What must hold of any card response: one pure function per row, giving a list of problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from web.answers import empties, without_echoes

Json = dict[str, Any]
Check = Callable[[Json], list[str]]

CARD_MEMBERS = frozenset(
    "uuid summary detail indicator source suggestions selectionBehavior overrideReasons links "
    "extension".split()
)
INDICATORS, TYPES = ("info", "warning", "critical"), ("create", "update", "delete")
_MARKUP = re.compile(r"(?<!\\)<(?!https?://)[A-Za-z/!]")


def cards(body: Json) -> list[Json]:
    found = body.get("cards")
    return [card for card in found if isinstance(card, dict)] if isinstance(found, list) else []


def suggestions(body: Json) -> list[Json]:
    return [one for card in cards(body) for one in card.get("suggestions", [])]


def offered(body: Json) -> list[Json]:
    return [one for suggestion in suggestions(body) for one in suggestion.get("actions", [])]


def actions(body: Json) -> list[Json]:
    return [*offered(body), *body.get("systemActions", [])]


def links(body: Json) -> list[Json]:
    return [link for card in cards(body) for link in card.get("links", [])]


def told(found: Iterator[str]) -> list[str]:
    return list(found)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_web(value: Any) -> bool:
    return (
        isinstance(value, str)
        and urlsplit(value).scheme in ("https", "http")
        and bool(urlsplit(value).netloc)
    )


def is_coding(value: Any) -> bool:
    return isinstance(value, dict) and is_text(value.get("code")) and is_text(value.get("system"))


def each(of: Callable[[Json], list[Json]], bad: Callable[[Json], bool], problem: str) -> Check:
    """The check that no part of the answer is bad."""
    return lambda body: [problem for part in of(body) if bad(part)]


def _envelope(body: Json) -> list[str]:
    return [] if isinstance(body.get("cards"), list) else ["cards is no array"]


def _system_actions(body: Json) -> list[str]:
    hidden = "systemActions" in body.get("extension", {})
    return ["system actions stand in the extension"] if hidden else []


def _no_empty_optional(body: Json) -> list[str]:
    optional = chain([body], cards(body), suggestions(body), links(body))
    return [
        f"{name} is empty"
        for part in optional
        for name, value in part.items()
        if name != "cards" and value in ([], "", {})
    ]


def _unique(parts: list[Json]) -> list[str]:
    seen = [part.get("uuid") for part in parts]
    missing = ["no uuid" for one in seen if not is_text(one)]
    return missing + (["one uuid twice"] if len(set(map(str, seen))) < len(seen) else [])


def _behaviour(body: Json) -> list[str]:
    return told(
        "selectionBehavior does not fit the suggestions"
        for card in cards(body)
        if (card.get("selectionBehavior") in ("at-most-one", "any")) != bool(card.get("suggestions"))
    )


def _recommended(body: Json) -> list[str]:
    def wrong(card: Json) -> bool:
        flags = [one["isRecommended"] for one in card.get("suggestions", []) if "isRecommended" in one]
        several = flags.count(True) > 1 and card.get("selectionBehavior") != "any"
        return several or not all(isinstance(flag, bool) for flag in flags)

    return ["isRecommended is no boolean, or set too often" for card in cards(body) if wrong(card)]


def _of_type(kind: str) -> Callable[[Json], list[Json]]:
    return lambda body: [action for action in actions(body) if action.get("type") == kind]


def _resource(action: Json) -> Json:
    found = action.get("resource")
    return found if isinstance(found, dict) else {}


def _resources_are_objects(body: Json) -> list[str]:
    carrying = [action for action in actions(body) if "resource" in action]
    return [
        "a resource is no object with a resourceType"
        for one in carrying
        if not is_text(_resource(one).get("resourceType"))
    ]


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", value) is not None


def _unfinished(action: Json) -> bool:
    resource = _resource(action)
    subject = resource.get("subject", resource.get("patient", {}))
    return resource.get("status") not in (None, "draft", "proposed", "preparation") or not subject.get(
        "reference"
    )


RESPONSE: dict[str, Check] = {
    "G-2": lambda body: told(f"{where} is empty" for where in empties(without_echoes(body), "body")),
    "G-3": _no_empty_optional,
    "G-4": _resources_are_objects,
    "S-1": _envelope,
    "S-2": _system_actions,
    "S-3": lambda body: ["a system action nobody agreed on"] if "systemActions" in body else [],
    "S-4": each(actions, lambda one: not is_text(one.get("description")), "an action without description"),
    "C-1": lambda body: _unique(cards(body)),
    "C-2": each(
        cards,
        lambda card: (
            not (is_text(card.get("summary")) and len(card["summary"]) < 140 and "\n" not in card["summary"])
        ),
        "a summary is missing or 140 characters or longer",
    ),
    "G-6": each(cards, lambda card: not is_text(card.get("summary")), "a summary of blanks"),
    "C-3": each(
        cards,
        lambda card: (
            "detail" in card and (not is_text(card["detail"]) or bool(_MARKUP.search(card["detail"])))
        ),
        "a detail is no text, or holds markup",
    ),
    "C-4": each(cards, lambda card: card.get("indicator") not in INDICATORS, "an unknown indicator"),
    "C-5": each(
        cards, lambda card: not (isinstance(card.get("source"), dict) and card["source"]), "no source"
    ),
    "C-6": each(cards, lambda card: card.get("suggestions", True) == [], "an empty list of suggestions"),
    "C-7": _behaviour,
    "C-8": each(
        cards,
        lambda card: (
            not all(is_coding(one) and is_text(one.get("display")) for one in card.get("overrideReasons", []))
        ),
        "a reason without code, system or display",
    ),
    "C-9": each(cards, lambda card: card.get("links", True) == [], "an empty list of links"),
    "C-10": each(
        cards,
        lambda card: (
            not CARD_MEMBERS.issuperset(card) or not all("." in name for name in card.get("extension", {}))
        ),
        "a member that no card has, or an extension without a domain",
    ),
    "SO-1": each(
        cards, lambda card: not is_text(card.get("source", {}).get("label")), "a source without label"
    ),
    "SO-2": each(
        cards,
        lambda card: not is_web(card.get("source", {}).get("url", "https://x.org")),
        "a source url of another kind",
    ),
    "SO-3": each(
        cards,
        lambda card: not is_web(card.get("source", {}).get("icon", "https://x.org")),
        "an icon of another kind",
    ),
    "SO-4": each(
        cards, lambda card: not is_coding(card.get("source", {}).get("topic")), "a source without topic"
    ),
    "SG-1": each(suggestions, lambda one: not is_text(one.get("label")), "a suggestion without label"),
    "SG-2": lambda body: _unique(suggestions(body)),
    "SG-3": _recommended,
    "SG-4": each(suggestions, lambda one: one.get("actions") == [], "an empty list of actions"),
    "SG-5": each(
        suggestions, lambda one: "actionSelectionBehavior" in one, "a choice of actions nobody agreed on"
    ),
    "A-1": each(actions, lambda one: one.get("type") not in TYPES, "an unknown type of action"),
    "A-2": each(offered, lambda one: not is_text(one.get("description")), "an action without description"),
    "A-3": each(_of_type("create"), _unfinished, "a new resource that is no draft of the patient"),
    "A-4": each(
        _of_type("update"), lambda one: not is_text(_resource(one).get("id")), "an update of nothing"
    ),
    "A-5": each(
        _of_type("delete"), lambda one: not _is_reference(one.get("resourceId")), "a delete of nothing"
    ),
    "A-6": each(_of_type("delete"), lambda one: "resource" in one, "a delete of the old kind"),
    "A-7": each(
        _of_type("create"), lambda one: not is_text(_resource(one).get("id")), "a new resource without id"
    ),
    "L-1": each(links, lambda link: not is_text(link.get("label")), "a link without label"),
    "L-2": each(links, lambda link: not is_web(link.get("url")), "a link to no web page"),
    "L-3": each(links, lambda link: link.get("type") not in ("absolute", "smart"), "an unknown type of link"),
    "L-4": each(
        links,
        lambda link: (
            "appContext" in link and not (link.get("type") == "smart" and is_text(link["appContext"]))
        ),
        "an appContext that is no text of a smart link",
    ),
    "L-5": each(links, lambda link: "autolaunchable" in link, "a card that may never be seen"),
}


def response_problems(body: Json) -> list[str]:
    """Everything wrong with a card response, by row."""
    return [f"{id}: {problem}" for id, check in RESPONSE.items() for problem in check(body)]
