"""The wording varies: few sentences start alike, and no frame carries too many of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from fervlm.facs import label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.write import write
from fervlm.records import AURecord, Caption

Faces = Callable[..., Iterator[AURecord]]

BASIC8 = label_set("basic8")
OPENFACE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)

# What may differ between two sentences of one frame: parts of the face, movements, sides, strength, certainty.
PARTS = (
    "brow eyebrow lid eyelid lip mouth nose nostril cheek chin jaw neck tongue eye corner furrow fold tooth end puller"
)
STEMS = (
    "rais ris lift pull draw lower drop tight tens narrow wrinkl crinkl deepen dimpl tuck turn downturn pucker show "
    "stick stretch funnel press part suck roll thrust push shift clench bit hold blow puff bulg wip flar dilat "
    "compress clos shut blink wink mov come go act open"
)
OTHERS = (
    "drawn blown brought teeth nasolabial inner outer upper lower sharp sideways left right both side sides faint "
    "faintly trace slight slightly mild mildly marked markedly clear clearly pronounced strong strongly "
    "maximal maximally maximum possible possibly may confidently detected"
)
ENDINGS = "(?:e|es|s|ed|en|ing|ting|ure|ion|ening|ens|ened)?"
MASKED = re.compile(
    rf"\bAU\d+|\blevel [A-E]\b|\bmore on the\b|\b(?:{PARTS.replace(' ', '|')})s?\b"
    rf"|\b(?:{STEMS.replace(' ', '|')}){ENDINGS}\b|\b(?:{OTHERS.replace(' ', '|')})\b",
    re.IGNORECASE,
)
JOINED = "and|or|the|of|a|an|is|are|in|up|down|on|to|together|each other|forward"


def frame(sentence: str) -> str:
    masked = MASKED.sub("#", sentence)
    return re.sub(rf"#(?:[\s(),-]*(?:(?:{JOINED})\s+)*#)*", "#", masked)


def sentences(caption: Caption) -> list[str]:
    running = [*re.split(r"(?<=\.) (?=[A-Z])", caption.interpretation)]
    running += re.split(r"(?<=\.) (?=[A-Z])", caption.conclusion.text)
    return [caption.overview, *(observation.text for observation in caption.observations), *running]


def explained(record: AURecord, seed: int) -> Caption:
    evidence = observe(record)
    interpretation = interpret(evidence, BASIC8, record)
    return write(record, evidence, interpretation, conclude(evidence, interpretation, BASIC8), labels=BASIC8, seed=seed)


def distinct(faces: Faces, **options: object) -> list[AURecord]:
    found: dict[tuple[int, ...], AURecord] = {}
    for record in faces(20_000, 30, **options):
        present = tuple(unit.au for unit in observe(record).active)
        if len(present) >= 2:
            found.setdefault(present, record)
        if len(found) == 1000:
            return list(found.values())
    raise AssertionError("not enough distinct faces")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"measured": OPENFACE, "scale": "intensity_0_5", "sided": False},
        {"measured": OPENFACE, "scale": "presence", "sided": False},
        {"measured": BP4D, "scale": "score", "sided": False, "most": 12},
    ],
    ids=["any", "openface", "presence", "bp4d"],
)
@pytest.mark.parametrize("seed", [0, 7])
def test_a_thousand_faces_read_differently(faces: Faces, options: dict[str, object], seed: int) -> None:
    captions = [explained(record, seed) for record in distinct(faces, **options)]
    assert len({caption.overview for caption in captions}) >= 900
    frames = Counter(frame(sentence) for caption in captions for sentence in sentences(caption))
    total = sum(frames.values())
    assert total >= 7000
    most, count = frames.most_common(1)[0]
    assert count <= 0.05 * total, (most, count / total)
    verbatim = Counter(sentence for caption in captions for sentence in sentences(caption))
    assert verbatim.most_common(1)[0][1] <= 0.03 * total


def test_the_mask_hides_units_sides_and_strength() -> None:
    assert frame("The left lip corner pulls up slightly (AU12).") == frame("The right inner brow rises markedly (AU1).")
    assert frame("There is a lip press (AU24).") != frame("A lip press (AU24) is seen.")


def test_one_region_reads_in_several_ways_across_faces(faces: Faces) -> None:
    told: dict[tuple[int, ...], set[str]] = {}
    for record in faces(2000, 31, measured=OPENFACE, scale="presence", sided=False):
        for observation in explained(record, 0).observations:
            if len(observation.units) == 1:
                told.setdefault((observation.units[0].au,), set()).add(observation.text)
    assert max(len(texts) for texts in told.values()) >= 4
    # Bounded, so that judged sentences can be kept: at most four turns, list or not, hedged or not, denial or not.
    assert max(len(texts) for texts in told.values()) <= 64
