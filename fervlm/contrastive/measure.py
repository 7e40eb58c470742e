"""What a model in training is judged by: zero-shot classes and AU presence on labelled faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fervlm.contrastive.augment import Levels, prepare
from fervlm.contrastive.class_prompts import PROMPT_SETS, class_texts
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.pictures import Pictures
from fervlm.contrastive.unknown import Looks
from fervlm.contrastive.words import Words
from fervlm.facs.labels import BASIC7
from fervlm.facs.units import movement_units


@dataclass(frozen=True, slots=True)
class Encoded:
    """N pictures through the model: embedding [N, D], AU logits [N, A]."""

    embedding: NDArray[np.float32]
    units: NDArray[np.float32]


@torch.no_grad()
def encode(
    model: GlobalLocal, pictures: Pictures, size: int, levels: Levels, *, flip: bool = True, batch: int = 256
) -> Encoded:
    """N pictures; with `flip` the mean of a picture and its mirror image."""
    model.eval()
    device = next(model.parameters()).device
    embeddings, units = [], []
    for start in range(0, len(pictures), batch):
        x = prepare(pictures.batch(slice(start, start + batch)), size, levels).to(device)
        out = model.pictures(x)
        e, u = out.embedding, out.units
        if flip:
            other = model.pictures(x.flip(-1))
            e, u = torch.nn.functional.normalize(e + other.embedding, dim=-1), (u + other.units) / 2
        embeddings.append(e.float().cpu().numpy())
        units.append(u.float().cpu().numpy())
    return Encoded(np.concatenate(embeddings), np.concatenate(units))


@torch.no_grad()
def both_looks(
    model: GlobalLocal, pictures: Pictures, classes: NDArray[np.float32], size: int, levels: Levels, batch: int = 256
) -> Looks:
    """N pictures and their mirror images against class embeddings [K, D], for `unknown`."""
    model.eval()
    device = next(model.parameters()).device
    columns: list[list[NDArray[np.float32]]] = [[], [], [], []]
    for start in range(0, len(pictures), batch):
        x = prepare(pictures.batch(slice(start, start + batch)), size, levels).to(device)
        for k, out in enumerate((model.pictures(x), model.pictures(x.flip(-1)))):
            side = round(out.looked.shape[-1] ** 0.5)
            places = out.looked.reshape(*out.looked.shape[:2], side, side)
            columns[k].append(out.embedding.float().cpu().numpy() @ classes.T)
            columns[2 + k].append((places.flip(-1) if k else places).flatten(2).float().cpu().numpy())
    return Looks(*(np.concatenate(column) for column in columns))


@torch.no_grad()
def class_embeddings(model: GlobalLocal, words: Words, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """[K, D]: mean of the unit-length features of a label's prompts, again of unit length."""
    model.eval()
    device = next(model.parameters()).device
    rows = []
    for label in labels:
        features = model.texts(words(class_texts(label, PROMPT_SETS)).to(device))
        rows.append(torch.nn.functional.normalize(features.mean(0), dim=-1).float().cpu().numpy())
    return np.stack(rows)


def zero_shot_scores(encoded: Encoded, classes: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """WAR and UAR (mean recall of the classes that occur) over the labelled faces; `labels` index the class rows."""
    known = labels >= 0
    guess = (encoded.embedding @ classes.T).argmax(1)
    right = guess[known] == labels[known]
    recalls = [float(right[labels[known] == k].mean()) for k in np.unique(labels[known])]
    return {"WAR": float(right.mean()), "UAR": float(np.mean(recalls)), "faces": int(known.sum())}


def scores_by_source(model: GlobalLocal, words: Words, faces: Faces, size: int, levels: Levels) -> dict[str, float]:
    """Flat names -> values: WAR and UAR of each source (seven labels, contempt left out), mean AU AUC."""
    encoded = encode(model, faces.pictures, size, levels)
    classes = class_embeddings(model, words, BASIC7)
    found: dict[str, float] = {}
    for source in sorted(set(faces.sources)):
        at = np.array([s == source for s in faces.sources]) & (faces.labels >= 0) & (faces.labels < len(BASIC7))
        if not at.any():
            continue
        part = Encoded(encoded.embedding[at], encoded.units[at])
        for name, value in zero_shot_scores(part, classes, faces.labels[at]).items():
            found[f"{source}/{name}"] = value
    areas = [a for a in unit_areas(encoded.units, faces.units, model.config.units).values() if a is not None]
    if areas:
        found["units/AUC"] = float(np.mean(areas))
    return found


def unit_areas(
    logits: NDArray[np.float32], units: NDArray[np.int8], measured: tuple[int, ...]
) -> dict[int, float | None]:
    """AUC of each AU (rank statistic, ties half); None with fewer than 10 faces on either side.

    Args:
        logits: [N, A] in the order of `measured`.
        units: int8 [N, U] in the order of `movement_units()`.
        measured: FACS numbers of the A units.
    """
    order = {au: i for i, au in enumerate(movement_units())}
    return {au: _area(logits[:, k], units[:, order[au]]) for k, au in enumerate(measured)}


def _area(scores: NDArray[np.float32], truth: NDArray[np.int8]) -> float | None:
    yes, no = scores[truth == 1], np.sort(scores[truth == 0])
    if len(yes) < 10 or len(no) < 10:
        return None
    below = np.searchsorted(no, yes, "left") + np.searchsorted(no, yes, "right")
    return float(below.mean() / (2 * len(no)))
