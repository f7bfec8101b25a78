"""The cards that a decision log says were shown; lines that cannot be read are counted and passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cds_service.authoring.tally import ShownCard
from cds_service.errors import UsageError
from cds_service.store.feedback import Channel

_TIMES = ("time", "asOf")


class ShownLog:
    """The cards of decision logs, one JSON object per line; may be read once. `unread` counts bad lines."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.unread = 0

    def __iter__(self) -> Iterator[ShownCard]:
        """Every card, in the order of the files. Raises UsageError for a file that cannot be opened."""
        for path in self._paths:
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    for line in file:
                        yield from self._cards(line)
            except OSError as error:
                raise UsageError(
                    f"--log: {path} cannot be read ({error.strerror}); "
                    "try the file that CDS_DECISION_LOG names."
                ) from error

    def _cards(self, line: str) -> list[ShownCard]:
        if not line.strip():
            return []
        try:
            told = json.loads(line)
            cards = told.get("cards") or ()
            if not cards:
                return []
            time, channel = _time(told), _channel(told)
            return [_card(card, time, channel) for card in cards]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.unread += 1
            return []


def _card(card: dict[str, Any], time: datetime | None, channel: Channel) -> ShownCard:
    rules = tuple((str(rule["id"]), str(rule["version"])) for rule in card.get("rules") or ())
    return ShownCard(str(card["uuid"]).lower().removeprefix("urn:uuid:"), rules, time, channel)


def _channel(told: dict[str, Any]) -> Channel:
    """Who was shown the cards; a tenant that is a pseudonym stands in no list, so feedback names none."""
    masked = told.get("masked", ())
    return Channel(*(str(told.get(name, "")) if name not in masked else "" for name in Channel._fields))


def _time(told: dict[str, Any]) -> datetime | None:
    for name in _TIMES:
        if isinstance(told.get(name), str):
            instant = datetime.fromisoformat(told[name])
            return instant if instant.tzinfo else None
    return None
