from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from fervlm.errors import FervlmError
from fervlm.predict.clips import explain_clip, less_neutral
from fervlm.predict.tracks import explain_tracks, with_course
from fervlm.readers import read
from fervlm.records import AUReading, AURecord, Detector, Prediction, Quality, SentenceCheck, Source
from fervlm.sequences.check import check_course
from fervlm.sequences.scene import scene_of_prediction
from fervlm.sequences.summary import summarize

STEP = 0.04


def rise(t: float, onset: float, offset: float, height: float) -> float:
    """A movement with ramps of 0.2 s."""
    return max(0.0, min(1.0, (t - onset) / 0.2, (offset - t) / 0.2)) * height


def smile(t: float) -> dict[int, float]:
    return {4: 0.0, 6: rise(t, 1.3, 3.4, 2.6), 12: rise(t, 1.0, 3.5, 3.2), 25: rise(t, 1.6, 3.0, 2.2), 45: 0.0}


def frown(t: float) -> dict[int, float]:
    return {4: rise(t, 5.0, 7.0, 3.6), 6: 0.0, 12: 0.0, 25: 0.0, 45: rise(t, 6.0, 6.5, 3.0)}


def rows(
    curves: Iterable[object] = (smile, frown), *, face: str | None = None, seconds: float = 8.0, rest: float = 0.0
) -> Iterator[AURecord]:
    for i in range(round(seconds / STEP)):
        t = i * STEP
        values = {au: max(curve(t)[au] for curve in curves) + rest for au in smile(0)}  # type: ignore[operator]
        readings = [
            AUReading(
                au=au, state="present" if v >= 1 else "absent", value=round(v, 3), scale="intensity_0_5", threshold=1.0
            )
            for au, v in values.items()
        ]
        yield AURecord(
            id=f"film:{i}",
            source=Source(file="film.csv", row=i + 2),
            face_id=face,
            frame=i,
            time_s=round(t, 3),
            detector=Detector(name="openface2", trust="medium"),
            readings=tuple(readings),
            not_measured=(16, 18, 22, 24, 27),
        )


def test_a_clip_is_explained_at_its_apex() -> None:
    (prediction,) = explain_clip(rows())
    assert prediction.id == "film.csv"
    assert prediction.span_s == (0.0, 7.96)
    assert prediction.evidence.time_s is not None and 1.6 <= prediction.evidence.time_s <= 3.0
    assert prediction.frame == round(prediction.evidence.time_s / STEP)
    assert prediction.evidence.derived is not None and "apex of the clip" in prediction.evidence.derived
    assert {r.au for r in prediction.evidence.readings if r.state == "present"} == {6, 12, 25}
    assert prediction.label == "happiness"
    assert [e.au for e in prediction.events] == [12, 6, 25, 4, 45]
    assert prediction.caption is not None and "AU12" in " ".join(o.text for o in prediction.caption.observations)


def test_the_course_is_told_checked_and_counted() -> None:
    (prediction,) = explain_clip(rows())
    assert prediction.course is not None and prediction.verification is not None
    told = [s for s in prediction.verification.sentences if s.section == "course"]
    assert " ".join(s.text for s in told) == prediction.course
    assert prediction.verification.ok
    assert any(s.section == "conclusion" for s in prediction.verification.sentences)


def test_each_episode_has_its_own_explanation() -> None:
    first, second = explain_clip(rows(), per="event")
    assert (first.id, second.id) == ("film.csv#1", "film.csv#2")
    assert {e.au for e in first.events} == {6, 12, 25} and {e.au for e in second.events} == {4, 45}
    assert first.span_s is not None and second.span_s is not None
    assert first.span_s[1] < second.span_s[0]
    assert second.evidence.derived is not None and "apex of the episode" in second.evidence.derived
    assert "AU12" not in (second.course or "")
    assert list(explain_clip(rows([lambda t: dict.fromkeys(smile(0), 0.0)]), per="event")) == []


def test_frames_stream_and_are_the_rows_as_written() -> None:
    taken: list[int] = []

    def watched() -> Iterator[AURecord]:
        for record in rows():
            taken.append(record.frame or 0)
            yield record

    found = explain_clip(watched(), per="frame")
    first = next(found)
    assert taken == [0]
    assert first.evidence == next(rows())
    assert 1 + sum(1 for _ in found) == 200


def test_faces_of_one_recording_are_kept_apart() -> None:
    mixed = [r for pair in zip(rows([smile], face="a"), rows([frown], face="b"), strict=True) for r in pair]
    a, b = explain_clip(mixed)
    assert (a.face_id, a.id, b.face_id, b.id) == ("a", "film.csv:a", "b", "film.csv:b")
    assert {e.au for e in a.events} == {6, 12, 25}
    assert {e.au for e in b.events} == {4, 45}


