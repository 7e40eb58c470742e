"""The counterfactuals and the model's attention as a section of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.blocks import Block, Heading, Paragraph, Table
from eval.catalogue import benchmark
from eval.counterfactual import FACES, HEAD, PACK, PERSONS, PLACED, in_drawings, in_evidence, in_pixels, region_mask
from eval.evidence import with_evidence
from eval.item import Item
from eval.predictors import Settings
from eval.predictors.contrastive import Contrastive
from eval.run import some
from fervlm.errors import FervlmError
from fervlm.facs import label_set
from fervlm.metrics.follow_through import follow_through
from fervlm.metrics.maps import overlap

Numbers = dict[str, Any]


def heat_overlap(model: Contrastive, items: Sequence[Item]) -> dict[int, tuple[int, float, float, float]]:
    """AU -> (faces, mean IoU, mean correlation, share of heat inside over chance) of where the model looked."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    for item in items:
        try:
            looked = model.looked(item)
        except FervlmError:
            continue
        for au, heat in looked.items():
            if au in PLACED:
                one = overlap(np.maximum(heat, 0), region_mask(au, heat.shape[0]).astype(float))
                found.setdefault(au, []).append((one.iou, one.correlation or 0.0, one.inside / one.chance))
    return {au: (len(rows), *map(float, np.mean(rows, axis=0))) for au, rows in sorted(found.items())}  # type: ignore[misc]


def _row(name: str, found: Numbers | None) -> tuple[str, ...]:
    if found is None:
        return (name, "0", *[""] * 5)
    shares = (found[key] for key in ("sentence", "moved_when_due", "stayed_when_due", "direction"))
    told = ("not applicable" if share is None else f"{share:.3f}" for share in shares)
    return (name, f"{found['trials']:,}", *told, f"{found['side_effects']:.2f}")


HEADINGS = (
    "change",
    "trials",
    "sentence follows",
    "label moves when due",
    "label stays when due",
    "score moves the right way",
    "other AUs changed",
)


def counterfactual_numbers(data: Path, model: str | None, limit: int | None = None) -> Numbers:
    """All ways on pack val: the model's name, shares by way, and where it looked, as plain values for JSON."""
    asked = replace(benchmark("pack_val"), labels=label_set("basic7").labels)
    items = some(asked.items(data), limit or FACES)
    judged = Contrastive(asked, Settings(variants=False), model)
    own, control = in_pixels(judged, items)
    ways = {
        "evidence": in_evidence(with_evidence(items, data / PACK)),
        "masked": own,
        "control": control,
        "drawn": in_drawings(judged, data / HEAD, PERSONS if limit is None else 2),
    }
    followed = {name: follow_through(trials) for name, trials in ways.items()}
    told = {name: None if one is None else asdict(one) for name, one in followed.items()}
    found: Numbers = json.loads(json.dumps({"model": judged.name, "ways": told, "heat": heat_overlap(judged, items)}))
    return found


def counterfactual_blocks(found: Numbers) -> list[Block]:
    """The section of the report, of `counterfactual_numbers`."""
    ways, name = found["ways"], found["model"]
    rows = (
        _row("rules, an AU taken out of or put into the evidence", ways["evidence"]),
        _row(f"{name}, the AU's region blurred away", ways["masked"]),
        _row("control: a region elsewhere blurred away", ways["control"]),
        _row(f"{name}, drawn faces with one AU", ways["drawn"]),
    )
    told = (
        "One movement is changed and everything else held still. The prototypes decide whether the label should move. "
        "The rule engine reads the very evidence that is changed, so its row checks the engine and is no feat. In the "
        "control row a sentence should *not* follow: a high share there means that any damage to the picture makes "
        "sentences go. Drawn faces are no photographs; what counts there is whether the right number moves."
    )
    blocks: list[Block] = [Heading(2, "Counterfactuals"), Paragraph(told), Table(HEADINGS, rows)]
    if ways["drawn"]:
        came = tuple((f"AU{au}", f"{share:.2f}") for au, share in ways["drawn"]["by_unit"].items())
        blocks += [Paragraph("Drawn faces, share of sentences that came with the AU:"), Table(("AU", "came"), came)]
    heat = tuple(
        (f"AU{au}", str(n), f"{iou:.3f}", f"{corr:.3f}", f"{gain:.2f}x")
        for au, (n, iou, corr, gain) in found["heat"].items()
    )
    if heat:
        about = "Attention of the AU head against FACS-derived regions, faces where it calls the AU present."
        head = ("AU", "faces", "IoU", "correlation", "heat inside, times chance")
        blocks += [Heading(2, "Where the model looks"), Paragraph(about), Table(head, heat)]
    return blocks
