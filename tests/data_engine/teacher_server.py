"""A chat-completions server with fixed answers and injected faults, run as a process of its own.

It proves how the client bears faults, not how good captions are: a good answer is the draft that stands in the request,
or the listed evidence in plain sentences where there is no draft. What happens to a request depends only on its content
and on how often it came, so that runs can be compared.

    python teacher_server.py PORT '{"429": 0.1, "500": 0.1, "slow": 0.02, "cut": 0.05, "junk": 0.05,
                                    "invents": 0.1, "leaks": 0.1, "prose": 0.05, "delay": 0.0, "parallel": 8,
                                    "infers": "contempt", "stubborn": 1}'

`infers` is the label that a description leads to until the writer was told of the annotators' (always, if `stubborn`).
GET /hold/N: from now on calls after the N-th are not answered, until a larger N is given; GET anything else: counts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TRANSPORT = ("429", "500", "slow", "cut", "junk", "400")
CONTENT = ("invents", "leaks", "prose")
DRAFT = re.compile(
    r"A draft that follows the rules:\n(.*?)\n\n(?:Write the caption anew|Look at the picture)", re.DOTALL
)
PRESENT = re.compile(r"^- AU(\d+) (.+?):", re.MULTILINE)
CHOSEN = re.compile(r'annotators of the picture chose "(.+?)"')
REGIONS = {
    "Brow": (1, 2, 4),
    "Eyes": (5, 7, 43, 45, 46),
    "Cheeks": (6, 11),
    "Nose": (9,),
    "Chin": (17,),
    "Jaw": (26, 27),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    faults: ClassVar[dict[str, Any]] = {}
    seen: ClassVar[dict[str, int]] = {}
    counts: ClassVar[dict[str, Any]] = {}
    agreed: ClassVar[dict[int, str]] = {}
    lock = threading.Lock()
    work = threading.Semaphore(1_000_000)
    held = threading.Condition()
    hold: ClassVar[list[float]] = [float("inf")]

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        if self.path.startswith("/hold/"):
            with self.held:
                self.hold[0] = float(self.path.removeprefix("/hold/"))
                self.held.notify_all()
        self._send(200, self.counts)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(raw)
        key = hashlib.sha256(raw).hexdigest()
        with self.lock:
            self.counts.setdefault("first", time.time())
            self.seen[key] = self.seen.get(key, 0) + 1
            fault = self._pick(f"{key}{self.seen[key]}", TRANSPORT)
            for kind in (fault or "ok", "calls"):
                self.counts[kind] = self.counts.get(kind, 0) + 1
            number = self.counts["calls"]
        with self.held:
            self.held.wait_for(lambda: number <= self.hold[0])
        with self.work:
            time.sleep(self.faults.get("delay", 0.0))
        if fault == "429":
            self._send(429, {"error": "slow down"}, {"Retry-After": "0.05"})
        elif fault in {"500", "400"}:
            self._send(int(fault), {"error": "out of order"})
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
            with self.lock:
                self.counts["tokens"] = self.counts.get("tokens", 0) + usage["total_tokens"]
            self._send(200, {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": usage})
        self.counts["last"] = time.time()

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
            self._look(opening[0]["image_url"]["url"])
            opening = opening[-1]["text"]
        if "Here is a description of a face:" in opening:
            return self._infer(request["seed"] // 16)
        draft = DRAFT.search(opening)
        text = draft[1] if draft else self._plain(opening)
        reply = messages[-1]["content"]
        if len(messages) > 2 and (told := CHOSEN.search(str(reply))):
            return self._corrected(messages[-2]["content"], request["seed"] // 16, told[1])
        if len(messages) > 2:
            self._count("repairs")
            return text
        fault = self._pick(key, CONTENT)
        if fault == "invents":
            return text.replace("Interpretation", "- Neck: The neck muscles tighten (AU21).\n\nInterpretation", 1)
        if fault == "leaks":
            return text.replace("Interpretation", "- Mouth: The mouth looks happy and cheerful.\n\nInterpretation", 1)
        return "I would say that this is a nice picture." if fault == "prose" else text

    def _look(self, url: str) -> None:
        """Count a picture that is what its data URL says."""
        kind, data = url.removeprefix("data:image/").split(";base64,")
        start = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG", "webp": b"RIFF"}[kind]
        self._count("pictures" if base64.b64decode(data).startswith(start) else "broken_pictures")

    def _plain(self, opening: str) -> str:
        """The evidence in the request as a caption without a label."""
        found = [(int(au), name) for au, name in PRESENT.findall(opening)]
        told = [f"- {region_of(au)}: AU{au} is present." for au, _ in found]
        told = told or ["- Quality: None of the measured movements is present."]
        return "\n".join(
            [
                f"Overview: {len(told)} findings were measured.",
                "\nKey observations",
                *told,
                "\nInterpretation\nThe movements allow more than one reading.",
                "\nConclusion\nThe movements leave the label open.\nLabel: none (left open)\nConfidence: low",
            ]
        )

    def _corrected(self, caption: str, face: int, chosen: str) -> str:
        """The same observations in another interpretation, which from now on leads to the annotators' label."""
        self._count("feedback")
        with self.lock:
            self.agreed[face] = chosen
        return caption.replace("The movements allow", "The list was read once more; the movements allow")

    def _infer(self, face: int) -> str:
        self._count("inferred")
        wrong = str(self.faults.get("infers", "open"))
        return wrong if self.faults.get("stubborn") else f"{self.agreed.get(face, wrong)}."

    def _count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

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


def region_of(au: int) -> str:
    """The region under which an AU is told."""
    return next((region for region, aus in REGIONS.items() if au in aus), "Mouth")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no news."""


if __name__ == "__main__":
    Handler.faults = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    Handler.work = threading.Semaphore(int(Handler.faults.get("parallel", 1_000_000)))
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
