"""`python -m eval style --adapter DIR --set DIR --out DIR`: what an adapter changes in its base's answers.

Both are asked the same on the same unseen faces: for a caption, whose conclusion should come in the new words, and for
the action units, which should stay what they were.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.multimodal.numbers import DRAWS
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.metrics.resampling import drawn, quantiles
from fervlm.reasoning.answers import parse

if TYPE_CHECKING:
    from fervlm.mllm.loaded import Loaded
    from fervlm.mllm.talks import Talks
    from fervlm.records import AURecord

ASK_UNITS = "Which action units does the face show?"
NUMBERS = "style.json"
_UNIT = re.compile(r"\bAU(\d{1,2})\b")
_BATCH = 16
Row = dict[str, float]


def main(argv: list[str]) -> int:
    """Measure; exit code 1 where fewer than 30 % of the answers went over to the new words."""
    options = _parser().parse_args(argv)
    try:
        import transformers  # noqa: F401, PLC0415
    except ImportError:
        raise MissingExtraError("a multimodal model", "train") from None
    found = measured(options)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / NUMBERS).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, (value, low, high) in found["numbers"].items():
        print(f"{name:34} {value:.3f} [{low:.3f}, {high:.3f}]")
    return 0 if found["numbers"]["went over to the new words"][0] >= 0.3 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval style", description=__doc__)
    parser.add_argument("--adapter", required=True, metavar="DIR", help="an adapter of `fervlm train mllm`")
    parser.add_argument("--base", metavar="DIR", help="where its base lies now")
    parser.add_argument("--set", required=True, metavar="DIR", help="the set that it was trained on; its val split")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--faces", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    return parser


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Both asked, everything counted.

    Raises:
        FervlmError: the folder is no adapter, or adapter, base or set cannot be opened.
    """
    import torch  # noqa: PLC0415

    from fervlm.mllm.loaded import load_checkpoint  # noqa: PLC0415
    from fervlm.mllm.named import named_labels  # noqa: PLC0415
    from fervlm.mllm.talks import load_talks  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    talks = load_talks((Path(options.set),), "val")
    loaded = load_checkpoint(options.adapter, base=options.base)
    if not loaded.manifest.adapter:
        raise FervlmError("these are whole weights, no adapter", file=options.adapter, hint="Name an adapter's folder.")
    words = set(named_labels(loaded.manifest.label_set).labels)
    faces = list(range(0, len(talks), max(1, len(talks) // options.faces)))[: options.faces]
    texts = {name: _answers(loaded, talks, faces, adapted=name == "after") for name in ("before", "after")}
    rows = [
        _row(texts["before"][k], texts["after"][k], words, _present(talks.evidence(face)))
        for k, face in enumerate(faces)
    ]
    return {"faces": len(faces), "words": sorted(words), "numbers": _numbers(rows)}


def _answers(loaded: Loaded, talks: Talks, faces: Sequence[int], *, adapted: bool) -> list[tuple[str, str]]:
    """(caption, answer about the units) of each face."""
    from fervlm.mllm.ask import caption_question, user  # noqa: PLC0415
    from fervlm.mllm.generate import generate  # noqa: PLC0415
    from fervlm.mllm.measure import picture_of  # noqa: PLC0415

    told: list[tuple[str, str]] = []
    with nullcontext() if adapted else loaded.model.disable_adapter():
        for start in range(0, len(faces), _BATCH):
            shown = [[picture_of(talks, face)] for face in faces[start : start + _BATCH]]
            both = [
                generate(loaded.model, loaded.processor, [[user(question, pictures=1)]] * len(shown), shown)
                for question in (caption_question(), ASK_UNITS)
            ]
            told += zip(*both, strict=True)
    return told


def _row(before: tuple[str, str], after: tuple[str, str], words: set[str], present: set[int]) -> Row:
    old, new = (_label(text) for text, _ in (before, after))
    seen = [_units(text) for text in (before[0], after[0], before[1], after[1])]
    row = {
        "changed": float(old != new),
        "over": float(old not in words and new in words),
        "before_words": float(old in words),
        "after_words": float(new in words),
        "before_parsed": float(old is not None),
        "after_parsed": float(new is not None),
        "same_units": float(seen[2] == seen[3]),
        "present": float(len(present)),
    }
    for name, told in zip(("before", "after"), seen[:2], strict=True):
        row |= {f"{name}_hit": float(len(told & present)), f"{name}_said": float(len(told))}
    return row


def _label(text: str) -> str | None:
    """The conclusion's word, `none` where it is left open; None where the text has not the form."""
    try:
        return parse(text).conclusion.label or "none"
    except FervlmError:
        return None


def _units(text: str) -> set[int]:
    """Units that are told to be present: those named outside of denials."""
    kept = re.sub(r"\(?\b(?:no|not)\b[^.;)]*", " ", text.split("Interpretation", maxsplit=1)[0])
    return {int(number) for number in _UNIT.findall(kept)}


def _present(evidence: AURecord) -> set[int]:
    return {reading.au for reading in evidence.readings if reading.state == "present"}


def _numbers(rows: Sequence[Row], seed: int = 0) -> dict[str, list[float]]:
    """Share or F1 with its 95 % interval over faces drawn anew."""
    sums = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    weights = drawn(len(rows), DRAWS, seed)
    one = np.ones((1, len(rows)))

    def share(key: str) -> Callable[[Any], Any]:
        return lambda w: (w @ sums[key]) / w.sum(1)

    def f1(name: str) -> Callable[[Any], Any]:
        return lambda w: 2 * (w @ sums[f"{name}_hit"]) / np.maximum(w @ (sums[f"{name}_said"] + sums["present"]), 1e-9)

    wanted = {
        "conclusion changed": share("changed"),
        "went over to the new words": share("over"),
        "new words before": share("before_words"),
        "new words after": share("after_words"),
        "parsed before": share("before_parsed"),
        "parsed after": share("after_parsed"),
        "AU mention F1 before": f1("before"),
        "AU mention F1 after": f1("after"),
        "units question: same answer": share("same_units"),
    }
    return {
        name: [round(float(count(one)[0]), 4), *(round(float(v), 4) for v in quantiles(count(weights)))]
        for name, count in wanted.items()
    }
