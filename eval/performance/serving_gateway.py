"""What the gateway adds to a model's answer, beside a model server that always takes equally long.

vLLM on a small machine varies by more than the target; here only the gateway varies.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time

import httpx
import numpy as np
from PIL import Image

from eval.performance.figure import Figure
from eval.performance.serving_load import Told, clients, crop, running
from eval.performance.serving_vllm import chat_ask
from fervlm.serve.vllm_process import free_port

ANSWER_MS = 400
"""About what one GPU takes for a caption of a small model."""
TURNS, SECONDS = 4, 15.0


def serving_gateway(count: int = 2, seconds: float = SECONDS) -> list[Figure]:
    """`count` clients on the model itself and through the gateway, in turns; repair off."""
    port = free_port()
    command = [sys.executable, "-m", "eval.performance.timed_model", str(port), str(ANSWER_MS)]
    model = subprocess.Popen(command)
    try:
        _up(port)
        url = f"http://127.0.0.1:{port}"
        with running("--vllm-url", url, "--no-parity", "--no-repair", "--workers", "1") as server:
            asyncio.run(clients(server.address, count, seconds, chat_ask("timed"), 10))
            bare, through, new = Told(), Told(), Told()
            for turn in range(TURNS):
                bare.add(asyncio.run(clients(url, count, seconds, chat_ask("timed"))))
                through.add(asyncio.run(clients(server.address, count, seconds, chat_ask("timed"))))
                unseen = chat_ask("timed", pictures=_unseen(turn, count * round(seconds * 1000 / ANSWER_MS)))
                new.add(asyncio.run(clients(server.address, count, seconds, unseen)))
    finally:
        model.terminate()
        model.wait(30)
    note = f"{count} clients, an answer takes {ANSWER_MS} ms; {through.rate:.2f} a second against {bare.rate:.2f}"
    more = through.percentile(50) - bare.percentile(50)
    lost = (1 - through.rate / bare.rate) * 100
    first = new.percentile(50) - bare.percentile(50)
    return [
        Figure("gateway alone: added at p50", more, "ms", 5, "lower", note),
        Figure("gateway alone: the same, each picture new", first, "ms", 5, "lower", "its face is searched"),
        Figure("gateway alone: throughput lost", lost, "%", 5, "lower"),
        Figure("gateway alone: errors beyond 429", through.errors, "answers", 0, "lower"),
    ]


def _unseen(turn: int, count: int) -> list[bytes]:
    """PNGs of the packaged face, each with a little noise of its own."""
    with Image.open(io.BytesIO(crop())) as opened:
        face = np.asarray(opened.convert("RGB"), dtype=np.int16)
    made = []
    for number in range(count):
        noise = np.random.default_rng((turn, number)).integers(-3, 4, face.shape)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(face + noise, 0, 255).astype(np.uint8)).save(buffer, "PNG")
        made.append(buffer.getvalue())
    return made


def _up(port: int) -> None:
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the timed model server did not start")
