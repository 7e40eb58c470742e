"""From sources to predictions: one job per file or picture, bad ones noted, the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fervlm.cli.sources import Found, evidence_files, join
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.facs import LabelSet
    from fervlm.predict.language_model import LanguageModelReader
    from fervlm.predict.pictures import PictureReader, SeenFace
    from fervlm.predict.rules import Explainer
    from fervlm.records import AURecord, Prediction
    from fervlm.sequences.track import Track

    Made = tuple[Prediction, Track | SeenFace | None]

Per = Literal["frame", "event", "clip"]
CACHED = 1024
"""Explanations and judged sentences kept: some 50 MB; more made long recordings no faster in trials."""
PEEKED = 32
"""Records looked at to tell a recording from stills; more than the faces of most frames."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose, beyond the sources."""

    labels: LabelSet
    per: Per | None = None
    """None: one a clip for recordings, one a face for stills."""
    observe_only: bool = False
    seed: int = 0
    input_format: str | None = None
    neutral: str | None = None
    fps: float | None = None
    mirrored: bool = False
    """The pictures measured were flipped: left and right of the evidence are exchanged."""
    limit: int | None = None
    eyes: Eyes | None = None
    """How pictures without evidence are looked at; None: they are not."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks at pictures."""

    model: str | None = None
    """A checkpoint; the shipped one by default."""
    words: tuple[str, ...] | None = None
    """The user's own labels, which the model may know where the tables do not."""
    finder: str = "haar"
    finder_model: str | None = None
    face_is_crop: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One source with its predictions still to be made."""

    name: str
    """The evidence file, or the picture."""
    made: Iterator[Made]
    """Each prediction, with the curves of the recording it explains, or with where the model looked."""
    picture: bytes | None = None
    """The photograph to draw on, as its file holds it."""


class Run:
    """One `fervlm explain`: hands out jobs, remembers what went wrong."""

    def __init__(self, found: Found, settings: Settings, evidence: str | None = None, *, drawn: bool = False) -> None:
        """Args: `found` the sources; `evidence` the `--au` file for pictures; `drawn` whether these are drawn on."""
        self.found, self.settings, self.evidence, self._drawn = found, settings, evidence, drawn
        self.bad: list[FervlmError] = list(found.unreadable)
        self.count = 0
        self._kept: Explainer | None = None
        self._reader: PictureReader | LanguageModelReader | None = None

    def jobs(self) -> Iterator[Job]:
        """Every source in order. A job's predictions must be used up before the next job is asked for.

        Raises:
            FervlmError: a single source cannot be explained; of many, the bad ones are kept in `bad`.
        """
        if self.evidence is not None:
            yield from self._picture_jobs(self.evidence)
            return
        for name in self.found.evidence:
            yield Job(name, self._guarded(self._explain(self._read(name)), name))
        if self.settings.eyes is not None:
            yield from self._seen_jobs(self.settings.eyes)

    def _read(self, name: str, *, landmarks: bool = False) -> Iterator[AURecord]:
        from fervlm.examples import recording
        from fervlm.readers import mirrored, read

        records = read(name, self.settings.input_format, landmarks=landmarks)
        if name == str(recording()):  # by its own name, wherever this installation keeps it
            records = map(_as_example, records)
        if self.settings.limit is not None:
            records = islice(records, self.settings.limit)
        return map(mirrored, records) if self.settings.mirrored else records

    def _picture_jobs(self, evidence: str) -> Iterator[Job]:
        records = chain.from_iterable(self._read(name, landmarks=self._drawn) for name in evidence_files(evidence))
        for picture, found in join(self.found.pictures, records, evidence):
            if not found:
                self._note(FervlmError(f"nothing in {evidence} was measured on this picture", file=picture))
                continue
            try:
                data = _picture(picture) if self._drawn else None
            except FervlmError as error:
                self._note(error)
                continue
            yield Job(str(picture), self._guarded(self._explain(iter(found), still=True), str(picture)), data)

    def _seen_jobs(self, eyes: Eyes) -> Iterator[Job]:
        for picture in self.found.pictures:
            try:
                data = _picture(picture) if self._drawn else None
            except FervlmError as error:
                self._note(error)
                continue
            yield Job(str(picture), self._guarded(self._see(picture, eyes), str(picture)), data)

    def _see(self, picture: Path, eyes: Eyes) -> Iterator[Made]:
        from fervlm.cli.looking import say

        chosen = self.settings
        labels = eyes.words or chosen.labels
        if self._reader is None:
            self._reader = _reader(eyes)
            for note in () if chosen.observe_only else self._reader.notes(labels):
                say(note)
        seen, notes = self._reader.see(
            picture, labels, face_is_crop=eyes.face_is_crop, seed=chosen.seed, observe_only=chosen.observe_only
        )
        for note in notes:
            say(f"{picture}: {note}")
        for face in seen:
            yield face.prediction, face

    def _guarded(self, told: Iterator[Made], name: str) -> Iterator[Made]:
        try:
            for made in told:
                self.count += 1
                yield made
        except FervlmError as error:
            if error.file is None:
                error.file = name
            self._note(error)

    def _note(self, error: FervlmError) -> None:
        if not self.found.many:
            raise error
        self.bad.append(error)

    def _explain(self, records: Iterator[AURecord], *, still: bool = False) -> Iterator[Made]:
        chosen = self.settings
        first, stream = _peeked(records)
        per = chosen.per or ("frame" if still or not is_recording(first) else "clip")
        if per == "frame":
            from fervlm.predict.clips import explain_clip

            for prediction in explain_clip(stream, per="frame", neutral=chosen.neutral, explainer=self._engine()):
                yield prediction, None
            return
        from fervlm.predict.tracks import explain_tracks

        told = explain_tracks(
            stream, per=per, neutral=chosen.neutral, seed=chosen.seed, fps=chosen.fps, explainer=self._engine()
        )
        for track, prediction in told:
            yield prediction, track

    def _engine(self) -> Explainer:
        from fervlm.predict.rules import Explainer

        if self._kept is None:
            chosen = self.settings
            self._kept = Explainer(chosen.labels, chosen.seed, chosen.observe_only, CACHED)
        return self._kept


def _reader(eyes: Eyes) -> PictureReader | LanguageModelReader:
    """What the chosen folder holds: a contrastive or a multimodal model."""
    from fervlm.mllm.manifest import is_mllm

    if eyes.model is not None and is_mllm(eyes.model):
        from fervlm.cli.language_model import open_language_model

        return open_language_model(eyes.model, finder=eyes.finder, finder_model=eyes.finder_model)
    from fervlm.predict.load import load

    return load(eyes.model, finder=eyes.finder, finder_model=eyes.finder_model)


def _as_example(record: AURecord) -> AURecord:
    return record.model_copy(
        update={"source": record.source.model_copy(update={"file": Path(record.source.file).name})}
    )


def _picture(path: Path) -> bytes:
    """A photograph's file, known to be one."""
    from fervlm.vision.picture import load_picture

    load_picture(path)
    return path.read_bytes()


def _peeked(records: Iterator[AURecord]) -> tuple[list[AURecord], Iterator[AURecord]]:
    """The first records, and all of them again; an error among the first comes when its turn comes."""
    first: list[AURecord] = []
    try:
        first.extend(islice(records, PEEKED))
    except FervlmError as error:
        return first, chain(first, map(_fail, (error,)))
    return first, chain(first, records)


def _fail(error: FervlmError) -> AURecord:
    raise error


def is_recording(first: list[AURecord]) -> bool:
    """Whether the first records look like frames of one video: not of several pictures, and not all of one moment."""
    if len({record.picture for record in first}) > 1:
        return False
    moments = {(record.frame, record.time_s) for record in first} - {(None, None)}
    return len(moments) > 1
