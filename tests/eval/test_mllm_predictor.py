"""A multimodal checkpoint as a predictor: three ways, three wordings, questions; what is not in form says so."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from eval.catalogue import benchmark
from eval.item import Item
from eval.predictors import Settings, open_predictor
from fervlm.errors import FervlmError
from fervlm.examples import photograph
from fervlm.facs.labels import BASIC7
from fervlm.mllm.opening import open_base
from fervlm.mllm.publish import publish
from tests.eval.miniature import png, text
from tests.mllm.published import notes_of
from tests.mllm.tiny import nano


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model, published; it has room for a few words of answer."""
    base = tmp_path_factory.mktemp("base")
    nano(base)
    model, processor = open_base(str(base))
    model.config.text_config.max_position_embeddings = 130
    return publish(model, processor, tmp_path_factory.mktemp("published") / "tiny", notes_of(model, processor))


def faces(tmp_path: Path) -> list[Item]:
    return [
        Item("crop", picture=png(tmp_path / "c.png", 90, 48), label="anger", crop=True),
        Item("gone", picture=tmp_path / "gone.png", label="anger"),
        Item("photo", picture=photograph(), label="happiness"),
    ]


@pytest.mark.parametrize("way", ["direct", "reason_first"])
def test_every_label_is_scored_whatever_the_way(folder: Path, tmp_path: Path, way: str) -> None:
    predictor = open_predictor(f"mllm:{folder}#{way}", benchmark("faces_val"), Settings(explain=False))
    crop, gone, photo = predictor.answers(faces(tmp_path))
    assert (crop.id, gone.id, photo.id) == ("crop", "gone", "photo")
    assert gone.status == "failed" and "no such picture" in (gone.reason or "")
    for one in (crop, photo):
        shares = one.probabilities or {}
        assert tuple(shares) == BASIC7 and sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert one.label == max(shares, key=lambda label: shares[label])
        assert set(one.variants) == {"mllm_label", "eval_label", "eval_label_moves"} and one.text is None
        if way != "reason_first":  # the first wording is the way's own question
            assert one.variants["mllm_label"] == one.label
    assert predictor.name.endswith("tiny" if way == "direct" else way.replace("_", " "))


def test_a_text_out_of_form_is_unparsed_and_its_label_stays(folder: Path, tmp_path: Path) -> None:
    predictor = open_predictor(f"mllm:{folder}", benchmark("faces_val"), Settings(variants=False))
    (one,) = predictor.answers(faces(tmp_path)[:1])
    assert one.status == "unparsed" and one.text and one.label in BASIC7
    assert one.present is not None and one.agreement is not None and one.variants == {}


def test_questions_are_answered_by_letter(folder: Path, tmp_path: Path) -> None:
    predictor = open_predictor(f"mllm:{folder}", benchmark("facexbench_expression"), Settings())
    picture = png(tmp_path / "q.png", 90, 48)
    asked = Item("q", pictures=(picture, picture), label="B", question="Which?", choices=("Anger", "Fear"))
    broken = Item("b", picture=text(tmp_path / "b.png", "x"), label="A", question="Which?", choices=("Anger", "Fear"))
    one, other = predictor.answers([asked, broken])
    assert one.label in {"A", "B"} and one.status == "ok"
    assert other.status == "failed"


def test_what_is_no_checkpoint_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="no way 'aloud' to a label"):
        open_predictor(f"mllm:{folder}#aloud", benchmark("faces_val"), Settings())
    with pytest.raises(FervlmError, match=r"holds no fervlm\.json"):
        open_predictor(f"mllm:{tmp_path}", benchmark("faces_val"), Settings())
