"""Beyond supervised training: what the verifier pays for, pairs, GRPO and DPO on tiny models, before and after."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from fervlm.config import validated
from fervlm.errors import FervlmError
from fervlm.facs.labels import label_set
from fervlm.mllm import further
from fervlm.mllm.compare import change, tell
from fervlm.mllm.further import train_further
from fervlm.mllm.loaded import load_checkpoint
from fervlm.mllm.pairs import caption_pairs
from fervlm.mllm.reward import PARTS, parts_of, total
from fervlm.mllm.settings import DpoConfig, GrpoConfig, Rewards
from fervlm.mllm.talks import load_talks
from fervlm.mllm.train import train_talk
from fervlm.predict.rules import explain
from fervlm.reasoning.answers import parse, render
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import Caption
from tests.mllm.test_training import quiet, settings
from tests.mllm.tiny_set import record

EVIDENCE = record("a.png", "anger")


def true_caption() -> Caption:
    caption = explain(EVIDENCE).caption
    assert caption is not None
    return caption


def worth(text: str, label: str | None = "anger") -> dict[str, float]:
    return parts_of(text, EVIDENCE, label, label_set("basic8"), Judge())


def test_a_true_caption_earns_all_and_each_fault_costs_its_part() -> None:
    caption = true_caption()
    assert worth(render(caption)) == dict.fromkeys(PARTS, 1.0)
    invented = caption.model_copy(update={"overview": "The lip corners are pulled up (AU12) and the jaw drops (AU26)."})
    assert worth(render(invented))["grounding"] < 1 and worth(render(invented))["mentions"] < 1
    leaking = caption.model_copy(update={"overview": "An angry face."})
    assert worth(render(leaking))["no_leak"] == 0
    assert worth(render(caption), "fear")["label"] == 0 and worth(render(caption), None)["label"] == 0.5
    assert worth("AU4 and AU7 are present. Label: anger") == dict.fromkeys(PARTS, 0.0)
    silent = caption.model_copy(update={"observations": caption.observations[:1], "overview": "The face moves."})
    assert worth(render(silent))["mentions"] < 1  # leaving out what is there pays less


def test_denying_what_is_present_does_not_pay() -> None:
    caption = true_caption()
    denying = caption.model_copy(update={"overview": "The brows are not drawn together (no AU4)."})
    assert worth(render(denying))["grounding"] < worth(render(caption))["grounding"]


def test_the_total_is_the_weighted_mean() -> None:
    parts = dict.fromkeys(PARTS, 0.0) | {"form": 1.0}
    assert total(parts, Rewards(mentions=0, grounding=0, no_leak=0, label=1, form=3)) == pytest.approx(0.75)


def test_pairs_differ_in_one_text_and_only_one_of_them_is_true(tiny_set: Path) -> None:
    talks = load_talks((tiny_set,), "train")
    pairs = caption_pairs(talks, 0, details=False)
    assert len(pairs) == len(talks)
    for pair in pairs[:8]:
        one, other = parse(pair.chosen), parse(pair.rejected)
        assert one.observations == other.observations and one.overview != other.overview
        assert verify(one, talks.evidence(pair.face)).ok


def test_an_interval_that_holds_zero_is_called_no_effect() -> None:
    rows = [dict.fromkeys((*PARTS, "total"), float(k % 2)) for k in range(40)]
    other = [dict.fromkeys((*PARTS, "total"), float((k + 1) % 2)) for k in range(40)]
    told: list[str] = []
    tell(change(rows, other), told.append)
    assert all(line.endswith("no effect shown") for line in told)
    better = change(rows, [dict.fromkeys((*PARTS, "total"), 1.0) for _ in range(40)])
    assert better["total"][:3] == [0.5, 1.0, 0.5] and better["total"][3] > 0


@pytest.fixture(scope="module")
def start(tiny_set: Path, checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on a model that reads little: answers stay short."""
    base = tmp_path_factory.mktemp("base") / "short"
    import shutil

    shutil.copytree(checkpoint("nano"), base)
    path = base / "config.json"
    path.write_text(path.read_text().replace('"max_position_embeddings": 1024', '"max_position_embeddings": 320'))
    return train_talk(settings(tiny_set, base, epochs=0.34), tmp_path_factory.mktemp("start") / "run", quiet)


@pytest.mark.parametrize("stage", ["grpo", "dpo"])
def test_further_training_moves_the_adapter_and_tells_before_and_after(
    stage: str, start: Path, tiny_set: Path, tmp_path: Path
) -> None:
    given: dict[str, Any] = {
        "data": [tiny_set],
        "start": str(start),
        "epochs": 0.17,
        "batch": 4,
        "lr": 0.01,
        "cpu": True,
        "log_every": 1,
        "save_every": 2,
        "compared": 2,
        "most": 24,
        "store": "fp32",
    }
    more = {"samples": 4, "beta": 0} if stage == "grpo" else {"epochs": 0.5}
    config = validated(GrpoConfig if stage == "grpo" else DpoConfig, given | more)
    told: list[str] = []
    folder = train_further(config, tmp_path / "run", told.append)
    loaded = load_checkpoint(folder)
    assert loaded.manifest.adapter and loaded.manifest.base_digest == load_checkpoint(start).manifest.base_digest
    compared = loaded.manifest.metrics["rewards [before, after, difference, lower, upper]"]
    assert isinstance(compared, dict) and set(compared) == {*PARTS, "total"}
    assert any(line.startswith("total:") for line in told)
    state = (
        json.loads((tmp_path / "run" / "checkpoint-4" / "trainer_state.json").read_text()) if stage == "grpo" else None
    )
    one, other = (load_file(where / "adapter_model.safetensors") for where in (start, folder))
    moved = max((one[name] - other[name]).abs().max().item() for name in one)
    # An untrained model never writes the form, all rewards are 0, and GRPO has nothing to prefer: it must not move.
    assert moved > 1e-4 if stage == "dpo" else moved < 1e-3
    if state is not None:
        assert all(row.get("reward", 0) == 0 for row in state["log_history"])


def test_grpo_makes_likelier_what_is_rewarded(
    checkpoint: Callable[[str], Path], tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The form is out of an untrained model's reach, so something easier is paid for here: few characters.
    monkeypatch.setattr(further, "parts_of", lambda text, *_: {"short": -len(text) / 100})
    monkeypatch.setattr(further, "total", lambda parts, _: parts["short"])
    whole = settings(tiny_set, checkpoint("nano"), epochs=0.17, lr=1e-9, lora=None)
    start = train_talk(whole, tmp_path / "start", quiet)
    given = {"data": [tiny_set], "start": str(start), "batch": 16, "lr": 0.05, "cpu": True, "log_every": 1}
    given |= {"samples": 8, "compared": 2, "most": 16, "beta": 0, "schedule": "constant_with_warmup"}
    train_further(validated(GrpoConfig, given), tmp_path / "run", quiet)
    with (tmp_path / "run" / "steps.csv").open() as handle:
        rewards = [float(row["reward"]) for row in csv.DictReader(handle)]
    assert sum(rewards[-3:]) > 0.5 * sum(rewards[:3])  # both below 0


def test_a_batch_holds_all_samples_of_a_face(start: Path, tiny_set: Path, tmp_path: Path) -> None:
    config = validated(
        GrpoConfig, {"data": [tiny_set], "start": str(start), "batch": 6, "samples": 4, "compared": 2, "most": 8}
    )
    with pytest.raises(FervlmError, match="must hold all samples"):
        train_further(config, tmp_path / "run", quiet)
