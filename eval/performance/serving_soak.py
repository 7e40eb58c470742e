"""Whether the server's memory stays flat over 20,000 requests of all kinds."""

from __future__ import annotations

import asyncio

import httpx

from eval.performance.figure import Figure
from eval.performance.serving_load import clients, crop, running
from fervlm.examples import recording

REQUESTS, WARM = 20_000, 4_000
MIB = 1024 * 1024
_WORDS = ("happy", "sad", "angry", "bored", "in pain", "surprised", "afraid", "disgusted", "calm", "confused")


def serving_memory(requests: int = REQUESTS, warm: int = WARM) -> list[Figure]:
    """Resident memory after `warm` requests and after all of them; pictures, evidence, texts, labels, mistakes."""
    picture = crop()
    lines = recording().read_text(encoding="utf-8").splitlines()

    async def ask(http: httpx.AsyncClient, number: int) -> httpx.Response:
        kind = number % 8
        if kind == 0:
            row = lines[1 + number % (len(lines) - 1)]
            return await http.post("/v1/explain", json={"evidence": f"{lines[0]}\n{row}\n", "seed": number})
        if kind == 1:
            text = f"The brows are lowered. Number {number} of them. The lip corners are pulled up."
            return await http.post("/v1/verify", json={"text": text, "evidence": f"{lines[0]}\n{lines[55]}\n"})
        if kind == 2:
            return await http.post("/v1/explain", json={"picture": f"no picture {number}"})
        chosen = [_WORDS[(number * step) % len(_WORDS)] for step in (1, 3)] + [f"word{number}"]
        form = {"face_is_crop": "true", "seed": str(number), "labels": ",".join(dict.fromkeys(chosen))}
        return await http.post("/v1/explain", files={"picture": ("c.png", picture)}, data=form)

    with running("--workers", "1") as server:
        asyncio.run(clients(server.address, 8, 3600, ask, warm))
        first = server.process.memory_info().rss / MIB
        told = asyncio.run(clients(server.address, 8, 3600, ask, requests - warm))
        last = server.process.memory_info().rss / MIB
    note = ", ".join(f"{count:,} x {status}" for status, count in sorted(told.statuses.items()))
    return [
        Figure(f"serving: memory after {warm:,} requests", first, "MiB"),
        Figure(f"serving: memory after {requests:,}", last, "MiB", first * 1.05 + 8, "lower", note),
    ]
