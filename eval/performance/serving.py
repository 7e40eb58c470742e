"""The embedded backend under load: 64 clients for a minute, pictures a second and core, checking and writing an answer.

CPU time is the server's own (all threads), so that clients and other work on the machine do not count.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time

import httpx

from eval.performance.figure import Figure
from eval.performance.serving_load import Running, Told, clients, crop, running
from fervlm.examples import photograph
from fervlm.facs.labels import label_set
from fervlm.predict.load import load
from fervlm.reasoning.answers import render
from fervlm.reasoning.verify import verify

CLIENTS, SECONDS = 64, 60.0
TURNS = 200


def serving(seconds: float = SECONDS) -> list[Figure]:
    """64 clients that send crops with changing seeds, so that no answer is one kept from before."""
    picture = crop()

    async def ask(http: httpx.AsyncClient, number: int) -> httpx.Response:
        form = {"face_is_crop": "true", "seed": str(number)}
        return await http.post("/v1/explain", files={"picture": ("crop.png", picture)}, data=form)

    cores = str(min(4, os.cpu_count() or 1))
    with running("--workers", cores) as server:
        told = asyncio.run(clients(server.address, CLIENTS, seconds, ask))
        _alive(server)
    note = f"{CLIENTS} clients, {told.span:.0f} s, {cores} workers: " + ", ".join(
        f"{count:,} x {status}" for status, count in sorted(told.statuses.items())
    )
    return [
        Figure("serving: errors beyond 429", told.errors, "answers", 0, "lower", note),
        Figure("serving: answers", told.rate, "a second"),
        *(Figure(f"serving: p{share}", told.percentile(share), "ms") for share in (50, 95, 99)),
    ]


def _alive(server: Running) -> None:
    assert httpx.get(f"{server.address}/readyz").status_code == 200


def serving_crops(count: int = 400) -> list[Figure]:
    """One client: explained pictures a second of the server's CPU time; checking and writing of one answer."""
    picture = crop()
    sent = {"files": {"picture": ("crop.png", picture)}}

    async def ask(http: httpx.AsyncClient, number: int) -> httpx.Response:
        return await http.post("/v1/explain", **sent, data={"face_is_crop": "true", "seed": str(number)})  # type: ignore[arg-type]

    async def url(http: httpx.AsyncClient, number: int) -> httpx.Response:
        body = {"picture": base64.b64encode(picture).decode(), "face_is_crop": True, "seed": number}
        return await http.post("/v1/explain", json=body)

    figures = []
    with running("--workers", "1") as server:
        asyncio.run(clients(server.address, 1, 60, ask, 20))
        for name, way in (("crops by upload", ask), ("crops as JSON", url)):
            before = _cpu(server)
            told = asyncio.run(clients(server.address, 1, 300, way, count))
            rate = len(told.seconds) / (_cpu(server) - before)
            note = f"every seed anew; {told.rate:.0f} a second by the wall clock, p50 {told.percentile(50):.0f} ms"
            figures.append(Figure(f"serving: {name}", rate, "pictures/s and core", 20, note=note))
    return [*figures, *_parts()]


def _cpu(server: Running) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


def _parts() -> list[Figure]:
    """What checking and writing cost an answer, uncached, by this process's CPU time."""
    [seen] = load().explain(photograph())
    assert seen.caption is not None
    labels = label_set("basic8")
    verify(seen.caption, seen.evidence, labels=labels)
    start = time.process_time()
    for _ in range(TURNS):
        verify(seen.caption, seen.evidence, labels=labels)
    checked = (time.process_time() - start) / TURNS * 1000
    start = time.process_time()
    for _ in range(TURNS):
        render(seen.caption, details=False)
        seen.model_dump_json()
    written = (time.process_time() - start) / TURNS * 1000
    note = f"checking {checked:.2f} ms, text and JSON {written:.2f} ms; nothing kept from before"
    return [Figure("serving: checking and writing an answer", checked + written, "ms", 2, "lower", note)]


__all__ = ["Told", "serving", "serving_crops"]
