"""Foreign prose: each turn is borne out by one face and contradicted by another that differs in one reading."""

from __future__ import annotations

import pytest

from fervlm.facs import label_set
from fervlm.predict.rules import Explainer
from fervlm.reasoning.answers import render
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import verify
from fervlm.reasoning.write import anchored
from fervlm.records import AUReading, AURecord, Detector, Scale, Section, Side, Source

MEASURED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28)


def face(codes: str, scale: Scale = "intensity_0_5", measured: tuple[int, ...] = MEASURED) -> AURecord:
    """`face("12C L14B")`: AU and level; a side in front where it was measured by side, absent on the other."""
    told: dict[int, dict[Side | None, int]] = {au: {None: 0} for au in measured}
    for code in codes.split():
        side: Side | None = {"L": "left", "R": "right"}.get(code[0])  # type: ignore[assignment]
        au, level = int(code.strip("LRABCDE")), 1 + "ABCDE".index(code[-1])
        if side is None:
            told[au] = {None: level}
        else:
            told[au] = {"left": 0, "right": 0} if None in told[au] else told[au]
            told[au][side] = level
    readings = [_reading(au, side, level, scale) for au, sides in told.items() for side, level in sides.items()]
    return AURecord(
        id="face",
        source=Source(file="faces.csv"),
        detector=Detector(name="au_table", trust="high"),
        readings=tuple(readings),
    )


def _reading(au: int, side: Side | None, level: int, scale: Scale) -> AUReading:
    graded = scale == "intensity_0_5"
    return AUReading(
        au=au,
        side=side,
        state="present" if level else "absent",
        value=float(level) if graded else None,
        scale=scale,
        threshold=1.0 if graded else None,
    )


def objections(text: str, record: AURecord, section: Section = "observation") -> list[str]:
    checks = verify(text, record, section=section).sentences
    return [str(claim.reason) for check in checks for claim in check.claims if claim.verdict != "supported"]


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("Only the outer brow is up. The inner brow is not.", "2C", "1C 2C"),
        ("The right brow is lowered, the left is not.", "R4C", "L4C R4C"),
        ("AU14 is present on the right, absent on the left.", "R14C", "L14C R14C"),
        ("The inner brow is strongly raised, the outer only barely.", "1D 2A", "1A 2A"),
        ("Were it not for a slight bulge of the chin, the face could be called immobile.", "17B", "4C 17B"),
        ("The brows have no part in it.", "12C", "4C 12C"),
        ("The lips are drawn out horizontally.", "20C", "12C"),
        ("Dimples: none to be found.", "12C", "12C 14C"),
        ("Active: brow lowerer. Inactive: cheek raiser, lip corner puller.", "4C", "4C 12C"),
        ("lip press B, chin raise B, corner depress -", "17B 24B", "15C 17B 24B"),
        ("[x] AU4 [ ] AU6 [ ] AU12", "4C", "4C 12C"),
        ("AU | active\n4 | yes\n12 | no", "4C", "4C 12C"),
        ("A raised chin, and for the rest one would look in vain for a smile.", "17C", "12C 17C"),
        ("Both corners droop, the right one clearly, the left one slightly.", "L15B R15C", "L15C R15B"),
        ("The cheeks do not reach the threshold.", "12C", "6C 12C"),
        ("Inner brow raise at level 2.", "1B", "1D"),
        ("The chin is slightly raised under them.", "17B", ""),
        ("Nothing in the brows but a lift of their outer ends.", "2C", "4C"),
        ("Instead of raised cheeks we find a smile.", "12C", "6C"),
        ("Instead of widened eyes, lid tightening.", "7C", "5C"),
        ("AU23, and AU9 is missing.", "23C", "9C"),
        ("There is no AU20, and AU5 is active.", "5C", "20C"),
        ("Where one might expect a dropped jaw, there is a smile.", "12C", "26C"),
        ("The face does without a smile and relies on a lip press.", "24C", "12C"),
        ("Because there is no lid tightening, a raised chin stands out.", "17C", "7C"),
        ("No smile, just chin raising.", "17C", "12C"),
        ("Of a smile there is no trace.", "4C", "12C"),
        ("The raised brows are plain; of a smile no sign.", "1C 2C", "1C 2C 12C"),
        ("A lip press would be needed for that, and there is none.", "12C", "24C"),
        ("It is not the case that the lips are parted.", "12C", "25C"),
        ("You can see a grin, but you cannot see a lift of the cheeks.", "12C", "6C 12C"),
        ("A wrinkled nose I do not notice.", "12C", "9C"),
        ("The eyelids are not seen to tighten.", "12C", "7C"),
        ("Codes looked for and not assigned: 4, 15, 17.", "12C", "15C"),
        ("The lips are parted, and above them the upper lids are raised.", "5C 25C", "25C"),
        ("The smile is slight, not marked.", "12B", "12C"),
        ("The smile is not slight but strong.", "12D", "12B"),
        ("The lips are tight, which makes the strongly lowered brows stand out.", "4D 23C", "4A 23C"),
        ("A smile, a raised chin below.", "12C 17C", "12C"),
        ("The probability of a smile is high, that of a chin raise is low.", "12C", "12C 17C"),
        ("Brow lowering is above threshold, a lip press below.", "4C", "4C 24C"),
        ("A smile is likely; raised brows are unlikely.", "12C", "2C 12C"),
        ("Off: a lift of the cheeks, a raised chin.", "12C", "6C"),
        ("A dropped jaw? Not here.", "12C", "26C"),
        ("Forget about a smile; it is all about brow lowering.", "4C", "4C 12C"),
        ("It isn't that the lips are parted.", "12C", "25C"),
        ("Nobody sees chin raising here.", "12C", "17C"),
        ("A chin raise I see, a smile I don't.", "17C", "12C 17C"),
        ("We can rule out a squint.", "12C", "7C"),
        ("A squint can be excluded.", "12C", "7C"),
        ("The smile is plain, which cannot be said of a frown.", "12C", "4C 12C"),
        ("Pressed lips are absent; the same goes for a squint.", "12C", "7C"),
        ("In contrast to a frown, raised outer brows are present.", "2C", "2C 4C"),
        ("You can't miss a wrinkled nose.", "9C", "12C"),
        ("There is no denying a raised chin.", "17C", "12C"),
        ("A jaw drop does not fail to appear.", "26C", "12C"),
        ("What looks like a smile is a raised chin.", "17C", "12C"),
        ("A squint stays away.", "12C", "7C"),
        ("All units are present except for AU26.", "1C 2C", "26C"),
        ("It is the brows and not the lids that are drawn together.", "4C", "7C"),
        ("Of lowered brows and tight lips not one is there.", "12C", "4C"),
        ("Apart from AU12, none.", "12C", "4C 12C"),
        ("Of AU4, AU5, AU7 and AU23 only AU4 is there.", "4C", "4C 7C"),
        ("The gap between the lips is closed; the corners are raised.", "12C", "12C 25C"),
        ("It takes no close look to see that the corners of the mouth are raised.", "12C", "4C"),
        ("The calm of the face is disturbed only by a tension in the lids.", "7C", "5C"),
        ("The cheeks are raised, the left cheek clearly, the right cheek slightly.", "L6C R6B", "L6B R6C"),
        ("The frown is clearly absent.", "12C", "4C"),
        ("Corrugator clearly active, frontalis inactive.", "4C", "1C 4C"),
        ("The lips are slightly parted; the rest is neutral.", "25B", "4C 25B"),
        ("A clear smile on the left, a slight one on the right.", "L12C R12B", "L12C R12D"),
        ("Both corners go up, the left clearly, the right slightly.", "L12C R12B", "L12B R12C"),
        ("On the right the smile is weaker.", "L12C R12B", "L12B R12C"),
        ("The outer end of the right brow is clearly raised, that of the left is not.", "R2C", "L2C R2C"),
        ("The smile is anything but slight; it is strong.", "12D", "12B"),
        ("The smile is not all that strong.", "12B", "12D"),
        ("Besides a smile there is only a raised chin.", "12C 17C", "12C"),
    ],
)
def test_a_turn_of_phrase_is_read_both_ways(text: str, true: str, false: str) -> None:
    assert objections(text, face(true)) == []
    assert objections(text, face(false)), text