def test_the_neutral_face_is_subtracted_and_said() -> None:
    raised = list(rows(rest=0.8))
    (auto,) = explain_clip(raised)
    assert auto.evidence.derived is not None and "neutral subtracted (lowest tenth)" in auto.evidence.derived
    value = {r.au: r.value for r in auto.evidence.readings}
    assert value[12] == pytest.approx(3.2, abs=0.05) and value[4] == pytest.approx(0, abs=0.01)
    (kept,) = explain_clip(raised, neutral="none")
    assert {r.au: r.value for r in kept.evidence.readings}[12] == pytest.approx(4.0, abs=0.05)
    (given,) = explain_clip(raised, neutral=raised[0])
    assert given.evidence.derived is not None and "neutral subtracted (given)" in given.evidence.derived
    assert {e.au for e in given.events} == {e.au for e in auto.events}


def test_a_neutral_record_serves_frames_too() -> None:
    raised = list(rows(rest=0.8))
    found = list(explain_clip(raised, per="frame", neutral=raised[0]))
    assert found[60].evidence.derived == "neutral subtracted (given)"
    assert {r.au: r.value for r in found[60].evidence.readings}[12] == pytest.approx(3.2)
    with pytest.raises(FervlmError, match="needs the whole recording"):
        next(explain_clip(raised, per="frame", neutral="median"))


def test_presence_bits_give_way_to_lessened_amplitudes() -> None:
    record = AURecord(
        id="r",
        source=Source(file="f.csv"),
        detector=Detector(name="openface2", trust="medium"),
        readings=(
            AUReading(au=4, state="present", value=1.4, scale="intensity_0_5", threshold=1.0),
            AUReading(au=4, state="present", value=1, scale="presence"),
            AUReading(au=28, state="present", value=1, scale="presence"),
        ),
    )
    found = less_neutral(record, {(4, None): 1.0})
    assert [(r.au, r.state, r.value) for r in found.readings] == [(4, "absent", 0.4), (28, "present", 1)]


def test_a_recording_without_a_face_has_no_caption() -> None:
    lost = [r.model_copy(update={"readings": (), "quality": Quality(tracking="failed")}) for r in rows()]
    (prediction,) = explain_clip(lost)
    assert prediction.course is None and prediction.label is None and prediction.events == ()
    assert prediction.evidence.quality.tracking == "failed"
    assert list(explain_clip(lost, per="event")) == []


def test_observe_only_holds_for_clips() -> None:
    (prediction,) = explain_clip(rows(), observe_only=True)
    assert prediction.label is None and prediction.caption is not None
    assert prediction.caption.conclusion.abstain == "observe-only"


def test_a_frame_rate_must_be_possible() -> None:
    with pytest.raises(FervlmError, match="frame rate of 0"):
        next(explain_clip(rows(), fps=0))


def test_predictions_survive_json_and_their_course_can_be_checked_again() -> None:
    for per in ("clip", "event"):
        for prediction in explain_clip(rows(), per=per):  # type: ignore[arg-type]
            again = Prediction.model_validate_json(prediction.model_dump_json())
            assert again == prediction
            assert again.course is not None
            assert all(check.ok for check in check_course(again.course, scene_of_prediction(again)))
            swapped = again.course.replace("AU12", "AU?").replace("AU4", "AU12").replace("AU?", "AU4")
            assert not all(check.ok for check in check_course(swapped, scene_of_prediction(again)))


def test_a_false_course_spoils_the_verification() -> None:
    (prediction,) = explain_clip(rows())
    checks = check_course("AU4 moves first.", scene_of_prediction(prediction))
    spoiled = with_course(prediction.verification, checks)
    assert spoiled is not None and prediction.verification is not None
    assert not spoiled.ok
    assert spoiled.scores.contradicted == prediction.verification.scores.contradicted + 1
    assert isinstance(spoiled.sentences[-1], SentenceCheck)


def test_frames_need_no_numpy() -> None:
    code = (
        "import sys; from fervlm.predict.clips import explain_clip; list(explain_clip([], per='frame')); "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tracks_come_with_their_predictions() -> None:
    ((track, prediction),) = explain_tracks(rows())
    assert track.events == prediction.events
    assert "AU12 lip corner puller: once" in summarize([track])


# ---- real files


def data(root: str | None) -> Path:
    if not root:
        pytest.skip("FERVLM_DATA is not set: no real detector files")
    return Path(root) / "au"


@pytest.mark.parametrize(
    "name",
    [
        "openface2/facsvatar_demo_raw.csv",
        "openface2/facsvatar_2people_p0_clean.csv",
        "pyfeat/v0_fex_001.csv",
        "pyfeat/v2_news_001.csv",
        "pyfeat/v2_news_010.csv",
        "imotions_facet/iMotions_Test_v6.txt",
        "affectiva/sample_affectiva.json",
    ],
)
def test_real_recordings_are_explained_and_verified(name: str) -> None:
    path = data(os.environ.get("FERVLM_DATA")) / name
    for per in ("clip", "event"):
        for prediction in explain_clip(read(path), per=per):  # type: ignore[arg-type]
            assert prediction.caption is not None and prediction.verification is not None
            course = [s for s in prediction.verification.sentences if s.section == "course"]
            assert not [s.text for s in course if not s.ok]
            assert (prediction.course is None) == (not course)
