"""`python -m eval counterfactual WAY`: one movement is changed; does the explanation follow, and the label only if due?

* `evidence`: an AU is taken out of (or put into) the evidence; the rule engine explains anew.
* `masked`: the region of an AU that the model tells is blurred away in the picture; beside it, as a control, a region
  of the same face where that AU does not show.
* `rendered`: drawn faces of made-up persons, at rest and with one AU.

Whether the label should move, the published prototypes say, of the same evidence before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.answer import Answer
from eval.catalogue import benchmark
from eval.evidence import with_evidence
from eval.item import Item
from eval.predictors import Settings
from eval.predictors.contrastive import Contrastive
from eval.rendered import SHAPES, draw, load_head
from eval.run import some
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.facs import label_set
from fervlm.metrics.explanations import affirmed, implied_label
from fervlm.metrics.follow_through import FollowThrough, Trial, follow_through
from fervlm.predict.rules import Explainer
from fervlm.records import AURecord, Prediction

Pixels = NDArray[np.uint8]
Numbers = dict[str, Any]
WAYS = ("evidence", "masked", "rendered")
HEAD = Path("ict_facekit") / "ict_light_narrowface.npz"
PACK = Path("au") / "mediapipe" / "blendshapes_faces_pack.parquet"
PERSONS = 12
FACES = 400
BLUR = 0.16
"""Standard deviation of the blur that hides a region, in widths of the crop."""
HIDDEN = 0.5
"""Cells of at least this share of a region's strongest are hidden."""


def changed(record: AURecord, au: int, state: str) -> AURecord:
    """The record with an AU present (at its strongest reading's threshold, or without a number) or absent."""
    readings = []
    for reading in record.readings:
        if reading.au != au:
            readings.append(reading)
        elif state == "absent":
            value = None if reading.value is None else 0.0
            readings.append(reading.model_copy(update={"state": "absent", "value": value}))
        else:
            value = None if reading.value is None else max(reading.value, (reading.threshold or 0.5) * 1.5)
            readings.append(reading.model_copy(update={"state": "present", "value": value}))
    return record.model_copy(update={"readings": tuple(readings)})


def in_evidence(items: Iterable[Item], seed: int = 0) -> list[Trial]:
    """Per record: one present AU taken away, one absent AU put in."""
    explainer = Explainer("basic8", seed, cache_size=4096, check=False)
    draw_one = random.Random(seed)
    trials = []
    for item in items:
        if item.record is None or item.record.quality.tracking != "ok":
            continue
        states = {r.au: r.state for r in item.record.readings}
        before = explainer.explain(item.record)
        for wanted, state in (("present", "absent"), ("absent", "present")):
            aus = sorted(au for au in states if states[au] == wanted and not _mixed(item.record, au))
            if aus:
                au = draw_one.choice(aus)
                after = explainer.explain(changed(item.record, au, state))
                trials.append(_evidence_trial(au, state == "present", before, after))
    return trials


def _mixed(record: AURecord, au: int) -> bool:
    return len({reading.state for reading in record.readings if reading.au == au}) > 1


def _told(prediction: Prediction) -> frozenset[int]:
    return affirmed(prediction.caption).aus if prediction.caption is not None else frozenset()


def _trial(
    au: int,
    appeared: bool,
    told: Sequence[frozenset[int]],
    labels: Sequence[str | None],
    should: Sequence[str | None],
    change: float | None = None,
) -> Trial:
    """What was told, labelled and due before and after; `change` of the AU's own score, where it is known."""
    return Trial(
        au=au,
        appeared=appeared,
        told_before=au in told[0],
        told_after=au in told[1],
        label_before=labels[0],
        label_after=labels[1],
        should_before=should[0],
        should_after=should[1],
        score_change=change,
        others_changed=len((told[0] ^ told[1]) - {au}),
    )


def _evidence_trial(au: int, appeared: bool, before: Prediction, after: Prediction) -> Trial:
    both = (before, after)
    return _trial(au, appeared, [_told(p) for p in both], [p.label for p in both], [_implied(p.evidence) for p in both])


def _implied(record: AURecord) -> str | None:
    present = {r.au for r in record.readings if r.state == "present"}
    return implied_label(present, label_set("basic8"), {r.au for r in record.readings})


def region_mask(au: int, side: int) -> np.ndarray:
    """bool [side, side]: where an AU shows on a crop, from the FACS-derived places of `contrastive.regions`."""
    try:
        from fervlm.contrastive.regions import au_region_prior  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("region masks", "train") from None
    weights = au_region_prior([au], side).numpy().reshape(side, side)
    mask: np.ndarray = weights >= HIDDEN * weights.max()
    return mask


