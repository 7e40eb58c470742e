"""`python -m eval ablations`: what each part of the contrastive training adds, over several seeds, as one table.

All runs begin with the same towers (`--init`), see the same share of the training faces for the same number of steps,
and are judged on the reported part of the validation faces (`fervlm.contrastive.validation`), which no run looks at. A
finished run leaves `scores.json` in its folder and is not run again, a cut one goes on where it was.

A difference counts where the seeds' paired differences to the row it is held against lie beyond chance: Student's t at
95 % for the number of seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAPTIONS_OFF = {"overview": 0.0, "summary": 0.0, "local": 0.0, "align": 0.0}
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365}
"""Two-sided 95 % points of Student's t by the number of paired seeds (a degree of freedom less)."""
JUDGED = ("WAR", "UAR", "AU AUC")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a name, settings on top of the recipe, and the line it is held against."""

    name: str
    weights: Mapping[str, float]
    captions: Mapping[str, Any]
    against: str | None = None
    edge: int = 8


_GLOBAL = {**CAPTIONS_OFF, "overview": 0.4}
_LOCAL = {**_GLOBAL, "local": 0.3}
_SUMMARY = {**_LOCAL, "summary": 0.2}
_PLAIN = {"mined": 0, "hard": 0, "way": "prior"}
ROWS = (
    Row("labels and AUs only", CAPTIONS_OFF, _PLAIN),
    Row("global", _GLOBAL, _PLAIN, "labels and AUs only"),
    Row("+ local (a), attention", _LOCAL, {**_PLAIN, "way": "attention"}, "global"),
    Row("+ local (b), prior", _LOCAL, _PLAIN, "global"),
    Row("+ local in sample", _LOCAL, {**_PLAIN, "way": "in_sample"}, "global"),
    Row("+ summary", _SUMMARY, _PLAIN, "+ local (b), prior"),
    Row("+ mining", _SUMMARY, {**_PLAIN, "mined": 4, "mine_after": 0}, "+ summary"),
    Row("+ hard negatives", _SUMMARY, {"mined": 4, "mine_after": 0, "hard": 1, "way": "prior"}, "+ mining"),
    Row(
        "+ AU region alignment",
        {**_SUMMARY, "align": 0.05},
        {"mined": 4, "mine_after": 0, "hard": 1, "way": "prior"},
        "+ hard negatives",
    ),
    Row("AU head without edges", CAPTIONS_OFF, _PLAIN, "labels and AUs only", edge=0),
    Row("affect head", {**CAPTIONS_OFF, "affect": 0.1}, _PLAIN, "labels and AUs only"),
)
"""Each `+` line adds to the one it is held against."""


def settings_of(row: Row, base: Mapping[str, Any], seed: int, steps: int) -> dict[str, Any]:
    """The recipe's settings with those of a row; `steps` are turned into epochs once the faces are counted."""
    weights = {"label": 1.0, "units": 0.5, "affect": 0.0, **dict(base.get("weights") or {}), **CAPTIONS_OFF}
    weights |= {"affect": 0.0, **row.weights}
    captions = {**dict(base.get("captions") or {}), **row.captions}
    return {**base, "weights": weights, "captions": captions, "edge": row.edge, "seed": seed, "epochs": float(steps)}


