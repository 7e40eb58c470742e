"""Which faces of pack val have served calibration and early stopping; the rest is `reported`."""

from __future__ import annotations

import hashlib

SHARE = 0.25
"""As `fervlm.contrastive.validation.TUNING_SHARE`; a test holds the two together without importing torch here."""


def seen_in_tuning(name: str) -> bool:
    """By a hash of the picture's name."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < int(SHARE * 2**32)
