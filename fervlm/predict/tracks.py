"""Tracks explained: at the apex of a clip or of each episode, with the course over time and its check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.predict.rules import Explainer
from fervlm.readers import read
from fervlm.records import AURecord, Prediction, Scores, SentenceCheck, Verification
from fervlm.sequences.apex import apex_row, clip_id, record_at, untracked_record
from fervlm.sequences.baseline import neutral_from
from fervlm.sequences.check import check_course
from fervlm.sequences.collect import FaceRows
from fervlm.sequences.course import write_course
from fervlm.sequences.episodes import Episode, episode_at, episodes
from fervlm.sequences.faces import recordings
from fervlm.sequences.follow import follow
from fervlm.sequences.scene import scene_of
from fervlm.sequences.settings import ClipSettings, Neutral
from fervlm.sequences.track import Key, Track

CACHED_SENTENCES = 4096
NeutralFace = str | Path | AURecord | Iterable[AURecord] | None
"""A kind (`auto`, `first`, `median`, `none`), an AU file, a record, records, or nothing for `auto`."""

_KINDS: dict[str, Neutral] = {"auto": "auto", "first": "first", "median": "median", "none": "none"}


def explain_tracks(
    records: Iterable[AURecord],
    *,
    per: Literal["event", "clip"] = "clip",
    neutral: NeutralFace = None,
    labels: LabelSet | str = "basic8",
    seed: int = 0,
    observe_only: bool = False,
    fps: float | None = None,
    explainer: Explainer | None = None,
) -> Iterator[tuple[Track, Prediction]]:
    """As `explain_clip`, each prediction with the track it rests on, for drawing and for `summarize`."""
    engine = explainer or Explainer(labels, seed, observe_only, CACHED_SENTENCES)
    settings = clip_settings(neutral, fps)
    for faces in recordings(records):
        for rows, track in zip(faces, follow(faces, settings), strict=True):
            teller = _Teller(rows, track, settings, engine, seed)
            for prediction in teller.whole() if per == "clip" else teller.episodes():
                yield track, prediction


def clip_settings(neutral: NeutralFace = None, fps: float | None = None) -> ClipSettings:
    """Settings from what a user names as neutral: a kind, a file, a record or records.

    Raises:
        FervlmError: the file cannot be read or holds no amplitudes; the frame rate is not above zero.
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise FervlmError(f"a frame rate of {fps:g} is not possible", hint="Give frames a second, such as 30.")
    kind, given = neutral_face(neutral)
    return ClipSettings(fps=fps, neutral=kind, given=given)


def neutral_face(neutral: NeutralFace) -> tuple[Neutral, dict[Key, float]]:
    """Which rule finds the neutral face, and the values given for it."""
    if neutral is None:
        return "auto", {}
    if isinstance(neutral, str) and neutral in _KINDS:
        return _KINDS[neutral], {}
    if isinstance(neutral, AURecord):
        return "none", neutral_from([neutral])
    if isinstance(neutral, str | Path):
        return "none", neutral_from(read(neutral))
    return "none", neutral_from(neutral)


class _Teller:
    """One face of one recording: its apexes explained and its course told."""

    def __init__(self, rows: FaceRows, track: Track, settings: ClipSettings, engine: Explainer, seed: int) -> None:
        self.rows = rows
        self.track = track
        self.settings = settings
        self.engine = engine
        self.seed = seed

    def whole(self) -> Iterator[Prediction]:
        """One prediction for the recording; a single row has no course and no events."""
        track = self.track
        span = (_second(track, 0), _second(track, -1)) if len(track.times) else None
        row = apex_row(track, track.events)
        if row is None:
            blind = self.engine.explain(untracked_record(self.rows, track))
            yield blind.model_copy(update={"id": clip_id(track), "span_s": span})
            return
        evidence = record_at(self.rows, track, row, self.settings, "apex of the clip")
        if len(track.times) == 1:
            yield self.engine.explain(evidence).model_copy(update={"id": clip_id(track), "span_s": span})
            return
        yield self._told(
            clip_id(track), evidence, row, span, episode_at(track, row, self.settings.bridge_s), whole=True
        )

    def episodes(self) -> Iterator[Prediction]:
        """One prediction for each episode; none for a face that shows none."""
        for number, episode in enumerate(episodes(self.track, self.settings.bridge_s), 1):
            row = apex_row(self.track, episode.events)
            if row is not None:
                evidence = record_at(self.rows, self.track, row, self.settings, "apex of the episode")
                span = (episode.begin_s, episode.end_s)
                yield self._told(f"{clip_id(self.track)}#{number}", evidence, row, span, episode, whole=False)

    def _told(
        self,
        name: str,
        evidence: AURecord,
        row: int,
        span: tuple[float, float] | None,
        episode: Episode | None,
        *,
        whole: bool,
    ) -> Prediction:
        explained = self.engine.explain(evidence)
        events = self.track.events if whole or episode is None else episode.events
        scene = scene_of(self.track, None if whole else events, row)
        course = write_course(scene, self.seed, episode)
        verification = with_course(explained.verification, check_course(course, scene))
        return explained.model_copy(
            update={"id": name, "span_s": span, "course": course, "events": events, "verification": verification}
        )


def _second(track: Track, row: int) -> float:
    return round(float(track.times[row]), 6)


def with_course(verification: Verification | None, checks: tuple[SentenceCheck, ...]) -> Verification | None:
    """A verification with the sentences of the course beside those of the caption, counted in its scores."""
    if verification is None:
        return None
    verdicts = [claim.verdict for check in checks for claim in check.claims]
    scores = verification.scores
    summed = {
        "contradicted": scores.contradicted + verdicts.count("contradicted"),
        "unmeasured": scores.unmeasured + verdicts.count("unmeasured"),
        "forbidden": scores.forbidden + verdicts.count("forbidden"),
    }
    return Verification(
        sentences=(*verification.sentences, *checks),
        scores=Scores.model_validate({**scores.model_dump(), **summed}),
        ok=verification.ok and all(check.ok for check in checks),
        against=verification.against,
    )
