"""Run by torchrun in test_train_ranks: the losses of a step over ranks, then whole, cut and resumed runs."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from fervlm.contrastive.build import Built, build
from fervlm.contrastive.captions import CaptionBank
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.objective import Batch, Objective, draw_class_tokens
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.targets import Targets
from fervlm.contrastive.train import train

FACES = 14
EXACT = {"label": 1.0, "units": 0.7, "affect": 0.4, "overview": 1.0, "summary": 0.6, "local": 0.7, "align": 0.3}


def built_alike(config: ContrastiveConfig, faces: Faces) -> Built:
    torch.manual_seed(5)
    return build(config, faces)


def part(config: ContrastiveConfig, faces: Faces, built: Built, chosen: list[int]) -> Batch:
    """A batch without chance: every false text, every region, no anchored text."""
    bank = CaptionBank(faces, built.words, anchored=0, hard=99, regions=99)
    targets = Targets(faces, built.model.config.units, config)
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(len(faces), 3, 32, 32, generator=torch.Generator().manual_seed(2))
    return Batch(
        x=x[chosen],
        **targets.rows(torch.tensor(chosen)),
        class_tokens=draw_class_tokens(built.words, draw),
        captions=bank.batch(chosen, draw),
        step=9,
    )


def step(objective: torch.nn.Module, batch: Batch, config: ContrastiveConfig) -> dict[str, float]:
    losses = objective(batch)
    torch.stack([getattr(config.weights, name) * value for name, value in losses.items()]).sum().backward()
    return {name: float(value) for name, value in losses.items()}


def compare(config: ContrastiveConfig, faces: Faces, rank: int, expected: tuple[dict[str, float], dict]) -> None:
    built = built_alike(config, faces)
    share = [list(range(5)), list(range(5, FACES))][rank]  # unequal parts, unequal numbers of readings and labels
    objective = DistributedDataParallel(Objective(built.model, config), find_unused_parameters=True)
    losses = step(objective, part(config, faces, built, share), config)
    values, gradients = expected
    assert losses.keys() == values.keys() == {name for name, weight in EXACT.items() if weight}
    for name, value in values.items():
        assert abs(losses[name] - value) < 1e-5 * max(1, abs(value)), (name, losses[name], value)
    for name, parameter in built.model.named_parameters():
        one, two = gradients[name], parameter.grad
        if one is None:
            assert two is None or not two.abs().any(), name
            continue
        assert two is not None, name
        assert torch.allclose(one, two, rtol=1e-3, atol=2e-6), (name, (one - two).abs().max(), one.abs().max())


def stops_at(number: int, rank: int) -> None:
    """A signal that reaches one process only, and not the first."""
    whole = Run.one_step

    def one_step(run: Run) -> dict[str, float]:
        if rank == 1 and run.step == number:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(run)

    Run.one_step = one_step  # type: ignore[method-assign]


def runs(config: ContrastiveConfig, out: Path, rank: int) -> None:
    whole = train(config, out / "whole", lambda _: None)
    assert (whole.step, whole.finished, whole.leads) == (8, True, rank == 0)
    plain = Run.one_step
    stops_at(3, rank)
    ended = train(config, out / "cut", lambda _: None)
    assert (ended.step, ended.finished) == (4, False), (ended.step, ended.finished)
    Run.one_step = plain  # type: ignore[method-assign]
    assert train(config, out / "cut", lambda _: None).step == 8
    dist.barrier()
    one, two = (load_file(out / name / "state.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())
    own = whole.built.model.state_dict()
    assert all(torch.equal(own[n.removeprefix("average.")], t) for n, t in one.items() if n.startswith("average."))
    cut_over_ranks(config, out, rank, one)


def cut_over_ranks(config: ContrastiveConfig, out: Path, rank: int, expected: dict[str, torch.Tensor]) -> None:
    """A model cut over the ranks, and a run that was stopped too, learns what whole copies learn."""
    config = config.model_copy(update={"shard": True})
    plain = Run.one_step
    stops_at(3, rank)
    assert not train(config, out / "sharded", lambda _: None).finished
    Run.one_step = plain  # type: ignore[method-assign]
    ended = train(config, out / "sharded", lambda _: None)
    dist.barrier()
    state = load_file(out / "sharded" / "state.safetensors")
    assert state.keys() == expected.keys()
    for name, tensor in state.items():
        one, other = _told(name, tensor), _told(name, expected[name])
        assert torch.allclose(one, other, rtol=1e-3, atol=2e-4), name
    if rank == 0:
        own = ended.built.model.state_dict()
        assert all(
            torch.equal(own[n.removeprefix("average.")], t) for n, t in state.items() if n.startswith("average.")
        )


def _told(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Without the keys' biases: no attention depends on them, so that Adam blows up their gradients' rounding noise."""
    if not name.endswith("in_proj_bias") or not tensor.dim():
        return tensor
    queries, _, values = tensor.chunk(3)
    return torch.cat((queries, values))


def main(settings: str, out: str) -> None:
    torch.set_num_threads(1)
    config = ContrastiveConfig.model_validate(json.loads(Path(settings).read_text(encoding="utf-8")))
    faces = load_faces(config.data, "train", 32, colour=True)
    exact = config.model_copy(update={"weights": config.weights.model_copy(update=EXACT)})
    first = replace(faces, labels=faces.labels.copy(), units=faces.units.copy())
    first.labels[[0, 9, 10, 11]] = -1
    first.units[3:8] = -1
    alone = built_alike(exact, first)
    values = step(Objective(alone.model, exact), part(exact, first, alone, list(range(FACES))), exact)
    gradients = {name: p.grad for name, p in alone.model.named_parameters()}
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    compare(exact, first, rank, (values, gradients))
    runs(config, Path(out), rank)
    dist.barrier()
    if rank == 0:
        print("all alike:", *sorted(values))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
