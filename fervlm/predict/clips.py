"""Explanations of recordings: one a frame, one an episode of expression, or one a clip, each face for itself.

`frame` streams. `event` and `clip` hold one recording at a time as arrays (about 140 bytes a row and face), never its
records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.predict.rules import Explainer
from fervlm.records import AUReading, AURecord, Prediction

if TYPE_CHECKING:
    from fervlm.predict.tracks import NeutralFace
    from fervlm.sequences.track import Key

Per = Literal["frame", "event", "clip"]
CACHED_SENTENCES = 4096


def explain_clip(
    records: Iterable[AURecord],
    *,
    per: Per = "clip",
    neutral: NeutralFace = None,
    labels: LabelSet | str = "basic8",
    seed: int = 0,
    observe_only: bool = False,
    fps: float | None = None,
    explainer: Explainer | None = None,
) -> Iterator[Prediction]:
    """Predictions for the faces of one recording after another, in the order of the records.

    Args:
        records: rows of one or several recordings; a new file or video begins a new one.
        per: `frame`: one prediction a row, streaming. `event`: one an episode of overlapping movements, explained at
            its apex, with `span_s`, `events` and `course`. `clip`: one a face, the same for the whole recording.
        neutral: how the neutral face is found: `auto` (or None), `first`, `median`, `none` (`ClipSettings.neutral`),
            or an AU file, a record or records of the neutral face. Only intensities and coefficients are lessened.
        labels: label set or the name of one.
        seed: picks among equivalent wordings.
        observe_only: movements only, no label and no emotion word.
        fps: frame rate where the file carries no time stamps.
        explainer: one to go on with (its labels, seed and caches hold) instead of a new one.

    Raises:
        FervlmError: stamps or frame numbers fall or repeat; the neutral file holds no amplitudes; `first` or `median`
            with `per="frame"`, which sees no more than one row.
    """
    engine = explainer or Explainer(labels, seed, observe_only, CACHED_SENTENCES)
    if per == "frame":
        yield from _frames(records, neutral, engine)
        return
    from fervlm.predict.tracks import explain_tracks  # noqa: PLC0415 - brings numpy, which frames do without

    for _, prediction in explain_tracks(
        records,
        per=per,
        neutral=neutral,
        labels=labels,
        seed=seed,
        observe_only=observe_only,
        fps=fps,
        explainer=engine,
    ):
        yield prediction


# ---- frame by frame


def _frames(records: Iterable[AURecord], neutral: NeutralFace, engine: Explainer) -> Iterator[Prediction]:
    if neutral is None:
        yield from engine.explain_all(records)
        return
    from fervlm.predict.tracks import neutral_face  # noqa: PLC0415

    kind, given = neutral_face(neutral)
    if kind in {"first", "median"}:
        raise FervlmError(
            f"the neutral '{kind}' needs the whole recording, and frames are explained one by one",
            hint="Use --per clip, or give a file of the neutral face.",
        )
    yield from engine.explain_all(less_neutral(record, given) if given else record for record in records)


def less_neutral(record: AURecord, neutral: dict[Key, float]) -> AURecord:
    """The record with its neutral values subtracted; `derived` says so.

    Where an AU's amplitude is lessened, its presence bit is left out: the tool set it without knowing the neutral face.
    """
    lessened = {r.au for r in record.readings if r.value is not None and (r.au, _key_side(r)) in neutral}
    readings = []
    for reading in record.readings:
        if reading.au not in lessened:
            readings.append(reading)
        elif reading.scale != "presence" and reading.value is not None:
            taken = neutral.get((reading.au, _key_side(reading)), 0.0)
            value = round(max(0.0, reading.value - taken), 4)
            state = reading.state
            if reading.threshold is not None:
                state = "present" if value >= reading.threshold else "absent"
            readings.append(reading.model_copy(update={"value": value, "state": state}))
    return record.model_copy(update={"readings": tuple(readings), "derived": "neutral subtracted (given)"})


def _key_side(reading: AUReading) -> Literal["left", "right"] | None:
    """The side a neutral value is kept under; a reading of both sides goes by the left."""
    return "left" if reading.side == "both" else reading.side
