"""Server-sent events: one JSON object each."""

from __future__ import annotations

import json
from typing import Any

MEDIA_TYPE = "text/event-stream"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""A proxy in between must pass each event on at once."""
DONE = b"data: [DONE]\n\n"
"""How a stream of OpenAI's API ends."""


def event(name: str | None, data: dict[str, Any] | str) -> bytes:
    """An event; `data` is JSON already or becomes it. JSON holds no bare line break, so one line is enough."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {text}\n\n".encode()
