"""Mined positives: symmetric, few, deterministic, never out of accident; the alike are no negatives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from fervlm.contrastive import mining
from fervlm.contrastive.loss import multi_positive_loss
from fervlm.contrastive.mining import MiningSettings, mine, text_ids, unit_agreement, unit_groups
from fervlm.errors import FervlmError

PLAIN = {"warmup_steps": 0, "center": False}


def batch(count: int, seed: int = 0, units: int = 12) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features in a few clusters, AU rows with gaps, captions that repeat."""
    draw = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 4, (count,), generator=draw)
    centers = torch.randn(2, 4, 8, generator=draw)
    texts, pictures = (centers[i][kind] + 0.3 * torch.randn(count, 8, generator=draw) for i in range(2))
    patterns = (torch.rand(4, units, generator=draw) < 0.3).to(torch.int8)
    aus = patterns[kind] ^ (torch.rand(count, units, generator=draw) < 0.05).to(torch.int8)
    aus[torch.rand(count, units, generator=draw) < 0.2] = -1
    return texts, pictures, aus, torch.randint(0, count, (count,), generator=draw)


def naive_agreement(texts: Tensor, pictures: Tensor, units: Tensor, settings: MiningSettings) -> Tensor:
    count = len(texts)
    out = torch.zeros(count, count)
    for i in range(count):
        for j in range(count):
            parts = [
                (settings.text, float(functional.cosine_similarity(texts[i], texts[j], dim=0).clamp(0, 1))),
                (settings.picture, float(functional.cosine_similarity(pictures[i], pictures[j], dim=0).clamp(0, 1))),
            ]
            a, b = units[i].tolist(), units[j].tolist()
            joint = [(x, y) for x, y in zip(a, b, strict=True) if x >= 0 and y >= 0]
            if len(joint) >= settings.least_measured:
                neither = settings.absent * sum(x == y == 0 for x, y in joint)
                both, either = sum(x == y == 1 for x, y in joint), sum(1 in pair for pair in joint)
                parts.append((settings.au, (both + neither) / (either + neither)))
            out[i, j] = sum(w * v for w, v in parts) / sum(w for w, _ in parts)
    return out


