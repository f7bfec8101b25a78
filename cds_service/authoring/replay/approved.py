"""Approved answers: what a recorded call got when somebody last read it, ids and digest made comparable.

`cds replay --accept` and the tests of the vignettes write them by the same function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]

CARDS = "cards"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def normalised(body: Mapping[str, Any]) -> Json:
    """The answer with its ids numbered in order of appearance, and the digest of the rules left out."""
    seen: dict[str, str] = {}
    text = json.dumps(body, ensure_ascii=False)
    text = _UUID.sub(lambda match: seen.setdefault(match.group(), f"uuid-{len(seen) + 1}"), text)
    made: Json = json.loads(_DIGEST.sub("sha256:…", text))
    return made


def write_approved(path: Path, body: Mapping[str, Any]) -> None:
    """Write a normalised answer as the approved one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
