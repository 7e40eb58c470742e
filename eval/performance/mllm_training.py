"""Supervised training of the nano by ours beside TRL's bare example script: the same model, data and batch, by turns.

Theirs is what `trl/scripts/sft.py` does for pictures: `SFTTrainer` with its own collator, in the order of the data.
Ours is `fervlm.mllm.run.run_training` with our collator: samples of like length together, loss on the answers alone.
Counted are tokens that are no padding, on the process's own clock; one thread, fp32, random weights.

    python -m eval performance mllm_training
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eval.performance.figure import Figure

SAMPLES, BATCH = 64, 8
PROGRAM = "import json; from eval.performance.mllm_training import measured; print(json.dumps(measured()))"


def mllm_training() -> list[Figure]:
    """Tokens a second of ours over theirs; none without trl."""
    if find_spec("trl") is None or find_spec("transformers") is None:
        print("mllm_training: left out, type: pip install 'fervlm[train]'", file=sys.stderr)
        return []
    run = in_child(PROGRAM)
    note = f"{run['ours']:.0f} against {run['theirs']:.0f} tokens/s, {run['tokens']:.0f} tokens, batches of {BATCH}"
    ratio = run["ours"] / run["theirs"]
    return [
        Figure("multimodal training, ours over TRL's script", ratio, "x", 1.0, "higher", note),
        Figure("multimodal training, peak memory of both", run["memory"], "MB", None, "lower", "one process"),
    ]


def in_child(program: str) -> dict[str, float]:
    """What a fresh process with one thread prints as JSON in its last line."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=root, check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured() -> dict[str, float]:
    """Tokens a second of both, and the memory that the process reached in MB."""
    import torch  # noqa: PLC0415 - the other measurements do without

    torch.set_num_threads(1)
    talks = drawn_talks(SAMPLES)
    with tempfile.TemporaryDirectory() as folder:
        base = drawn_nano(talks, Path(folder) / "base")
        tokens = _tokens(talks, base)
        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for turn in range(2):
            seconds["ours"].append(_ours(talks, base, Path(folder) / f"ours{turn}"))
            seconds["theirs"].append(_theirs(talks, base, Path(folder) / f"theirs{turn}"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {name: tokens / min(found) for name, found in seconds.items()} | {"tokens": tokens, "memory": peak}


def drawn_talks(count: int) -> Any:  # noqa: ANN401 - torch's types load when it is measured
    """Faces of noise with the engine's captions of drawn evidence, in memory."""
    import io  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    from fervlm.mllm.talks import Talks  # noqa: PLC0415
    from fervlm.predict.rules import explain  # noqa: PLC0415
    from fervlm.reasoning.answers import render  # noqa: PLC0415
    from fervlm.records import AUReading, AURecord, Detector, Source  # noqa: PLC0415

    draw = np.random.default_rng(0)
    faces, chats = [], []
    for k in range(count):
        shown = set(draw.choice([1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 23, 25, 26], draw.integers(0, 7), replace=False))
        readings = tuple(
            AUReading(au=au, state="present" if au in shown else "absent", scale="presence")
            for au in (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 23, 25, 26)
        )
        record = AURecord(
            id=f"{k}", source=Source(file="x"), detector=Detector(name="x", trust="high"), readings=readings
        )
        caption = explain(record, seed=k, check=False).caption
        assert caption is not None
        stream = io.BytesIO()
        Image.fromarray(draw.integers(0, 255, (96, 96, 3), np.uint8)).save(stream, "PNG")
        faces.append(
            {"id": f"{k}", "image": {"bytes": stream.getvalue(), "path": ""}, "label": "neutral", "sample": "{}"}
        )
        turns = [
            {"role": "user", "content": "What expression does this face show, and why?"},
            {"role": "assistant", "content": render(caption, details=False, provenance=False).strip()},
        ]
        chats.append({"id": f"{k}", "kind": "caption", "view": "blind", "messages": turns})
    return Talks(pa.Table.from_pylist(faces), pa.Table.from_pylist(chats))


def drawn_nano(talks: Any, folder: Path) -> Path:  # noqa: ANN401
    """The nano's own numbers with random weights and a vocabulary of these captions."""
    from fervlm.mllm.nano import build_nano  # noqa: PLC0415
    from fervlm.mllm.shape import NanoSettings  # noqa: PLC0415

    texts = [message["content"] for k in range(len(talks)) for message in talks.talks(k)[0].messages]
    build_nano(NanoSettings(entries=1000), texts * 4, folder)
    return folder


def _settings(base: Path) -> Any:  # noqa: ANN401
    from fervlm.mllm.settings import TalkConfig, TalkSettings  # noqa: PLC0415

    talk = TalkSettings(talks=1, details=False)
    return TalkConfig(data=(), base=str(base), batch=BATCH, cpu=True, log_every=1000, save_every=100_000, talk=talk)


def _tokens(talks: Any, base: Path) -> float:  # noqa: ANN401
    from fervlm.mllm.collate import Collator  # noqa: PLC0415
    from fervlm.mllm.opening import open_processor  # noqa: PLC0415

    collate = Collator(open_processor(str(base)), talks, _settings(base).talk, len(talks), 0)
    return float(collate([(k, k) for k in range(len(talks))])["attention_mask"].sum())


def _ours(talks: Any, base: Path, out: Path) -> float:  # noqa: ANN401
    from fervlm.mllm.collate import Collator  # noqa: PLC0415
    from fervlm.mllm.opening import open_base  # noqa: PLC0415
    from fervlm.mllm.order import LikeLengths, Passes  # noqa: PLC0415
    from fervlm.mllm.run import run_training  # noqa: PLC0415

    config = _settings(base)
    model, processor = open_base(str(base))
    collate = Collator(processor, talks, config.talk, len(talks), 0)

    def length(position: int, face: int) -> int:
        return sum(len(q) + len(a) for _, q, a in collate.turns(position, face))

    order = LikeLengths(Passes(len(talks), 1, 0), length, BATCH)
    start = time.process_time()
    run_training(model, order, collate, config, out, lambda _: None, by_token=True)
    return time.process_time() - start


def _theirs(talks: Any, base: Path, out: Path) -> float:  # noqa: ANN401
    from datasets import Dataset, Image, List  # noqa: PLC0415
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]  # noqa: PLC0415

    from fervlm.mllm.opening import open_base  # noqa: PLC0415

    model, processor = open_base(str(base))
    rows = [
        {"images": [{"bytes": talks.picture(k), "path": None}], "messages": talks.talks(k)[0].messages}
        for k in range(len(talks))
    ]
    data = Dataset.from_list(rows).cast_column("images", List(Image(mode="RGB")))
    args = SFTConfig(
        output_dir=str(out),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=1000,
        save_steps=100_000,
        report_to=[],
        disable_tqdm=True,
        max_length=None,
    )
    start = time.process_time()
    SFTTrainer(model, args=args, train_dataset=data, processing_class=processor).train()
    return time.process_time() - start
