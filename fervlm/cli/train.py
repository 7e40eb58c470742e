"""`fervlm train contrastive|mllm RECIPE`: a run, resumed where it was cut, that ends in a checkpoint folder."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fervlm.errors import FervlmError, MissingExtraError

app = typer.Typer(no_args_is_help=True, help="Train models on the data engine's captions (extra: train).")
_WRITTEN = ("state.safetensors", "best.safetensors", "steps.csv", "scores.csv", "curves.png")
_MADE = {*_WRITTEN, *(Path(name).with_suffix(".part").name for name in _WRITTEN)}
_MADE |= {"tokenizer.json", "tensorboard", "checkpoint"}


@app.command()
def contrastive(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="YAML with the settings, or a shipped recipe's name.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="The run's folder; a run that was cut continues there.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting on top of the recipe, such as weights.local=0."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name in its card and in records.")] = (
        "fervlm-nano"
    ),
    restart: Annotated[bool, typer.Option("--restart", help="Forget an earlier run in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Train the global-local contrastive model.

    OUT holds state.safetensors (to go on from), steps.csv, scores.csv, TensorBoard's events, curves.png, and in the end
    OUT/checkpoint: weights, ONNX graphs, tokenizer, calibration and model card. Several processes: torchrun -m fervlm
    train contrastive ...
    """
    from fervlm.cli.progress import stepping
    from fervlm.config import find_recipe, read_recipe, validated, with_settings

    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("training", "train") from None
    from fervlm.contrastive.finish import finish
    from fervlm.contrastive.settings import ContrastiveConfig
    from fervlm.contrastive.train import train

    path = find_recipe(recipe, "contrastive")
    config = validated(ContrastiveConfig, with_settings(read_recipe(path), set_ or []), path)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FervlmError("is a file; a run is a folder", file=out, hint="Give --out a folder.")
    if restart and os.environ.get("RANK", "0") == "0":  # the other processes wait for the first before they read
        _forget(folder)
    say = _teller(quiet)
    with stepping() as tick:
        trained = train(config, folder, say, None if quiet else tick)
    if not trained.finished:
        say(f"stopped at step {trained.step:,}; the same command goes on from there")
        raise typer.Exit(1)
    if trained.leads:
        made = finish(trained, config, folder / "checkpoint", say, name=name)
        say(f"the checkpoint is in {made.folder}")


@app.command()
def mllm(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="YAML with the settings, or a shipped recipe's name.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="The run's folder; a run that was cut continues there.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting on top of the recipe, such as lr=0.0002."),
    ] = None,
    overfit: Annotated[
        bool, typer.Option("--overfit", help="Only check that 32 samples can be learned by heart.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an earlier run in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Train a multimodal language model: a LoRA adapter on any image-text-to-text model, or the nano from scratch.

    OUT holds checkpoint-N folders (to go on from), steps.csv, scores.csv, and in the end what the stage makes. Several
    processes: accelerate launch -m fervlm train mllm ...
    """
    from fervlm.config import find_recipe, read_recipe, with_settings

    try:
        import transformers  # noqa: F401
    except ImportError:
        raise MissingExtraError("training", "train") from None
    from fervlm.mllm.stages import run_stage

    path = find_recipe(recipe, "mllm")
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FervlmError("is a file; a run is a folder", file=out, hint="Give --out a folder.")
    settings = with_settings(read_recipe(path), set_ or [])
    run_stage(settings, path, folder, _teller(quiet), restart=restart, overfit=overfit)


def _teller(quiet: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if not quiet:
            print(f"fervlm: {text}", file=sys.stderr, flush=True)

    return say


def _forget(folder: Path) -> None:
    if not folder.exists():
        return
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in _MADE)
    if foreign:
        raise FervlmError(f"the folder holds something that no run made ({foreign[0]})", file=folder)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
