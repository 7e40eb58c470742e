"""What a step is fed with: changed pictures, a batch's texts, targets, and the model's own words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fervlm.contrastive.augment import Levels, Strength, augment, prepare
from fervlm.contrastive.build import training_texts
from fervlm.contrastive.captions import CaptionBank, Part
from fervlm.contrastive.faces import Faces, RegionSentence, Texts, load_faces
from fervlm.contrastive.mining import text_ids
from fervlm.contrastive.regions import au_region_prior
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.targets import Targets, affect_of
from fervlm.contrastive.vocabulary import END, PAD, START, UNKNOWN, build_tokenizer
from fervlm.contrastive.words import OpenClipWords, OwnWords, lengths, padded
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units

LEVELS = Levels((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
NONE = Strength().times(0)


@pytest.fixture(scope="module")
def faces(face_set: Path) -> Faces:
    return load_faces((face_set,), "train", 32)


def noise(count: int, channels: int = 1, side: int = 32) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, channels, side, side), generator=draw, dtype=torch.uint8)


def changed(pictures: Tensor, strength: Strength, seed: int = 0, flip: bool = False, size: int = 32) -> Tensor:
    flips = torch.full((len(pictures),), flip)
    return augment(pictures, size, strength, LEVELS, torch.Generator().manual_seed(seed), flips)


# ---- pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_without_strength_a_picture_is_as_it_was(channels: int) -> None:
    pictures = noise(5, channels)
    pictures[0] = 0
    pictures[1] = 255
    assert torch.allclose(changed(pictures, NONE), prepare(pictures, 32, LEVELS), atol=1e-4)
    # Larger than it is kept, too: both resample alike.
    assert torch.allclose(changed(pictures, NONE, size=48), prepare(pictures, 48, LEVELS), atol=1e-4)


def test_levels_are_taken_off_channel_by_channel() -> None:
    shown = prepare(torch.full((1, 1, 4, 4), 255, dtype=torch.uint8), 4, LEVELS)
    assert shown[0, :, 0, 0].tolist() == pytest.approx([(1 - 0.4) / 0.2, (1 - 0.5) / 0.25, (1 - 0.6) / 0.3])
    colours = prepare(noise(1, 3), 32, Levels((0, 0, 0), (1, 1, 1)))
    assert torch.allclose(colours * 255, noise(1, 3).float(), atol=1e-3)


def test_half_of_the_faces_are_mirrored_and_only_those_that_may_be() -> None:
    pictures = noise(200)
    plain = prepare(pictures, 32, LEVELS)
    shown = changed(pictures, NONE, flip=True)
    same = (shown - plain).abs().amax((1, 2, 3)) < 1e-4
    turned = (shown - plain.flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    assert bool((same ^ turned).all())
    assert 70 < int(turned.sum()) < 130
    may = torch.arange(200) < 100
    some = augment(pictures, 32, NONE, LEVELS, torch.Generator().manual_seed(0), may)
    assert torch.allclose(some[100:], plain[100:], atol=1e-4)


def test_a_seed_decides_everything() -> None:
    pictures = noise(6)
    one, two, other = (changed(pictures, Strength(), seed, flip=True) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert bool(torch.isfinite(one).all())
    levels = one * torch.tensor(LEVELS.std)[:, None, None] + torch.tensor(LEVELS.mean)[:, None, None]
    assert -1e-4 < float(levels.min()) < float(levels.max()) < 1 + 1e-4


@pytest.mark.parametrize("part", ["scale", "shift", "degrees", "light", "cover", "blur"])
def test_each_part_of_the_augmentation_changes_pictures(part: str) -> None:
    pictures = noise(30)
    only = replace(NONE, **{part: getattr(Strength(), part)})
    apart = (changed(pictures, only) - prepare(pictures, 32, LEVELS)).abs().amax((1, 2, 3)) > 1e-3
    least = {"cover": 5, "blur": 1}.get(part, 29)
    assert int(apart.sum()) >= least
    if part in ("cover", "blur"):
        assert int(apart.sum()) < 28, "a share of the faces only"


# ---- texts


def caption(k: int, regions: int = 2) -> Texts:
    return Texts(
        overview=f"overview {k}",
        summary="the same summary",
        anchored_overview=f"anchored overview {k}",
        anchored_summary=f"anchored summary {k}",
        regions=tuple(RegionSentence(f"region {k} {r}", (1, 2) if r == 0 else ()) for r in range(regions)),
        negatives=((f"false overview {k}", "overview"), (f"false region {k}", "region:1"), ("no such", "summary")),
    )


def made(faces: Faces) -> tuple[Faces, OwnWords]:
    few = faces.take(np.arange(len(faces)) < 5)
    texts = [caption(0), None, caption(2), caption(3, regions=0), caption(4)]
    held = Faces(few.ids, few.pictures, few.labels, few.units, few.sources, texts)
    return held, OwnWords(build_tokenizer(training_texts(held)), 64)


def told(words: OwnWords, batch: object, part: Part) -> list[tuple[int, str]]:
    tokens: Tensor = batch.tokens  # type: ignore[attr-defined]
    rows = [words.tokenizer.decode(tokens[i].tolist(), skip_special_tokens=False) for i in part.of.tolist()]
    plain = [" ".join(w for w in row.split() if w not in {PAD, START, END}) for row in rows]
    return list(zip(part.owners.tolist(), plain, strict=True))


def test_each_text_stands_once_and_knows_its_face(faces: Faces) -> None:
    held, words = made(faces)
    bank = CaptionBank(held, words, anchored=0, hard=0, regions=9)
    batch = bank.batch([4, 1, 0, 3], torch.Generator())  # the second has no caption
    assert told(words, batch, batch.overview) == [(0, "overview 4"), (2, "overview 0"), (3, "overview 3")]
    assert told(words, batch, batch.summary) == [(k, "the same summary") for k in (0, 2, 3)]
    regions = [(0, "region 4 0"), (0, "region 4 1"), (2, "region 0 0"), (2, "region 0 1")]
    assert told(words, batch, batch.regions) == regions
    assert batch.aus == [(1, 2), (), (1, 2), ()]
    assert len(batch.tokens) == 3 + 1 + 4
    assert len(batch.summary.of.unique()) == 1
    assert torch.equal(batch.ids[batch.overview.of], text_ids(["overview 4", "overview 0", "overview 3"]))
    priors = batch.priors(4)
    assert torch.equal(priors[0], au_region_prior((1, 2), 4))
    assert float(priors[1].sum()) == 0
    empty = bank.batch([1], torch.Generator())
    assert (len(empty.tokens), len(empty.overview.of), len(empty.priors(4))) == (0, 0, 0)


def test_false_texts_belong_to_the_text_that_they_falsify(faces: Faces) -> None:
    held, words = made(faces)
    batch = CaptionBank(held, words, anchored=0, hard=5, regions=9).batch([1, 4, 3, 0], torch.Generator())
    for part, false in (
        (batch.overview, {0: "false overview 4", 1: "false overview 3", 2: "false overview 0"}),
        (batch.regions, {1: "false region 4", 3: "false region 0"}),
        (batch.summary, {0: "no such", 1: "no such", 2: "no such"}),
    ):
        hard = told(words, batch, Part(part.hard_owners, part.hard, part.hard, part.hard))
        assert dict(hard) == false
        for place in part.hard_owners.tolist():
            assert 0 <= place < len(part.owners)
    none = CaptionBank(held, words, anchored=0, hard=0, regions=9).batch([0], torch.Generator())
    assert len(none.overview.hard) == 0


def test_anchored_texts_regions_and_draws(faces: Faces) -> None:
    held, words = made(faces)
    anchored = CaptionBank(held, words, anchored=1, hard=0, regions=1).batch([0, 2], torch.Generator())
    assert told(words, anchored, anchored.overview) == [(0, "anchored overview 0"), (1, "anchored overview 2")]
    assert told(words, anchored, anchored.summary) == [(0, "anchored summary 0"), (1, "anchored summary 2")]
    assert anchored.regions.owners.tolist() == [0, 1]
    bank = CaptionBank(held, words, anchored=0.5, hard=1, regions=1)
    drawn = [bank.batch([0, 2, 4], torch.Generator().manual_seed(seed)) for seed in range(12)]
    again = bank.batch([0, 2, 4], torch.Generator().manual_seed(3))
    assert torch.equal(drawn[3].tokens, again.tokens)
    starts = {text.split()[0] for batch in drawn for _, text in told(words, batch, batch.overview)}
    assert starts == {"overview", "anchored"}
    assert {text[-1] for batch in drawn for _, text in told(words, batch, batch.regions)} == {"0", "1"}


# ---- targets


def config_of(**changes: object) -> ContrastiveConfig:
    return ContrastiveConfig.model_validate({"data": []} | changes)


def labelled(faces: Faces, counts: dict[str, int], unlabelled: int = 0) -> Faces:
    names = [name for name, count in counts.items() for _ in range(count)]
    labels = np.array([BASIC8.index(name) for name in names] + [-1] * unlabelled, np.int64)
    total = len(labels)
    units = np.full((total, len(movement_units())), -1, np.int8)
    return Faces([str(k) for k in range(total)], faces.pictures, labels, units, [""] * total, [None] * total)


def test_label_targets_are_smoothed_over_classes_that_occur(faces: Faces) -> None:
    held = labelled(faces, {"anger": 60, "happiness": 90, "contempt": 3}, unlabelled=2)
    targets = Targets(held, (1,), config_of(smoothing=0.1, balance=0))
    happy = targets.labels[70]
    assert float(happy[BASIC8.index("happiness")]) == pytest.approx(0.9 + 0.05)
    assert float(happy[BASIC8.index("anger")]) == pytest.approx(0.05)
    assert float(happy[BASIC8.index("contempt")]) == 0  # three faces are no class to push up
    assert targets.labels.sum(1).tolist() == pytest.approx([1.0] * 153 + [0.0] * 2)
    assert targets.weights.tolist() == pytest.approx([1.0] * 153 + [0.0] * 2)


def test_rare_labels_weigh_more_within_bounds(faces: Faces) -> None:
    held = labelled(faces, {"anger": 16, "happiness": 256, "contempt": 1})
    weights = Targets(held, (1,), config_of(balance=0.5, smoothing=0)).weights
    anger, happy, contempt = (float(weights[k]) for k in (0, 16, 272))
    assert anger / happy == pytest.approx((256 / 16) ** 0.5)
    assert contempt == 5.0
    assert float(weights[:272].sum() + contempt) / 273 == pytest.approx(1, abs=0.05)


def test_units_and_affect_are_what_was_measured(faces: Faces) -> None:
    held = labelled(faces, {"anger": 1, "happiness": 1, "neutral": 1}, unlabelled=1)
    order = {au: i for i, au in enumerate(movement_units())}
    held.units[0, order[12]], held.units[1, order[12]], held.units[0, order[4]] = 1, 0, 1
    targets = Targets(held, (12, 4), config_of())
    assert targets.units.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]
    assert targets.measured.tolist() == [[1, 1], [1, 0], [0, 0], [0, 0]]
    for row, label in enumerate(("anger", "happiness", "neutral")):
        assert targets.affect[row].tolist() == pytest.approx(affect_of(label))
    assert targets.affect[3].tolist() == [0, 0]
    assert affect_of("anger")[0] < 0 < affect_of("happiness")[0]
    assert affect_of("anger")[1] > affect_of("sadness")[1]
    assert affect_of("neutral") == (0, 0)
    rows = targets.rows(torch.tensor([1, 0]))
    assert rows["units"].tolist() == [[0, 0], [1, 1]]


# ---- words


def test_the_vocabulary_ends_with_the_end_and_knows_what_it_does_not_know() -> None:
    tokenizer = build_tokenizer(["The brow, the brow: AU12 (level D).", "a lip 3"])
    ids = tokenizer.get_vocab()
    assert ids[PAD] == 0
    assert ids[END] == max(ids.values()) == len(ids) - 1
    words = OwnWords(tokenizer, 8)
    rows = words(["the brow", "Brow wiggle", "the brow the brow the brow the brow"])
    assert rows.shape == (3, 8)
    assert rows[0].tolist() == [ids[START], ids["the"], ids["brow"], ids[END], 0, 0, 0, 0]
    assert rows[1, 2] == ids[UNKNOWN]
    assert rows[2, -1] == ids[END]  # cut before the end, never through it
    assert rows.max(1).values.tolist() == [ids[END]] * 3
    assert {"au12", "(", "level", ":", "3"} <= ids.keys()
    assert build_tokenizer(["b a", "a b c"]).get_vocab() == build_tokenizer(["a b c", "b a"]).get_vocab()
    small = build_tokenizer([f"word{k}" for k in range(9)] + ["word3 word7"], limit=6)
    assert set(small.get_vocab()) == {PAD, START, UNKNOWN, END, "word3", "word7"}


def test_rows_are_cut_behind_their_last_token() -> None:
    ids = torch.tensor([[5, 0, 7, 9, 0, 0], [5, 9, 0, 0, 0, 0]])  # CLIP's "!" is token 0
    assert lengths(ids).tolist() == [4, 2]
    cut = OpenClipWords(lambda texts: ids, cut=True)  # type: ignore[arg-type]
    assert cut(["x", "y"]).tolist() == ids[:, :4].tolist()
    assert padded([[1, 2], [3]]).tolist() == [[1, 2], [3, 0]]
    assert padded([]).shape[0] == 0


# ---- faces


def test_what_cannot_be_loaded_is_one_sentence(face_set: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FervlmError, match="no train files in the set"):
        load_faces((tmp_path / "empty",), "train")
    with pytest.raises(FervlmError, match="there is no such set"):
        load_faces((tmp_path / "nowhere.parquet",), "train")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(FervlmError, match="cannot be read as Parquet"):
        load_faces((tmp_path / "torn.parquet",), "train")


def test_a_picture_in_two_sets_is_taken_once(face_set: Path) -> None:
    once, twice = load_faces((face_set,), "train", 32), load_faces((face_set, face_set), "train", 32)
    assert once.ids == twice.ids
    assert once.fingerprint() == twice.fingerprint()
    other = once.labels.copy()
    other[0] += 1
    assert replace(once, labels=other).fingerprint() != once.fingerprint()
