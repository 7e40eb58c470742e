"""`python -m eval embeddings WHAT`: what a contrastive model's features hold: a linear probe, and retrieval.

* `probe`: logistic regression on frozen picture features, trained on the set's train split, measured on another.
* `retrieval`: texts to pictures and back, R@1, R@5, R@10. Texts are the items' own, or the overviews that the rule
  engine writes from their evidence; equal texts are all right for each other's pictures.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import fervlm
from eval.catalogue import benchmark
from eval.evidence import with_evidence
from eval.item import Benchmark, Choice, Item
from eval.run import some
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.metrics.classes import uar, war
from fervlm.metrics.ranking import recall_at
from fervlm.predict.rules import explain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fervlm.predict.pictures import PictureReader

KS = (1, 5, 10)


def features(reader: PictureReader, items: Sequence[Item]) -> tuple[list[Item], NDArray[np.float32]]:
    """The items whose face was found, and their unit-length features [N, D]."""
    kept, cuts = [], []
    for item in items:
        try:
            cut = reader.cut(item.image(), item.id, face_is_crop=item.crop)
        except FervlmError:
            continue
        kept.append(item)
        cuts.append(replace(cut, crops=cut.crops[:1], places=cut.places[:1], squares=cut.squares[:1]))
    rows = [embedding for _, embedding in reader.embed(cuts)]
    if not rows:
        raise FervlmError("no face was found in any picture")
    return kept, np.stack(rows)


def probe(reader: PictureReader, one: Benchmark, data: str, split: str, limit: int | None) -> dict[str, object]:
    """WAR and UAR of a linear probe.

    Raises:
        FervlmError: the set has no train split, or the measured one is it.
        MissingExtraError: no torch.
    """
    try:
        from fervlm.contrastive.probe import linear_probe  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("a linear probe", "train") from None
    if "train" not in one.splits or split == "train":
        raise FervlmError(f"{one.name} needs a train split to fit on and another to measure")
    parts = []
    for name in ("train", split):
        items = [item for item in one.items(data, Choice(name)) if item.label in one.labels]
        parts.append(features(reader, some(items, limit)))
    index = [np.array([one.labels.index(str(item.label)) for item in items]) for items, _ in parts]
    told = linear_probe(parts[0][1], index[0], parts[1][1], classes=len(one.labels))
    truth = [str(item.label) for item in parts[1][0]]
    guesses = [one.labels[k] for k in told]
    counts = {"trained_on": len(index[0]), "measured_on": len(truth)}
    return {**counts, "WAR": war(truth, guesses), "UAR": uar(truth, guesses)}


def retrieval(reader: PictureReader, items: Sequence[Item]) -> dict[str, object]:
    """R@k both ways; `FervlmError` where no item has a text or evidence."""
    told = [(item, text) for item in items if (text := _text(item))]
    if not told:
        raise FervlmError("no item has a text or evidence to write one from", hint="Add --evidence FILE.")
    texts = {item.id: text for item, text in told}
    kept, pictures = features(reader, [item for item, _ in told])
    distinct = list(dict.fromkeys(texts[item.id] for item in kept))
    place = {text: k for k, text in enumerate(distinct)}
    similar = reader.model.texts(distinct) @ pictures.T
    of_text: list[set[int]] = [set() for _ in distinct]
    for k, item in enumerate(kept):
        of_text[place[texts[item.id]]].add(k)
    of_picture = [{place[texts[item.id]]} for item in kept]
    found: dict[str, object] = {"pictures": len(kept), "texts": len(distinct)}
    for k in KS:
        found[f"text to picture R@{k}"] = recall_at(similar, of_text, k)
        found[f"picture to text R@{k}"] = recall_at(similar.T, of_picture, k)
    return found


def _text(item: Item) -> str | None:
    if item.text:
        return item.text
    caption = explain(item.record, check=False).caption if item.record is not None else None
    return None if caption is None else caption.overview


def main(argv: Sequence[str] | None = None) -> int:
    """Print one of the two as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval embeddings", description=__doc__)
    parser.add_argument("what", choices=("probe", "retrieval"))
    data = os.environ.get("FERVLM_DATA")
    parser.add_argument("--benchmark", required=True, metavar="B")
    parser.add_argument("--data", default=data, required=data is None, metavar="DIR", help="the set's folder")
    parser.add_argument("--split")
    parser.add_argument("--model", metavar="MODEL", help="as fervlm.load takes it; by default the one that ships")
    parser.add_argument("--evidence", metavar="FILE", help="AU file, joined by picture name")
    parser.add_argument("--limit", type=int, metavar="N", help="items of each split, spread over it")
    options = parser.parse_args(argv)
    one = benchmark(options.benchmark).fitted(options.data)
    split = options.split or one.splits[0]
    reader = fervlm.load(options.model)
    if options.what == "probe":
        found = probe(reader, one, options.data, split, options.limit)
    else:
        items = some(one.items(options.data, Choice(split)), options.limit)
        found = retrieval(reader, with_evidence(items, options.evidence) if options.evidence else items)
    print(json.dumps({"model": reader.name, "benchmark": one.name, "split": split, **found}, indent=1))
    return 0
