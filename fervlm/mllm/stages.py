"""Which stage a recipe asks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fervlm.config import validated
from fervlm.errors import FervlmError
from fervlm.mllm.run import RUN, first_process
from fervlm.mllm.settings import DpoConfig, GrpoConfig, TalkConfig, TowerConfig

Say = Callable[[str], None]
_FURTHER: dict[str, type[GrpoConfig] | type[DpoConfig]] = {"grpo": GrpoConfig, "dpo": DpoConfig}


def run_stage(
    settings: dict[str, Any], recipe: Path, out: Path, say: Say, *, restart: bool = False, overfit: bool = False
) -> None:
    """Run, or go on with, what the recipe's `stage` names.

    Args:
        settings: of the recipe, with what was set on top.
        recipe: names the file in messages.
        out: the run's folder.
        say: takes lines for the user.
        restart: forget an earlier run in the folder.
        overfit: only check that 32 samples can be learned by heart.

    Raises:
        FervlmError: a setting, the data or the folder is at fault.
    """
    if restart and first_process():
        _forget(out)
    stage = settings.get("stage")
    if stage == "tower":
        from fervlm.mllm.tower import train_tower

        path = train_tower(validated(TowerConfig, settings, recipe), out, say)
        say(f"the picture tower is in {path}")
        return
    if stage in _FURTHER:
        from fervlm.mllm.further import train_further

        folder = train_further(validated(_FURTHER[stage], settings, recipe), out, say)
        say(f"the checkpoint is in {folder}")
        return
    if stage in {"talk", None}:
        from fervlm.mllm.train import check_overfit, train_talk

        if overfit:
            check_overfit(validated(TalkConfig, settings, recipe), out, say)
            return
        folder = train_talk(validated(TalkConfig, settings, recipe), out, say)
        say(f"the checkpoint is in {folder}")
        return
    raise FervlmError(f"there is no stage '{stage}'", file=recipe, hint="Choose one of: tower, talk, grpo, dpo.")


def _forget(out: Path) -> None:
    if not out.exists():
        return
    if not (out / RUN).is_file() and any(out.iterdir()):
        raise FervlmError("the folder holds something that no run made", file=out)
    shutil.rmtree(out)
