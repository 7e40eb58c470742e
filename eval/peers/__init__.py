"""Other people's packages as predictors, side by side with ours: same pictures, same metrics, same clock.

Each adapter runs only where its package (and its weights) are installed; none is a dependency of fervlm. Labels are
mapped by name, never by number, and a package's own preprocessing is left as it comes.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from eval.item import Benchmark
    from eval.predictors import Predictor

PEERS = {
    "deepface": ("deepface", "deepface", "DeepFace's emotion model (a CNN of FER2013), seven labels"),
    "fer": ("fer", "fer", "mini-XCEPTION of FER2013 behind MTCNN or Haar, seven labels"),
    "emotiefflib": ("emotiefflib", "emotiefflib", "EmotiEffLib (HSEmotion) on onnxruntime, AffectNet labels"),
    "pyfeat": ("feat", "py-feat", "py-feat's Detector: AUs and emotions"),
    "open_clip": ("open_clip", "open_clip_torch", "any open_clip model, zero-shot; `peer:open_clip=NAME:WEIGHTS`"),
    "mediapipe": ("mediapipe", "mediapipe", "MediaPipe blendshapes read by fervlm's rules; `peer:mediapipe=TASK_FILE`"),
}
"""Name -> (module, distribution, what it is)."""


def open_peer(spec: str, benchmark: Benchmark) -> Predictor:
    """The peer that `NAME` or `NAME=SETTING` names.

    Raises:
        FervlmError: no such peer, its package is not installed, or it cannot do the task.
    """
    name, _, setting = spec.partition("=")
    if name not in PEERS:
        raise FervlmError(f"there is no peer '{name}'", hint=f"Known: {', '.join(PEERS)}.")
    module, distribution, _ = PEERS[name]
    if find_spec(module) is None:
        raise FervlmError(f"the package {distribution} is not installed here", hint=f"Type: pip install {distribution}")
    made: Predictor = import_module(f"eval.peers.{name}_peer").Peer(benchmark, setting or None)
    return made


def installed_version(name: str) -> str:
    """A peer's version as installed."""
    try:
        return version(PEERS[name][1])
    except PackageNotFoundError:
        return "unknown"


def peer_lines() -> list[str]:
    """One line a peer: whether it is here, and what it is."""
    lines = []
    for name, (module, _, told) in PEERS.items():
        here = f"installed {installed_version(name)}" if find_spec(module) is not None else "not installed"
        lines.append(f"peer:{name:<12} {here:<22} {told}")
    return lines
