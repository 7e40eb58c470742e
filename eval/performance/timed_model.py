"""A model server that answers every chat after a set time, to measure what the gateway in front of it adds.

python -m eval.performance.timed_model PORT MILLISECONDS
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from fastapi import FastAPI

ANSWER = "Overview: The lip corners are pulled up.\n\nConclusion\nConsistent with happiness.\nLabel: happiness"


def timed(milliseconds: float) -> FastAPI:
    """The application: as much of OpenAI's API as the gateway asks for."""
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    @app.get("/v1/models")
    async def models() -> dict[str, object]:
        return {"data": [{"id": "timed"}]}

    @app.post("/v1/chat/completions")
    async def chat() -> dict[str, object]:
        await asyncio.sleep(milliseconds / 1000)
        choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {
            "id": "",
            "object": "chat.completion",
            "created": 0,
            "model": "timed",
            "choices": [choice],
            "usage": usage,
        }

    return app


if __name__ == "__main__":
    uvicorn.run(timed(float(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
