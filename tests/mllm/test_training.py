"""The road of an adapter: train, cut, resume, publish, reload, merge; and what must be refused before work starts."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from fervlm.checkpoint import PICKLES
from fervlm.config import validated
from fervlm.errors import FervlmError
from fervlm.mllm.collate import encode
from fervlm.mllm.guards import check_gradients
from fervlm.mllm.loaded import load_checkpoint
from fervlm.mllm.merge import merge
from fervlm.mllm.run import last_whole_checkpoint
from fervlm.mllm.settings import TalkConfig
from fervlm.mllm.train import check_overfit, prepare, train_talk
from tests.mllm.test_families import TURNS, pictures
from tests.mllm.tiny import tiny_nano

Checkpoint = Callable[[str], Path]


def settings(tiny_set: Path, base: Path | str, **more: Any) -> TalkConfig:
    given: dict[str, Any] = {
        "data": [tiny_set],
        "base": str(base),
        "epochs": 1,
        "batch": 4,
        "lr": 0.01,
        "cpu": True,
        "log_every": 1,
        "save_every": 2,
        "measured": 4,
        "calibrated": 0,
        "captioned": 0,
        "lora": {"rank": 4, "alpha": 8},
        "talk": {"talks": 2, "details": False},
        "store": "fp32",
    }
    return validated(TalkConfig, given | more)


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def adapter(tiny_set: Path, checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapter") / "run"
    return train_talk(settings(tiny_set, checkpoint("nano")), out, quiet)


def logits(model: Any, processor: Any) -> torch.Tensor:
    batch = encode(processor, TURNS, [[p] for p in pictures(2)])
    with torch.no_grad():
        found: torch.Tensor = model(**batch).logits
    return found


def test_a_reloaded_adapter_and_the_merged_model_say_the_same(adapter: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(adapter)
    merged = load_checkpoint(merge(adapter, tmp_path / "whole", store="fp32"))
    assert loaded.manifest.adapter and not merged.manifest.adapter
    base = load_checkpoint(merged.folder)
    torch.testing.assert_close(
        logits(base.model, base.processor), logits(loaded.model, loaded.processor), atol=1e-4, rtol=1e-4
    )
    plain = loaded.model.get_base_model()
    with loaded.model.disable_adapter():
        untouched = logits(plain, loaded.processor)
    assert not torch.allclose(untouched, logits(loaded.model, loaded.processor), atol=1e-3)


@pytest.mark.parametrize("family", ["llava", "gemma3", "idefics3", "internvl", "qwen25"])
def test_every_family_trains_saves_reloads_and_merges(
    family: str, tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    config = settings(tiny_set, checkpoint(family), epochs=0.34, measured=2, talk={"talks": 1})
    folder = train_talk(config, tmp_path / "run", quiet)
    loaded = load_checkpoint(folder)
    whole = load_checkpoint(merge(folder, tmp_path / "whole", store="fp32"))
    torch.testing.assert_close(
        logits(whole.model, whole.processor), logits(loaded.model, loaded.processor), atol=1e-4, rtol=1e-3
    )


def test_training_lowers_the_loss_and_learns_by_heart(tiny_set: Path, tmp_path: Path) -> None:
    labels = {"talks": 1, "mixture": {"label": 1, "caption": 0, "units": 0, "dialogue": 0}}
    config = settings(
        tiny_set, "nano", lora=None, nano=tiny_nano().model_dump() | {"entries": 350}, lr=0.003, batch=24, talk=labels
    )
    told: list[str] = []
    check_overfit(config, tmp_path / "nano", told.append)
    assert "samples are learned" in told[-1]
    frozen = settings(tiny_set, tmp_path / "nano" / "base", lr=1e-9)
    with pytest.raises(FervlmError, match="could not be learned by heart"):
        _impatient(frozen, tmp_path)


def _impatient(config: TalkConfig, tmp_path: Path) -> None:
    from fervlm.mllm import guards

    kept, guards._MOST = guards._MOST, 2
    try:
        check_overfit(config, tmp_path / "frozen", quiet)
    finally:
        guards._MOST = kept


def test_a_killed_run_ends_as_if_nothing_had_happened(tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        settings(tiny_set, checkpoint("nano"), epochs=2, talk={"talks": 2, "augment": 0.5}).model_dump_json()
    )
    command = [sys.executable, "-m", "fervlm", "train", "mllm", str(recipe), "--quiet", "--out"]
    subprocess.run([*command, tmp_path / "whole"], check=True, timeout=200)
    process = subprocess.Popen([*command, tmp_path / "cut"])
    while not (tmp_path / "cut" / "checkpoint-4" / "trainer_state.json").is_file():
        assert process.poll() is None, "the run ended before it could be cut"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not _pickles(tmp_path / "cut") and not _pickles(tmp_path / "whole")
    torn = tmp_path / "cut" / "checkpoint-99"  # as a kill in the middle of writing leaves it
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    subprocess.run([*command, tmp_path / "cut"], check=True, timeout=200)
    one, other = (load_file(tmp_path / run / "checkpoint" / "adapter_model.safetensors") for run in ("whole", "cut"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    steps = [(tmp_path / run / "steps.csv").read_text().splitlines() for run in ("whole", "cut")]
    assert [line.split(",")[:2] for line in steps[0]] == [line.split(",")[:2] for line in steps[1]]


def _pickles(run: Path) -> list[Path]:
    return [path for path in run.rglob("*") if path.suffix in PICKLES]


def test_two_processes_and_two_parts_learn_what_one_learns(
    tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    plain = settings(tiny_set, checkpoint("nano"), talk={"talks": 1, "label_weight": 3.0}, lr=0.001)
    recipe.write_text(plain.model_dump_json())
    tail = ["-m", "fervlm", "train", "mllm", str(recipe), "--quiet", "--out"]
    both = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*both, *tail, tmp_path / "two"], check=False, timeout=250, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    train_talk(plain, tmp_path / "one", quiet)
    train_talk(plain.model_copy(update={"parts": 2}), tmp_path / "parts", quiet)
    one, two, parts = (_losses(tmp_path / run) for run in ("one", "two", "parts"))
    assert one == pytest.approx(two, rel=2e-4)
    assert one == pytest.approx(parts, rel=2e-4)


def _losses(run: Path) -> list[float]:
    with (run / "steps.csv").open() as handle:
        return [float(row["loss"]) for row in csv.DictReader(handle)]


def test_the_wrong_base_missing_keys_prompts_and_pixels_are_refused(
    adapter: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    from tests.mllm.tiny import nano

    other = nano(tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    from safetensors.torch import save_file

    save_file({k: v + 0.5 for k, v in weights.items()}, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FervlmError, match="trained on other weights"):
        load_checkpoint(adapter, base=str(other))
    with pytest.raises(FervlmError, match="lack"):
        load_checkpoint(_changed(adapter, tmp_path / "keys", _drop_key))
    with pytest.raises(FervlmError, match="another wording of the prompt 'mllm_label'"):
        load_checkpoint(_changed(adapter, tmp_path / "prompts", _old_prompt))
    with pytest.raises(FervlmError, match="is not the file that was published"):
        load_checkpoint(_changed(adapter, tmp_path / "pixels", _other_pixels))
    with pytest.raises(FervlmError, match="the model was trained on"):
        load_checkpoint(_changed(adapter, tmp_path / "size", _other_size))


def _changed(folder: Path, copy: Path, change: Callable[[Path], None]) -> Path:
    shutil.copytree(folder, copy)
    change(copy)
    return copy


def _drop_key(folder: Path) -> None:
    from safetensors.torch import save_file

    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors.pop(min(tensors))
    save_file(tensors, path)


def _manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "fervlm.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def _old_prompt(folder: Path) -> None:
    _manifest(folder, lambda found: found["prompts"].update(mllm_label="0" * 16))


def _other_pixels(folder: Path) -> None:
    path = folder / "processor_config.json"
    path.write_text(path.read_text().replace('"height": 64', '"height": 96'))


def _other_size(folder: Path) -> None:
    _manifest(folder, lambda found: found["pixels"].update(height=96))


def test_weights_that_no_answer_passes_through_are_found(
    tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    made = prepare(settings(tiny_set, checkpoint("nano")), tmp_path / "run", quiet)
    batch = made.collator([made.order.passes[0]])
    check_gradients(made.model, batch)
    made.model.base_model.model.stray = torch.nn.Linear(2, 2)
    with pytest.raises(FervlmError, match=r"2 trained weights get no gradient \(.*stray"):
        check_gradients(made.model, batch)


def test_a_vocabulary_larger_than_the_texts_is_one_sentence(tiny_set: Path, tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match=r"entries at most, 9000 are wanted. Set nano.entries="):
        prepare(settings(tiny_set, "nano", nano={"entries": 9000}, lora=None), tmp_path / "run", quiet)


def test_a_folder_of_another_run_is_left_alone(tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train_talk(settings(tiny_set, checkpoint("nano"), epochs=0.2), out, quiet)
    with pytest.raises(FervlmError, match="other settings"):
        train_talk(settings(tiny_set, checkpoint("nano"), epochs=0.2, lr=0.5), out, quiet)
    assert last_whole_checkpoint(out) is not None


def test_a_batch_that_cannot_be_shared_is_refused(tiny_set: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="cannot be shared"):
        train_talk(settings(tiny_set, checkpoint("nano"), batch=4, parts=3), tmp_path / "run", quiet)


def test_what_is_no_image_text_to_text_model_is_one_sentence(tiny_set: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FervlmError, match="cannot be opened"):
        train_talk(settings(tiny_set, tmp_path), tmp_path / "run", quiet)
