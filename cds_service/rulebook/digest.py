"""The digest of a rulebook: changes with every byte of meaning, not with spaces, comments or file order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any


def digest_of(files: Mapping[str, Any], drugs: Path) -> str:
    """`sha256:<hex>` over the data of every file by relative path, and over the drug table."""
    total = sha256()
    for name in sorted(files):
        content = json.dumps(files[name], ensure_ascii=False, separators=(",", ":"), default=str)
        total.update(f"{name}\0{content}\0".encode())
    if drugs.is_file():
        for line in drugs.read_bytes().splitlines():
            total.update(line.rstrip() + b"\n")
    return f"sha256:{total.hexdigest()}"
