"""MediaPipe's Face Landmarker, its blendshapes read by fervlm's reader and judged by fervlm's rules."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from eval.answer import Answer, failed
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.peers.pictures import decoded
from eval.predictors import Settings
from eval.predictors.rules import Rules
from fervlm.errors import FervlmError
from fervlm.readers import read


class Peer:
    """What somebody gets who owns pictures and no detector's file.

    Args:
        benchmark: its labels are chosen from.
        setting: the path of `face_landmarker.task`.

    Raises:
        FervlmError: no model file.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        if setting is None or not Path(setting).is_file():
            raise FervlmError("MediaPipe needs its model file", hint="Write peer:mediapipe=/path/face_landmarker.task")
        tasks: Any = import_module("mediapipe.tasks.python")
        vision: Any = import_module("mediapipe.tasks.python.vision")
        base = tasks.BaseOptions(model_asset_path=setting)
        options = vision.FaceLandmarkerOptions(base_options=base, output_face_blendshapes=True, num_faces=1)
        self._opened = partial(vision.FaceLandmarker.create_from_options, options)
        self._rules = Rules(benchmark, Settings())
        self.name, self.version = "peer mediapipe + rules", installed_version("mediapipe")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one."""
        # Closed here: at the interpreter's end its own clean-up fails.
        with tempfile.TemporaryDirectory() as folder, self._opened() as landmarker:
            path = Path(folder, "blendshapes.json")
            for item in items:
                began = time.perf_counter()
                try:
                    found = _blendshapes(landmarker, item)
                except FervlmError as error:
                    yield failed(item.id, str(error), _ms(began))
                    continue
                path.write_text(json.dumps(found), encoding="utf-8")
                record = next(iter(read(path, "mediapipe")))
                for answer in self._rules.answers([replace(item, record=record)]):
                    yield answer.model_copy(update={"ms": _ms(began)})


def _blendshapes(landmarker: Any, item: Item) -> list[dict[str, object]]:  # noqa: ANN401
    mediapipe: Any = import_module("mediapipe")
    pixels = np.ascontiguousarray(decoded(item)[:, :, ::-1])
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
    found = landmarker.detect(picture).face_blendshapes
    if not found:
        raise FervlmError("no face was found")
    return [{"category_name": one.category_name, "score": one.score} for one in found[0]]


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
