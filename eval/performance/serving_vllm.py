"""The gateway's cost over bare vLLM, and what a crash under load does. Wants FERVLM_VLLM and FERVLM_MLLM.

FERVLM_VLLM is vLLM's program, FERVLM_MLLM a checkpoint folder; FERVLM_MLLM_BASE the base of an adapter.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
import time

import httpx
import psutil

from eval.performance.figure import Figure
from eval.performance.serving_load import Running, Told, clients, crop, running

CLIENTS, SECONDS = 8, 300.0
ARGUMENTS = ("--max-num-seqs", "8", "--max-model-len", "1024")


def serving_vllm(seconds: float | None = None) -> list[Figure]:
    """8 clients on vLLM itself and through the gateway (repair off), in turns, then kill -9 under load."""
    span = seconds or float(os.environ.get("FERVLM_SECONDS", SECONDS))
    program, folder = os.environ.get("FERVLM_VLLM"), os.environ.get("FERVLM_MLLM")
    if program is None or folder is None:
        print("serving_vllm: left out, set FERVLM_VLLM and FERVLM_MLLM", file=sys.stderr)
        return []
    base = os.environ.get("FERVLM_MLLM_BASE")
    cpu = [] if os.environ.get("CUDA_VISIBLE_DEVICES") else ["--vllm-arg=--enforce-eager"]
    options = [folder, *(["--base", base] if base else []), "--vllm", program, "--no-repair", "--workers", "1", *cpu]
    options += [f"--vllm-arg={word}" for word in ARGUMENTS]
    with running(*options) as server:
        name = httpx.get(f"{server.address}/v1/models").json()["data"][0]["id"]
        port = _port(server)
        bare, through = Told(), Told()
        for _ in range(3):  # in turns, so that other work on the machine meets both
            _add(bare, asyncio.run(clients(f"http://127.0.0.1:{port}", CLIENTS, span / 6, _ask(name))))
            _add(through, asyncio.run(clients(server.address, CLIENTS, span / 6, _ask(name))))
        figures = _compared(bare, through)
        return [*figures, *_crash(server, name)]


def _ask(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    url = "data:image/png;base64," + base64.b64encode(crop()).decode()
    shown = {"type": "image_url", "image_url": {"url": url}}
    content = [shown, {"type": "text", "text": "Explain."}]
    body = {"model": name, "messages": [{"role": "user", "content": content}], "max_tokens": 64, "temperature": 0}

    async def ask(http: httpx.AsyncClient, _: int) -> httpx.Response:
        return await http.post("/v1/chat/completions", json=body)

    return ask


def _add(all_of_it: Told, part: Told) -> None:
    all_of_it.statuses += part.statuses
    all_of_it.seconds += part.seconds
    all_of_it.span += part.span


def _compared(bare: Told, through: Told) -> list[Figure]:
    lost = (1 - through.rate / bare.rate) * 100
    more = through.percentile(50) - bare.percentile(50)
    note = f"{through.rate:.2f} a second against {bare.rate:.2f}, {CLIENTS} clients"
    return [
        Figure("gateway: throughput lost to bare vLLM", lost, "%", 5, "lower", note),
        Figure("gateway: added at p50", more, "ms", 5, "lower", f"{through.percentile(50):.0f} ms in all"),
        Figure("gateway: errors beyond 429", through.errors, "answers", 0, "lower"),
    ]


def _crash(server: Running, name: str) -> list[Figure]:
    """kill -9 while clients ask: only 503 and true answers, and how long until it answers again."""

    async def load() -> tuple[Told, float]:
        asking = asyncio.create_task(clients(server.address, CLIENTS, 10, _ask(name)))
        await asyncio.sleep(3)
        began = time.monotonic()
        _vllm(server).send_signal(signal.SIGKILL)
        told = await asking
        async with httpx.AsyncClient(trust_env=False) as http:
            while (await http.get(f"{server.address}/readyz")).status_code != 200:
                await asyncio.sleep(0.2)
        return told, time.monotonic() - began

    told, seconds = asyncio.run(load())
    odd = sum(count for status, count in told.statuses.items() if status not in {200, 429, 503})
    note = ", ".join(f"{count:,} x {status}" for status, count in sorted(told.statuses.items()))
    return [
        Figure("crash: answers other than 200 and 503", odd, "answers", 0, "lower", note),
        Figure("crash: until it answers again", seconds, "s"),
    ]


def _vllm(server: Running) -> psutil.Process:
    return next(one for one in server.process.children() if "serve" in one.cmdline())


def _port(server: Running) -> int:
    words = _vllm(server).cmdline()
    return int(words[words.index("--port") + 1])
