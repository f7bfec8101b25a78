"""Identifiers as pseudonyms: equal ones stay equal within one log, and nobody can tell whose they are.

A pseudonym is a keyed hash. The key lies beside the log: whoever has both can test a guess, which an audit
may need; without the key, short ids cannot be tried one after another.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from cds_service.errors import UsageError

_DIGITS = 16
_KEY = re.compile(r"[0-9a-f]{64}\s*")


class Mask:
    """Makes pseudonyms with a key; without one it makes none, and identifiers are left out."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def of(self, path: str, value: str) -> str:
        """The pseudonym of a value that stood at a path of the call, 16 hexadecimal digits; or nothing."""
        if self._key is None:
            return ""
        said = f"{path}={value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, said, "sha256").hex()[:_DIGITS]


def key_beside(log: Path) -> bytes:
    """The key of a log, in `<log>.key`; made at random by whichever process asks first.

    Raises OSError, and UsageError for a file that holds no key.
    """
    path = log.with_name(f"{log.name}.key")
    if not path.exists():
        _make(path)
    text = path.read_text(encoding="ascii", errors="replace")
    if not _KEY.fullmatch(text):
        raise UsageError(
            f"CDS_DECISION_LOG: {path} holds no key of 64 hexadecimal digits; restore it, or move it "
            "away: a new one is made, and pseudonyms are then new too."
        )
    return bytes.fromhex(text)


def _make(path: Path) -> None:
    """Put a whole key at the path, unless somebody else does first."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secrets.token_hex(32)}\n")
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
