from __future__ import annotations

import random
import re
from types import SimpleNamespace

import numpy as np
import pytest

from fervlm.records import AUEvent
from fervlm.sequences.apex import apex_row
from fervlm.sequences.beats import beats
from fervlm.sequences.check import check_course
from fervlm.sequences.course import write_course
from fervlm.sequences.episodes import episode_at
from fervlm.sequences.follow import tracks
from fervlm.sequences.scene import Scene, scene_of
from fervlm.sequences.track import Track

AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


def event(au: int, onset: float, apex: float, offset: float, peak: float = 3.0, **more: object) -> AUEvent:
    frames = {"onset_frame": round(onset * 25), "apex_frame": round(apex * 25), "offset_frame": round(offset * 25)}
    return AUEvent.model_validate(
        {"au": au, "onset_s": onset, "apex_s": apex, "offset_s": offset, "peak": peak, "scale": "intensity_0_5"}
        | frames
        | more
    )


STORY = (
    event(1, 0.4, 1.0, 2.0, 2.0),
    event(2, 0.44, 1.0, 2.0, 2.0),
    event(25, 0.9, 1.4, 2.1),
    event(26, 1.4, 1.6, 2.08, 4.2),
    event(45, 1.0, 1.04, 1.2),
    event(45, 3.0, 3.04, 3.2),
    event(25, 4.0, 4.1, 4.3),
    event(4, 5.0, 6.0, 8.0, 1.2, open_end=True),
)
"""AU1 with AU2, then AU25, then AU26; AU25 again; AU4 to the end; two blinks. AU12 does not move, but is measured."""


@pytest.fixture
def story() -> Scene:
    return Scene(
        beats=beats(STORY),
        measured=frozenset({1, 2, 4, 12, 25, 26, 45}),
        end_s=8.0,
        apex_s=1.6,
        apex_frame=40,
    )


TRUE = (
    "AU1 and AU2 start together.",
    "First AU1 (0.4 s), then AU25 (0.9 s), then AU26 (1.4 s).",
    "AU1 comes first, AU25 follows half a second later, and AU26 half a second after that.",
    "AU1 precedes AU26.",
    "AU26 begins after AU25.",
    "AU25 sets in before AU26.",
    "AU25 rises at 0.9 s and again at 4.0 s.",
    "AU25 occurs twice.",
    "AU45 is seen two times.",
    "AU26 lasts about 0.7 s.",
    "AU4 comes last, at 5.0 s.",
    "AU4 is still active (AU4) when tracking ends.",
    "AU1 peaks at 1.0 s.",
    "The face is at its fullest at 1.6 s.",
    "AU25 is active from 0.9 s to 2.1 s.",
    "AU1 fades by 2.0 s.",
    "AU1+2 begin at 0.4 s.",
    "AU26 overlaps: AU1 is active while AU26 moves.",
    "No AU12 is seen.",
    "AU25 comes 12 frames after AU1 (frame 10).",
    "AU25 returns briefly at 4.0 s.",
    "AU4 lasts longest.",
    "There are 6 movements.",
    "AU25 begins 500 ms after AU1.",
    "The inner brows rise first, half a second later the lips part, then the jaw drops at 1.4 s.",
    "The inner and outer brows go up together.",
    "The lips part before the jaw drops.",
    "The lips come apart twice, the second time briefly.",
    "The eyes blink twice.",
    "The jaw drops strongly at 1.4 s.",
    "From 5.0 s on the brows are lowered, and they are still drawn down when tracking ends.",
    "The lip corners are not pulled up.",
)
FALSE = (
    ("AU25 and AU26 start together.", "order"),
    ("First AU25 (0.9 s), then AU1 (0.4 s).", "order"),
    ("AU25 comes first, AU1 follows.", "order"),
    ("AU26 precedes AU1.", "order"),
    ("AU25 begins after AU26 at 0.9 s.", "order"),
    ("AU26 sets in before AU25 at 0.9 s.", "order"),
    ("AU1 starts at 1.9 s.", "order"),
    ("AU25 occurs three times.", "order"),
    ("AU1 occurs twice.", "order"),
    ("AU45 is seen four times.", "order"),
    ("AU26 lasts about 1.9 s.", "order"),
    ("AU26 comes last.", "order"),
    ("AU1 is still active when tracking ends.", "order"),
    ("AU4 is already active when tracking begins.", "order"),
    ("AU1 peaks at 1.8 s.", "order"),
    ("The face is at its fullest at 0.5 s.", "order"),
    ("AU25 is active from 0.9 s to 3.3 s.", "order"),
    ("AU1 fades by 3.0 s.", "order"),
    ("Everything has faded by 2.1 s.", "order"),
    ("AU12 begins at 0.4 s.", "au"),
    ("No AU25 is seen.", "au"),
    ("AU18 begins at 0.4 s.", "au"),
    ("AU26 moves while AU4 does.", "order"),
    ("AU25 comes at frame 40.", "order"),
    ("AU4 moves briefly.", "order"),
    ("AU1 lasts longest.", "order"),
    ("There are 9 movements.", "order"),
    ("AU1 is followed by AU25 2.5 s later.", "order"),
    ("AU1 is a micro-movement at 0.4 s.", "order"),
    ("No movement is detected.", "order"),
    ("The jaw drops first, then the inner brows rise.", "order"),
    ("The lips part before the inner brows rise at 0.4 s.", "order"),
    ("The eyes blink five times.", "order"),
    ("The lip corners pull up at 0.9 s.", "au"),
    ("The lips part first (AU1, 0.4 s).", "au"),
    ("The jaw drops slightly at 1.4 s.", "intensity"),
    ("The inner brows rise maximally at 0.4 s.", "intensity"),
    ("The lips never part.", "au"),
    ("The brows lower first in fear (AU1, 0.4 s).", "emotion_word"),
    ("He is angry when the inner brows rise at 0.4 s.", "person"),
    ("AU25 begins 2 s after AU1.", "order"),
    ("AU1 begins 0.5 s after AU25.", "order"),
    ("AU25 rises at 0.9 s and again at 6.0 s.", "order"),
)


