"""`score`: a run's folder to numbers. What is missing in the answers or the truth is left out, never guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eval.answer import Answer
from eval.explained import explanation_scores
from eval.folder import SCORES, Finished, Truth, read_folder, write_text
from fervlm.errors import FervlmError
from fervlm.metrics.calibration import brier, ece, reliability, risk_coverage
from fervlm.metrics.classes import class_recall, confusion, per_class, uar, war
from fervlm.metrics.collapse import histogram, majority_alarm
from fervlm.metrics.continuous import ccc, rmse, sign_agreement
from fervlm.metrics.events import Span, spotting_score
from fervlm.metrics.ranking import auroc, fpr_at_tpr
from fervlm.metrics.resampling import intervals
from fervlm.metrics.units import intensity_scores, mean_f1, never_told, unit_scores

Scores = dict[str, Any]
Pair = tuple[Truth, Answer]


def score(folder: str | Path, *, missing_are_failures: bool = False) -> Scores:
    """Numbers of a run, also written to its `scores.json`.

    Args:
        folder: as `run` made it.
        missing_are_failures: score a run that was cut; what has no answer counts as wrong.

    Raises:
        FervlmError: no run there, answers that are not its own, or answers missing.
    """
    done = read_folder(folder)
    if done.missing and not missing_are_failures:
        raise FervlmError(
            f"{len(done.missing)} of {len(done.truth)} answers are missing",
            file=folder,
            hint="Run the same command again, or add --missing-are-failures.",
        )
    found = scores_of(done)
    write_text(Path(folder) / SCORES, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


def pairs_of(done: Finished) -> list[Pair]:
    """Every item with its answer; one without an answer has a failed one."""
    blank = Answer(id="", status="failed", reason="no answer")
    return [(truth, done.answers.get(name, blank)) for name, truth in done.truth.items()]


def scores_of(done: Finished) -> Scores:
    """The numbers of a folder that was read."""
    pairs = pairs_of(done)
    found: Scores = {
        "run": done.run.model_dump(mode="json"),
        "items": len(pairs),
        "failed": sum(answer.status == "failed" for _, answer in pairs),
        "missing": len(done.missing),
        "ms": _median([answer.ms for _, answer in pairs if answer.ms is not None]),
    }
    if done.run.labels:
        found["classes"] = _classes(done, pairs)
        found["open_set"] = _open_set(done, pairs)
    found["units"] = _units(pairs)
    found["intensity"] = _intensity(pairs)
    found["affect"] = _affect(pairs)
    found["spotting"] = _spotting(pairs)
    found["explanations"] = explanation_scores(done, pairs)
    return {name: value for name, value in found.items() if value is not None}


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None


def _known(done: Finished, pairs: Sequence[Pair]) -> list[Pair]:
    return [(truth, answer) for truth, answer in pairs if truth.label in done.run.labels]


def _classes(done: Finished, pairs: Sequence[Pair]) -> Scores | None:
    known = _known(done, pairs)
    if not known:
        return None
    truth = [str(t.label) for t, _ in known]
    told = [a.label for _, a in known]
    subjects = [t.subject or t.id for t, _ in known] if any(t.subject for t, _ in known) else None
    found: Scores = {"items": len(known), **_interval_rows(truth, told, subjects)}
    found["intervals_over"] = "persons" if subjects else "rows"
    found["per_class"] = {label: asdict(one) for label, one in per_class(truth, told).items()}
    matrix = confusion(truth, told, [label for label in done.run.labels if label in {*truth, *filter(None, told)}])
    found["confusion"] = asdict(matrix)
    counted = histogram(truth, told)
    found["histogram"] = {**asdict(counted), "never_answered": counted.never_answered}
    found["majority_alarm"] = majority_alarm(truth, told)
    found["majority_share"] = max(counted.truth.values()) / len(truth)
    states = [a.status for _, a in known]
    found["abstain_rate"] = states.count("abstained") / len(states)
    found["strict_parse_rate"] = 1 - (states.count("unparsed") + states.count("failed")) / len(states)
    answered = [(t, p) for t, p in zip(truth, told, strict=True) if p is not None]
    found["accuracy_where_answered"] = sum(t == p for t, p in answered) / len(answered) if answered else None
    agreed = [a.agreement for _, a in known if a.agreement is not None]
    found["agreement_with_units"] = sum(agreed) / len(agreed) if agreed else None
    found["prompt_sets"] = _prompt_sets(truth, [a for _, a in known])
    found["subsets"] = _subsets(known)
    found["calibration"] = _calibration(done, known)
    return found


def _interval_rows(truth: list[str], told: list[str | None], groups: list[str] | None) -> Scores:
    return {name: [one.value, one.low, one.high] for name, one in intervals(truth, told, groups=groups).items()}


def _prompt_sets(truth: list[str], answers: Sequence[Answer]) -> Scores | None:
    """WAR and UAR of each prompt set alone, their mean and range: never the best."""
    names = list(dict.fromkeys(name for answer in answers for name in answer.variants))
    if len(names) < 2:
        return None
    sets = {}
    for name in names:
        told = [answer.variants.get(name) for answer in answers]
        sets[name] = {"WAR": war(truth, told), "UAR": uar(truth, told)}
    summary = {}
    for measure in ("WAR", "UAR"):
        values = [one[measure] for one in sets.values()]
        summary[measure] = {"mean": float(np.mean(values)), "lowest": min(values), "highest": max(values)}
    return {"sets": sets, **summary}


def _subsets(known: Sequence[Pair]) -> Scores | None:
    names = list(dict.fromkeys(name for truth, _ in known for name in truth.subsets))
    found = {}
    for name in sorted(names):
        part = [(t, a) for t, a in known if name in t.subsets]
        truth, told = [str(t.label) for t, _ in part], [a.label for _, a in part]
        subjects = [t.subject or t.id for t, _ in part] if any(t.subject for t, _ in part) else None
        found[name] = {
            "items": len(part),
            **_interval_rows(truth, told, subjects),
            "recall": class_recall(truth, told),
            "majority_share": max(histogram(truth, told).truth.values()) / len(truth),
        }
    return found or None


def _calibration(done: Finished, known: Sequence[Pair]) -> Scores | None:
    labels = done.run.labels
    rows = [(t, a) for t, a in known if a.probabilities is not None and set(a.probabilities) <= set(labels)]
    if not rows:
        return None
    shares = np.array([[(a.probabilities or {}).get(label, 0.0) for label in labels] for _, a in rows])
    if not np.allclose(shares.sum(1), 1, atol=1e-2):
        return None
    index = np.array([labels.index(str(t.label)) for t, _ in rows])
    curve = risk_coverage(shares.max(1), shares.argmax(1) == index)
    picks = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 60)).astype(int))
    return {
        "items": len(rows),
        "ECE": ece(shares, index),
        "Brier": brier(shares, index),
        "AURC": curve.area,
        "risk_at": {f"{c:.0%}": curve.at(c) for c in (0.5, 0.8, 1.0)},
        "reliability": [asdict(one) for one in reliability(shares, index)],
        "risk_coverage": [[float(curve.coverage[k]), float(curve.risk[k])] for k in picks],
    }


def _open_set(done: Finished, pairs: Sequence[Pair]) -> Scores | None:
    """Faces of labels that were not offered, against those that were."""
    rows = [
        (t.label in done.run.labels, a.unknown_score)
        for t, a in pairs
        if t.label is not None and a.unknown_score is not None
    ]
    outside = sum(not known for known, _ in rows)
    if outside < 1 or outside == len(rows):
        return None
    known = np.array([k for k, _ in rows])
    strange = np.array([s for _, s in rows], float)
    return {
        "known": int(known.sum()),
        "unknown": outside,
        "AUROC": auroc(strange, ~known),
        "FPR95": fpr_at_tpr(-strange, known),
    }


def _units(pairs: Sequence[Pair]) -> Scores | None:
    rows = [(t, a) for t, a in pairs if t.units is not None]
    if not rows or all(a.present is None for _, a in rows):
        return None
    truth = [t.units or {} for t, _ in rows]
    told = [{**dict.fromkeys(a.units or {}, False), **dict.fromkeys(a.present or (), True)} for _, a in rows]
    numbers = [a.units or {} for _, a in rows] if any(a.units for _, a in rows) else None
    found = unit_scores(truth, told, numbers)
    return {
        "items": len(rows),
        "mean_F1": mean_f1(found),
        "never_told": never_told(truth, told),
        "per_unit": {str(au): asdict(one) for au, one in found.items()},
    }


def _intensity(pairs: Sequence[Pair]) -> Scores | None:
    rows = [(t, a) for t, a in pairs if t.levels is not None]
    if not rows or all(a.levels is None for _, a in rows):
        return None
    found = intensity_scores([t.levels or {} for t, _ in rows], [a.levels or {} for _, a in rows])
    coherent = [one.icc for one in found.values() if one.icc is not None]
    return {
        "items": len(rows),
        "mean_ICC": float(np.mean(coherent)) if coherent else None,
        "mean_MAE": float(np.mean([one.mae for one in found.values()])),
        "per_unit": {str(au): asdict(one) for au, one in found.items()},
    }


def _affect(pairs: Sequence[Pair]) -> Scores | None:
    found: Scores = {}
    for name in ("valence", "arousal"):
        rows = [(getattr(t, name), getattr(a, name)) for t, a in pairs if getattr(t, name) is not None]
        told = [(t, a) for t, a in rows if a is not None]
        if not told:
            continue
        # An item without a number counts as 0, the middle of the scale: leaving it out would reward silence.
        truth, said = (np.array(side, float) for side in zip(*[(t, a or 0.0) for t, a in rows], strict=True))
        found[name] = {
            "items": len(rows),
            "told": len(told),
            "CCC": ccc(truth, said),
            "RMSE": rmse(truth, said),
            "SAGR": sign_agreement(truth, said),
        }
    if len(found) == 2:
        found["mean_CCC"] = (found["valence"]["CCC"] + found["arousal"]["CCC"]) / 2
    return found or None


def _spotting(pairs: Sequence[Pair]) -> Scores | None:
    rows = [(t.spans, a.spans or ()) for t, a in pairs if t.spans is not None]
    if not rows or all(not found for _, found in rows):
        return None
    wanted = [[Span(*span) for span in truth] for truth, _ in rows]
    told = [[Span(*span) for span in answer] for _, answer in rows]
    return {"clips": len(rows), "IoU": 0.5, **asdict(spotting_score(wanted, told))}
