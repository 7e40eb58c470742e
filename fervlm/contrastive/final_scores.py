"""The numbers of a finished model, on the part of the validation faces that training and calibration never used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from numpy.typing import NDArray

from fervlm.checkpoint import LabelCalibration, UnitOutput, UnknownRule, open_checkpoint
from fervlm.contrastive.build import Built
from fervlm.contrastive.calibrate import calibration_error, fit_temperature, fit_unit, softmax
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.measure import Encoded, both_looks, class_embeddings, encode, unit_areas
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.pictures import Pictures
from fervlm.contrastive.probe import linear_probe
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.train import shown
from fervlm.contrastive.unknown import make_rule, measure_unknown, strangeness
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC7, BASIC8
from fervlm.facs.units import movement_units
from fervlm.metrics import bootstrap, class_recall, uar, war

LEAST_FACES = 30
"""Recalls of smaller classes are not told: they say nothing."""
SHIFTS = {"left 10 %": (-0.1, 0, 1), "down 10 %": (0, 0.1, 1), "10 % larger": (0, 0, 1.1), "10 % smaller": (0, 0, 0.9)}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FinalScores:
    """What goes into a checkpoint beside its weights."""

    units: tuple[UnitOutput, ...]
    labels: LabelCalibration
    unknown: UnknownRule | None
    metrics: dict[str, Any]


def final_scores(built: Built, config: ContrastiveConfig, train: Faces, held_out: Faces, say: Say) -> FinalScores:
    """Calibrate on the tuning part, measure on the rest.

    Args:
        built: the model, with the weights to be published.
        config: of its run.
        train: faces it was trained on, for the linear probe.
        held_out: all validation faces.
        say: is told what is going on.
    """
    tuned = tuning_part(held_out)
    say("encoding the validation faces")
    encoded = encode(built.model, held_out.pictures, built.size, built.levels)
    classes = class_embeddings(built.model, built.words, BASIC7)
    scores = encoded.embedding @ classes.T
    labelled = (held_out.labels >= 0) & (held_out.labels < len(BASIC7)) & shown(held_out, config)
    temperature = fit_temperature(scores[labelled & tuned], held_out.labels[labelled & tuned])
    kept = labelled & ~tuned
    error = calibration_error(softmax(scores[kept] / temperature), held_out.labels[kept])
    labels = LabelCalibration(temperature=temperature, fitted_on="tuning part of the validation faces", ece=error)
    say("encoding the training faces for the linear probe")
    probe = _probe(built, train, encoded)
    guesses = scores.argmax(1)
    metrics: dict[str, Any] = {"parts": "tuning: a quarter by hash of the name; reported: the rest; all: both"}
    for source in sorted(set(held_out.sources)):
        at = np.array([s == source for s in held_out.sources])
        metrics[source] = {
            "zero-shot": _told(held_out.labels, guesses, at & kept),
            "zero-shot, all": _told(held_out.labels, guesses, at & labelled),
            "linear probe": _told(held_out.labels, probe, at & kept),
        }
    say("measuring moved and scaled crops")
    metrics["robustness (zero-shot WAR, reported part)"] = _moved(built, held_out.take(kept), classes)
    unknown = _unknown(built, config, held_out, classes, temperature, metrics)
    units, areas = _units(encoded, held_out, tuned, built.model)
    metrics["action units, mean AUC"] = float(np.mean(areas)) if areas else None
    return FinalScores(units, labels, unknown, metrics)


def _told(truth: NDArray[np.int64], guesses: NDArray[np.int64], at: NDArray[np.bool_]) -> dict[str, Any]:
    """WAR and UAR with 95 % bootstrap intervals, recalls of classes with enough faces."""
    true = [BASIC7[k] for k in truth[at]]
    guessed = [BASIC7[k] for k in guesses[at]]
    if not true:
        return {"faces": 0}
    found: dict[str, Any] = {"faces": len(true)}
    for name, metric in (("WAR", war), ("UAR", uar)):
        value = bootstrap(metric, true, guessed, seed=0)
        found[name] = [round(metric(true, guessed), 4), round(value.low, 4), round(value.high, 4)]
    counts = {label: true.count(label) for label in BASIC7}
    recalls = class_recall(true, guessed)
    found["recall"] = {name: round(r, 4) for name, r in recalls.items() if counts[name] >= LEAST_FACES}
    return found


def _probe(built: Built, train: Faces, held_out: Encoded) -> NDArray[np.int64]:
    known = (train.labels >= 0) & (train.labels < len(BASIC7))
    faces = train.take(known)
    features = encode(built.model, faces.pictures, built.size, built.levels, flip=False).embedding
    return linear_probe(features, faces.labels, held_out.embedding, classes=len(BASIC7))


def _unknown(
    built: Built,
    config: ContrastiveConfig,
    held_out: Faces,
    classes: NDArray[np.float32],
    temperature: float,
    metrics: dict[str, Any],
) -> UnknownRule | None:
    """Measured where labels were left out; where another run's is to be taken, scaled anew on the tuning faces."""
    kept = np.array([label not in config.leave_out for label in BASIC7])
    known = (held_out.labels >= 0) & (held_out.labels < len(BASIC7)) & shown(held_out, config)
    if config.leave_out:
        left = np.isin(held_out.labels, [BASIC8.index(label) for label in config.leave_out])
        looks = [
            both_looks(built.model, held_out.take(at).pictures, classes[kept], built.size, built.levels)
            for at in (known, left)
        ]
        rule, told = measure_unknown(looks[0], looks[1], temperature)
        metrics[f"unknown: {', '.join(config.leave_out)} left out ({int(left.sum())} faces)"] = {
            name: {"AUROC": round(numbers.auroc, 4), "FPR95": round(numbers.fpr95, 4)} for name, numbers in told.items()
        }
        return rule
    if config.unknown_from is None:
        return None
    taken = open_checkpoint(config.unknown_from).manifest
    if taken.unknown is None:
        raise FervlmError("the checkpoint holds no rule for faces that fit no label", file=config.unknown_from)
    faces = held_out.take(known & tuning_part(held_out))
    looks_here = both_looks(built.model, faces.pictures, classes, built.size, built.levels)
    rule = make_rule(strangeness(looks_here, temperature), tuple(taken.unknown.parts))
    metrics |= {name: value for name, value in taken.metrics.items() if name.startswith("unknown")}
    note = "parts chosen, AUROC and FPR95 measured, in a run of their own that never saw the held-out classes"
    return rule.model_copy(update={"auroc": taken.unknown.auroc, "fpr95": taken.unknown.fpr95, "note": note})


