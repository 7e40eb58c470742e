from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fervlm.errors import FervlmError
from fervlm.facs.labels import canonical_label
from fervlm.readers import read
from fervlm.sequences.apex import apex_row
from fervlm.sequences.check import check_course
from fervlm.sequences.course import write_course
from fervlm.sequences.episodes import episode_at, episodes
from fervlm.sequences.follow import tracks
from fervlm.sequences.scene import scene_of
from fervlm.sequences.summary import MOST_FACES, summarize
from fervlm.sequences.totals import summary_of
from fervlm.sequences.track import Track

T = np.arange(0, 6, 0.04)
LEVEL_WORDS = re.compile(r"\b(faint|slight|mild|marked|clear|strong|maxim|trace)")


def course(track: Track, seed: int = 0) -> str:
    return write_course(scene_of(track, apex=apex_row(track, track.events)), seed)


def one(records: object) -> Track:
    (track,) = tracks(records)  # type: ignore[arg-type]
    return track


def test_order_and_moments_stand_in_the_words(make: SimpleNamespace) -> None:
    track = one(
        make.film(
            T,
            {1: make.plateau(T, 0.4, 2.0, 2), 25: make.plateau(T, 0.9, 2.0, 3), 26: make.plateau(T, 1.4, 2.2, 4)},
        )
    )
    for seed in range(8):
        text = course(track, seed)
        assert text.index("AU1,") < text.index("AU25,") < text.index("AU26,")
        assert re.search(r"\bfirst\b", text, re.IGNORECASE) and re.search(r"last|finally", text)
        assert re.search(r"fade[sd]? by 2\.\d+ s|[Bb]y 2\.\d+ s .*faded", text)


def test_strength_words_only_on_intensities(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 3.0, 1.0)
    strong = one(make.film(T, {12: 4 * curve}))
    likely = one(make.film(T, {12: 0.95 * curve}, scale="probability"))
    assert "strongly" in course(strong)
    assert all(not LEVEL_WORDS.search(course(likely, seed)) for seed in range(20))


def test_a_side_is_named_only_where_it_alone_moved(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 3.0, 2.0)
    both = one(make.film(T, {(12, "left"): curve, (12, "right"): 0.9 * curve}))
    left = one(make.film(T, {(12, "left"): curve, (12, "right"): 0 * curve}))
    assert "left" not in course(both) and "right" not in course(both)
    assert "left" in course(left) and "right" not in course(left)


def test_frames_are_counted_where_there_is_no_clock(make: SimpleNamespace) -> None:
    track = one(make.film(T, {1: make.plateau(T, 1, 2, 3), 12: make.plateau(T, 3, 4, 3)}, stamped=False))
    text = course(track)
    assert "frame 2" in text and not re.search(r"\d s\b|second", text)


def test_what_was_under_way_is_said_so(make: SimpleNamespace) -> None:
    track = one(make.film(T, {4: np.full(T.size, 2.5), 12: make.plateau(T, 1, 2, 3)}))
    text = course(track)
    assert re.search(r"already .*\(AU4\) when tracking begins", text)
    assert re.search(r"still .*\(AU4\) when tracking ends", text)


def test_stillness_is_said_of_a_still_face(make: SimpleNamespace) -> None:
    assert course(one(make.film(T, {12: 0 * T}))) == "No movement is detected between 0.0 s and 6.0 s."


