"""`python -m fervlm.serve.reference`: log-probabilities of forced answers by the stack that the model was trained with.

Reads one JSON object from standard input and writes one line, as `fervlm.serve.parity` asks for it.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any

from PIL import Image

from fervlm.errors import FervlmError


def answer(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Tokens of each probe's prompt, and the log-probability of each token of its answer and end mark.

    Raises:
        FervlmError: the model cannot be opened.
    """
    import torch  # noqa: PLC0415

    from fervlm.serve.opened import opened  # noqa: PLC0415

    torch.set_num_threads(1)
    model, processor = opened(asked["base"], asked["adapter"], precision="bf16")
    return [_one(model, processor, *probe) for probe in asked["probes"]]


def _one(model: Any, processor: Any, encoded: str, question: str, words: str) -> dict[str, Any]:  # noqa: ANN401
    import torch  # noqa: PLC0415

    from fervlm.mllm.spans import answer_mask, rendered  # noqa: PLC0415

    with Image.open(io.BytesIO(base64.b64decode(encoded))) as opened:
        picture = opened.convert("RGB")
    asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}
    spoken = {"role": "assistant", "content": [{"type": "text", "text": words}]}
    made = rendered(processor, [asked, spoken])
    batch = dict(processor(text=[made.text], images=[[picture]], return_tensors="pt", add_special_tokens=False))
    prompt = processor(text=[made.begins[0]], images=[[picture]], return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        logits = model(**batch).logits[0].float().log_softmax(-1)
    ids = batch["input_ids"][0].tolist()
    mask = answer_mask(processor, made, ids, [picture])
    told = [float(logits[k - 1, ids[k]]) for k in range(1, len(ids)) if mask[k]]
    return {"prompt_tokens": int(prompt["input_ids"].shape[1]), "logprobs": told}


def main() -> int:
    """The process."""
    try:
        found = answer(json.load(sys.stdin))
    except (FervlmError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
