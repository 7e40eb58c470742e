"""Captions as text and back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fervlm.errors import FervlmError
from fervlm.facs import LabelSet, label_set
from fervlm.reasoning.answers import mentions_in, parse, render
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.write import anchored, write
from fervlm.records import Alternative, AURecord, Caption, Conclusion, Observation, Provenance, UnitMention

Faces = Callable[..., Iterator[AURecord]]
Change = Callable[[str], str]
Row = tuple[str, float | None, tuple[int, ...], tuple[int, ...], tuple[int, ...]]

ODD = LabelSet(
    "custom",
    ("happy", "None (really)", 'so "angry"', "sad | blue", "Surprised 2", "  fear"),
    {
        "happy": "happiness",
        "None (really)": "neutral",
        'so "angry"': "anger",
        "sad | blue": "sadness",
        "Surprised 2": "surprise",
        "  fear": "fear",
    },
    {},
)

PLAIN = """Overview: The brows lower and the lips press together.

Key observations
- Brow: The left brow lowers (AU4) while the inner brows do not rise (no AU1).
- Mouth: Both lip corners tuck in (AU14), and the lips press together (AU24, level C).

Interpretation
AU4 and AU24 speak for anger.

Conclusion
The expression shown is consistent with anger, with low confidence.
Label: anger
Confidence: low
Candidates: anger 0.5 (for AU4, AU24; not measured AU23) | contempt (against AU4)
"""


def explained(record: AURecord, labels: LabelSet, seed: int, observe_only: bool = False) -> Caption:
    evidence = observe(record)
    interpretation = interpret(evidence, labels, record)
    decision = conclude(evidence, interpretation, labels)
    return write(record, evidence, interpretation, decision, labels=labels, seed=seed, observe_only=observe_only)


@pytest.mark.parametrize("labels", [label_set("basic8"), label_set("compound"), label_set("affectnet8"), ODD])
def test_every_caption_of_the_engine_comes_back(faces: Faces, labels: LabelSet) -> None:
    for number, record in enumerate(faces(600, 60, most=14)):
        caption = explained(record, labels, number)
        assert parse(render(caption)) == caption
        bare = caption.model_copy(update={"provenance": None})
        assert parse(render(caption, provenance=False)) == bare
        assert parse(caption.model_dump_json()) == caption


def test_observe_only_and_anchored_captions_come_back(faces: Faces) -> None:
    labels = label_set("basic8")
    for number, record in enumerate(faces(300, 61)):
        assert parse(render(caption := explained(record, labels, number, True))) == caption
        bound = anchored(explained(record, labels, number), "fear", observe(record), labels)
        assert parse(render(bound)) == bound


def test_the_plain_form_is_read() -> None:
    caption = parse(PLAIN)
    assert caption.overview == "The brows lower and the lips press together."
    assert [o.region for o in caption.observations] == ["brow", "mouth"]
    assert caption.observations[0].units == (UnitMention(au=4, side="left"),)
    assert caption.observations[1].units == (UnitMention(au=14, side="both"), UnitMention(au=24))
    assert caption.conclusion.label == "anger" and caption.conclusion.confidence == "low"
    assert caption.conclusion.alternatives == (
        Alternative(label="anger", score=0.5, units_for=(4, 24), not_measured=(23,)),
        Alternative(label="contempt", units_against=(4,)),
    )
    assert caption.provenance is None
    assert render(caption) == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.upper().replace("LABEL: ANGER", "Label: anger").replace("(FOR", "(for"),
        lambda text: text.replace("Key observations", "## Key Observations:").replace(
            "Interpretation", "**Interpretation**"
        ),
        lambda text: text.replace("Key observations", "1. **Key Observations**").replace(
            "\nInterpretation\n", "\n2. Interpretation: "
        ),
        lambda text: text.replace("- Brow: ", "* **Brow**: ").replace(
            "Interpretation", "Overall Emotional Interpretation:"
        ),
        lambda text: text.replace("- Brow: ", "- **Brow:** ").replace("\nConclusion\n", "\n### Conclusion\n\n"),
        lambda text: text.replace("Label: anger", "**Label:** anger").replace("Confidence: low", "Confidence: Low."),
        lambda text: f"```\n{text}```",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("- Brow", "Brow").replace("- Mouth", "Mouth"),
        lambda text: text.replace("The left brow lowers (AU4)", "The left brow lowers (AU04)"),
    ],
)
def test_harmless_variation_is_read_alike(change: Change) -> None:
    wanted, found = parse(PLAIN), parse(change(PLAIN))
    assert found.conclusion.label == wanted.conclusion.label
    assert found.conclusion.confidence == wanted.conclusion.confidence
    assert [o.region for o in found.observations] == [o.region for o in wanted.observations]
    assert [o.units for o in found.observations] == [o.units for o in wanted.observations]
    assert found.interpretation.lower() == wanted.interpretation.lower()
    assert found.overview.lower() == wanted.overview.lower()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.replace("Overview: The brows lower and the lips press together.", ""),
            "Key observations|overview",
        ),
        (lambda t: t.replace("Interpretation\nAU4 and AU24 speak for anger.\n", ""), "interpretation is missing"),
        (lambda t: t.replace("AU4 and AU24 speak for anger.", ""), "interpretation is missing or empty"),
        (lambda t: t.replace("Label: anger\n", ""), "label is missing"),
        (lambda t: t.replace("Confidence: low", "Confidence: certain"), "confidence 'certain'"),
        (lambda t: t.replace("- Brow: The", "- The"), "names no region"),
        (lambda t: t.replace("Confidence: low", "Label: fear\nConfidence: low"), "label stands twice"),
        (lambda t: t.replace("Interpretation", "Zwischenstand", 1), "interpretation is missing"),
        (lambda t: t.replace("Overview:", "Hello\nOverview:"), "not with a heading"),
        (lambda t: t + "And one more thing.\n", "stands after the label"),
        (lambda t: t.replace("contempt (against AU4)", "contempt ((against AU4)"), "cannot be read"),
        (lambda t: t + 'Provenance: {"engine": 3, "x": 1}\n', "provenance"),
        (lambda t: '{"overview": "x"}', "no caption"),
        (lambda t: '{"overview": ', "no caption"),
        (lambda t: "", "overview is missing"),
        (lambda t: t.replace("Label: anger", 'Label: "anger'), "no complete string|not a complete string"),
    ],
)
def test_what_is_no_caption_is_one_clear_sentence(change: Change, said: str) -> None:
    with pytest.raises(FervlmError, match=said):
        parse(change(PLAIN))


def test_parts_out_of_order_are_refused() -> None:
    start, end = PLAIN.index("Key observations"), PLAIN.index("Conclusion")
    middle = PLAIN[start:end]
    observations, interpretation = middle.split("\nInterpretation")
    swapped = PLAIN[:start] + "Interpretation" + interpretation + observations + "\n" + PLAIN[end:]
    with pytest.raises(FervlmError, match="order"):
        parse(swapped)


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text), Caption)
    except FervlmError as error:
        assert str(error)


@given(st.integers(min_value=0, max_value=10_000))
def test_a_damaged_answer_is_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    lines = PLAIN.splitlines()
    for _ in range(rng.randint(1, 4)):
        k = rng.randrange(len(lines))
        lines[k] = rng.choice(
            ["", lines[k][::-1], lines[k] * 2, lines[rng.randrange(len(lines))], "#*" + lines[k], '"{(']
        )
    try:
        assert isinstance(parse("\n".join(lines)), Caption)
    except FervlmError as error:
        assert str(error)


words = st.text(alphabet="abcdefg hij,'-", min_size=1, max_size=30).map(lambda t: " ".join(t.split())).filter(bool)
aus = st.lists(st.integers(1, 99), unique=True, max_size=4).map(tuple)
labels_ = st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable())


@given(
    labels_, words, st.lists(st.tuples(labels_, st.none() | st.floats(0, 1).map(lambda x: round(x, 2)), aus, aus, aus))
)
def test_any_label_and_candidates_come_back(label: str, text: str, rows: list[Row]) -> None:
    caption = Caption(
        overview="A face.",
        observations=(Observation(region="brow", text="The brows lower (AU4).", units=(UnitMention(au=4),)),),
        interpretation="Little can be said.",
        conclusion=Conclusion(
            label=label,
            confidence="high",
            alternatives=tuple(
                Alternative(label=a, score=s, units_for=f, units_against=g, not_measured=n) for a, s, f, g, n in rows
            ),
            text=f"It is {text}.",
        ),
        provenance=Provenance(engine="x", scales=("presence",), view="anchored", seed=4, model='m "q"'),
    )
    assert parse(render(caption)) == caption


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("The left brow lowers (AU4) and the lips part (AU25).", [(4, "left"), (25, None)]),
        ("The lip corners pull up (AU12, level C, more on the left).", [(12, "both")]),
        ("A wink on the right (AU46) and both cheeks raised (AU6).", [(46, "right"), (6, "both")]),
        ("No measured movement is present at the brow (no AU1, no AU2).", []),
        ("AU 6 and AU12 are present without AU4.", [(6, None), (12, None)]),
        ("AU9 is not measured; AU4 is absent, AU17 is present.", [(17, None)]),
        ("The brows lower (AU4) and once more (AU4).", [(4, None)]),
        ("Nothing moves.", []),
    ],
)
def test_mentions(sentence: str, wanted: list[tuple[int, str | None]]) -> None:
    assert [(m.au, m.side) for m in mentions_in(sentence)] == wanted


def test_details_can_be_left_out_for_people() -> None:
    text = render(parse(PLAIN), details=False)
    assert "Candidates" not in text and "Label: anger" in text
    assert parse(text).conclusion.alternatives == ()


def test_three_headings_stand_in_the_text() -> None:
    lines = render(parse(PLAIN)).splitlines()
    assert [line for line in lines if line in ("Key observations", "Interpretation", "Conclusion")] == [
        "Key observations",
        "Interpretation",
        "Conclusion",
    ]