def as_matrix(mined: mining.Mined, count: int) -> Tensor:
    matrix = torch.zeros(count, count)
    p = mined.positives
    assert len(set(zip(p.rows.tolist(), p.cols.tolist(), strict=True))) == len(p.rows)
    matrix[p.rows, p.cols] = p.weights
    return matrix


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_mined_pairs_are_the_mutual_best_of_the_dense_agreement(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    count, settings = 40, MiningSettings(top_k=3, threshold=0.75, self_weight=0.6, text=2.0, au=0.5, **PLAIN)
    monkeypatch.setattr(mining, "BLOCK_ELEMENTS", block * count)
    texts, pictures, units, captions = batch(count)
    agreement = naive_agreement(texts, pictures, units, settings).fill_diagonal_(-1)
    best = agreement.topk(3, dim=1)
    chosen = torch.zeros(count, count, dtype=torch.bool).scatter_(1, best.indices, best.values >= 0.75)
    mutual = chosen & chosen.T
    mined = mine(texts, pictures, units, captions, settings, 0)
    matrix = as_matrix(mined, count)
    assert mined.pairs == int(mutual.sum()) // 2 > 5
    assert torch.equal((matrix > 0).fill_diagonal_(False), mutual)
    torch.testing.assert_close(matrix[mutual], agreement[mutual] * 0.4 / 3, rtol=1e-4, atol=1e-5)


def test_weights_are_shares_the_same_both_ways_with_half_for_oneself() -> None:
    for seed in range(10):
        settings = MiningSettings(top_k=5, threshold=0.3, warmup_steps=0)
        matrix = as_matrix(mine(*batch(50, seed), settings, 0), 50)
        assert torch.equal(matrix, matrix.T)
        torch.testing.assert_close(matrix.sum(1), torch.ones(50))
        assert matrix.diag().min() >= 0.5 - 1e-6
        assert ((matrix > 0).sum(1) <= 6).all()
        assert (matrix.diag() < 1).any()


def test_nothing_is_mined_before_the_warm_up_ends() -> None:
    settings = MiningSettings(warmup_steps=10, threshold=0.1)
    before, after = (mine(*batch(30), settings, step) for step in (9, 10))
    assert before.pairs == 0
    assert torch.equal(as_matrix(before, 30), torch.eye(30))
    assert after.pairs > 0
    assert torch.equal(before.same, after.same)


def test_a_part_of_weight_zero_has_no_say() -> None:
    texts, pictures, units, captions = batch(40)
    only_text = MiningSettings(picture=0, au=0, threshold=0.5, **PLAIN)
    noise = torch.randn(40, 8, generator=torch.Generator().manual_seed(5))
    one = mine(texts, pictures, units, captions, only_text, 0)
    two = mine(texts, noise, torch.full_like(units, -1), captions, only_text, 0)
    assert one.pairs > 0
    assert torch.equal(as_matrix(one, 40), as_matrix(two, 40))
    three = mine(noise, pictures, units, captions, only_text, 0)
    assert not torch.equal(as_matrix(one, 40), as_matrix(three, 40))


def test_features_in_one_cone_are_told_apart_about_their_mean() -> None:
    texts, pictures, units, captions = batch(40)
    cone = torch.full((8,), 50.0)
    settings = MiningSettings(au=0, threshold=0.6, warmup_steps=0)
    shifted = mine(texts + cone, pictures + cone, units, captions, settings, 0)
    raw = mine(texts + cone, pictures + cone, units, captions, MiningSettings(au=0, threshold=0.6, **PLAIN), 0)
    kinds = torch.randint(0, 4, (40,), generator=torch.Generator().manual_seed(0))

    def right(mined: mining.Mined) -> float:
        p = mined.positives
        others = p.rows != p.cols
        return float((kinds[p.rows[others]] == kinds[p.cols[others]]).float().mean())

    assert shifted.pairs > 10
    assert right(shifted) == 1.0
    agreements = raw.positives.weights[40:] * 8
    assert agreements.min() > 0.9, "without the mean everything agrees with everything"


def test_the_same_input_mines_the_same_whatever_the_order_of_ties() -> None:
    texts = torch.ones(12, 4)
    units = torch.ones(12, 6, dtype=torch.int8)
    settings = MiningSettings(top_k=2, threshold=0.5, **PLAIN)
    one, two = (mine(texts, texts, units, torch.arange(12), settings, 0) for _ in range(2))
    assert torch.equal(one.positives.rows, two.positives.rows)
    assert torch.equal(one.positives.cols, two.positives.cols)


def test_rows_mined_on_several_ranks_are_those_of_the_whole() -> None:
    inputs, settings = batch(30), MiningSettings(threshold=0.4, warmup_steps=0)
    whole = mine(*inputs, settings, 0)
    spans = [(0, 13), (13, 30)]
    seen: list[list[Tensor]] = [[], []]
    for number, span in enumerate(spans):
        mine(*inputs, settings, 0, rows=span, gather=lambda t, n=number: (seen[n].append(t), whole_table(t))[1])
    tables = [torch.cat(parts) for parts in zip(*seen, strict=True)]
    replay = iter(tables)
    joined = mine(*inputs, settings, 0, rows=spans[0], gather=lambda t: next(replay))
    assert whole.pairs > 0
    assert torch.equal(as_matrix(whole, 30), as_matrix(joined, 30))


def whole_table(part: Tensor) -> Tensor:
    """A stand-in of the right size, so that one rank alone can run to the end of its own part."""
    return torch.zeros(30, part.shape[1], dtype=part.dtype)


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0),
        ([1, 0, 0, 0], [0, 1, 0, 0], 0.2 / 2.2),
        ([1, 1, -1, 0], [1, -1, 1, 0], 1.0),
        ([1, 1, 0, 0], [1, 0, 0, 0], 1.2 / 2.2),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0),
    ],
)
def test_agreement_of_units_counts_what_both_measured(one: list[int], two: list[int], expected: float) -> None:
    rows = [torch.tensor([row], dtype=torch.int8) for row in (one, two)]
    agreement, told = unit_agreement(*rows)
    assert agreement.item() == pytest.approx(expected)
    assert told.item()
    assert unit_agreement(*rows[::-1])[0].item() == pytest.approx(expected)


