"""What a cut run needs besides weights, in safetensors: the library's own files for it are pickles.

`state.safetensors` holds the optimizer's tensors, and as JSON in its header the optimizer's groups and the schedule;
`random-K.safetensors` holds the generators of process K. FSDP and DeepSpeed keep their own sharded formats.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from transformers import Trainer as _Trainer
else:
    _Trainer = object

STATE = "state.safetensors"
_ARGUMENTS = "training_args.bin"
_Tensors = dict[str, torch.Tensor]


class SafeState(_Trainer):
    """Mixed into a Trainer, before it: a checkpoint without pickles, from which a run goes on bit for bit."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, state_dict)
        # The arguments are made anew from the recipe; the library keeps them as a pickle that nobody reads.
        (Path(output_dir or str(self.args.output_dir)) / _ARGUMENTS).unlink(missing_ok=True)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.is_deepspeed_enabled or self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            save_steps(Path(output_dir) / STATE, self.optimizer, self.lr_scheduler)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.is_deepspeed_enabled or self.is_fsdp_enabled:
            super()._load_optimizer_and_scheduler(checkpoint)
        elif checkpoint is not None:
            load_steps(Path(checkpoint) / STATE, self.optimizer, self.lr_scheduler)

    def _save_rng_state(self, output_dir: str) -> None:
        path = Path(output_dir)
        path.mkdir(parents=True, exist_ok=True)  # a process may arrive before the first one saved the model
        save_draws(path / _draws_name(self.args.process_index))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_draws(Path(checkpoint) / _draws_name(self.args.process_index))


def save_steps(path: Path, optimizer: Any, schedule: Any) -> None:
    """Write where an optimizer and its schedule stand."""
    told = optimizer.state_dict()
    tensors: _Tensors = {}
    plain: dict[str, Any] = {}
    for place, values in told["state"].items():
        for name, value in values.items():
            key = f"{place}.{name}"
            if isinstance(value, torch.Tensor):
                tensors[key] = value.detach().contiguous()
            else:
                plain[key] = value
    rest = {"groups": told["param_groups"], "plain": plain, "schedule": schedule.state_dict()}
    save_file(tensors, path, metadata={"rest": json.dumps(rest)})


def load_steps(path: Path, optimizer: Any, schedule: Any) -> None:
    """Put an optimizer and its schedule where they stood.

    Raises:
        FervlmError: there is no such file, or it is damaged.
    """
    tensors, rest = _read(path)
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **rest["plain"]}.items():
        place, _, name = key.partition(".")
        state.setdefault(int(place), {})[name] = value
    groups = [{name: _tuple(value) for name, value in group.items()} for group in rest["groups"]]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    schedule.load_state_dict(rest["schedule"])


def _tuple(value: Any) -> Any:
    """JSON knows lists alone; an optimizer's settings such as betas are tuples, its parameters a list or a tuple."""
    return tuple(value) if isinstance(value, list) else value


def save_draws(path: Path) -> None:
    """Write the state of this process's generators: Python's, numpy's and torch's."""
    version, words, gauss = random.getstate()
    kind, keys, place, has, cached = np.random.get_state(legacy=True)  # the one that libraries draw from
    tensors: _Tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "torch": torch.random.get_rng_state(),
    }
    for device, state in enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else ()):
        tensors[f"cuda.{device}"] = state
    rest = {"python": [version, gauss], "numpy": [kind, int(place), int(has), float(cached)]}
    save_file(tensors, path, metadata={"rest": json.dumps(rest)})


def load_draws(path: Path) -> None:
    """Put this process's generators where they stood.

    Raises:
        FervlmError: there is no such file (the run had fewer processes), or it is damaged.
    """
    tensors, rest = _read(path)
    version, gauss = rest["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), gauss))
    kind, place, has, cached = rest["numpy"]
    keys = tensors["numpy"].numpy().astype(np.uint32)
    np.random.set_state((kind, keys, place, has, cached))
    torch.random.set_rng_state(tensors["torch"])
    for device in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda.{device}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda.{device}"], device)


def _draws_name(process: int) -> str:
    return f"random-{process}.safetensors"


def _read(path: Path) -> tuple[_Tensors, dict[str, Any]]:
    if not path.is_file():
        raise FervlmError(
            "the run cannot go on from here: the file is missing",
            file=path,
            hint="Use as many processes as before, or start anew: --restart.",
        )
    try:
        with safe_open(path, framework="pt") as handle:
            rest: dict[str, Any] = json.loads(handle.metadata()["rest"])
            return {name: handle.get_tensor(name) for name in handle.keys()}, rest  # noqa: SIM118 - no mapping
    except (SafetensorError, KeyError, TypeError, ValueError):
        raise FervlmError("is damaged", file=path, hint="Remove this checkpoint, or start anew: --restart.") from None