def test_no_course_names_an_emotion(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    for seed in range(40):
        curves = {
            int(au): make.plateau(T, rng.uniform(0, 3), rng.uniform(3.3, 6), rng.uniform(1, 5))
            for au in rng.choice([1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 25, 26], 6, replace=False)
        }
        words = re.findall(r"[a-z]+", course(one(make.film(T, curves)), seed).lower())
        # "tense" is also what lids do.
        assert not [word for word in words if canonical_label(word) and word != "tense"]


# ---- apex and episodes


def test_the_apex_is_where_most_moves_and_never_a_blink(make: SimpleNamespace) -> None:
    curves = {
        12: make.bump(T, 1.0, 2.0, 4.0, 3.0),
        6: make.bump(T, 1.5, 2.6, 4.0, 3.0),
        45: make.plateau(T, 4.8, 5.2, 5.0, 0.04),
    }
    track = one(make.film(T, curves))
    row = apex_row(track, track.events)
    assert row is not None
    total = curves[12] + curves[6]
    assert track.times[row] == pytest.approx(T[int(np.argmax(total))], abs=0.081)
    assert apex_row(track, [e for e in track.events if e.au == 45]) == T.size // 2


def test_a_lost_face_has_no_apex(make: SimpleNamespace) -> None:
    track = one(make.film(T, {12: 0 * T}, lost=lambda t: True))
    assert apex_row(track, track.events) is None


def test_episodes_are_overlaps_parted_at_valleys(make: SimpleNamespace) -> None:
    times = np.arange(0, 20, 0.04)
    curves = {
        6: make.bump(times, 1.0, 2.0, 3.0, 3),
        12: make.bump(times, 1.2, 2.2, 5.2, 4) + make.bump(times, 12, 13, 14, 3),
        1: make.bump(times, 4.4, 6.0, 8.0, 4),
        2: make.bump(times, 4.6, 6.0, 8.0, 4),
        45: make.plateau(times, 16, 16.3, 4, 0.04) + make.plateau(times, 6, 6.3, 4, 0.04),
    }
    found = episodes(one(make.film(times, curves)))
    assert [sorted({e.au for e in episode.events}) for episode in found] == [[6, 12], [1, 2, 45], [12]]
    assert found[2].begin_s == pytest.approx(12.2, abs=0.1)


def test_a_held_movement_does_not_join_episodes(make: SimpleNamespace) -> None:
    times = np.arange(0, 40, 0.04)
    curves = {
        4: make.plateau(times, 1, 39, 2),
        12: make.bump(times, 5, 6, 7, 3) + make.bump(times, 25, 26, 27, 3),
    }
    found = episodes(one(make.film(times, curves)))
    assert [round(e.begin_s) for e in found] == [5, 25]
    alone = episodes(one(make.film(times, {4: curves[4]})))
    assert [sorted({e.au for e in episode.events}) for episode in alone] == [[4]]


# ---- summary


def test_summary_counts_and_shares(make: SimpleNamespace) -> None:
    times = np.arange(0, 100, 0.04)
    smile = sum(make.plateau(times, t, t + 4, 3) for t in (5, 30, 60))
    curves = {
        12: smile,
        6: sum(make.plateau(times, t, t + 4, 2) for t in (5, 30)),
        45: sum(make.plateau(times, t, t + 0.2, 4, 0.04) for t in range(2, 100, 10)),
    }
    track = one(make.film(times, curves, lost=lambda t: 80 <= t < 90))
    summary = summary_of([track])
    (face,) = summary.faces
    assert summary.seconds == pytest.approx(100, abs=0.1)
    assert face.tracked_share == pytest.approx(0.9, abs=0.01)
    assert face.stretches == 2
    by_au = {m.au: m for m in face.movements}
    assert (by_au[12].times, by_au[6].times, by_au[45].times) == (3, 2, 9)
    assert by_au[12].total_s == pytest.approx(12, abs=0.4)
    assert by_au[12].share == pytest.approx(12 / 90, abs=0.01)
    assert by_au[12].peak_level == "C"
    assert face.combinations[0].aus == (6, 12)
    assert face.combinations[0].total_s == pytest.approx(8, abs=0.3)
    assert face.onsets_by_tenth == (2, 0, 0, 2, 0, 0, 1, 0, 0, 0)
    text = summarize([track])
    assert "AU12 lip corner puller: three times" in text
    assert "AU6+AU12" in text and "tracked 90 % of the time" in text
    assert type(summary).model_validate_json(summary.model_dump_json()) == summary


def test_summary_stays_short_whatever_is_recorded(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(1)
    times = np.arange(0, 120, 0.1)
    all_aus = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 28, 43, 45]
    faces = []
    for face in range(9):
        curves = {au: 5 * (rng.random(times.size // 20).repeat(20) > 0.6) for au in all_aus}
        faces.append(list(make.film(times, curves, face_id=str(face))))
    found = list(tracks(r for rows in zip(*faces, strict=True) for r in rows))
    text = summarize(found)
    assert len(text) < 14_000
    assert text.count("\nFace ") == MOST_FACES
    assert "3 further faces" in text
    assert "more AUs, each at most" in text


def test_summary_of_a_lost_face(make: SimpleNamespace) -> None:
    track = one(make.film(T, {12: 0 * T}, lost=lambda t: True))
    assert "tracked 0 % of the time" in summarize([track])


# ---- real files


REAL = (
    "openface2/facsvatar_demo_raw.csv",
    "openface2/facsvatar_2people_p0_clean.csv",
    "openface2/pyfeat_OpenFace_Test.csv",
    "pyfeat/v0_fex_001.csv",
    *(f"pyfeat/v2_news_{n:03d}.csv" for n in range(1, 11)),
    "imotions_facet/iMotions_Test_v6.txt",
)


@pytest.mark.parametrize("name", REAL)
def test_real_recordings_are_told_truly(au_files: Path, name: str) -> None:
    found = list(tracks(read(au_files / name)))
    rows = sum(1 for _ in read(au_files / name))
    assert sum(len(track.times) for track in found) == rows
    for track in found:
        row = apex_row(track, track.events)
        assert row is not None and track.tracked[row]
        scene = scene_of(track, apex=row)
        for seed in range(5):
            checks = check_course(write_course(scene, seed, episode_at(track, row)), scene)
            assert checks and all(check.ok for check in checks), [c.text for c in checks if not c.ok]
        for event in track.events:
            assert event.onset_s <= event.apex_s <= event.offset_s
            assert event.peak is None or event.peak >= track.thresholds[event.au, event.side]  # type: ignore[index]


def test_a_real_recording_twice_over_is_refused(au_files: Path) -> None:
    rows = list(read(au_files / "openface2/facsvatar_demo_raw.csv"))
    demo = one(rows)
    assert demo.clock == "time" and demo.step == pytest.approx(0.04, abs=1e-3)
    assert {e.au for e in demo.events} >= {4, 7, 12, 25, 45}
    with pytest.raises(FervlmError, match=r"falls from 19\.56 to 0"):
        list(tracks(rows + rows))
