from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fervlm.errors import FervlmError
from fervlm.records import AUReading, AURecord, Box, Detector, Source
from fervlm.sequences.baseline import neutral_from
from fervlm.sequences.follow import tracks
from fervlm.sequences.settings import ClipSettings
from fervlm.sequences.track import Track

T = np.arange(0, 6, 0.04)


def one(records: Iterable[AURecord], **settings: Any) -> Track:  # noqa: ANN401
    (track,) = tracks(records, ClipSettings(**settings))
    return track


def test_onset_apex_offset_of_a_known_movement(make: SimpleNamespace) -> None:
    track = one(make.film(T, {1: make.bump(T, 1.0, 2.0, 3.0, 3.0), 12: make.bump(T, 2.0, 3.2, 5.0, 4.0)}))
    first, second = track.events
    assert (first.au, second.au) == (1, 12)
    assert first.onset_s == pytest.approx(1.17, abs=0.06)  # 0.5 of 3.0 is reached a sixth of the way up
    assert first.apex_s == pytest.approx(2.0, abs=0.041)
    assert first.offset_s == pytest.approx(2.83, abs=0.06)
    assert second.apex_s == pytest.approx(3.2, abs=0.041)
    assert first.apex_frame == round(first.apex_s / 0.04)
    assert 2.6 < first.peak <= 3.0
    assert not first.open_start and not first.open_end