def _units(
    encoded: Encoded, faces: Faces, tuned: NDArray[np.bool_], model: GlobalLocal
) -> tuple[tuple[UnitOutput, ...], list[float]]:
    """Each unit's line and threshold from the tuning part, its AUC from the rest."""
    order = {au: i for i, au in enumerate(movement_units())}
    areas = unit_areas(encoded.units[~tuned], faces.units[~tuned], model.config.units)
    found = []
    for k, au in enumerate(model.config.units):
        readings = faces.units[:, order[au]]
        at = tuned & (readings >= 0)
        truth = readings[at] == 1
        if truth.any() and not truth.all():
            fit = fit_unit(encoded.units[at, k], truth)
            found.append(UnitOutput(au=au, slope=fit.slope, offset=fit.offset, threshold=fit.threshold, auc=areas[au]))
        else:
            found.append(UnitOutput(au=au, auc=areas[au]))
    return tuple(found), [area for area in areas.values() if area is not None]


def _moved(built: Built, faces: Faces, classes: NDArray[np.float32]) -> dict[str, float]:
    found = {}
    for name, change in {"unchanged": (0.0, 0.0, 1.0), **SHIFTS}.items():
        pictures = _Moved(faces.pictures, change)
        encoded = encode(built.model, pictures, built.size, built.levels, flip=False)
        right = (encoded.embedding @ classes.T).argmax(1) == faces.labels
        found[name] = round(float(right.mean()), 4)
    return found


class _Moved(Pictures):
    """Pictures moved by shares of their side and scaled about their middle; edges are repeated."""

    def __init__(self, pictures: Pictures, change: tuple[float, float, float]) -> None:
        super().__init__([], pictures.size, colour=pictures.colour)
        self._pictures, self._change = pictures, change

    def __len__(self) -> int:
        return len(self._pictures)

    def batch(self, index: slice | NDArray[np.int64]) -> torch.Tensor:
        """uint8 [B, C, S, S]."""
        x = self._pictures.batch(index)
        right, down, scale = self._change
        theta = torch.tensor([[1 / scale, 0, -2 * right], [0, 1 / scale, -2 * down]]).expand(len(x), 2, 3)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        moved = F.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)
        return moved.round().clamp(0, 255).byte()