def test_units_that_were_never_measured_together_tell_nothing() -> None:
    one, two = torch.tensor([[1, -1, 0, -1]], dtype=torch.int8), torch.tensor([[-1, 1, -1, 0]], dtype=torch.int8)
    agreement, told = unit_agreement(one, two)
    assert agreement.item() == 0
    assert not told.item()
    absent_only = torch.zeros(1, 3, dtype=torch.int8)
    assert unit_agreement(absent_only, absent_only, absent=0.0)[0].item() == 1.0


def test_groups_are_the_set_of_units_present() -> None:
    units = torch.tensor([[1, 0, 1], [1, -1, 1], [0, 0, 0], [-1, -1, -1], [-1, -1, -1], [1, 1, 1]], dtype=torch.int8)
    groups = unit_groups(units).tolist()
    assert groups[0] == groups[1]
    assert len({groups[0], groups[2], groups[5]}) == 3
    assert groups[3] == groups[4] == -1
    with pytest.raises(ValueError, match="63-bit"):
        unit_groups(torch.zeros(1, 63, dtype=torch.int8))


def test_equal_captions_have_equal_ids() -> None:
    ids = text_ids(["The brows rise.", "the  brows rise. ", "The brows fall.", ""])
    assert ids[0] == ids[1]
    assert len(set(ids.tolist())) == 3
    assert (ids >= 0).all()
    assert ids[0] == text_ids(["x", "The brows rise."])[1]


def test_the_alike_never_push_each_other_apart() -> None:
    texts, pictures, units, _ = batch(4)
    units = torch.eye(4, 12, dtype=torch.int8)
    units[1] = units[0]
    captions = text_ids(["a", "b", "c", "c"])
    mined = mine(texts, pictures, units, captions, MiningSettings(), 0)
    a, b = (functional.normalize(x.double(), dim=1).requires_grad_() for x in (pictures, texts))
    loss = multi_positive_loss(a, b, mined.positives, 10.0, same=mined.same)
    (by_b,) = torch.autograd.grad(loss, b)
    # Column 0 feels its own picture and the negatives 2 and 3, never picture 1 of the same AU set.
    felt = a.detach()[[0, 2, 3]].T

    def beside(gradient: Tensor) -> float:
        felt_as = felt @ torch.linalg.lstsq(felt, gradient[0][:, None]).solution
        return float((felt_as - gradient[0][:, None]).abs().max())

    (plain,) = torch.autograd.grad(multi_positive_loss(a, b, None, 10.0), b)
    assert beside(by_b) < 1e-10
    assert beside(plain) > 1e-6


@pytest.mark.parametrize("count", [1, 2])
def test_tiny_batches(count: int) -> None:
    mined = mine(*batch(count), MiningSettings(threshold=0.0, warmup_steps=0), 0)
    assert torch.isfinite(mined.positives.weights).all()
    assert as_matrix(mined, count).diag().min() >= 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"self_weight": 0.4}, {"self_weight": 1.1}, {"top_k": -1}, {"threshold": 1.5}, {"text": 0, "picture": 0, "au": 0}],
)
def test_settings_out_of_range_are_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(FervlmError, match="mining: "):
        MiningSettings(**wrong)


def test_inputs_that_do_not_fit_are_refused() -> None:
    texts, pictures, units, captions = batch(5)
    with pytest.raises(ValueError, match="same N samples"):
        mine(texts, pictures[:4], units, captions, MiningSettings(), 0)