def test_noise_makes_no_events_and_moves_edges_little(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(5)
    clean = make.plateau(T, 1.0, 3.0, 2.5)
    noisy = np.clip(clean + rng.normal(0, 0.25, T.size), 0, 5)
    rest = np.clip(0.3 + rng.normal(0, 0.25, T.size), 0, 5)
    track = one(make.film(T, {4: rest, 12: noisy}))
    (event,) = track.events
    assert event.au == 12
    assert event.onset_s == pytest.approx(1.0, abs=0.1)
    assert event.offset_s == pytest.approx(3.0, abs=0.1)


def test_a_lone_spike_is_no_event(make: SimpleNamespace) -> None:
    spike = np.zeros(T.size)
    spike[60] = 5.0
    assert one(make.film(T, {12: spike})).events == ()


def test_a_short_dip_does_not_end_an_event_but_a_long_one_does(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 4.0, 3.0)
    short = curve.copy()
    short[(T > 2.0) & (T < 2.1)] = 0.0
    long = curve.copy()
    long[(T > 2.0) & (T < 2.6)] = 0.0
    assert len(one(make.film(T, {12: short})).events) == 1
    assert len(one(make.film(T, {12: long})).events) == 2


def test_hysteresis_keeps_a_movement_between_the_thresholds(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 5.0, 1.6)
    curve[(T > 2.0) & (T < 4.0)] = 0.8
    (event,) = one(make.film(T, {12: curve})).events
    assert event.offset_s > 4.5
    low = make.plateau(T, 1.0, 5.0, 0.9)
    assert one(make.film(T, {12: low})).events == ()


def test_a_blink_of_two_frames_counts_where_a_movement_of_two_frames_does_not(make: SimpleNamespace) -> None:
    twitch = np.zeros(T.size)
    twitch[50:52] = 1.6
    (event,) = one(make.film(T, {12: twitch, 45: twitch})).events
    assert event.au == 45
    assert event.offset_s - event.onset_s == pytest.approx(0.04)


def test_nothing_crosses_a_gap_in_tracking(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 4.0, 3.0)
    track = one(make.film(T, {12: curve}, lost=lambda t: 2.0 <= t < 2.5))
    before, after = track.events
    assert before.open_end and not before.open_start and before.offset_s < 2.0
    assert after.open_start and not after.open_end and after.onset_s >= 2.5
    assert np.isnan(track.values[12, None][(T >= 2.0) & (T < 2.5)]).all()
    # Smoothing beside the gap uses its own side alone: a step there stays a step.
    step = np.where(T < 2.25, 0.0, 4.0)
    edge = one(make.film(T, {12: step}, lost=lambda t: 2.2 < t < 2.3), neutral="none").values[12, None]
    tracked = edge[~np.isnan(edge)]
    assert set(np.round(tracked, 5)) == {0.0, 4.0}


def test_a_gap_in_time_is_a_gap_even_where_no_row_stands_for_it(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 4.0, 3.0)
    records = [r for r in make.film(T, {12: curve}) if not 2.0 <= r.time_s < 2.3]
    before, after = one(records).events
    assert before.open_end and after.open_start


def test_one_missing_frame_is_a_gap_too(make: SimpleNamespace) -> None:
    records = [r for r in make.film(T, {12: make.plateau(T, 1.0, 4.0, 3.0)}) if r.frame != 50]
    track = one(records)
    assert [e.open_end for e in track.events] == [True, False]


def test_jittering_stamps_are_no_gaps(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(2)
    jittered = np.cumsum(rng.uniform(0.025, 0.055, 150))
    track = one(make.film(jittered, {12: make.plateau(jittered, 1.0, 4.0, 3.0)}))
    (event,) = track.events
    assert event.onset_s == pytest.approx(1.0, abs=0.1)


def test_an_au_that_drops_out_alone_is_cut_there(make: SimpleNamespace) -> None:
    curve = make.plateau(T, 1.0, 4.0, 3.0)
    curve[60:70] = np.nan
    track = one(make.film(T, {12: curve, 4: make.plateau(T, 1.0, 4.0, 3.0)}))
    assert [e.au for e in track.events].count(12) == 2
    assert [e.au for e in track.events].count(4) == 1


def test_already_under_way_and_still_under_way(make: SimpleNamespace) -> None:
    (event,) = one(make.film(T, {12: np.full(T.size, 3.0)})).events
    assert event.open_start and event.open_end
    assert event.peak == pytest.approx(3.0)  # a held movement is not taken for the neutral face


def test_a_resting_offset_is_taken_for_neutral_and_a_given_one_overrules(make: SimpleNamespace) -> None:
    curve = 0.8 + make.plateau(T, 2.0, 4.0, 2.0)
    track = one(make.film(T, {14: curve}))
    assert track.baseline[14, None] == pytest.approx(0.8, abs=1e-3)
    assert track.baseline_kind == "lowest tenth"
    (event,) = track.events
    assert event.peak == pytest.approx(2.0, abs=0.05)
    assert not event.open_start
    raw = one(make.film(T, {14: curve}), neutral="none")
    assert raw.baseline == {} and raw.baseline_kind == "none"
    assert raw.events[0].open_start  # 0.8 lies above the lower threshold from the first row
    given = one(make.film(T, {14: curve}), given={(14, None): 0.3})
    assert given.baseline == {(14, None): 0.3} and given.baseline_kind == "given"


def test_first_second_and_median_baselines_do_what_they_say(make: SimpleNamespace) -> None:
    curve = np.where(T < 1.0, 2.0, 0.2)
    assert one(make.film(T, {12: curve}), neutral="first").baseline[12, None] == pytest.approx(2.0, abs=1e-3)
    assert one(make.film(T, {12: curve}), neutral="median").baseline[12, None] == pytest.approx(0.2, abs=1e-3)


def test_drift_below_the_lower_threshold_adds_no_event(make: SimpleNamespace) -> None:
    drift = np.linspace(0, 0.6, T.size)
    (event,) = one(make.film(T, {12: drift + make.plateau(T, 2.0, 3.0, 2.0)})).events
    assert event.onset_s == pytest.approx(2.0, abs=0.08)


def test_probabilities_are_never_lessened(make: SimpleNamespace) -> None:
    curve = 0.4 + 0.55 * make.plateau(T, 2.0, 4.0, 1.0)
    track = one(make.film(T, {12: curve}, scale="probability"), neutral="first")
    assert track.baseline == {}
    assert track.thresholds == {(12, None): 0.5}
    (event,) = track.events
    assert event.peak == pytest.approx(0.95, abs=0.01)


def test_presence_is_runs(make: SimpleNamespace) -> None:
    bits = np.zeros(T.size)
    bits[25:75] = 1
    (event,) = one(make.film(T, {12: bits}, scale="presence")).events
    assert (event.onset_frame, event.offset_frame, event.peak) == (25, 74, None)


def test_neutral_from_records(make: SimpleNamespace) -> None:
    neutral = neutral_from(make.film(T[:20], {12: np.full(20, 0.4), (1, "left"): np.full(20, 0.1)}))
    assert neutral == {(12, None): 0.4, (1, "left"): 0.1}
    with pytest.raises(FervlmError, match="neutral file holds no tracked face"):
        neutral_from(make.film(T[:20], {12: np.full(20, 0.4)}, scale="probability"))


def test_the_richest_reading_of_an_au_is_followed() -> None:
    def record(i: int) -> AURecord:
        strong = 20 <= i < 60
        return AURecord(
            id=str(i),
            source=Source(file="f.csv", row=i + 2),
            frame=i,
            time_s=i * 0.04,
            detector=Detector(name="openface2", trust="medium"),
            readings=(
                AUReading(au=12, state="present", value=1.0, scale="presence"),
                AUReading(
                    au=12, state="present" if strong else "absent", value=3.0 if strong else 0, scale="intensity_0_5"
                ),
                AUReading(au=28, state="present" if strong else "absent", value=None, scale="presence"),
            ),
        )

    track = one(record(i) for i in range(100))
    assert track.scales == {(12, None): "intensity_0_5", (28, None): "presence"}
    assert {e.au: (e.onset_frame, e.offset_frame) for e in track.events}[28] == (20, 59)
    assert track.scale in {"intensity_0_5", "presence"}


# ---- clocks


def test_frames_alone_count_at_an_assumed_rate_and_say_so(make: SimpleNamespace) -> None:
    track = one(make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)}, stamped=False))
    assert track.clock == "frames"
    assert track.events[0].onset_frame == pytest.approx(25, abs=2)
    given = one(make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)}, stamped=False), fps=50)
    assert given.clock == "time"
    assert given.events[0].onset_s == pytest.approx(0.5, abs=0.05)


