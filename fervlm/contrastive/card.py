"""The model card of a trained model, from its numbers."""

from __future__ import annotations

from typing import Any

from fervlm.checkpoint import UnitOutput
from fervlm.facs.units import action_unit

PACK_SOURCES = """\
- FER2013 (ICML 2013 challenge; taken from a repository that names no licence), 27,257 faces to train and 3,274 to
  measure: images gathered by web search; research use in the challenge, no explicit grant.
- muxspace/facial_expressions, 8,353 and 1,682 faces: repository Apache-2.0; press photographs and film stills whose own
  rights it does not discuss.
- MediaPipe Face Landmarker, the evidence on all of these faces: Apache-2.0.
"""
_LIMITS = """\
## What it cannot do

It was trained on small grey pictures (48 to 64 pixels) labelled by crowds and students; published human agreement on
FER2013 is about 65 %. Contempt stood in four training pictures. Its AUs imitate MediaPipe's coefficients, themselves of
low trust: AU6 and AU9 are not among them and stay *not measured*. Strength and side are not told. Words that its texts
never held go through the FACS tables, or are refused."""
LICENCE = """\
Terms of these weights

The code that made them is Apache-2.0. The weights were trained on photographs whose sources state research use
(FER2013) or leave the pictures' own rights open (muxspace/facial_expressions). They are therefore offered for research,
evaluation and teaching, without warranty of any kind; whether another use is allowed depends on those sources' terms,
which whoever uses the weights has to settle. They must not be used to infer emotions of people at work or in education,
to identify persons, or to judge truthfulness. No photograph is contained in, or can be taken out of, this folder.
"""


def write_card(
    name: str, metrics: dict[str, Any], units: tuple[UnitOutput, ...], training: dict[str, Any], ece: float | None
) -> str:
    """Markdown; every number in it comes from the arguments."""
    parts = [
        f"# {name}",
        "A small contrastive model: it holds a picture of a face against sentences about the expression shown, and "
        "tells which facial action units (AUs) are likely present. Trained from scratch by the fervlm authors with "
        "captions of fervlm's data engine.",
        "## Intended use\n\nZero-shot labels in one's own words, AU evidence for checked explanations, retrieval, "
        "research. It tells the expression *shown*, never what somebody feels, and nothing about identity, age, sex or "
        "race.",
        _LIMITS,
        f"## Data and terms\n\n{PACK_SOURCES}",
        "## Numbers\n\n" + _scores(metrics),
        "## Action units, against MediaPipe's evidence\n\n" + _units(units),
        "## Training\n\n" + "\n".join(f"- {key}: {value}" for key, value in training.items()),
    ]
    if ece is not None:
        parts.insert(6, f"Calibrated by one temperature; expected calibration error on the reported part {ece:.3f}.")
    return "\n\n".join(parts) + "\n"


def _scores(metrics: dict[str, Any]) -> str:
    rows = ["| faces | measure | n | WAR [95 %] | UAR [95 %] |", "| --- | --- | --- | --- | --- |"]
    for source, found in metrics.items():
        if not isinstance(found, dict) or "zero-shot" not in found:
            continue
        for measure, told in found.items():
            if told["faces"]:
                rows.append(
                    f"| {source} | {measure} | {told['faces']} | {_interval(told['WAR'])} | {_interval(told['UAR'])} |"
                )
    lines = ["\n".join(rows), f"Parts: {metrics['parts']}."]
    moved = metrics.get("robustness (zero-shot WAR, reported part)")
    if moved:
        lines.append(
            "Crops moved and scaled, zero-shot WAR: " + ", ".join(f"{k} {v:.3f}" for k, v in moved.items()) + "."
        )
    return "\n\n".join(lines)


def _interval(value: list[float]) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def _units(units: tuple[UnitOutput, ...]) -> str:
    rows = ["| AU | name | AUC | present from |", "| --- | --- | --- | --- |"]
    for unit in units:
        area = "too few faces" if unit.auc is None else f"{unit.auc:.3f}"
        rows.append(f"| {unit.au} | {action_unit(unit.au).name} | {area} | p = {unit.threshold:.2f} |")
    return "\n".join(rows)
