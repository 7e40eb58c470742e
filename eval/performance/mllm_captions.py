"""Captions by the local backend, sixteen faces at once, beside a plain loop of `generate`, a picture at a time.

Both write the same number of tokens for each face with the nano's own numbers and random weights (which never stop by
themselves); one thread, fp32, the process's own clock, the better of two rounds.

    python -m eval performance mllm_captions
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from eval.performance.figure import Figure
from eval.performance.mllm_training import drawn_nano, drawn_talks, in_child

FACES, WRITTEN = 32, 96
PROGRAM = "import json; from eval.performance.mllm_captions import measured; print(json.dumps(measured()))"


def mllm_captions() -> list[Figure]:
    """Captions a second of the backend over those of the loop; none without transformers."""
    if find_spec("transformers") is None:
        print("mllm_captions: left out, type: pip install 'fervlm[train]'", file=sys.stderr)
        return []
    run = in_child(PROGRAM)
    note = f"{run['ours']:.2f} against {run['loop']:.2f} captions/s of {WRITTEN} tokens"
    return [
        Figure("captions, backend over a loop of generate", run["ours"] / run["loop"], "x", 1.5, "higher", note),
        Figure("captions, peak memory", run["memory"], "MB", None, "lower", f"{FACES} faces"),
    ]


def measured() -> dict[str, float]:
    """Captions a second of both, and the memory that the process reached in MB."""
    import torch  # noqa: PLC0415 - the other measurements do without

    from fervlm.mllm.ask import caption_question, user  # noqa: PLC0415
    from fervlm.mllm.generate import generate  # noqa: PLC0415
    from fervlm.mllm.measure import picture_of  # noqa: PLC0415
    from fervlm.mllm.opening import open_base  # noqa: PLC0415
    from fervlm.predict.language_model import BATCH  # noqa: PLC0415

    torch.set_num_threads(1)
    talks = drawn_talks(FACES)
    with tempfile.TemporaryDirectory() as folder:
        model, processor = open_base(str(drawn_nano(talks, Path(folder) / "base")))
    model.train(False)
    model.generation_config.min_new_tokens = WRITTEN
    pictures = [picture_of(talks, face) for face in range(FACES)]
    question = [user(caption_question(), pictures=1)]

    def ours() -> int:
        found: list[str] = []
        for start in range(0, FACES, BATCH):
            part = pictures[start : start + BATCH]
            found += generate(model, processor, [question] * len(part), [[p] for p in part], most=WRITTEN)
        return len(found)

    def loop() -> int:
        return sum(len(_plain(model, processor, question, picture)) for picture in pictures)

    best: dict[str, float] = {}
    for _ in range(2):
        for name, run in (("ours", ours), ("loop", loop)):
            start = time.process_time()
            count = run()
            best[name] = max(best.get(name, 0.0), count / (time.process_time() - start))
    return best | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _plain(model: object, processor: object, question: object, picture: object) -> list[str]:
    """One picture as the models' own pages show it."""
    import torch  # noqa: PLC0415

    text = processor.apply_chat_template(question, tokenize=False, add_generation_prompt=True)  # type: ignore[attr-defined]
    inputs = processor(text=[text], images=[[picture]], return_tensors="pt")  # type: ignore[operator]
    with torch.inference_mode():
        found = model.generate(**inputs, max_new_tokens=WRITTEN, do_sample=False)  # type: ignore[attr-defined]
    told: list[str] = processor.batch_decode(found[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)  # type: ignore[attr-defined]
    return told
