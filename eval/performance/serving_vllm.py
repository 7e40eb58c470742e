"""The gateway's cost over bare vLLM, and what a crash under load does. Wants FERVLM_VLLM, vLLM's program.

FERVLM_MLLM is a checkpoint folder, by default the nano-VLM that ships; FERVLM_MLLM_BASE the base of an adapter;
FERVLM_SECONDS shortens the 300.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx
import psutil

from eval.performance.figure import Figure
from eval.performance.serving_load import Running, Told, clients, crop, running
from fervlm.mllm.manifest import SHIPPED

CLIENTS, SECONDS, TURNS = 8, 300.0, 3
ARGUMENTS = ("--max-num-seqs", "8", "--max-model-len", "1024")
ON_A_CPU = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
WRONG = 599
"""Status of an answer that is a success and none."""


def serving_vllm(seconds: float | None = None) -> list[Figure]:
    """8 clients on vLLM itself and through the gateway (repair off), in turns, then kill -9 under load.

    Args:
        seconds: of each of the two, all turns together.
    """
    span = (seconds or float(os.environ.get("FERVLM_SECONDS", SECONDS))) / TURNS
    program, folder = os.environ.get("FERVLM_VLLM"), os.environ.get("FERVLM_MLLM")
    if folder is None and (SHIPPED / "fervlm.json").is_file():
        folder = str(SHIPPED)
    if program is None or folder is None:
        print("serving_vllm: left out, set FERVLM_VLLM, and FERVLM_MLLM where none ships", file=sys.stderr)
        return []
    base = os.environ.get("FERVLM_MLLM_BASE")
    cpu = [] if os.environ.get("CUDA_VISIBLE_DEVICES") else ["--vllm-arg=--enforce-eager"]
    options = [folder, *(["--base", base] if base else []), "--vllm", program, "--no-repair", "--workers", "1", *cpu]
    options += [f"--vllm-arg={word}" for word in ARGUMENTS]
    with running(*options, environment=ON_A_CPU if cpu else None) as server:
        name = httpx.get(f"{server.address}/v1/models").json()["data"][0]["id"]
        port = _port(server)
        bare, through = Told(), Told()
        for _ in range(TURNS):  # in turns, so that other work on the machine meets both
            bare.add(asyncio.run(clients(f"http://127.0.0.1:{port}", CLIENTS, span, chat_ask(name))))
            through.add(asyncio.run(clients(server.address, CLIENTS, span, chat_ask(name))))
        figures = _compared(bare, through)
        return [*figures, *_crash(server, name)]


def chat_ask(
    name: str, *, checked: bool = False, pictures: Sequence[bytes] = ()
) -> Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]:
    """A client that asks `name` about the packaged face, or about each of some PNGs in turn.

    `checked` wants words and their verification of a success.
    """
    bodies = [_about(name, picture) for picture in pictures or (crop(),)]

    async def ask(http: httpx.AsyncClient, number: int) -> httpx.Response:
        answer = await http.post("/v1/chat/completions", json=bodies[number % len(bodies)])
        return httpx.Response(WRONG) if checked and answer.status_code == 200 and not _whole(answer) else answer

    return ask


def _about(name: str, picture: bytes) -> dict[str, object]:
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Explain."}]
    return {"model": name, "messages": [{"role": "user", "content": content}], "max_tokens": 64, "temperature": 0}


def _whole(answer: httpx.Response) -> bool:
    told = answer.json()
    return isinstance(told["choices"][0]["message"]["content"], str) and told["fervlm"]["backend"] == "vllm"


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
    """kill -9 while clients ask: only 503 and whole answers, and how long until it answers again."""

    async def load() -> tuple[Told, float]:
        asking = asyncio.create_task(clients(server.address, CLIENTS, 10, chat_ask(name, checked=True)))
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
        Figure("crash: answers neither whole nor 503", odd, "answers", 0, "lower", note),
        Figure("crash: until it answers again", seconds, "s"),
    ]


def _vllm(server: Running) -> psutil.Process:
    return next(one for one in server.process.children() if "serve" in one.cmdline())


def _port(server: Running) -> int:
    words = _vllm(server).cmdline()
    return int(words[words.index("--port") + 1])
