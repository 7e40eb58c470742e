"""Replicas on a local Ray cluster: one is killed under load, and no accepted request is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fervlm.serve.problems import Problem
from fervlm.serve.replicas import Replicas
from fervlm.serve.vllm_writer import VllmWriter

pytest.importorskip("ray", reason="needs the extra 'scale'")
pytest.importorskip("grpc_reflection", reason="needs the extra 'scale'")  # of ray[serve]
pytestmark = [pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

# A small model server: it speaks OpenAI's API as far as the gateway asks, slowly, and says which process answers.
SERVER = """
import asyncio, json, os, sys
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
app = FastAPI()
@app.get("/health")
async def health():
    return {}
@app.post("/v1/chat/completions")
async def chat(request: Request):
    asked = await request.json()
    words = asked["messages"][-1]["content"]
    if asked.get("stream"):
        async def parts():
            for number in range(asked["max_tokens"]):
                yield "data: " + json.dumps({"choices": [{"delta": {"content": f"{number} "}}], "pid": os.getpid()}) + "\\n\\n"
                await asyncio.sleep(0.1)
            yield "data: [DONE]\\n\\n"
        return StreamingResponse(parts(), media_type="text/event-stream")
    await asyncio.sleep(0.3)
    return {"choices": [{"message": {"content": words}}], "pid": os.getpid()}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""  # noqa: E501


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmWriter]:
    log = tmp_path_factory.mktemp("replicas")
    replicas = Replicas([sys.executable, "-c", SERVER, "{port}"], 2, log)
    yield VllmWriter("http://replicas", name="small", transport=replicas.begin())
    replicas.end()


def _asked(words: str) -> dict[str, Any]:
    return {"model": "small", "messages": [{"role": "user", "content": words}], "max_tokens": 40}


def test_a_replica_dies_under_load_and_nothing_accepted_is_lost(writer: VllmWriter) -> None:
    async def load() -> None:
        first = await asyncio.gather(*(writer.chat(_asked(str(k))) for k in range(12)))
        pids = {answer["pid"] for answer in first}
        assert len(pids) == 2  # both of them answer
        running = [asyncio.create_task(writer.chat(_asked(f"question {k}"))) for k in range(40)]
        stream = writer.chat_stream({**_asked("tell"), "stream": True})
        begun = await anext(stream)
        victim = _actor_of(begun["pid"])
        os.kill(victim, signal.SIGKILL)  # the replica, and with it the way to its model
        answers = await asyncio.gather(*running)
        assert [answer["choices"][0]["message"]["content"] for answer in answers] == [
            f"question {k}" for k in range(40)
        ]
        with pytest.raises(Problem, match="broke off") as cut:
            async for _ in stream:
                pass
        assert cut.value.status == 503
        await _gone(begun["pid"])
        again = await asyncio.gather(*(writer.chat(_asked(str(k))) for k in range(6)))
        assert len(again) == 6

    asyncio.run(load())


async def _gone(pid: int) -> None:
    """The model server follows its replica, as soon as the system gets to it."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"process {pid} outlived its replica")


def _actor_of(pid: int) -> int:
    """The replica's own process: the parent of its model server."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