@pytest.mark.parametrize("text", TRUE)
def test_true_statements_stand(story: Scene, text: str) -> None:
    (check,) = check_course(text, story)
    assert check.claims, "nothing was read"
    assert check.ok, [(c.text, c.reason) for c in check.claims if c.verdict != "supported"]


@pytest.mark.parametrize(("text", "kind"), FALSE)
def test_false_statements_are_caught(story: Scene, text: str, kind: str) -> None:
    (check,) = check_course(text, story)
    assert not check.ok
    wrong = [c for c in check.claims if c.verdict != "supported"]
    assert kind in {c.kind for c in wrong}
    assert all(c.reason for c in wrong)


def test_an_unmeasured_au_is_unmeasured_and_an_idle_one_contradicted(story: Scene) -> None:
    (check,) = check_course("AU12 and AU18 move.", story)
    assert [c.verdict for c in check.claims] == ["contradicted", "unmeasured"]


def test_sides_are_held_against_the_sides_that_moved() -> None:
    left = event(12, 1.0, 1.5, 2.0, side="left")
    still = event(6, 1.0, 1.5, 2.0)
    scene = Scene(beats=beats((left, still)), measured=frozenset({6, 12}), sided=frozenset({12}), end_s=3.0)
    assert check_course("The left lip corner pulls up (AU12, 1.0 s).", scene)[0].ok
    for text, verdict in (
        ("The right lip corner pulls up (AU12, 1.0 s).", "contradicted"),
        ("Both lip corners pull up (AU12, 1.0 s).", "contradicted"),
        ("The left cheek rises (AU6, 1.0 s).", "unmeasured"),
    ):
        (check,) = check_course(text, scene)
        assert [c.verdict for c in check.claims if c.kind == "side"] == [verdict], text


def test_strength_is_unmeasured_on_a_probability() -> None:
    likely = event(12, 1.0, 1.5, 2.0, 0.97, scale="probability")
    (check,) = check_course("The lip corners pull up strongly (AU12).", (likely,))
    assert [c.verdict for c in check.claims if c.kind == "intensity"] == ["unmeasured"]


def test_seconds_cannot_be_claimed_without_a_clock(story: Scene) -> None:
    blind = Scene(beats=story.beats, measured=story.measured, clock="frames", end_s=8.0)
    (timed,) = check_course("AU1 begins at 0.4 s.", blind)
    assert [c.verdict for c in timed.claims] == ["supported", "unmeasured"]
    assert check_course("AU1 begins at frame 10.", blind)[0].ok
    assert not check_course("AU1 begins at frame 30.", blind)[0].ok


def test_events_alone_are_a_scene() -> None:
    assert all(c.ok for c in check_course("AU1 comes first (0.4 s). AU4 comes last (5.0 s).", STORY))
    assert not check_course("AU4 comes first.", STORY)[0].ok


def test_pieces_parted_by_a_gap_may_be_counted_either_way() -> None:
    parted = (event(12, 1.0, 1.5, 2.0, open_end=True), event(12, 2.5, 2.6, 3.0, open_start=True))
    assert check_course("AU12 moves once.", parted)[0].ok
    assert check_course("AU12 moves twice.", parted)[0].ok
    assert not check_course("AU12 moves three times.", parted)[0].ok


def test_a_stretch_named_first_is_what_the_rest_speaks_of(story: Scene) -> None:
    checks = check_course(
        "The fullest stretch runs from 0.4 s to 2.1 s. AU26 comes last. It all fades by 2.1 s.", story
    )
    assert [c.ok for c in checks] == [True, True, True]


# ---- our own texts


