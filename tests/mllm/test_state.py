"""What a cut run goes on from: bit for bit the same, in safetensors alone."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fervlm.errors import FervlmError
from fervlm.mllm.state import load_draws, load_steps, save_draws, save_steps


def stepped(steps: int) -> tuple[torch.nn.Linear, torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    groups = [{"params": [model.weight], "weight_decay": 0.1}, {"params": [model.bias], "lr": 0.02}]
    optimizer = torch.optim.AdamW(groups, lr=0.1, betas=(0.8, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    for step in range(steps):
        step_once(model, optimizer, schedule, step)
    return model, optimizer, schedule


def step_once(model: torch.nn.Linear, optimizer: torch.optim.Optimizer, schedule: object, step: int) -> None:
    assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
    optimizer.zero_grad()
    model(torch.full((1, 3), 0.3 + step)).square().sum().backward()
    optimizer.step()
    schedule.step()


def test_an_optimizer_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    model, optimizer, schedule = stepped(3)
    save_steps(tmp_path / "state.safetensors", optimizer, schedule)
    other, fresh, again = stepped(0)
    other.load_state_dict(model.state_dict())
    load_steps(tmp_path / "state.safetensors", fresh, again)
    for step in (3, 4):
        step_once(model, optimizer, schedule, step)
        step_once(other, fresh, again, step)
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)
    assert again.get_last_lr() == schedule.get_last_lr() == pytest.approx([0.1 / 6, 0.02 / 6])
    assert fresh.param_groups[1]["betas"] == (0.8, 0.95)
    assert load_file(tmp_path / "state.safetensors").keys() >= {"0.exp_avg", "1.exp_avg_sq", "0.step"}


def test_generators_draw_what_they_would_have_drawn(tmp_path: Path) -> None:
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    random.gauss(0, 1), np.random.standard_normal()  # each keeps a second value for the next call
    save_draws(tmp_path / "random-0.safetensors")

    def drawn() -> list[float]:
        return [random.gauss(0, 1), random.random(), *np.random.standard_normal(3), *torch.rand(3).tolist()]

    first = drawn()
    assert drawn() != first
    load_draws(tmp_path / "random-0.safetensors")
    assert drawn() == first


def test_a_missing_or_damaged_state_is_one_sentence(tmp_path: Path) -> None:
    _, optimizer, schedule = stepped(1)
    with pytest.raises(FervlmError, match="as many processes as before"):
        load_draws(tmp_path / "random-1.safetensors")
    path = tmp_path / "state.safetensors"
    save_steps(path, optimizer, schedule)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FervlmError, match="is damaged"):
        load_steps(path, optimizer, schedule)
    path.write_text(json.dumps({}))
    with pytest.raises(FervlmError, match="is damaged"):
        load_steps(path, optimizer, schedule)