@pytest.mark.parametrize(
    "text",
    [
        "About chin raising the detector says nothing.",
        "The chin raiser lies outside what this detector was built to see.",
        "AU17 is not among the codes of this set.",
        "For chin raising there was no value.",
    ],
)
def test_what_is_said_to_be_unmeasured_must_be(text: str) -> None:
    rest = tuple(au for au in MEASURED if au != 17)
    assert objections(text, face("12C", measured=rest)) == []
    assert "AU17 not measured" in objections("The chin is raised.", face("12C", measured=rest))


@pytest.mark.parametrize(
    "text",
    [
        "One could mistake it for a smile.",
        "A smile would tip the corners the other way.",
        "Had the brows been drawn together, more could be said.",
        "The result resembles a smile.",
    ],
)
def test_what_is_only_imagined_is_no_claim(text: str) -> None:
    assert objections(text, face("15C")) == []


def test_words_that_need_not_mean_a_strength_ask_for_none() -> None:
    present = face("12C", "presence")
    assert objections("The mouth smiles broadly.", present) == []
    assert objections("The mouth smiles strongly.", present) == ["AU12 has no measured strength"]
    assert objections("The mouth smiles broadly.", face("12A")) == ["AU12 is at level A"]


def test_a_capital_article_after_a_region_is_no_level() -> None:
    assert objections("Mouth: A lip stretch is seen.", face("20D")) == []
    assert objections("AU20: A.", face("20D")) == ["AU20 is at level D"]


def test_of_several_labels_the_favoured_one_must_hold() -> None:
    angry = face("4C 5C 7C 23C")
    assert objections("Anger rather than disgust; fear explains less.", angry, "conclusion") == []
    assert objections("Happiness, then anger.", angry, "conclusion")


def test_a_text_may_name_its_parts_in_its_own_words() -> None:
    text = "What I see: raised cheeks and a smile.\nWhat it means: these go with {}.\nAnswer: {}."
    good = text.format("happiness", "happiness")
    checked = verify(good, face("6C 12C"))
    assert checked.ok
    assert [check.section for check in checked.sentences][:2] == ["observation", "interpretation"]
    assert not verify(text.format("happiness", "anger"), face("6C 12C")).ok


@pytest.mark.parametrize("name", ["basic8", "emotic"])
def test_the_annotators_label_is_not_held_against_the_evidence(name: str) -> None:
    labels = label_set(name)
    record = face("6C 12D 25C")
    caption = Explainer(labels=name, check=False).explain(record).caption
    assert caption is not None
    for label in labels.labels:
        told = anchored(caption, label, observe(record), labels)
        for form in (told, render(told), render(told, details=False, provenance=False)):
            checked = verify(form, record, labels=labels)
            assert checked.ok, (label, form)
            assert checked.scores.label_consistent is not False, (label, form)
