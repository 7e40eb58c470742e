"""The face beside its explanation."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from fervlm.records import AURecord, Prediction
from fervlm.vision import palette
from fervlm.vision.card import CARD_WIDTH, prediction_svg
from fervlm.vision.raster import png
from fervlm.vision.sentences import sentences_of, spans

Look = Callable[[str], Any]
MakePrediction = Callable[..., Prediction]
NASTY = [
    '<script>alert("1")</script>',
    "]]><svg/onload=x>",
    "a & b \"c\" 'd'",
    "\x00\x07\ud800",
    "\u0645\u0631\u062d\u0628\u0627 \u5e78\u798f \U0001f600",
]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_word_of_the_explanation_is_there(prediction: MakePrediction, look: Look) -> None:
    made = prediction()
    text = squeezed(look(prediction_svg(made)).text)
    for sentence in made.verification.sentences:  # type: ignore[union-attr]
        assert squeezed(sentence.text) in text
    for part in ("happiness", "high confidence", "0.91", "contempt", "for AU 6, 12", "not measured AU 14", "rows.csv"):
        assert squeezed(part) in text
    assert squeezed("3 claims checked, 1 not supported; against openface2 (rows.csv, row 2)") in text


def test_a_false_claim_is_coloured_underlined_and_explained(prediction: MakePrediction, look: Look) -> None:
    drawing = look(prediction_svg(prediction()))
    marked = [span for span in drawing.all("tspan") if span.get("text-decoration") == "underline"]
    assert ["".join(span.itertext()) for span in marked] == ["brows are lowered"]
    assert marked[0].attrib["fill"] == palette.VERDICT["contradicted"]
    assert "is contradicted: AU4 says otherwise" in drawing.text
    titles = ["".join(title.itertext()) for title in drawing.all("title")]
    assert titles.count("supported") == 3 - 1
    assert titles.count("contradicted") == 1


def test_an_unchecked_prediction_says_so(prediction: MakePrediction, look: Look) -> None:
    drawing = look(prediction_svg(prediction(verified=False)))
    assert "Not checked." in drawing.text
    assert "The brows are lowered." in drawing.text


def test_an_abstention_and_a_missing_face_are_told(prediction: MakePrediction, untracked: AURecord, look: Look) -> None:
    drawing = look(prediction_svg(prediction(label=None)))
    assert "No label" in drawing.text and "ambiguous" in drawing.text
    gone = look(prediction_svg(prediction(untracked, label=None, verified=False, caption=None)))
    assert "No face" in gone.text and "No face was tracked" in gone.text


@pytest.mark.parametrize("nasty", NASTY)
def test_whatever_a_label_holds_it_stays_text(prediction: MakePrediction, look: Look, nasty: str) -> None:
    made = prediction(label=nasty, face_id=nasty)
    drawing = look(prediction_svg(made))
    assert {node.tag.split("}")[1] for node in drawing.root.iter()} <= {
        "svg", "title", "rect", "g", "path", "text", "tspan", "defs", "linearGradient", "stop", "clipPath", "circle",
        "ellipse",
    }  # fmt: skip
    assert not [node for node in drawing.root.iter() for key in node.attrib if key.startswith("on")]
    assert Image.open(io.BytesIO(png(prediction_svg(made), zoom=0.5))).width == CARD_WIDTH // 2


def test_a_long_text_makes_the_card_longer_and_stays_whole(prediction: MakePrediction, look: Look) -> None:
    made = prediction(course=" ".join(f"word{i}" for i in range(400)))
    short, long = look(prediction_svg(prediction())), look(prediction_svg(made))
    assert long.size[1] > short.size[1] + 300
    assert long.size[0] == short.size[0] == CARD_WIDTH
    assert all(f"word{i}" in long.text for i in (0, 199, 399))


def test_sections_stand_in_reading_order(prediction: MakePrediction) -> None:
    sections = list(sentences_of(prediction(course="The lips move.")))
    assert sections == ["overview", "observation", "interpretation", "course", "conclusion"]


def test_spans_rebuild_the_sentence(prediction: MakePrediction) -> None:
    for members in sentences_of(prediction()).values():
        for sentence in members:
            pieces = list(spans(sentence))
            assert "".join(text for text, _ in pieces) == sentence.text
            assert [claim.text for _, claim in pieces if claim] == [claim.text for claim in sentence.claims]


def test_spans_survive_claims_that_overlap_or_miss(prediction: MakePrediction) -> None:
    (third,) = [s for s in sentences_of(prediction())["observation"] if s.faults]
    claim = third.claims[0]
    inner = claim.model_copy(update={"text": "brows", "verdict": "supported"})
    astray = claim.model_copy(update={"start": 400})
    pieces = list(spans(type(third)(third.section, third.text, (inner, claim, astray))))
    assert "".join(text for text, _ in pieces) == third.text
    assert [found.verdict for _, found in pieces if found] == ["contradicted"]
