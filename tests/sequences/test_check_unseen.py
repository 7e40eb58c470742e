"""Courses in other people's manner, written after the reader and before it was run on them.

They measure how far the reader carries, so the bars are shares, not single sentences.
"""

from __future__ import annotations

from fervlm.records import AUEvent
from fervlm.sequences.beats import beats
from fervlm.sequences.check import check_course
from fervlm.sequences.scene import Scene


def event(au: int, onset: float, apex: float, offset: float, peak: float, **more: object) -> AUEvent:
    frames = {"onset_frame": round(onset * 30), "apex_frame": round(apex * 30), "offset_frame": round(offset * 30)}
    return AUEvent.model_validate(
        {"au": au, "onset_s": onset, "apex_s": apex, "offset_s": offset, "peak": peak, "scale": "intensity_0_5"}
        | frames
        | more
    )


EVENTS = (
    event(4, 0.0, 0.5, 1.2, 2.1, open_start=True),
    event(12, 1.5, 2.4, 4.6, 3.2),
    event(6, 1.8, 2.6, 4.2, 2.8),
    event(25, 2.2, 2.8, 3.6, 2.0),
    event(45, 2.0, 2.1, 2.2, 3.0),
    event(12, 7.0, 7.2, 7.4, 1.8),
    event(45, 7.5, 7.6, 7.7, 3.0),
    event(45, 9.0, 9.1, 9.2, 3.0),
    event(15, 9.5, 10.0, 12.0, 1.6, open_end=True),
)
SCENE = Scene(
    beats=beats(EVENTS),
    measured=frozenset({1, 2, 4, 6, 12, 15, 25, 26, 45}),
    step=1 / 30,
    end_s=12.0,
    apex_s=2.6,
    apex_frame=78,
)
TRUE = (
    "At the outset the brows are already pulled down (AU4).",
    "A smile begins at 1.5 s, and the cheeks lift 0.3 s later.",
    "The cheek raise follows the lip corner pull.",
    "The lip corners are pulled up twice during the clip.",
    "The mouth opens at 2.2 s, after the cheeks have risen.",
    "First the lip corners rise, next the cheeks, and finally, at 9.5 s, the lip corners turn down.",
    "AU12 is active between 1.5 s and 4.6 s.",
    "AU12 reaches its peak at 2.4 s.",
    "The lips stay parted for about 1.4 seconds.",
    "AU15 is still present when the recording ends.",
    "The eyes blink three times.",
    "The second smile at 7.0 s is brief.",
    "AU6 starts at frame 54.",
    "The brow lowering is over by 1.2 s.",
    "While the lip corners are up, the cheeks are raised.",
    "The lip corners pull up at 1.5 s and again at 7 s.",
    "The inner brows never rise.",
    "AU6 begins 300 ms after AU12.",
    "AU25 is the last of the three at 2.2 s.",
    "No jaw drop occurs.",
    "The lips part shortly after the cheeks rise.",
    "Most of it happens around 2.6 s, when everything is at its fullest.",
    "AU12, AU6 and AU25 overlap: the lips part while the cheeks are up.",
    "By 4.2 s the cheeks have relaxed.",
)
FALSE = (
    "The brows come down at 3.0 s.",
    "The cheeks lift first, and the lip corners follow 0.3 s later.",
    "The lip corner pull follows the cheek raise.",
    "The lip corners are pulled up four times during the clip.",
    "The mouth opens at 2.2 s, before the cheeks rise.",
    "First the lips part, next the cheeks rise.",
    "AU12 is active between 1.5 s and 6.6 s.",
    "AU12 reaches its peak at 3.9 s.",
    "The lips stay parted for about 4 seconds.",
    "AU6 is still present when the recording ends.",
    "The eyes blink once.",
    "The first smile at 1.5 s is brief.",
    "AU6 starts at frame 90.",
    "The brow lowering is over by 3.2 s.",
    "While the lip corners turn down, the cheeks are raised.",
    "The lip corners pull up at 1.5 s and again at 10 s.",
    "The lips never part.",
    "AU6 begins 900 ms after AU12.",
    "The inner brows rise at 1.5 s.",
    "The jaw drops after the lips part.",
    "The lips part and the lip corners rise at the same time.",
    "Everything is at its fullest at 9.0 s.",
    "The lip corners turn down while the lips are parted.",
    "By 3.0 s the cheeks have relaxed.",
    "The lip corners turn down first.",
    "The cheeks rise twice.",
    "The nose wrinkles at 2.0 s.",
    "A micro-expression flashes at 7.0 s.",
    "The lips part strongly at 2.2 s.",
    "She is happy from 1.5 s on.",
)


def test_true_courses_of_others_mostly_stand() -> None:
    refused = [text for text in TRUE if not all(check.ok for check in check_course(text, SCENE))]
    assert len(refused) <= 0.1 * len(TRUE), refused


def test_false_courses_of_others_are_mostly_caught() -> None:
    missed = [text for text in FALSE if all(check.ok for check in check_course(text, SCENE))]
    assert len(missed) <= 0.1 * len(FALSE), missed
