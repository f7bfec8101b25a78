"""Pages of one search as one Bundle, the link to the next, and which answers may be read at all."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from cds_service.facts.fhir_types import Element, Labels, Link, Text, leads_on
from cds_service.facts.members import objects_of, twins_in
from cds_service.facts.whole import says_partial


class _Page(Element, frozen=True, omit_defaults=True):
    resource_type: Text = ""
    type: Text = ""
    meta: Labels | None = None
    total: float | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Raw, ...] = ()


_read = msgspec.json.Decoder(_Page).decode


def is_plain(answer: bytes) -> bool:
    """Whether an answer is a JSON object in which no name stands twice, however deep.

    Of two members of one name a parser keeps one and does not tell: what the other held would be lost. And
    `null`, by which a caller says in a call that it searched and found nothing, says nothing here.
    """
    try:
        objects_of.decode(answer)
        return twins_in(answer) is None
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False


def next_of(page: bytes | Raw) -> str | None:
    """The address of the page after this one; None if this is the last, empty if nobody says where it is."""
    found = _page(page)
    following = [link.url for link in found.link if leads_on(link)] if found is not None else []
    return next(filter(None, following), "") if following else None


def joined(pages: Sequence[bytes | Raw], *, whole: bool) -> Raw | None:
    """All pages as one Bundle, which keeps a `next` link unless they are the whole; None without a page.

    A page that is no Bundle cannot be joined and ends the search there.
    """
    if len(pages) < 2:
        return Raw(pages[0]) if pages else None
    read = [_page(page) for page in pages]
    bundles = [page for page in read if page is not None]
    whole = whole and len(bundles) == len(read) and not any(says_partial(page.meta) for page in bundles)
    totals = [page.total for page in bundles if page.total is not None]
    return Raw(
        msgspec.json.encode(
            _Page(
                resource_type="Bundle",
                type="searchset",
                total=max(totals, default=None),
                link=() if whole else (Link("next"),),
                entry=tuple(entry for page in bundles for entry in page.entry),
            )
        )
    )


def _page(raw: bytes | Raw) -> _Page | None:
    try:
        page = _read(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    return page if page.resource_type == "Bundle" else None
