"""EmotiEffLib (HSEmotion) on onnxruntime: AffectNet labels of a face crop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.peers.pictures import Pixels, answered

MODEL = "enet_b0_8_best_vgaf"


class Peer:
    """It brings no face finder: pictures that are no crops are handed over whole.

    Args:
        benchmark: its labels are mapped by name.
        setting: one of the package's model names.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        model = setting or MODEL
        package: Any = import_module("emotiefflib.facial_analysis")
        self._model = package.EmotiEffLibRecognizer(engine="onnx", model_name=model, device="cpu")
        self._benchmark = benchmark
        self.name, self.version = f"peer emotiefflib {model}", installed_version("emotiefflib")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one."""
        yield from answered(items, self._look, self._benchmark)

    def _look(self, pixels: Pixels) -> Mapping[str, float]:
        _, scores = self._model.predict_emotions(np.ascontiguousarray(pixels[:, :, ::-1]), logits=False)
        names = getattr(self._model, "idx_to_emotion_class", None) or self._model.idx_to_class
        return {str(names[k]): float(value) for k, value in enumerate(np.asarray(scores).ravel()[: len(names)])}