def random_track(rng: np.random.Generator, make: SimpleNamespace) -> Track:
    """A recording of random movements, at several rates, scales and clocks, sided or not, with and without a gap."""
    times = np.arange(0, rng.uniform(1, 30), rng.choice([0.04, 0.033, 0.1, 0.5]))
    sides = ("left", "right") if rng.random() < 0.3 else (None,)
    curves = {}
    for au in rng.choice(AUS, rng.integers(1, 10), replace=False):
        for side in sides:
            curve = 0 * times
            for _ in range(rng.integers(0, 4)):
                onset = rng.uniform(-1, times[-1])
                curve = np.maximum(curve, make.plateau(times, onset, onset + rng.uniform(0.21, 3), rng.uniform(1, 5)))
            curves[int(au), side] = curve
    scale = str(rng.choice(["intensity_0_5", "probability"]))
    if scale == "probability":
        curves = {key: curve / 5 for key, curve in curves.items()}
    gap = rng.uniform(0, 30) if rng.random() < 0.3 else -5.0
    stamped = bool(rng.random() < 0.7)
    lost = lambda t: gap < t < gap + 0.7  # noqa: E731
    return next(iter(tracks(make.film(times, curves, scale=scale, stamped=stamped, lost=lost))))


def told(track: Track, seed: int) -> tuple[str, Scene] | None:
    row = apex_row(track, track.events)
    if row is None:
        return None
    scene = scene_of(track, apex=row)
    return write_course(scene, seed, episode_at(track, row)), scene


def test_every_sentence_of_our_own_stands(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(11)
    sentences = 0
    for seed in range(250):
        found = told(random_track(rng, make), seed)
        for check in check_course(*found) if found else ():
            sentences += 1
            assert check.claims, check.text
            assert check.ok, (check.text, [(c.text, c.reason) for c in check.claims if c.verdict != "supported"])
    assert sentences > 800


def plants(text: str, scene: Scene, rng: random.Random) -> list[str]:
    """The text with one false statement planted: a moment, an order word, a count, two AUs exchanged, an idle AU."""
    found = []
    moments = list(re.finditer(r"(?<=, )(\d+\.\d+)(?= s\))", text))
    if moments:
        at = rng.choice(moments)
        found.append(f"{text[: at.start()]}{float(at[1]) + 40:.1f}{text[at.end() :]}")
    if re.search(r"\bfirst\b", text) and re.search(r"\b(last|finally|last of all)\b", text, re.IGNORECASE):
        found.append(re.sub(r"\bfirst\b", "last", text, count=1))
        found.append(re.sub(r"\b(last of all|finally|last)\b", "first", text, count=1, flags=re.IGNORECASE))
    if " twice (" in text:
        found.append(text.replace(" twice (", " five times (", 1))
    if "when tracking begins" in text and not any(b.open_start and b.open_end for b in scene.beats):
        found.append(text.replace("already", "still").replace("when tracking begins", "when tracking ends"))
    timed = re.findall(r"\(AU(\d+), (\d+\.\d+) s\)", text)
    for one, other in [(a, b) for a in timed for b in timed if float(b[1]) - float(a[1]) > 1.5 and a[0] != b[0]][:1]:
        onsets = {b.au: [x.onset_s for x in scene.beats if x.au == b.au] for b in scene.beats}
        if min(abs(t - float(other[1])) for t in onsets[int(one[0])]) > 1:
            found.append(text.replace(f"(AU{one[0]}, ", "(AU?, ").replace(f"(AU{other[0]}, ", f"(AU{one[0]}, "))
            found[-1] = found[-1].replace("(AU?, ", f"(AU{other[0]}, ")
    if " left " in text and "right" not in text:
        found.append(re.sub(r"\bleft\b", "right", text))
    levels = {"slightly": "strongly", "mildly": "strongly", "markedly": "faintly", "clearly": "faintly"}
    for word, other in {**levels, "strongly": "slightly", "maximally": "slightly"}.items():
        if f" {word}" in text:
            found.append(text.replace(f" {word}", f" {other}", 1))
            break
    idle = sorted(scene.measured - {b.au for b in scene.beats})
    if idle and timed:
        found.append(text.replace(f"(AU{timed[0][0]}, ", f"(AU{idle[0]}, "))
    return found


def test_planted_faults_in_our_own_texts_are_caught(make: SimpleNamespace) -> None:
    rng, pick = np.random.default_rng(4), random.Random(4)
    missed: list[str] = []
    planted = 0
    for seed in range(400):
        track = random_track(rng, make)
        found = told(track, seed)
        if found is None or track.step > 0.2:
            continue
        for text in plants(*found, pick):
            planted += 1
            if all(check.ok for check in check_course(text, found[1])):
                missed.append(text)
    assert planted > 500
    assert len(missed) <= 0.01 * planted, missed[:5]


def test_equal_seeds_tell_equally_and_others_vary(make: SimpleNamespace) -> None:
    times = np.arange(0, 6, 0.04)
    curves = {1: make.bump(times, 0.5, 1, 2, 3), 25: make.bump(times, 1.5, 2, 3, 3), 26: make.bump(times, 2.5, 3, 4, 4)}
    (track,) = tracks(make.film(times, curves))
    scene = scene_of(track, apex=apex_row(track, track.events))
    texts = {write_course(scene, seed) for seed in range(30)}
    assert write_course(scene, 3) == write_course(scene, 3)
    assert len(texts) > 15
