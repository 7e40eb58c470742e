"""Synthetic recordings with known movements, made of real records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fervlm.records import AUReading, AURecord, Box, Detector, Quality, Scale, Source

Curves = dict[Any, np.ndarray[Any, Any]]
THRESHOLDS: dict[str, float] = {"intensity_0_5": 1.0, "probability": 0.5, "score": 0.5, "coefficient": 0.2}


def bump(times: Any, onset: float, apex: float, offset: float, height: float) -> Any:
    """A movement that rises in a straight line from `onset` to `apex` and falls until `offset`."""
    return np.interp(times, [onset, apex, offset], [0.0, height, 0.0], left=0.0, right=0.0)


def plateau(times: Any, onset: float, offset: float, height: float, ramp: float = 0.1) -> Any:
    return np.interp(times, [onset, onset + ramp, offset - ramp, offset], [0.0, height, height, 0.0], left=0, right=0)


def film(
    times: Any,
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


class Make:
    bump = staticmethod(bump)
    plateau = staticmethod(plateau)
    film = staticmethod(film)


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def au_files() -> Path:
    root = os.environ.get("FERVLM_DATA")
    if not root:
        pytest.skip("FERVLM_DATA is not set: no real detector files")
    return Path(root) / "au"
