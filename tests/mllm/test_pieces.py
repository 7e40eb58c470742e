"""The parts of a run: vocabulary, order, mixture, weights of tokens, picture tower."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from fervlm.config import validated
from fervlm.contrastive.augment import Levels, prepare
from fervlm.contrastive.publish import load_published
from fervlm.errors import FervlmError
from fervlm.mllm.collate import Collator, encode
from fervlm.mllm.mixture import compose, mixture_at
from fervlm.mllm.nano import nano_model
from fervlm.mllm.opening import open_base
from fervlm.mllm.order import LikeLengths, Passes
from fervlm.mllm.run import token_loss
from fervlm.mllm.settings import Mixture, TalkSettings, TowerConfig, Views
from fervlm.mllm.shape import NanoSettings
from fervlm.mllm.talks import load_talks
from fervlm.mllm.tower import take_tower, train_tower
from fervlm.mllm.vocabulary import to_tokenizer, train_sentencepiece
from fervlm.predict.load import SHIPPED
from fervlm.reasoning.answers import parse
from tests.mllm.test_families import TURNS, pictures
from tests.mllm.tiny import TEXTS, tiny_nano
from tests.mllm.tiny_set import picture


def test_the_tokenizer_cuts_as_sentencepiece_does() -> None:
    import sentencepiece

    model = train_sentencepiece(TEXTS * 8, 400)
    one, other = sentencepiece.SentencePieceProcessor(model_proto=model), to_tokenizer(model)
    for text in (*TEXTS, "Two  spaces,\n\nnew lines, AU12 and öäß 漢 \U0001f642", " ", "x"):
        assert other.encode(text).ids == one.encode(text)
        assert other.decode(other.encode(text).ids) == text


def test_each_pass_shows_each_face_once_in_an_order_that_needs_no_past() -> None:
    order = Passes(10, 2.5, seed=3)
    rows = [order[k] for k in range(len(order))]
    assert len(rows) == 25 and [position for position, _ in rows] == list(range(25))
    assert sorted(face for _, face in rows[:10]) == sorted(face for _, face in rows[10:20]) == list(range(10))
    assert rows[:10] != [(k, face) for k, (_, face) in enumerate(rows[10:20])]
    assert Passes(10, 2.5, seed=3)[17] == rows[17]


def test_batches_of_like_length_hold_the_same_samples() -> None:
    passes = Passes(100, 3, seed=0)
    order = LikeLengths(passes, lambda _, face: face, batch=4)
    rows = [order[k] for k in range(len(order))]
    assert sorted(rows) == [passes[k] for k in range(300)]
    spans = [max(f for _, f in rows[k : k + 4]) - min(f for _, f in rows[k : k + 4]) for k in range(0, 300, 4)]
    assert sum(spans) / len(spans) < 5  # of faces 0 to 99: at random it would be about 60
    assert LikeLengths(passes, lambda _, face: face, batch=4)[205] == rows[205]


def test_views_mixture_and_curriculum_decide_what_is_asked(tiny_set: Path) -> None:
    talks = load_talks((tiny_set,), "train")
    only = TalkSettings(
        mixture=Mixture(label=1, caption=0, units=0, dialogue=0), views=Views(label="anchored"), talks=3
    )
    for face in range(4):
        turns = compose(talks.talks(face), only, 0.5, random.Random(face))
        assert [(kind, answer) for kind, _, answer in turns] == [("label", talks.labels[face])]
    some = TalkSettings(curriculum=((0.5, Mixture(label=0, caption=1, units=0, dialogue=0)),), talks=1, details=False)
    assert mixture_at(some, 0.49).label == 0 and mixture_at(some, 0.5).label == 1
    early = [compose(talks.talks(0), some, 0.1, random.Random(k))[0] for k in range(8)]
    assert {kind for kind, _, _ in early} == {"caption"}
    assert all("Candidates" not in answer and parse(answer) for _, _, answer in early)
    late = {compose(talks.talks(0), some, 0.9, random.Random(k))[0][0] for k in range(40)}
    assert {"label", "caption"} < late


def test_captions_are_asked_about_faces_where_much_moves(tiny_set: Path) -> None:
    talks = load_talks((tiny_set,), "train")
    faces = {name: talks.labels.index(name) for name in ("happiness", "neutral")}  # three units, and none
    told = {}
    for moving in (0.0, 2.0):
        asked = TalkSettings(mixture=Mixture(units=0, dialogue=0), talks=1, moving=moving)
        for name, face in faces.items():
            kinds = [compose(talks.talks(face), asked, 0.5, random.Random(k))[0][0] for k in range(200)]
            told[name, moving] = kinds.count("caption") / 200
    assert told["happiness", 0.0] == pytest.approx(0.5, abs=0.1) == told["neutral", 0.0]
    # Beside a label question of weight 1, captions weigh (4 / 3) ** 2 and (1 / 3) ** 2.
    assert told["happiness", 2.0] == pytest.approx(0.64, abs=0.1)
    assert told["neutral", 2.0] == pytest.approx(0.1, abs=0.08)


def test_equal_positions_give_equal_batches(tiny_set: Path, checkpoint: Callable[[str], Path]) -> None:
    _, processor = open_base(str(checkpoint("nano")))
    talks = load_talks((tiny_set,), "train")
    settings = TalkSettings(augment=1.0, label_weight=2.0)
    one, other = (Collator(processor, talks, settings, 48, seed=1)([(5, 2), (6, 3)]) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    moved = Collator(processor, talks, settings, 48, seed=1)([(29, 2), (30, 3)])
    assert not torch.equal(one["pixel_values"], moved["pixel_values"])


def test_a_label_weighs_more_and_nothing_else_does(checkpoint: Callable[[str], Path]) -> None:
    _, processor = open_base(str(checkpoint("nano")))
    batch = encode(processor, TURNS, [[p] for p in pictures(2)], label_weight=3.0)
    spoken = batch["labels"] != -100
    first = spoken[0].nonzero().flatten().tolist()
    gap = next(k for k in range(1, len(first)) if first[k] != first[k - 1] + 1)
    assert set(batch["weights"][0][first[:gap]].tolist()) == {3.0}  # "happiness" and its end
    assert set(batch["weights"][0][first[gap:]].tolist()) == {1.0}  # the answer about AU4
    logits = torch.randn(*batch["labels"].shape, 500)
    plain = token_loss(logits, batch["labels"].clamp(max=499))
    each = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].clamp(max=499).flatten(), ignore_index=-100
    )
    assert plain.item() == pytest.approx(each.item(), rel=1e-5)
    weighted = token_loss(logits, batch["labels"].clamp(max=499), batch["weights"], count=1)
    assert weighted.item() > plain.item() * spoken.sum().item()


def test_a_sample_longer_than_allowed_loses_its_last_turns(tiny_set: Path, checkpoint: Callable[[str], Path]) -> None:
    _, processor = open_base(str(checkpoint("nano")))
    talks = load_talks((tiny_set,), "train")
    whole = Collator(processor, talks, TalkSettings(talks=4), 24, 0)
    short = Collator(processor, talks, TalkSettings(talks=4, length=300), 24, 0)
    rows = [(k, k) for k in range(8)]
    assert whole(rows)["input_ids"].shape[1] > 300
    single = max(whole([row])["input_ids"].shape[1] for row in rows)
    assert short(rows)["input_ids"].shape[1] < single


def test_both_stages_see_the_same_pixels(checkpoint: Callable[[str], Path]) -> None:
    _, processor = open_base(str(checkpoint("nano")))
    pixels = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    given = processor.image_processor([Image.fromarray(one) for one in pixels], return_tensors="pt")["pixel_values"]
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    assert torch.allclose(prepare(batch, 64, Levels()), given, atol=1e-5)


def test_a_tower_learns_and_is_taken_over(tmp_path: Path) -> None:
    rows = []
    for k in range(128):
        label = ("happiness", "anger", "surprise", "neutral")[k % 4]
        rows.append(
            {
                "id": f"{k}",
                "image": {"bytes": picture(label, k), "path": f"{k}"},
                "label": label,
                "split": "train" if k < 96 else "val",
                "source": "drawn",
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "faces.parquet")
    given = {"data": [tmp_path / "faces.parquet"], "nano": tiny_nano().model_dump(), "epochs": 12, "batch": 16}
    config = validated(TowerConfig, given | {"lr": 0.003, "cpu": True, "log_every": 4, "augment": 0.3})
    told: list[str] = []
    path = train_tower(config, tmp_path / "run", told.append)
    war = float((tmp_path / "run" / "scores.csv").read_text().splitlines()[-1].split(",")[1])
    assert war > 0.8  # of four kinds of pictures
    model = nano_model(tiny_nano())
    tower = model.model.vision_tower
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    take_tower(tower, path.parent)
    assert not any(torch.equal(before[name], value) for name, value in tower.named_parameters())
    other = nano_model(tiny_nano().model_copy(update={"tower": "test_efficientnet"}))
    with pytest.raises(FervlmError, match="another shape"):
        take_tower(other.model.vision_tower, path)
    with pytest.raises(FervlmError, match="no weights of a picture tower"):
        take_tower(tower, tmp_path)


def test_the_nanos_tower_is_the_contrastive_models() -> None:
    model, _, _ = load_published(SHIPPED)
    tower = nano_model(NanoSettings()).model.vision_tower
    take_tower(tower, SHIPPED)
    pixels = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        theirs = model.eval().clip.visual.trunk.forward_features(pixels)
        assert torch.allclose(tower.eval()(pixels).last_hidden_state, theirs, atol=1e-5)


def test_a_set_without_a_chat_view_or_pictures_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="has no data/train"):
        load_talks((tmp_path,), "train")
    (tmp_path / "data").mkdir()
    row = {"id": "a", "image": "a.png", "label": "anger", "sample": "{}"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "data" / "train-0.parquet")
    with pytest.raises(FervlmError, match="has no chat/train"):
        load_talks((tmp_path,), "train")
    (tmp_path / "chat").mkdir()
    chat = {"id": "a", "kind": "label", "view": "blind", "messages": [{"role": "user", "content": "?"}]}
    pq.write_table(pa.Table.from_pylist([chat]), tmp_path / "chat" / "train-0.parquet")
    with pytest.raises(FervlmError, match="only their names"):
        load_talks((tmp_path,), "train")