def run_row(row: Row, base: Mapping[str, Any], seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Scores of one run, from its folder where it is finished."""
    folder = Path(options.out) / f"{_plain(row.name)}-{seed}"
    made = folder / "scores.json"
    wanted = {"settings": settings_of(row, base, seed, options.steps), "share": options.share}
    text = json.dumps(wanted, sort_keys=True, default=str)
    if made.is_file():
        found = json.loads(made.read_text(encoding="utf-8"))
        if found["run"] == text:
            scores: dict[str, float] = found["scores"]
            return scores
        raise SystemExit(f"{folder}: holds a run with other settings; give another --out")
    told = _trained(wanted["settings"], folder, options)
    part = made.with_suffix(".part")
    part.write_text(json.dumps({"run": text, "scores": told}), encoding="utf-8")
    part.replace(made)
    (folder / "state.safetensors").unlink(missing_ok=True)  # a table of 33 runs need not keep 33 optimizers
    return told


def _trained(settings: dict[str, Any], folder: Path, options: argparse.Namespace) -> dict[str, float]:
    import torch  # noqa: PLC0415 - the table can be drawn without

    from fervlm.config import validated  # noqa: PLC0415
    from fervlm.contrastive.build import build, picture_side  # noqa: PLC0415
    from fervlm.contrastive.faces import load_faces  # noqa: PLC0415
    from fervlm.contrastive.run import Run  # noqa: PLC0415
    from fervlm.contrastive.settings import ContrastiveConfig  # noqa: PLC0415
    from fervlm.contrastive.validation import tuning_part  # noqa: PLC0415

    config = validated(ContrastiveConfig, settings)
    side, colour = picture_side(config)
    every = load_faces(config.data, "train", side, colour=colour)
    faces = every.take(shared(every.ids, options.share))
    held_out = load_faces(config.data, "val", side, colour=colour)
    per_epoch = max(1, len(faces) // config.batch)
    epochs = options.steps / per_epoch
    config = config.model_copy(update={"epochs": epochs, "measure_every": epochs})
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    built = build(config, every)  # words and AUs of all faces, or `init` would not fit
    built.model.to(torch.device(config.device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(config, folder, built, faces, lambda _text: None)
    run.resume()
    if not run.go(held_out.take(tuning_part(held_out))):
        raise SystemExit(f"stopped at step {run.step}; the same command goes on from there")
    run.use_average()
    return reported(built, held_out.take(~tuning_part(held_out)))


def reported(built: Any, faces: Any) -> dict[str, float]:  # noqa: ANN401 - torch's types load when they are needed
    """WAR and UAR, each the mean over sources, and the mean AUC of the AUs (absent where none has faces enough)."""
    from fervlm.contrastive.measure import scores_by_source  # noqa: PLC0415

    scores = scores_by_source(built.model, built.words, faces, built.size, built.levels)
    found = {}
    for name in ("WAR", "UAR"):
        values = [value for key, value in scores.items() if key.endswith(f"/{name}")]
        if values:
            found[name] = statistics.fmean(values)
    if "units/AUC" in scores:
        found["AU AUC"] = scores["units/AUC"]
    return found


def shared(names: Sequence[str], share: float) -> Any:  # noqa: ANN401
    """bool [N]: the same faces for every row and seed, by a hash of their names."""
    import hashlib  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    cut = share * 2**32
    return np.array([int(hashlib.sha256(f"share {n}".encode()).hexdigest()[:8], 16) < cut for n in names])


def table(scores: Mapping[str, Sequence[Mapping[str, float]]], rows: Sequence[Row] = ROWS) -> str:
    """Markdown: mean ± standard deviation over seeds, and the change against another line where it counts."""
    told = [name for name in JUDGED if any(name in run for runs in scores.values() for run in runs)]
    lines = ["| training | seeds | " + " | ".join(told) + " | against | change beyond chance |"]
    lines.append("| --- " * (len(told) + 4) + "|")
    for row in rows:
        runs = scores.get(row.name, ())
        if not runs:
            continue
        cells = [_mean([run[name] for run in runs if name in run]) for name in told]
        other = scores.get(row.against or "", ())
        changes = [change for name in told if (change := _change(name, runs, other))]
        verdict = "" if row.against is None or not other else ", ".join(changes) or "none"
        lines.append(f"| {row.name} | {len(runs)} | " + " | ".join(cells) + f" | {row.against or ''} | {verdict} |")
    return "\n".join(lines) + "\n"


def _mean(values: Sequence[float]) -> str:
    if not values:
        return "not measured"
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{spread}"


def _change(name: str, runs: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]]) -> str | None:
    """`WAR +0.0123` where the paired differences of the seeds are beyond chance, else None."""
    pairs = [b[name] - a[name] for a, b in zip(other, runs, strict=False) if name in a and name in b]
    if len(pairs) < 2:
        return None
    mean, spread = statistics.fmean(pairs), statistics.stdev(pairs)
    beyond = STUDENT[min(len(pairs), max(STUDENT))] * spread / math.sqrt(len(pairs))
    return f"{name} {mean:+.4f}" if abs(mean) > beyond else None


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is not finished yet, and print the table."""
    from fervlm.config import read_recipe, with_settings  # noqa: PLC0415
    from fervlm.errors import FervlmError  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m eval ablations", description=__doc__)
    parser.add_argument("recipe", help="YAML of `fervlm train contrastive`; its captions' parts are set row by row")
    parser.add_argument("--out", required=True, help="folder of all runs")
    parser.add_argument("--init", help="run or checkpoint whose towers all begin with")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--share", type=float, default=1.0, help="of the training faces")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", metavar="NAME", help=f"some of: {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting on top")
    options = parser.parse_args(argv)
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    if not rows:
        parser.error(f"no such row; known: {', '.join(row.name for row in ROWS)}")
    try:
        base = with_settings(read_recipe(options.recipe), options.set)
        if options.init:
            base |= {"init": options.init, "init_parts": ["clip."]}
        scores: dict[str, list[dict[str, float]]] = {}
        for seed in range(
            options.seeds
        ):  # one seed of every row first: a cut table is a thinner one, not a shorter one
            for row in rows:
                scores.setdefault(row.name, []).append(run_row(row, base, seed, options))
                told = ", ".join(f"{name} {value:.4f}" for name, value in scores[row.name][-1].items())
                print(f"{row.name}, seed {seed}: {told}", file=sys.stderr, flush=True)
    except FervlmError as error:
        print(f"ablations: {error}", file=sys.stderr)
        return 2
    made = table(scores, rows)
    (Path(options.out) / "ablations.md").write_text(made, encoding="utf-8")
    print(made, end="")
    return 0
