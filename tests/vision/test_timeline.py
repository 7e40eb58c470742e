"""Time lines: events where they are, gaps shaded, long signals thinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fervlm.records import AUEvent
from fervlm.sequences.track import Key, Track
from fervlm.vision.draw_timeline import MOST_ROWS, clip_svg, timeline_svg
from fervlm.vision.recording import LEFT, RIGHT, Axis
from fervlm.vision.signals import merged, runs, thinned

Look = Callable[[str], Any]


def event(au: int = 12, at: tuple[float, float, float] = (2.0, 4.0, 6.0), **more: object) -> AUEvent:
    times = {"onset_s": at[0], "apex_s": at[1], "offset_s": at[2]}
    return AUEvent.model_validate({"au": au, "peak": 3.7, "scale": "intensity_0_5", **times, **more})


def track(n: int = 251, keys: tuple[Key, ...] = ((12, None),), lost: slice | None = None, **more: Any) -> Track:  # noqa: ANN401
    times = np.arange(n, dtype=np.float64) * (10.0 / (n - 1))
    tracked = np.ones(n, dtype=bool)
    curve = (3.7 * np.clip(1 - np.abs(times - 4) / 2, 0, 1)).astype(np.float32)
    if lost is not None:
        tracked[lost] = False
        curve[lost] = np.nan
    values = {key: curve.copy() for key in keys}
    base: dict[str, Any] = {
        "events": (event(keys[0][0]),),
        "step": 10.0 / (n - 1),
        "thresholds": dict.fromkeys(keys, 1.0),
    }
    return Track(
        face_id=None, times=times, tracked=tracked, values=values, scale="intensity_0_5", baseline={}, **(base | more)
    )


def lines(drawing: Any, css: str = "fv-left") -> list[Any]:  # noqa: ANN401
    return [path for path in drawing.all("path") if path.get("class") == css]


def test_an_event_stands_where_it_was(look: Look) -> None:
    drawing = look(timeline_svg(track()))
    (dot,) = [c for c in drawing.all("circle") if c.get("stroke-width") == ".9" and c.get("fill") != "#ffffff"]
    assert float(dot.attrib["cx"]) == pytest.approx(LEFT + 0.4 * (RIGHT - LEFT), abs=0.2)
    (ticks,) = [p for p in lines(drawing, "fv-tick") if "v11" not in p.attrib["d"]]
    assert ticks.attrib["d"].startswith(f"M{LEFT + 0.2 * (RIGHT - LEFT):.1f} ")
    assert f"M{LEFT + 0.6 * (RIGHT - LEFT):.1f} " in ticks.attrib["d"]
    assert " D " in f" {drawing.text} "  # 3.7 is level D
    assert "AU 12 Lip corner puller" in drawing.text


def test_an_end_that_was_not_seen_has_no_tick(look: Look) -> None:
    drawing = look(timeline_svg(track(events=(event(open_end=True),))))
    (ticks,) = [p for p in lines(drawing, "fv-tick") if "v11" not in p.attrib["d"]]
    assert ticks.attrib["d"].count("M") == 1


def test_a_gap_breaks_the_curve_and_is_shaded(look: Look) -> None:
    whole, broken = look(timeline_svg(track())), look(timeline_svg(track(lost=slice(170, 200))))
    assert lines(whole)[0].attrib["d"].count("M") == 1
    assert lines(broken)[0].attrib["d"].count("M") == 2
    assert "face not tracked" in broken.text
    assert "face not tracked" not in whole.text
    (shade,) = lines(broken, "fv-gap")
    assert shade.attrib["d"].startswith(f"M{LEFT + 0.678 * (RIGHT - LEFT):.1f}")


def test_sides_have_curves_of_their_own(look: Look) -> None:
    sided = track(keys=((12, "left"), (12, "right")), events=(event(side="left"),))
    drawing = look(timeline_svg(sided))
    assert (len(lines(drawing, "fv-left")), len(lines(drawing, "fv-right"))) == (1, 1)
    assert "subject's left" in drawing.text and "subject's right" in drawing.text
    assert "L: once R: none" in drawing.text


def test_rows_run_from_the_brow_down(look: Look) -> None:
    keys: tuple[Key, ...] = ((26, None), (12, None), (1, None), (6, None), (17, None))
    drawing = look(timeline_svg(track(keys=keys, events=tuple(event(au) for au, _ in keys))))
    order = [drawing.text.index(f"AU {au} ") for au in (1, 6, 12, 17, 26)]
    assert order == sorted(order)


def test_presence_events_carry_no_level(look: Look) -> None:
    drawing = look(timeline_svg(events=(event(scale="presence", peak=None),), span=(0, 10)))
    assert "event, strength not known" in drawing.text
    assert "A to E" not in drawing.text


def test_events_alone_are_drawn_as_ramps(look: Look) -> None:
    drawing = look(timeline_svg(events=(event(),), span=(0.0, 10.0)))
    (ramp,) = lines(drawing)
    assert ramp.attrib["d"].startswith(f"M{LEFT + 0.2 * (RIGHT - LEFT):.1f} ")


def test_a_recording_without_a_movement_says_so(look: Look) -> None:
    assert "No movement was found" in look(timeline_svg(events=(), span=(0, 5))).text


def test_a_million_rows_make_a_drawing_of_bounded_size(look: Look) -> None:
    short, long = timeline_svg(track(10_001)), timeline_svg(track(1_000_001))
    assert len(long) < 60_000
    assert len(long) < 1.3 * len(short)
    look(long)


def test_many_short_events_are_merged_and_many_units_named(look: Look) -> None:
    many = tuple(event(au=12, at=(t, t + 0.01, t + 0.02)) for t in np.arange(0, 9.9, 0.002).tolist())
    assert len(timeline_svg(track(events=many))) < 80_000
    units = tuple(au for au in range(1, 40) if au not in {3})[:30]
    drawing = look(timeline_svg(events=tuple(event(au) for au in units), span=(0, 10)))
    assert len({int(g.get("data-au")) for g in drawing.all("g") if g.get("data-au")}) == MOST_ROWS
    assert "Not drawn for want of room: AU" in drawing.text


def test_without_time_stamps_frames_or_rows_are_counted(look: Look) -> None:
    numbers = np.arange(251, dtype=np.int64) * 2 + 100
    framed = look(timeline_svg(track(clock="frames", frames=numbers)))
    assert "100 200 300 400 500 600" in framed.text and " frame " in framed.text and "seconds" not in framed.text
    part = look(timeline_svg(track(clock="frames", frames=numbers), span=(0.0, 5.0)))
    assert "300 350 frame" in part.text and "400" not in part.text
    rows = look(timeline_svg(track(clock="rows")))
    assert "250 row " in rows.text and "seconds" not in rows.text
    assert "seconds" in look(timeline_svg(track())).text


def test_a_clip_without_time_stamps_names_no_seconds(prediction: Callable[..., Any], look: Look) -> None:
    made = prediction(span_s=(0.0, 10.0), frame=300, events=(event(),))
    numbers = np.arange(251, dtype=np.int64) * 2 + 100
    drawing = look(clip_svg(made, track(clock="frames", frames=numbers)))
    assert "shown at frame 300" in drawing.text
    assert "10.00 s" not in drawing.text and "seconds" not in drawing.text
    (marker,) = [p for p in drawing.all("path") if p.get("stroke-dasharray") == "1 3"]
    assert marker.attrib["d"].startswith(f"M{LEFT + 0.4 * (RIGHT - LEFT):.1f} ")
    assert "assumed frame rate" in look(clip_svg(made)).text


def test_an_episode_is_bracketed_within_its_recording(prediction: Callable[..., Any], look: Look) -> None:
    def brackets(span: tuple[float, float]) -> int:
        drawing = look(clip_svg(prediction(span_s=span, events=(event(),)), track()))
        return sum(p.get("stroke-width") == "1.3" and p.get("class") == "fv-leader" for p in drawing.all("path"))

    assert brackets((2.0, 6.0)) == 1
    assert brackets((0.0, 10.0)) == 0


@pytest.mark.parametrize(("end", "unit"), [(0.4, "seconds"), (90, "seconds"), (900, "min:s"), (40_000, "h:min:s")])
def test_ticks_are_few_round_and_in_place(end: float, unit: str) -> None:
    axis = Axis(0.0, end)
    ticks = axis.ticks()
    assert 4 <= len(ticks) <= 14
    assert axis.title == unit
    assert len({name for _, name in ticks}) == len(ticks)
    assert all(LEFT - 0.01 <= x <= RIGHT + 0.01 for x, _ in ticks)


def test_a_clip_shows_face_text_lines_and_the_moment_drawn(prediction: Callable[..., Any], look: Look) -> None:
    made = prediction(span_s=(0.0, 10.0), course="First the cheeks, then the lips.", events=(event(),))
    moment = made.evidence.model_copy(update={"time_s": 4.0})
    drawing = look(clip_svg(made.model_copy(update={"evidence": moment}), track()))
    assert len(drawing.muscles(12)) == 2
    assert "First the cheeks, then the lips." in drawing.text
    assert "face above" in drawing.text
    assert "0.00 to 10.00 s" in drawing.text


def test_thinning_keeps_the_extremes() -> None:
    x = np.linspace(0, 100, 50_000)
    y = np.random.default_rng(0).normal(size=50_000)
    y[31_234] = 40.0
    thin_x, thin_y = thinned(x, y, 100)
    assert len(thin_x) <= 204
    assert (thin_y.max(), thin_y.min()) == (y.max(), y.min())
    assert thin_x[np.argmax(thin_y)] == pytest.approx(x[31_234], abs=1)
    same_x, same_y = thinned(x[:50], y[:50], 100)
    assert same_x is not thin_x and np.array_equal(same_y, y[:50])


def test_runs_and_merging() -> None:
    assert runs(np.array([True, False, True, True])) == [(0, 1), (2, 4)]
    assert runs(np.zeros(3, dtype=bool)) == []
    assert list(merged([(5, 6), (0, 1), (1.2, 3)])) == [(0, 3), (5, 6)]
    assert list(merged([(1, 1)])) == [(1, 1.8)]
