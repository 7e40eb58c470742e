"""Synthetic recordings with known movements, made of real records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from fervlm.records import AUReading, AURecord, Box, Detector, Quality, Scale, Source

Array = NDArray[np.float64]
Curves = Mapping[int | tuple[int, Literal["left", "right"] | None], Array]
THRESHOLDS: dict[str, float] = {"intensity_0_5": 1.0, "probability": 0.5, "score": 0.5, "coefficient": 0.2}


def bump(times: Array, onset: float, apex: float, offset: float, height: float) -> Array:
    """A movement that rises in a straight line from `onset` to `apex` and falls until `offset`."""
    return np.interp(times, [onset, apex, offset], [0.0, height, 0.0], left=0.0, right=0.0)


def plateau(times: Array, onset: float, offset: float, height: float, ramp: float = 0.1) -> Array:
    return np.interp(times, [onset, onset + ramp, offset - ramp, offset], [0.0, height, height, 0.0], left=0, right=0)


def film(
    times: Array,
    curves: Curves,
    *,
    scale: Scale = "intensity_0_5",
    face_id: str | None = None,
    stamped: bool = True,
    numbered: bool = True,
    lost: Callable[[float], bool] = lambda t: False,
    file: str = "film.csv",
    box: Box | None = None,
    picture: str | None = None,
) -> Iterator[AURecord]:
    """Records of one face; `curves` is keyed by AU or (AU, side)."""
    detector = Detector(name="openface2", trust="medium")
    for i, t in enumerate(times):
        gone = lost(float(t))
        readings = []
        for key, curve in curves.items():
            au, side = key if isinstance(key, tuple) else (key, None)
            value = float(curve[i])
            if np.isnan(value) or gone:
                continue
            threshold = THRESHOLDS.get(scale)
            present = value >= (0.5 if threshold is None else threshold)
            readings.append(
                AUReading(
                    au=au,
                    side=side,
                    state="present" if present else "absent",
                    value=None if scale == "presence" else value,
                    scale=scale,
                    threshold=threshold,
                )
            )
        yield AURecord(
            id=f"{file}#{i}",
            source=Source(file=file, row=i + 2),
            face_id=face_id,
            frame=i if numbered else None,
            time_s=float(t) if stamped else None,
            picture=picture,
            box=box,
            detector=detector,
            readings=tuple(readings),
            not_measured=(16, 18, 22, 24, 27),
            quality=Quality(tracking="failed" if gone else "ok", confidence=0.98),
        )


@pytest.fixture
def make() -> SimpleNamespace:
    return SimpleNamespace(bump=bump, plateau=plateau, film=film)


@pytest.fixture
def au_files() -> Path:
    root = os.environ.get("FERVLM_DATA")
    if not root:
        pytest.skip("FERVLM_DATA is not set: no real detector files")
    return Path(root) / "au"