def test_rows_are_counted_where_nothing_else_is_known(make: SimpleNamespace) -> None:
    track = one(make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)}, stamped=False, numbered=False))
    assert track.clock == "rows"
    assert track.events[0].onset_frame == pytest.approx(25, abs=2)


def test_whole_second_stamps_are_put_straight_by_frame_numbers(make: SimpleNamespace) -> None:
    records = [
        r.model_copy(update={"time_s": float(int(r.time_s))})
        for r in make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)})
    ]
    track = one(records)
    assert track.clock == "time"
    assert track.times[-1] == pytest.approx(T[-1], abs=0.05)


def test_falling_stamps_are_refused_with_their_row(make: SimpleNamespace) -> None:
    records = list(make.film(T, {12: np.zeros(T.size)}, numbered=False))
    records[30] = records[30].model_copy(update={"time_s": 0.5})
    with pytest.raises(FervlmError, match=r"film.csv, row 32: the time stamp falls from 1.16 to 0.5"):
        one(records)


def test_repeated_stamps_without_frame_numbers_are_refused(make: SimpleNamespace) -> None:
    records = list(make.film(T, {12: np.zeros(T.size)}, numbered=False))
    records[30] = records[30].model_copy(update={"time_s": records[29].time_s})
    with pytest.raises(FervlmError, match=r"row 32: two rows of one face stand at 1.16"):
        one(records)


def test_missing_stamps_of_failed_rows_are_filled_from_frames(make: SimpleNamespace) -> None:
    records = [
        r.model_copy(update={"time_s": None}) if r.quality.tracking != "ok" else r
        for r in make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)}, lost=lambda t: 4.0 < t < 5.0)
    ]
    track = one(records)
    assert track.clock == "time"
    assert np.allclose(track.times, T, atol=1e-6)


# ---- faces


def test_interleaved_faces_with_ids_are_kept_apart(make: SimpleNamespace) -> None:
    a = list(make.film(T, {12: make.plateau(T, 1.0, 2.0, 3.0)}, face_id="a"))
    b = list(make.film(T, {12: make.plateau(T, 3.0, 5.0, 4.0)}, face_id="b"))
    found = {t.face_id: t for t in tracks(r for pair in zip(a, b, strict=True) for r in pair)}
    assert list(found) == ["a", "b"]
    assert [round(e.apex_s) for e in found["a"].events] == [1]
    assert found["b"].events[0].peak == pytest.approx(4.0, abs=0.01)


def test_faces_without_ids_are_followed_by_their_boxes_even_where_their_order_changes(make: SimpleNamespace) -> None:
    left = Box(x=10, y=10, width=50, height=50)
    right = Box(x=200, y=10, width=50, height=50)
    a = list(make.film(T, {12: np.full(T.size, 3.0)}, box=left))
    b = list(make.film(T, {12: np.zeros(T.size)}, box=right))
    rows = [r for i, pair in enumerate(zip(a, b, strict=True)) for r in (pair if i % 2 else pair[::-1])]
    found = list(tracks(rows))
    assert sorted(t.face_id for t in found) == ["1", "2"]
    assert sorted(float(np.nanmax(t.values[12, None])) for t in found) == [0.0, 3.0]
    assert all(len(t.times) == T.size and np.nanstd(t.values[12, None]) == 0 for t in found)


def test_a_new_file_or_video_is_a_new_recording(make: SimpleNamespace) -> None:
    curve = {12: make.plateau(T, 1.0, 3.0, 3.0)}
    rows = [*make.film(T, curve, file="a.csv"), *make.film(T, curve, file="b.csv")]
    assert [t.file for t in tracks(rows)] == ["a.csv", "b.csv"]
    videos = [*make.film(T, curve, picture="x.mp4"), *make.film(T, curve, picture="y.mp4")]
    assert [t.picture for t in tracks(videos)] == ["x.mp4", "y.mp4"]


def test_numbered_pictures_are_frames_and_others_are_refused(make: SimpleNamespace) -> None:
    rows = [
        r.model_copy(update={"picture": f"out/frame_{i + 7:04d}.png"})
        for i, r in enumerate(make.film(T, {12: make.plateau(T, 1.0, 3.0, 3.0)}, stamped=False, numbered=False))
    ]
    track = one(rows)
    assert (track.clock, track.frames[0]) == ("frames", 7)
    with pytest.raises(FervlmError, match="carries no frame number"):
        list(tracks(r.model_copy(update={"picture": "portrait.png"}) for r in rows))


def test_a_recording_without_any_face_gives_one_untracked_track(make: SimpleNamespace) -> None:
    track = one(make.film(T, {12: np.zeros(T.size)}, lost=lambda t: True))
    assert not track.tracked.any() and track.events == () and track.values == {}
    assert list(tracks([])) == []
