"""The rule engine on a clip's recording of AUs: the label at its fullest moment, its course, its episodes as spans."""

from __future__ import annotations

import time
from collections.abc import Sequence

from eval.answer import Answer, failed
from eval.item import Item
from eval.predictors import Settings
from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.predict.tracks import explain_tracks
from fervlm.readers import read
from fervlm.reasoning.answers import render
from fervlm.records import AURecord, Prediction


def recorded_answer(item: Item, labels: LabelSet | str, settings: Settings, *, labelled: bool) -> Answer:
    """An answer from a detector's file of the whole clip; of several faces, the one that is tracked longest.

    Spans are the episodes of expression, in seconds, of no kind: a movement of one AU may begin one, whatever its
    label. The text is the course over time; where there are labels, after the caption at the fullest moment.

    Args:
        item: with its `recording`.
        labels: that are chosen from.
        settings: whether texts are kept, and their seed.
        labelled: whether the benchmark has labels.
    """
    began = time.perf_counter()
    assert item.recording is not None
    try:
        records = list(read(item.recording, item.recording_format))
        whole = _longest(records, labels, settings.seed)
        spans = _episodes(records, whole, labels, settings.seed)
    except FervlmError as error:
        return failed(item.id, str(error))
    if whole is None or whole.caption is None:
        return failed(item.id, "no face is tracked in the recording")
    told = render(whole.caption, details=False).rstrip("\n") if labelled else None
    text = "\n\n".join(filter(None, (told, whole.course)))
    return Answer(
        id=item.id,
        status="abstained" if labelled and whole.label is None else "ok",
        reason=whole.caption.conclusion.abstain,
        label=whole.label if labelled else None,
        valence=whole.valence,
        arousal=whole.arousal,
        present=tuple(sorted({event.au for event in whole.events})),
        spans=spans,
        text=text or None if settings.explain else None,
        ms=round((time.perf_counter() - began) * 1000, 3),
    )


def _longest(records: Sequence[AURecord], labels: LabelSet | str, seed: int) -> Prediction | None:
    told = list(explain_tracks(records, per="clip", labels=labels, seed=seed))
    return max(told, key=lambda pair: len(pair[0].times), default=(None, None))[1]


def _episodes(
    records: Sequence[AURecord], whole: Prediction | None, labels: LabelSet | str, seed: int
) -> tuple[tuple[float, float, None], ...]:
    told = (p for _, p in explain_tracks(records, per="event", labels=labels, seed=seed))
    mine = (p.span_s for p in told if whole is not None and p.face_id == whole.face_id)
    return tuple((span[0], span[1], None) for span in mine if span is not None)
