"""What is measured: items with their truth, and benchmarks that read them from an official layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fervlm.errors import FervlmError
from fervlm.metrics.events import Span
from fervlm.records import AURecord

Task = Literal["expression", "units", "intensity", "affect", "captions", "spotting", "questions"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at, with what is true of it; what a benchmark does not tell stays None.

    Attributes:
        id: unique in its benchmark.
        picture: a picture file; `data` its bytes where it lies in an archive or table.
        frames: a clip as picture files in order; `video` a clip as one file, cut to `span_s` where that is given.
        label: true label as the benchmark writes it; one outside its labels makes the item an unknown.
        units: AU -> coded present; AUs that were not coded are missing.
        levels: AU -> level, 0 to 5.
        valence, arousal: -1 to 1.
        text: a reference caption or explanation.
        spans: true events of a clip, in seconds.
        question, choices: of a multiple-choice item; `label` is then the right letter.
        record: AU evidence that came with the item, from a detector or a human coder.
        recording: a detector's file of a whole clip, in `recording_format` where that is not to be detected.
        subject: pseudonymous person; `groups` user-given groups by name.
        subsets: names of parts of the benchmark that are also scored alone.
        crop: the picture is one face already cut out.
        box: x, y, width, height of the face in pixels, where the layout tells it.
    """

    id: str
    picture: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    pictures: tuple[Path, ...] = ()
    frames: tuple[Path, ...] = ()
    video: Path | None = None
    span_s: tuple[float, float] | None = None
    label: str | None = None
    units: Mapping[int, bool] | None = None
    levels: Mapping[int, float] | None = None
    valence: float | None = None
    arousal: float | None = None
    text: str | None = None
    spans: tuple[Span, ...] | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()
    record: AURecord | None = None
    recording: Path | None = None
    recording_format: str | None = None
    subject: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    subsets: tuple[str, ...] = ()
    crop: bool = False
    box: tuple[float, float, float, float] | None = None

    def image(self) -> bytes | Path:
        """The picture; `FervlmError` where the item has none or its file is missing."""
        if self.data is not None:
            return self.data
        if self.picture is None:
            raise FervlmError(f"the item '{self.id}' has no picture")
        if not self.picture.is_file():
            raise FervlmError("there is no such picture", file=self.picture)
        return self.picture

    @property
    def is_clip(self) -> bool:
        """Whether there are several frames to look at."""
        return bool(self.frames) or self.video is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of a benchmark is read: its split and, where it has folds, the fold (1-based)."""

    split: str
    fold: int | None = None


Loader = Callable[[Path, Choice], list[Item]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A named set of items in an official layout.

    Attributes:
        name: on the command line.
        title: for people.
        labels: the classes in order; empty where the task has none.
        load: reads the items below a folder.
        layout: what the folder must hold, in a line or two.
        seen: where the layout was read: `seen in published code: OWNER/REPO PATH`, or `recalled` with what is unsure.
        terms: what its makers allow.
        access: where to ask for it.
        counts: published number of items by split (by `split/fold` where folds differ).
        splits: the first is the one that is measured unless another is asked for.
        folds: how many; 0 for none.
        anchor: its name in `anchors.csv`.
        units: the AUs that are scored.
        note: traps.
        probe: a path below the folder that shows the set is there.
        fit: for a user's own data: the benchmark with the labels and AUs that they have.
    """

    name: str
    title: str
    task: Task
    load: Loader
    layout: str
    seen: str
    terms: str
    access: str
    labels: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    splits: tuple[str, ...] = ("test",)
    folds: int = 0
    anchor: str | None = None
    units: tuple[int, ...] = ()
    note: str = ""
    probe: str = ""
    fit: Callable[[Benchmark, Path], Benchmark] | None = None

    def fitted(self, root: str | Path) -> Benchmark:
        """The benchmark as it is for the data below a folder; errors as for `items`."""
        return self if self.fit is None else self.fit(self, Path(root))

    def items(self, root: str | Path, choice: Choice | None = None) -> list[Item]:
        """The items of a split.

        Raises:
            FervlmError: no such folder, split or fold, another layout, a missing file, an id that comes twice.
        """
        folder = Path(root)
        if not folder.exists():
            raise FervlmError(
                "there is no such folder", file=folder, hint=f"{self.title} is laid out as: {self.layout}"
            )
        wanted = choice or Choice(self.splits[0])
        if wanted.split not in self.splits:
            raise FervlmError(f"{self.name} has no split '{wanted.split}'", hint=f"It has: {', '.join(self.splits)}.")
        if self.folds and wanted.fold is None:
            wanted = Choice(wanted.split, 1)
        if wanted.fold is not None and not 1 <= wanted.fold <= max(self.folds, 0):
            told = f"It has folds 1 to {self.folds}." if self.folds else "It has no folds."
            raise FervlmError(f"{self.name} has no fold {wanted.fold}", hint=told)
        found = self.load(folder, wanted)
        if not found:
            raise FervlmError(f"no item of {self.name} was found", file=folder, hint=f"Its layout: {self.layout}")
        _refuse_twice(found, folder)
        return found

    def expected(self, choice: Choice) -> int | None:
        """The published number of items, where there is one."""
        return self.counts.get(f"{choice.split}/{choice.fold}", self.counts.get(choice.split))


def _refuse_twice(items: list[Item], folder: Path) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise FervlmError(f"the id '{item.id}' comes twice", file=folder, hint="Every item needs an id of its own.")
        seen.add(item.id)
