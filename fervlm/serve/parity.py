"""The parity test at a start: does the server answer as the model that was trained?

Three pictures that ship with fervlm (a photograph in the public domain, two drawn faces) go through the training stack
and through the server, each with a forced answer. A template or a pixel budget that differ show in the number of
tokens, weights or an adapter that differ in the log-probabilities.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Sequence
from typing import Any

from fervlm.errors import FervlmError
from fervlm.serve.probes import Probe, probes
from fervlm.serve.problems import Problem
from fervlm.serve.vllm_plan import Plan
from fervlm.serve.vllm_writer import VllmWriter

TOLERANCE = 0.05
"""Nats a token, on average, between two ways of computing in bfloat16."""
FACTOR = 5
"""Times the tolerance: what an adapter must change for it to count as applied."""
REFERENCE = "fervlm.serve.reference"


async def check_parity(writer: VllmWriter, plan: Plan) -> dict[str, Any]:
    """The comparison, as it stands in /v1/models.

    Raises:
        FervlmError: a difference, and which; or the training stack is not installed here.
    """
    side = plan.manifest.crop_side if plan.manifest is not None else 112
    shown = probes(side)
    expected = await _reference(plan, shown)
    gaps, apart, counts = [], [], []
    for probe, told in zip(shown, expected, strict=True):
        messages = messages_of(probe)
        try:
            counts.append((int(told["prompt_tokens"]), await writer.prompt_tokens(plan.name, messages)))
            served = await writer.forced(plan.name, messages, probe.answer)
            base = served if plan.adapter is None else await writer.forced(plan.base_name, messages, probe.answer)
        except Problem as problem:
            raise FervlmError(f"the parity test could not be made ({problem.detail.rstrip('.')})") from None
        gaps.append(mean_gap(told["logprobs"], served))
        apart.append(mean_gap(told["logprobs"], base))
    found = {
        "gap_nats": round(sum(gaps) / len(gaps), 5),
        "base_gap_nats": None if plan.adapter is None else round(sum(apart) / len(apart), 5),
        "tolerance_nats": TOLERANCE,
        "prompt_tokens": [list(pair) for pair in counts],
        "probes": len(shown),
    }
    judge(found)
    return found


def judge(found: dict[str, Any]) -> None:
    """Raises `FervlmError` with what differs."""
    for number, (trained, served) in enumerate(found["prompt_tokens"], 1):
        if trained != served:
            raise FervlmError(
                f"the server reads probe {number} as {served} tokens, the training stack as {trained}",
                hint="The pixel budget or the chat template differ: serve the folder that was published, unchanged.",
            )
    if not found["gap_nats"] <= TOLERANCE:
        raise FervlmError(
            f"the server's log-probabilities differ from the training stack's by {found['gap_nats']:.3f} nats a token "
            f"(at most {TOLERANCE})",
            hint="Are weights, adapter and precision the same?",
        )
    base = found["base_gap_nats"]
    if base is not None and not base >= FACTOR * TOLERANCE:
        raise FervlmError(
            f"with the adapter or without it the server answers alike ({base:.3f} nats a token apart, at least "
            f"{FACTOR * TOLERANCE:g} wanted), so the adapter is not applied or learned nothing"
        )


def mean_gap(one: Sequence[float], other: Sequence[float]) -> float:
    """Mean absolute difference a token; infinite where the numbers of tokens differ."""
    if len(one) != len(other) or not one:
        return float("inf")
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def messages_of(probe: Probe) -> list[dict[str, Any]]:
    """The probe as a conversation for the server."""
    url = "data:image/png;base64," + base64.b64encode(probe.png).decode()
    asked = {"type": "text", "text": probe.question}
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, asked]}]


async def _reference(plan: Plan, shown: Sequence[Probe]) -> list[dict[str, Any]]:
    """What the training stack gives, in a process of its own that takes its memory with it."""
    asked = {
        "base": plan.base,
        "adapter": None if plan.adapter is None else str(plan.adapter),
        "probes": [[base64.b64encode(p.png).decode(), p.question, p.answer] for p in shown],
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", REFERENCE,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, wrong = await process.communicate(json.dumps(asked).encode())
    if process.returncode:
        last = wrong.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise FervlmError(
            f"the training stack could not answer the probes ({last[0][:300].rstrip('.')})",
            hint="Type: pip install 'fervlm[vllm]'; or leave the test out: --no-parity.",
        )
    found: list[dict[str, Any]] = json.loads(out.splitlines()[-1])
    return found
