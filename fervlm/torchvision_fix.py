"""Makes torchvision importable beside a CPU build of torch; import this before open_clip or transformers.

The registry's torchvision is built for CUDA torch. Beside a CPU torch its import ends in "operator torchvision::nms
does not exist", because its compiled operators are not loaded while their fake kernels are registered. On exactly that
error the two operator schemas are declared and the import is repeated; a healthy torchvision stays untouched.
"""

from __future__ import annotations

import sys

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []
"""Keeps the schemas alive as long as the process."""


def ensure_torchvision() -> bool:
    """Import torchvision, declaring its operators where its compiled part is missing.

    Returns:
        Whether the schemas had to be declared (box operators such as `nms` then exist by name only).

    Raises:
        RuntimeError, ImportError: torchvision fails for another reason, or is not installed.
    """
    try:
        import torchvision  # noqa: PLC0415
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
    else:
        return bool(_declared)
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        library.define(operator + _SIGNATURE)  # type: ignore[no-untyped-call]
    _declared.append(library)
    import torchvision  # noqa: F401, PLC0415

    return True


ensure_torchvision()
