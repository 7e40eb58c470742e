"""Python's search for reference cycles, paused where records by the ten thousand are made and none is cyclic.

The search walks over every living record again and again; measured on this pipeline it took half of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Within one shard's work nothing is searched; memory is freed by counting as always."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what a shard leaves alive are results kept for later ones; they need no search either
        if was:
            gc.enable()
