"""What the verifier reads out of a text, and how it judges that against the evidence."""

from __future__ import annotations

import pytest

from fervlm.predict.rules import explain
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import AUReading, AURecord, Detector, Scale, Section, Side, Source

OPENFACE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


def face(*present: str, measured: tuple[int, ...] = OPENFACE, scale: Scale = "intensity_0_5") -> AURecord:
    """`face("12D", "6B", "L14C")`: levels as letters, one side as a prefix (then that AU is measured by side)."""
    readings: dict[int, list[AUReading]] = {au: [reading(au, 0, scale)] for au in measured}
    for code in present:
        side: Side | None = {"L": "left", "R": "right"}.get(code[0])  # type: ignore[assignment]
        au, level = int(code.strip("LRABCDE")), 1 + "ABCDE".index(code[-1])
        readings[au] = [reading(au, level, scale, side)]
        if side is not None:
            readings[au].append(reading(au, 0, scale, "left" if side == "right" else "right"))
    return AURecord(
        id="face",
        source=Source(file="faces.csv", row=2),
        detector=Detector(name="au_table", trust="high"),
        readings=tuple(r for found in readings.values() for r in found),
    )


def reading(au: int, level: int, scale: Scale, side: Side | None = None) -> AUReading:
    threshold = None if scale == "presence" else 0.5 if scale == "probability" else 1.0
    value = None if scale == "presence" else 0.9 * bool(level) if scale == "probability" else float(level)
    state = "present" if level else "absent"
    return AUReading(au=au, side=side, state=state, value=value, scale=scale, threshold=threshold)


SMILE = face("6C", "12C", "25B")
FROWN = face("4D", "7B", "23C")
LEFT_TUCK = face("L14C")


def verdicts(text: str, record: AURecord, section: Section = "text") -> set[str]:
    return {claim.verdict for check in verify(text, record, section=section).sentences for claim in check.claims}


@pytest.mark.parametrize(
    "text",
    [
        "AU12 is active.",
        "The lip corners are pulled up.",
        "A clear smile lifts the cheeks.",
        "The cheeks rise and the corners of the mouth go up, but the brows do not lower.",
        "Not without a smile.",
        "There is no frown, and neither the brows nor the nose move.",
        "AU6+12 with parted lips; no AU4.",
        "The smile is marked, while the lips are only slightly parted.",
    ],
)
def test_true_sentences_are_supported(text: str) -> None:
    assert verdicts(text, SMILE) == {"supported"}, text


@pytest.mark.parametrize(
    "text",
    [
        "There is no smile.",
        "The face lacks any trace of a smile.",
        "The lip corners are pulled down.",
        "The brows are lowered.",
        "AU4 is present.",
        "The lips remain closed.",
        "The smile is maximal.",
        "A faint smile is seen.",
        "Rather than a smile, the mouth shows nothing.",
    ],
)
def test_false_sentences_are_contradicted(text: str) -> None:
    assert "contradicted" in verdicts(text, SMILE), text


def test_what_was_not_measured_can_be_neither_claimed_nor_denied() -> None:
    for text in ("The tongue shows.", "There is no lip pucker.", "AU22 is absent.", "The lips are funneled."):
        assert verdicts(text, SMILE) == {"unmeasured"}, text
    assert verdicts("AU22 was not measured.", SMILE) == {"supported"}
    assert verdicts("AU12 was not measured.", SMILE) == {"contradicted"}


def test_strength_needs_a_scale_that_has_it() -> None:
    likely = face("12C", scale="probability")
    assert verdicts("The lip corners are pulled up.", likely) == {"supported"}
    assert "unmeasured" in verdicts("The lip corners are strongly pulled up.", likely)


def test_sides_are_the_subjects_and_must_have_been_measured() -> None:
    assert verdicts("The left mouth corner is dimpled.", LEFT_TUCK) == {"supported"}
    assert "contradicted" in verdicts("The right mouth corner is dimpled.", LEFT_TUCK)
    assert "contradicted" in verdicts("Both mouth corners are dimpled.", LEFT_TUCK)
    assert "unmeasured" in verdicts("The left lip corner is pulled up.", SMILE)


@pytest.mark.parametrize("section", ["overview", "observation"])
def test_emotion_words_are_forbidden_among_the_observations(section: Section) -> None:
    assert "forbidden" in verdicts("The mouth looks happy.", SMILE, section)
    assert verdicts("The mouth smiles.", SMILE, section) == {"supported"}


@pytest.mark.parametrize(
    "text",
    [
        "She feels happy.",
        "He is only pretending to smile.",
        "This is a genuine smile.",
        "The young woman smiles.",
        "A fake smile lifts the lip corners.",
    ],
)
def test_nothing_is_said_about_the_person(text: str) -> None:
    assert "forbidden" in verdicts(text, SMILE), text


def test_labels_are_held_against_the_evidence() -> None:
    assert verdicts("The expression shown is consistent with anger.", FROWN) == {"supported"}
    assert "contradicted" in verdicts("The expression shown is consistent with happiness.", FROWN)


def test_a_conclusion_against_the_interpretation_is_found() -> None:
    caption = explain(FROWN).caption
    assert caption is not None
    assert verify(caption, FROWN).ok
    other = caption.conclusion.text.replace("anger", "happiness")
    changed = caption.model_copy(update={"conclusion": caption.conclusion.model_copy(update={"text": other})})
    assert not verify(changed, FROWN).ok
    assert verify(changed, FROWN).scores.label_consistent is False


def test_scores_count_mentions_with_their_negation() -> None:
    scores = verify("A marked smile. No frown.", SMILE).scores
    assert (scores.precision, scores.recall) == (1.0, pytest.approx(1 / 3))
    strong = verify("The lids tighten.", FROWN).scores
    assert strong.omitted_strong == (4,)
    wrong = verify("The smile and the lowered brows are clear.", SMILE).scores
    assert wrong.precision == 0.5


def test_headings_tell_the_parts_apart() -> None:
    parts = (
        "Key observations\n- Mouth: The mouth smiles happily.",
        "Interpretation\nThis fits joy.",
        "Conclusion\nHappiness.",
    )
    text = "\n\n".join(parts)
    checks = verify(text, SMILE).sentences
    assert {check.section for check in checks} == {"observation", "interpretation", "conclusion"}
    assert [c.verdict for c in checks[0].claims if c.kind == "emotion_word"] == ["forbidden"]


def test_a_judge_changes_nothing_but_time() -> None:
    judge = Judge(cache_size=2)
    for text in ("A clear smile.", "The brows are lowered.", "A clear smile.", "No smile.", "She feels sad."):
        assert verify(text, SMILE, judge=judge) == verify(text, SMILE)


@pytest.mark.parametrize("text", ["", "   ", "?!", "Der Mund lächelt.", "😀", "AU", "AU999", "no " * 2000, "(((AU12"])
def test_any_text_is_borne(text: str) -> None:
    assert verify(text, SMILE).against == "au_table in faces.csv"
