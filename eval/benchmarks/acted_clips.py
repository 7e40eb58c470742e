"""Acted clips whose labels stand in file names: CREMA-D, RAVDESS, eNTERFACE'05."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import VIDEOS, need
from fervlm.errors import FervlmError

CREMA = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
RAVDESS = {
    "01": "neutral", "02": "calm", "03": "happiness", "04": "sadness", "05": "anger", "06": "fear", "07": "disgust",
    "08": "surprise",
}  # fmt: skip
ENTERFACE = {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"}


def _videos(root: Path) -> list[Path]:
    found = sorted(path for path in need(root, "folder").rglob("*") if path.suffix.lower() in VIDEOS)
    if not found:
        raise FervlmError("there is no video here", file=root)
    return found


def _label(codes: dict[str, str], code: str, path: Path) -> str:
    if code not in codes:
        raise FervlmError(f"'{code}' in its name is no label", file=path, hint=f"Known: {', '.join(codes)}.")
    return codes[code]


def crema_d(root: Path, _choice: Choice) -> list[Item]:
    """`1001_DFA_ANG_XX.flv`: actor, sentence, label, level."""
    folder = root / "VideoFlash" if (root / "VideoFlash").is_dir() else root
    items = []
    for path in _videos(folder):
        parts = path.stem.split("_")
        code = parts[2] if len(parts) == 4 else path.stem
        items.append(Item(id=path.name, video=path, label=_label(CREMA, code, path), subject=parts[0]))
    return items


def ravdess(root: Path, _choice: Choice) -> list[Item]:
    """`01-01-05-02-01-01-12.mp4`: modality, speech or song, label, level, sentence, repetition, actor.

    Speech with sound and picture (01-01) is kept; the silent copies of the same clips (02) and songs are not.
    """
    items = []
    for path in _videos(root):
        parts = path.stem.split("-")
        if len(parts) != 7:
            raise FervlmError("the name has not seven parts", file=path, hint="Names are 01-01-05-02-01-01-12.mp4.")
        if parts[:2] == ["01", "01"]:
            items.append(Item(id=path.name, video=path, label=_label(RAVDESS, parts[2], path), subject=parts[6]))
    return items


def enterface(root: Path, _choice: Choice) -> list[Item]:
    """`subject 1/anger/sentence 1/s1_an_1.avi`."""
    items = []
    for path in _videos(root):
        parts = path.stem.split("_")
        code = parts[1] if len(parts) >= 3 else path.stem
        name = path.relative_to(root).as_posix()
        items.append(Item(id=name, video=path, label=_label(ENTERFACE, code, path), subject=parts[0].lstrip("s")))
    return items


BENCHMARKS = (
    Benchmark(
        name="crema_d",
        title="CREMA-D",
        task="expression",
        labels=tuple(CREMA.values()),
        load=crema_d,
        layout="DIR/VideoFlash/1001_DFA_ANG_XX.flv",
        seen="seen in published code: many loaders of the same names as .wav; the video folder recalled",
        terms="Open Database License",
        access="https://github.com/CheyneyComputerScience/CREMA-D",
        counts={"test": 7442},
        anchor="CREMA-D",
        probe="VideoFlash",
        note="no official split for zero-shot use: all clips; supervised work uses subject-independent folds",
    ),
    Benchmark(
        name="ravdess",
        title="RAVDESS, speech",
        task="expression",
        labels=tuple(RAVDESS.values()),
        load=ravdess,
        layout="DIR/**/01-01-05-02-01-01-12.mp4",
        seen="seen in published code: many loaders of the seven-part names",
        terms="CC BY-NC-SA 4.0",
        access="https://zenodo.org/record/1188976",
        counts={"test": 1440},
        anchor="RAVDESS",
        probe="**/01-01-*.mp4",
        note="eight labels; calm is one of them and is not neutral",
    ),
    Benchmark(
        name="enterface05",
        title="eNTERFACE'05",
        task="expression",
        labels=tuple(ENTERFACE.values()),
        load=enterface,
        layout="DIR/subject N/EMOTION/sentence K/sN_an_K.avi",
        seen="seen in published code: loaders of `subject 1/anger/sentence 1/s1_an_1.avi`",
        terms="research only",
        access="http://www.enterface.net/enterface05/",
        counts={"test": 1287},
        anchor="eNTERFACE05",
        probe="subject 1",
        note="six labels, no neutral; subject 6's files are not split in some copies",
    ),
)
