"""API keys: from a file or the environment, compared in constant time, read anew when the file changes."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from pathlib import Path

from fervlm.errors import FervlmError

VARIABLE = "FERVLM_API_KEYS"
SHORTEST = 16
"""Characters; a shorter key can be guessed."""
_LOOK_EVERY_S = 1.0


class Keys:
    """The keys that open this server; none at all leaves it open.

    A file has one key a line, `NAME KEY` or `KEY`; blank lines and lines that begin with `#` do not count. A variable
    has them separated by commas. Only digests are kept in memory.

    Args:
        file: read at once and again whenever it changes.
        environment: where `FERVLM_API_KEYS` is looked up.

    Raises:
        FervlmError: the file cannot be read or holds no key; a key is too short.
    """

    def __init__(self, file: str | Path | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self._file = None if file is None else Path(file)
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        given = [key.strip() for key in environment.get(VARIABLE, "").split(",") if key.strip()]
        self._fixed = _digests([("", key) for key in given], VARIABLE)
        self._found: dict[bytes, str] = {}
        if self._file is not None:
            self._read(self._file)

    @property
    def wanted(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._fixed) or self._file is not None

    def name_of(self, key: str) -> str | None:
        """The name of a key (the first 8 hex digits of its digest where it has none); None where it opens nothing.

        Every known digest is compared, each in constant time, so that time tells nothing.
        """
        self._look_again()
        digest = _digest(key)
        found: str | None = None
        for known, name in [*self._fixed.items(), *self._found.items()]:
            if hmac.compare_digest(known, digest):
                found = name or digest.hex()[:8]
        return found

    def _look_again(self) -> None:
        """A changed file counts from its next look on; one that is broken in between leaves the old keys."""
        now = time.monotonic()
        if self._file is None or now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        try:
            if self._stamp != _stamp(self._file):
                self._read(self._file)
        except (OSError, FervlmError):
            return

    def _read(self, file: Path) -> None:
        try:
            stamp, text = _stamp(file), file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise FervlmError(f"the keys cannot be read ({reason})", file=file) from None
        pairs = []
        for line in text.splitlines():
            words = line.split()
            if words and not words[0].startswith("#"):
                pairs.append((words[0] if len(words) > 1 else "", words[-1]))
        if not pairs:
            raise FervlmError("there is no key in it", file=file, hint="Write one key a line.")
        self._found, self._stamp = _digests(pairs, str(file)), stamp


def _digests(pairs: list[tuple[str, str]], source: str) -> dict[bytes, str]:
    for _, key in pairs:
        if len(key) < SHORTEST:
            hint = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            raise FervlmError(f"a key has fewer than {SHORTEST} characters", file=source, hint=hint)
    return {_digest(key): name for name, key in pairs}


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _stamp(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_mtime_ns, told.st_size
