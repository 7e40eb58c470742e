"""Random faces as detectors write them: every scale, side, level and disagreement, with any set of measured AUs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from fervlm.facs.units import movement_units, not_measured_by
from fervlm.records import AUReading, AURecord, Detector, Quality, Scale, Side, Source

OPENFACE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
VALUES = {0: 0.3, 1: 1.2, 2: 2.0, 3: 3.0, 4: 4.0, 5: 4.9}
SCALES: tuple[Scale, ...] = ("intensity_0_5", "probability", "score", "presence")

Faces = Callable[..., Iterator[AURecord]]


def reading(rng: random.Random, au: int, side: Side | None, here: bool, scale: Scale) -> AUReading:
    state = "present" if here else "absent"
    if scale == "presence":
        return AUReading(au=au, side=side, state=state, value=float(here), scale=scale, threshold=1.0)
    if scale == "intensity_0_5":
        value = VALUES[rng.randint(1, 5)] if here else VALUES[0]
        return AUReading(au=au, side=side, state=state, value=value, scale=scale, threshold=1.0)
    value = rng.choice((0.55, 0.7, 0.85, 0.99)) if here else 0.1
    return AUReading(au=au, side=side, state=state, value=value, scale=scale, threshold=0.5)


def unit(rng: random.Random, au: int, here: bool, scale: Scale, sided: bool) -> list[AUReading]:
    if not sided:
        found = [reading(rng, au, None, here, scale)]
    else:
        left, right = rng.choice(((True, True), (True, False), (False, True))) if here else (False, False)
        found = [reading(rng, au, "left", left, scale), reading(rng, au, "right", right, scale)]
    if rng.random() < 0.25:  # a second head of the tool, agreeing or not
        second = here if rng.random() < 0.5 else not here
        found.append(AUReading(au=au, state="present" if second else "absent", value=float(second), scale="presence"))
    return found


def random_faces(
    count: int,
    seed: int = 0,
    *,
    measured: Sequence[int] | None = None,
    most: int = 9,
    scale: Scale | None = None,
    sided: bool | None = None,
) -> Iterator[AURecord]:
    rng = random.Random(seed)
    for number in range(count):
        seen = tuple(measured or _any_measured(rng))
        present = set(rng.sample(seen, rng.randint(0, min(most, len(seen)))))
        drawn: Scale = rng.choice(SCALES)
        chosen = drawn if scale is None else scale
        by_side = rng.random() < 0.4 if sided is None else sided
        found = [r for au in seen for r in unit(rng, au, au in present, chosen, by_side and rng.random() < 0.8)]
        yield AURecord(
            id=f"face-{number}",
            source=Source(file="faces.csv", row=number + 2),
            detector=Detector(name="au_table", trust=rng.choice(("high", "medium", "low"))),
            readings=tuple(found),
            not_measured=not_measured_by(seen),
            quality=Quality(pose=rng.choice((None, "frontal", "turned")), occlusion=rng.choice(((), (), ("eyes",)))),
        )


def _any_measured(rng: random.Random) -> tuple[int, ...]:
    everything = movement_units()
    return rng.choice(
        (OPENFACE, BP4D, everything, tuple(sorted(rng.sample(everything, rng.randint(3, len(everything))))))
    )


@pytest.fixture(scope="session")
def faces() -> Faces:
    """`random_faces`, for tests that cannot import it."""
    return random_faces
