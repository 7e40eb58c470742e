"""How often one key may ask: a bucket of tokens each, refilled evenly."""

from __future__ import annotations

import time
from collections import OrderedDict

KEPT = 10_000
"""Keys or addresses remembered; the longest silent one is forgotten first."""


class Rate:
    """`per_minute` requests for each caller, in bursts of at most as many; 0 lets everything pass."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, now: float | None = None) -> float:
        """Seconds until `caller` may ask again; 0 where it may now, which is then counted."""
        if not self.per_minute:
            return 0.0
        now = time.monotonic() if now is None else now
        left, before = self._left.pop(caller, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - before) * self.per_minute / 60)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, now)
        if len(self._left) > KEPT:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute
