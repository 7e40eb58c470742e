"""A chat-completions server with fixed answers and injected faults, run as a process of its own.

It proves how the client bears faults, not how good captions are: a good answer is the draft that stands in the request.
What happens to a request depends only on its content and on how often it came, so that runs can be compared.

    python teacher_server.py PORT '{"429": 0.1, "500": 0.1, "slow": 0.02, "cut": 0.05, "junk": 0.05,
                                    "invents": 0.1, "leaks": 0.1, "prose": 0.05, "delay": 0.0}'
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TRANSPORT = ("429", "500", "slow", "cut", "junk")
CONTENT = ("invents", "leaks", "prose")
DRAFT_START, DRAFT_END = "A draft that follows the rules:\n", "\n\nWrite the caption anew"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: ClassVar[dict[str, float]] = {}
    seen: ClassVar[dict[str, int]] = {}
    counts: ClassVar[dict[str, int]] = {}
    lock = threading.Lock()

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._send(200, self.counts)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(raw)
        key = hashlib.sha256(raw).hexdigest()
        with self.lock:
            self.seen[key] = self.seen.get(key, 0) + 1
            fault = self._pick(f"{key}{self.seen[key]}", TRANSPORT)
            kind = fault or "ok"
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.counts["calls"] = self.counts.get("calls", 0) + 1
        time.sleep(self.faults.get("delay", 0.0))
        if fault == "429":
            self._send(429, {"error": "slow down"}, {"Retry-After": "0.05"})
        elif fault == "500":
            self._send(500, {"error": "out of order"})
        elif fault == "cut":
            self.close_connection = True
            self.connection.close()
        elif fault == "junk":
            self._raw(200, b'{"choices": [{"mess')
        else:
            if fault == "slow":
                time.sleep(self.faults.get("slow_s", 5.0))
            text = self._answer(request, key)
            usage = {"total_tokens": len(raw) // 4 + len(text) // 4}
            self._send(200, {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": usage})

    def _pick(self, key: str, kinds: tuple[str, ...]) -> str | None:
        draw = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32
        for kind in kinds:
            draw -= self.faults.get(kind, 0.0)
            if draw < 0:
                return kind
        return None

    def _answer(self, request: dict[str, Any], key: str) -> str:
        messages = request["messages"]
        opening = next(m["content"] for m in messages if m["role"] == "user")
        if not isinstance(opening, str):
            opening = opening[-1]["text"]
        if DRAFT_START not in opening:
            return "open"
        draft = opening.split(DRAFT_START, 1)[1].split(DRAFT_END, 1)[0]
        if len(messages) > 2:
            return draft
        fault = self._pick(key, CONTENT)
        if fault == "invents":
            return draft.replace("Interpretation", "- neck: The neck muscles tighten (AU21).\n\nInterpretation", 1)
        if fault == "leaks":
            return draft.replace("Interpretation", "- mouth: The mouth looks happy and cheerful.\n\nInterpretation", 1)
        return "I would say that this is a nice picture." if fault == "prose" else draft

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), headers)

    def _raw(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    Handler.faults = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
