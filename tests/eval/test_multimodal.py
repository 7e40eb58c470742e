"""`python -m eval mllm`: its numbers on answers worked out by hand, and the whole program on an untrained model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from eval.answer import Answer
from eval.item import Item
from eval.multimodal.numbers import apart, of_captions, of_labels
from eval.multimodal.program import _parser as parser
from eval.multimodal.program import main, measured
from fervlm.errors import FervlmError
from fervlm.mllm.opening import open_base
from fervlm.mllm.publish import publish
from fervlm.predict.rules import explain
from fervlm.reasoning.answers import render
from tests.mllm.published import notes_of
from tests.mllm.tiny import nano
from tests.mllm.tiny_set import SHOWN, record, write_set

LABELS = tuple(SHOWN)
TURNED = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
"""Each label's neighbour."""


def faces(repeats: int = 3) -> list[Item]:
    return [Item(f"{label}{k}", label=label, record=record(label, label)) for k in range(repeats) for label in LABELS]


def caption_of(label: str, seed: int = 0) -> str:
    caption = explain(record(label, label), seed=seed).caption
    assert caption is not None
    return render(caption, provenance=False)


def said(items: list[Item], labels: dict[str, str]) -> dict[str, Answer]:
    return {
        item.id: Answer(id=item.id, label=labels[str(item.label)], text=caption_of(labels[str(item.label)]))
        for item in items
    }


def test_captions_of_the_evidence_itself_are_flawless() -> None:
    items = faces()
    own = {label: label for label in LABELS}
    found = of_captions(items, said(items, own), said(items, own), seed=0)
    assert found["mention_F1"][0] == 1 and found["strict_parse_rate"][0] == 1 and found["pass_rate"][0] == 1
    assert found["leak_rate"][0] == 0 and found["agreement"] == 1 and found["as_direct"] == 1
    # Nine units, each on one face of four: k of them named on every face are right k times in 4 k claims, of nine.
    assert found["constant_F1"] == pytest.approx(2 * 9 / (4 * 9 + 9))
    assert found["over_constant"][0] == pytest.approx(0.6)


def test_captions_of_other_faces_and_plain_text_are_found_out() -> None:
    items = faces()
    wrong = of_captions(items, said(items, TURNED), None, seed=0)
    assert wrong["mention_F1"][0] == 0 and wrong["pass_rate"][0] == 0 and wrong["strict_parse_rate"][0] == 1
    mixed = said(items, {label: label for label in LABELS})
    for item in items[: len(items) // 4]:
        mixed[item.id] = Answer(id=item.id, text="A face.")
    found = of_captions(items, mixed, None, seed=0)
    assert found["strict_parse_rate"][0] == found["pass_rate"][0] == 0.75
    assert found["mentions"]["precision"] == 1 and found["mentions"]["recall"] < 1


def test_labels_and_their_distance() -> None:
    items = faces()
    right, wrong = (
        {i.id: Answer(id=i.id, label=names[str(i.label)]) for i in items}
        for names in ({label: label for label in LABELS}, dict.fromkeys(LABELS, "anger"))
    )
    assert of_labels(items, right, LABELS, 0)["UAR"][0] == 1
    one = of_labels(items, wrong, LABELS, 0)
    assert one["UAR"][0] == one["WAR"][0] == 0.25 and "anger" in one["alarm"]
    assert apart(items, right, wrong, 0)["UAR"][0] == -0.75


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("base")
    nano(base)
    model, processor = open_base(str(base))
    model.config.text_config.max_position_embeddings = 200
    return publish(model, processor, tmp_path_factory.mktemp("published") / "tiny", notes_of(model, processor))


def test_the_program_goes_on_where_it_was_cut(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faces_set, out = write_set(tmp_path / "set", train=8, val=16), tmp_path / "out"
    told = ["--model", str(folder), "--set", str(faces_set), "--out", str(out), "--faces", "6", "--captions", "2"]
    assert main(told) == 1  # an untrained model misses its goals
    page = (out / "TABLE.md").read_text()
    assert "| nano-VLM, reason then label |" in page and page.strip() in capsys.readouterr().out
    first = json.loads((out / "numbers.json").read_text())
    assert first["run"]["faces"] == 6 and not all(row["met"] for row in first["targets"])
    assert {name: row["texts"] for name, row in first["captions"].items()} == dict.fromkeys(
        ("engine", "contrastive", "free", "held", "label_first"), 2
    )
    cut = out / "labels-direct.jsonl"
    whole = cut.read_text().splitlines(keepends=True)
    cut.write_text("".join(whole[:3]) + whole[3][:20])
    again = measured(parser().parse_args(told))
    assert "labels-direct: 3 of 6 faces" in capsys.readouterr().err
    for found in (first, again):
        for part in ("labels", "captions"):
            for row in found[part].values():
                row.pop("ms")
    assert json.loads(json.dumps(again)) == first
    (out / "run.json").write_text(json.dumps({"model": "another"}))
    with pytest.raises(FervlmError, match="another model or set"):
        measured(parser().parse_args(told))