def hidden(crop: Pixels, mask: np.ndarray) -> Pixels:
    """The crop with a region blurred away."""
    import cv2  # noqa: PLC0415

    blurred = cv2.GaussianBlur(crop, (0, 0), BLUR * crop.shape[0])
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    soft = soft if crop.ndim == 2 else soft[..., None]
    made: Pixels = (crop * (1 - soft) + blurred * soft).round().astype(np.uint8)
    return made


def in_pixels(model: Contrastive, items: Sequence[Item]) -> tuple[list[Trial], list[Trial]]:
    """(trials with the AU's own region hidden, controls with another AU's region hidden), one AU a face.

    The AU hidden is the one the model is surest of among those with a place on the crop.
    """
    own: list[Trial] = []
    control: list[Trial] = []
    for item in items:
        try:
            crop = model.crop(item)
        except FervlmError:
            continue
        side = crop.shape[0]
        before = model.of_crops([item.id], crop[None])[0]
        here = [au for au in before.present or () if au in PLACED]
        if not here:
            continue
        au = max(here, key=lambda a: (before.units or {}).get(a, 0.0))
        mask = region_mask(au, side)
        other = next((o for o in ELSEWHERE if not (region_mask(o, side) & mask).any()), None)
        crops = [hidden(crop, mask)] + ([hidden(crop, region_mask(other, side))] if other is not None else [])
        after = model.of_crops([item.id] * len(crops), np.stack(crops))
        own.append(_pixel_trial(model, au, before, after[0]))
        if other is not None:
            control.append(_pixel_trial(model, au, before, after[1]))
    return own, control


PLACED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 24, 25, 26, 28)
ELSEWHERE = (2, 17, 26, 1, 12, 4)
"""Regions that serve as controls, the first that does not touch."""


def _pixel_trial(model: Contrastive, au: int, before: Answer, after: Answer, *, appeared: bool = False) -> Trial:
    both, labels = (before, after), label_set("basic8")
    return _trial(
        au,
        appeared,
        [affirmed(answer.text or "").aus for answer in both],
        [answer.label for answer in both],
        [implied_label(answer.present or (), labels, model.measured) for answer in both],
        (after.units or {}).get(au, 0.0) - (before.units or {}).get(au, 0.0),
    )


def in_drawings(model: Contrastive, head_file: Path, persons: int = PERSONS) -> list[Trial]:
    """Drawn faces at rest and with one AU; `should` is what the prototypes say of the AUs that were drawn."""
    head = load_head(head_file)
    labels = label_set("basic8")
    trials = []
    for person in range(persons):
        aus = [au for au in SHAPES if au in model.measured]
        crops = np.stack([draw(head, {au: 1.0} if au else {}, person=person) for au in (0, *aus)])
        rest, *moved = model.of_crops([str(person)] * len(crops), crops)
        for au, answer in zip(aus, moved, strict=True):
            one = _pixel_trial(model, au, rest, answer, appeared=True)
            due = [implied_label(drawn, labels, model.measured) for drawn in ((), (au,))]
            trials.append(Trial(**{**asdict(one), "should_before": due[0], "should_after": due[1]}))
    return trials


def main(argv: Sequence[str] | None = None) -> int:
    """Print the shares of one way as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval counterfactual", description=__doc__)
    parser.add_argument("way", choices=WAYS)
    data = os.environ.get("FERVLM_DATA")
    parser.add_argument("--data", default=data, required=data is None, metavar="DIR", help="shared sets [FERVLM_DATA]")
    parser.add_argument("--benchmark", default="pack_val", metavar="B")
    parser.add_argument("--evidence", metavar="FILE", help="AU file for `evidence`; by default MediaPipe's of the pack")
    parser.add_argument("--model", metavar="MODEL", help="another checkpoint instead of the one that ships")
    parser.add_argument("--limit", type=int, default=FACES, metavar="N", help="faces, spread over the set")
    options = parser.parse_args(argv)
    chosen = benchmark(options.benchmark)
    found: dict[str, FollowThrough | None] = {}
    if options.way == "rendered":
        model = Contrastive(benchmark("pack_val"), Settings(variants=False), options.model)
        found["drawn"] = follow_through(in_drawings(model, Path(options.data) / HEAD))
    else:
        items = some(chosen.items(options.data), options.limit)
        if options.way == "masked":
            own, control = in_pixels(Contrastive(chosen, Settings(variants=False), options.model), items)
            found |= {"own region": follow_through(own), "control": follow_through(control)}
        else:
            if any(item.record is None for item in items):
                items = with_evidence(items, options.evidence or Path(options.data) / PACK)
            found["evidence"] = follow_through(in_evidence(items))
    told = {name: None if one is None else asdict(one) for name, one in found.items()}
    print(json.dumps(told, indent=1))
    return 0
