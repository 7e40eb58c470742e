"""face-api (`@vladmandic/face-api`) in a Node process of its own, spoken to in JSON lines."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.peers.pictures import Pixels, answered
from fervlm.errors import FervlmError

SCRIPT = Path(__file__).with_suffix(".cjs")
INSTALL = (
    "npm install --prefix FOLDER --ignore-scripts @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm"
)


class Peer:
    """Crops go to the expression net as they are; in whole pictures its own detector's largest face counts.

    Args:
        benchmark: its labels are mapped by name.
        setting: a folder whose `node_modules` holds the packages.

    Raises:
        FervlmError: no Node, no such folder, or the package does not start.
    """

    name = "peer faceapi"

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        self._benchmark = benchmark
        node = shutil.which("node")
        if node is None:
            raise FervlmError(
                "Node is not installed here", hint="face-api is no Python package; it needs Node 14 to 22."
            )
        if setting is None or not (Path(setting) / "node_modules" / "@vladmandic" / "face-api").is_dir():
            raise FervlmError(
                "face-api is not installed there", file=setting, hint=f"{INSTALL}; then write peer:faceapi=FOLDER."
            )
        self._child = subprocess.Popen(
            [node, str(SCRIPT), setting],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.version = str(self._heard()["version"])

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one; `FervlmError` where the process ends before them."""
        for item in items:
            for answer in answered([item], partial(self._look, item.crop), self._benchmark):
                if self._child.poll() is not None:  # its death is no fault of this picture
                    raise FervlmError(f"face-api's process ended with code {self._child.returncode}")
                yield answer

    def _look(self, crop: bool, pixels: Pixels) -> Mapping[str, float]:
        assert self._child.stdin is not None
        rgb = base64.b64encode(np.ascontiguousarray(pixels[:, :, ::-1]).tobytes()).decode()
        asked = {"width": pixels.shape[1], "height": pixels.shape[0], "rgb": rgb, "crop": crop}
        self._child.stdin.write(json.dumps(asked) + "\n")
        self._child.stdin.flush()
        found = self._heard()
        if "error" in found:
            raise FervlmError(str(found["error"]))
        scores: Mapping[str, float] = found["scores"]
        return scores

    def _heard(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise FervlmError(f"face-api's process ended with code {self._child.wait(timeout=10)}", hint=INSTALL)
        found: dict[str, Any] = json.loads(line)
        return found

    def __del__(self) -> None:
        child = getattr(self, "_child", None)
        if child is not None:
            child.kill()
            child.wait()
