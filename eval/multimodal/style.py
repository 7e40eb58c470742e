"""`python -m eval style --adapter DIR --set DIR --out DIR`: what an adapter changes in its base's answers.

Both are asked the same on the same unseen faces: for a caption, whose conclusion should come in the new words, and for
the action units, which should stay what they were.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.multimodal.needs import need_transformers
from eval.multimodal.numbers import DRAWS, counts_of, f1_of, read_caption, with_interval
from fervlm.errors import FervlmError
from fervlm.metrics.explanations import checked
from fervlm.metrics.resampling import drawn, quantiles
from fervlm.reasoning.verify import Judge

if TYPE_CHECKING:
    from fervlm.mllm.loaded import Loaded
    from fervlm.mllm.talks import Talks
    from fervlm.records import AURecord, Caption

ASK_UNITS = "Which action units does the face show?"
NUMBERS = "style.json"
_UNIT = re.compile(r"\bAU(\d{1,2})\b")
_BATCH = 16
Answers = Sequence[tuple[str, str]]
Numbers = dict[str, list[float]]


def main(argv: list[str]) -> int:
    """Measure; exit code 1 where fewer than 30 % of the answers went over to the new words."""
    options = _parser().parse_args(argv)
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
    need_transformers()
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
    evidence = [talks.evidence(face) for face in faces]
    return {"faces": len(faces), "words": sorted(words), "numbers": numbers_of(texts, words, evidence)}


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


def numbers_of(texts: Mapping[str, Answers], words: set[str], evidence: Sequence[AURecord], seed: int = 0) -> Numbers:
    """Share or F1 with its 95 % interval over faces drawn anew.

    Args:
        texts: `before` and `after`, each (caption, answer about the units) of every face.
        words: the new ones.
        evidence: of every face.
        seed: of the draws.
    """
    weights, judge = drawn(len(evidence), DRAWS, seed), Judge(4096)
    captions = {name: [read_caption(text) for text, _ in told] for name, told in texts.items()}
    labels = {name: [_label(caption) for caption in read] for name, read in captions.items()}
    new = {name: [label in words for label in told] for name, told in labels.items()}
    pairs = list(zip(labels["before"], labels["after"], strict=True))
    units = zip(*([set(_UNIT.findall(answer)) for _, answer in texts[name]] for name in texts), strict=True)
    shares = {
        "conclusion changed": [one != other for one, other in pairs],
        "went over to the new words": [other in words and one not in words for one, other in pairs],
        "new words before": new["before"],
        "new words after": new["after"],
        "parsed before": [caption is not None for caption in captions["before"]],
        "parsed after": [caption is not None for caption in captions["after"]],
        "units question: same answer": [one == other for one, other in units],
    }
    found = {name: with_interval(np.array(row, np.float64), weights) for name, row in shares.items()}
    for name, told in texts.items():
        read = [caption or text or "-" for caption, (text, _) in zip(captions[name], told, strict=True)]
        counts = counts_of([checked(one, seen, judge=judge) for one, seen in zip(read, evidence, strict=True)])
        values = (float(f1_of(counts.sum(0))), *quantiles(f1_of(weights @ counts)))
        found[f"AU mention F1 {name}"] = [round(float(value), 4) for value in values]
    return found


def _label(caption: Caption | None) -> str | None:
    """The conclusion's word, `none` where it is left open; None of a text that has not the form."""
    return None if caption is None else caption.conclusion.label or "none"
