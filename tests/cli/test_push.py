"""`fervlm push`: the hub's own client, sent to a server of ours that writes down what it is asked for."""

from __future__ import annotations

import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fervlm.checkpoint import MANIFEST
from fervlm.cli.main import main
from fervlm.predict.load import SHIPPED

pytest.importorskip("huggingface_hub")


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's protocol as one upload of small files needs."""

    made: list[dict[str, Any]]
    sent: dict[str, bytes]

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/api/repos/create":
            self.made.append(json.loads(body))
            self._answer({"url": "http://127.0.0.1/ours/nano", "name": "ours/nano"})
        elif "/preupload/" in self.path:
            names = [entry["path"] for entry in json.loads(body)["files"]]
            self._answer({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.sent[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self._answer({"commitUrl": "http://127.0.0.1/ours/nano/commit/1", "commitOid": "1" * 40})
        else:
            self._answer({})

    def _answer(self, told: dict[str, Any]) -> None:
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        pass


@pytest.fixture
def hub() -> Iterator[tuple[str, type[Hub]]]:
    kind = type("Ours", (Hub,), {"made": [], "sent": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "nano"))


def test_exactly_the_checkpoint_is_sent(folder: Path, hub: tuple[str, type[Hub]]) -> None:
    (folder / "notes.txt").write_text("mine")
    address, kind = hub
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_TOKEN": "hf_x", "HF_HUB_OFFLINE": "0"}
    environment = {name: value for name, value in environment.items() if "proxy" not in name.lower()}
    command = [sys.executable, "-m", "fervlm", "push", str(folder), "ours/nano", "--private"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [one] = kind.made
    assert (one["organization"], one["name"]) == ("ours", "nano")
    assert one.get("private") is True or one.get("visibility") == "private"
    told = json.loads((folder / MANIFEST).read_text())["files"]
    assert kind.sent.keys() == {*told, MANIFEST, "README.md", "LICENSE"}
    assert all(content == (folder / name).read_bytes() for name, content in kind.sent.items())
    assert "ours/nano" in done.stderr


def test_a_hub_that_cannot_be_reached_is_one_sentence(folder: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "fervlm", "push", str(folder), "ours/nano"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the hub did not take it" in done.stderr and "Traceback" not in done.stderr


def test_a_dry_run_lists_and_sends_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(folder), "ours/nano", "--dry-run"]) == 0
    caught = capsys.readouterr()
    assert MANIFEST in caught.out.split() and "would be sent to ours/nano" in caught.err


def test_what_is_not_whole_stays_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-8])
    assert main(["push", str(folder), "ours/nano", "--dry-run"]) == 2
    assert weights.name in capsys.readouterr().err
    assert main(["push", str(folder / "none"), "ours/nano"]) == 2
    assert "no such checkpoint folder" in capsys.readouterr().err


def test_terms_must_be_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "LICENSE").unlink()
    assert main(["push", str(folder), "ours/nano", "--dry-run"]) == 2
    assert "LICENSE" in capsys.readouterr().err
