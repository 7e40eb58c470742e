"""A global-local training step beside a plain CLIP step of the same towers, in one process.

Ours: pictures against overview and summary, four region sentences a face against patches, and the pull towards AU
regions: six texts a face, none of them equal, each cut to its length. Theirs: open_clip's `ClipLoss` on one caption
padded to the context of 77, as its own loop trains. Both go through the very same towers, forward and backward, by
turns; the optimizer's part, equal in both, is left out. One thread, fp32, random weights and pictures; time is the
process's own clock, the better of the rounds.

    python -m eval performance contrastive_step    # a small ViT, in a minute
    python -c "from eval.performance.contrastive_step import main; main('ViT-B-16', 12)"    # the target's towers
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.performance.figure import Figure, as_table

if TYPE_CHECKING:
    from torch import Tensor

    from fervlm.contrastive.captions import CaptionBatch

GOALS = {"ViT-B-16": 1.3, "ViT-B-32": 1.7}
SMALL = "a small ViT"
REGIONS = 4
PROGRAM = """
import json, sys
from eval.performance.contrastive_step import measured
print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
"""
LENGTHS = {"overview": (19, 25, 34), "summary": (21, 38, 48), "region": (15, 25, 32)}
"""Tokens of CLIP's vocabulary a text: the 10 %, 50 % and 90 % quantiles of the face pack's captions."""
AUS: tuple[tuple[int, ...], ...] = ((1, 2), (4,), (6,), (12,), (25, 26), (9,), (15, 17))


def contrastive_step(model: str = SMALL, batch: int = 16, rounds: int = 3) -> list[Figure]:
    """Time of our step over theirs; none without open_clip.

    Args:
        model: an open_clip name, or `SMALL`: a ViT of 4 layers whose texts cost as much of a step as B-16's do.
        batch: pictures a step.
        rounds: the least of so many is taken.
    """
    if find_spec("open_clip") is None:
        print("contrastive_step: left out, type: pip install 'fervlm[train]'", file=sys.stderr)
        return []
    command = [sys.executable, "-c", PROGRAM, model, str(batch), str(rounds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True, text=True)
    return as_figures(model, batch, json.loads(done.stdout.splitlines()[-1]))


def as_figures(model: str, batch: int, run: dict[str, float]) -> list[Figure]:
    """The figures from what `measured` gave."""
    note = f"{run['ours']:.2f} s against {run['theirs']:.2f} s at {batch} pictures; losses {run['losses']:.2f} s of it"
    ratio = run["ours"] / run["theirs"]
    return [Figure(f"global-local step, {model}", ratio, "x", GOALS.get(model), "lower", note)]


def measured(model: str, batch: int, rounds: int) -> dict[str, float]:
    """Seconds of the two steps, and of our losses alone once the features are there."""
    import torch  # noqa: PLC0415 - the other measurements do without

    import fervlm.torchvision_fix  # noqa: F401, PLC0415
    from fervlm.contrastive.model import GlobalLocal, HeadConfig  # noqa: PLC0415

    # isort: split
    import open_clip  # noqa: PLC0415
    from open_clip.loss import ClipLoss  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = _small() if model == SMALL else open_clip.get_model_config(model)
    if config is None:
        raise SystemExit(f"there is no model '{model}'")
    clip = open_clip.model.CLIP(**config)
    ours = _ours(GlobalLocal(clip, HeadConfig((1, 2, 4, 6, 12, 15, 25))), config, batch)
    side = config["vision_cfg"]["image_size"]
    pictures = torch.randn(batch, 3, side, side)
    vocabulary = config["text_cfg"]["vocab_size"]
    whole = _texts([clip.context_length] * batch, vocabulary, clip.context_length)
    loss = ClipLoss()

    def theirs() -> Tensor:
        found: Tensor = loss(*clip(pictures, whole))
        return found

    steps: dict[str, Callable[[], Tensor]] = {"ours": lambda: ours(pictures), "theirs": theirs}
    turns = [{name: _seconds(step, clip) for name, step in steps.items()} for _ in range(rounds)]
    best = {name: min(turn[name] for turn in turns) for name in steps}
    return best | {"losses": ours.losses_alone(pictures)}


class _Ours:
    """Our step: forward pass to the weighted sum."""

    def __init__(self, objective: Any, batch: Any) -> None:  # noqa: ANN401 - torch's types load when it is measured
        self.objective, self.batch = objective, batch

    def __call__(self, pictures: Tensor) -> Tensor:
        from dataclasses import replace  # noqa: PLC0415

        losses = self.objective(replace(self.batch, x=pictures))
        total: Tensor = sum(losses.values())
        return total

    def losses_alone(self, pictures: Tensor) -> float:
        """Seconds of losses and their gradients by the features."""
        import torch  # noqa: PLC0415

        with torch.no_grad():
            found = self.objective.encode(pictures, self.batch.captions.tokens)
        leaves = type(found)(*(feature.detach().requires_grad_() for feature in found))
        start = time.process_time()
        sum(self.objective.losses(leaves, self.batch).values()).backward()
        return time.process_time() - start


def _ours(model: Any, config: dict[str, Any], batch: int) -> _Ours:  # noqa: ANN401
    import torch  # noqa: PLC0415

    from fervlm.contrastive.objective import Batch, Objective  # noqa: PLC0415
    from fervlm.contrastive.settings import ContrastiveConfig  # noqa: PLC0415

    weights = {"label": 0, "units": 0, "overview": 1, "summary": 1, "local": 1, "align": 0.1}
    captions = {"hard": 0, "regions": REGIONS, "mine_after": 0}
    settings = ContrastiveConfig.model_validate({"data": [], "weights": weights, "captions": captions})
    nothing = torch.zeros(batch, 0)
    made = Batch(
        x=nothing,
        labels=torch.zeros(batch, 8),
        weights=torch.zeros(batch),
        units=nothing,
        measured=nothing,
        vectors=torch.randint(0, 2, (batch, 20), dtype=torch.int8),
        affect=torch.zeros(batch, 2),
        subjects=torch.full((batch,), -1),
        class_tokens=torch.zeros(8, 4, dtype=torch.int64),
        captions=_captions(batch, config["text_cfg"]["vocab_size"]),
        step=1000,
    )
    return _Ours(Objective(model, settings), made)


def _captions(batch: int, vocabulary: int) -> CaptionBatch:
    import torch  # noqa: PLC0415

    from fervlm.contrastive.captions import CaptionBatch, Part  # noqa: PLC0415

    kinds = ["overview"] * batch + ["summary"] * batch + ["region"] * (REGIONS * batch)
    lengths = [LENGTHS[kind][k % 3] for k, kind in enumerate(kinds)]
    none = torch.zeros(0, dtype=torch.int64)
    faces, places = torch.arange(batch), torch.arange(len(kinds))
    overview, summary = (Part(faces, places[start : start + batch], none, none) for start in (0, batch))
    regions = Part(faces.repeat_interleave(REGIONS), places[2 * batch :], none, none)
    aus = [AUS[k % len(AUS)] for k in range(REGIONS * batch)]
    tokens = _texts(lengths, vocabulary, max(lengths))
    return CaptionBatch(tokens, places.clone(), overview, summary, regions, aus)


def _texts(lengths: list[int], vocabulary: int, width: int) -> Tensor:
    """Token ids [T, width] of random words, the end token (the highest id) last, 0 behind it."""
    import torch  # noqa: PLC0415

    tokens = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, length in zip(tokens, lengths, strict=True):
        row[: length - 1] = torch.randint(1, vocabulary - 1, (length - 1,))
        row[length - 1] = vocabulary - 1
    return tokens


def _small() -> dict[str, Any]:
    return {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 112, "layers": 4, "width": 192, "patch_size": 8, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 1000, "width": 128, "heads": 4, "layers": 4},
    }


def _seconds(step: Callable[[], Tensor], clip: Any) -> float:  # noqa: ANN401
    clip.zero_grad()
    start = time.process_time()
    step().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - start


def main(model: str, batch: int = 16, rounds: int = 2) -> None:
    """Measure one model in this process and print the table."""
    print(as_table(as_figures(model, batch, measured(model, batch, rounds))))
