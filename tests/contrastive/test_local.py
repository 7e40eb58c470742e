"""Sentences against patches: equal to the plain formula with whole tensors, without ever holding them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from fervlm.contrastive import local
from fervlm.contrastive.local import LocalBatch, Way, local_cosines, local_loss, own_attention, region_loss
from fervlm.contrastive.loss import Form, multi_positive_loss
from fervlm.contrastive.pairs import Pairs, Positives
from fervlm.contrastive.regions import FACE_PACK, PLACES, SHOWN_AT, FaceLayout, au_region_prior
from fervlm.errors import FervlmError
from fervlm.facs.units import movement_units

DATA = os.environ.get("FERVLM_DATA")
SCALE = torch.tensor(12.0, requires_grad=True)


def batch(
    seed: int = 0, pictures: int = 6, grid: int = 3, width: int = 8, most: int = 4, **changes: Tensor
) -> LocalBatch:
    draw = torch.Generator().manual_seed(seed)
    owners = torch.cat([torch.full((int(torch.randint(0, most + 1, (), generator=draw)),), b) for b in range(pictures)])
    owners = owners[torch.randperm(len(owners), generator=draw)]
    q, p = len(owners), grid * grid
    priors = torch.rand(q, p, generator=draw) ** 3
    made = {
        "patches": 3 * torch.randn(pictures, p, width, generator=draw),
        "sentences": functional.normalize(torch.randn(q, width, generator=draw), dim=1),
        "owners": owners,
        "meanings": torch.randint(0, max(1, q), (q,), generator=draw),
        "priors": priors / priors.sum(1, keepdim=True),
        **changes,
    }
    for name in ("patches", "sentences"):
        made[name] = made[name].requires_grad_()
    return LocalBatch(**made)


def pooled_whole(k: LocalBatch, way: Way, scale: float = 10.0) -> Tensor:
    """Cosines [B, Q] from the pooled vectors themselves, [B, Q, D]."""
    unit = functional.normalize(k.patches, dim=-1)
    looked = torch.einsum("bpd,qd->bqp", unit, k.sentences)
    if way == "attention":
        weights = (scale * looked).softmax(-1)
    else:
        assert k.priors is not None
        weights = k.priors.expand(len(unit), -1, -1)
    vectors = functional.normalize(torch.einsum("bqp,bpd->bqd", weights, unit), dim=-1)
    return torch.einsum("bqd,qd->bq", vectors, k.sentences)


@pytest.mark.parametrize("way", ["attention", "prior"])
@pytest.mark.parametrize("elements", [1, 200, 2**22])
def test_cosines_are_those_of_the_pooled_vectors(way: Way, elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "CHUNK_ELEMENTS", elements)
    k = batch()
    mine, whole = local_cosines(k, way), pooled_whole(k, way)
    torch.testing.assert_close(mine, whole, rtol=1e-5, atol=1e-6)
    probe = torch.randn(mine.shape, generator=torch.Generator().manual_seed(9))
    grads = [torch.autograd.grad((x * probe).sum(), (k.patches, k.sentences)) for x in (mine, whole)]
    for one, two in zip(*grads, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
@pytest.mark.parametrize("way", ["attention", "prior"])
def test_with_one_patch_it_is_the_global_loss_of_pictures_and_their_sentences(way: Way, form: Form) -> None:
    for seed in range(12):
        k = batch(seed, grid=1)
        assert k.meanings is not None
        known = [
            (b, q)
            for q in range(len(k.owners))
            for b in range(6)
            if b != k.owners[q]
            and any(k.owners[r] == b and k.meanings[r] == k.meanings[q] for r in range(len(k.owners)))
        ]
        ignore = Pairs(*torch.tensor(known, dtype=torch.int64).reshape(-1, 2).T)
        mine = Positives(k.owners, torch.arange(len(k.owners)), torch.ones(len(k.owners)))
        unit = functional.normalize(k.patches[:, 0], dim=-1)
        whole = multi_positive_loss(unit, k.sentences, mine, SCALE, logit_bias=-2.0, form=form, ignore=ignore)
        own = local_loss(k, way, SCALE, logit_bias=-2.0, form=form)
        torch.testing.assert_close(own, whole, rtol=1e-5, atol=1e-6)
        inputs = (k.patches, k.sentences, SCALE)
        for one, two in zip(torch.autograd.grad(own, inputs), torch.autograd.grad(whole, inputs), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def sparse_whole(k: LocalBatch, scale: float) -> float:
    """The in-sample loss sentence by sentence, in plain loops."""
    unit, losses = functional.normalize(k.patches.detach(), dim=-1), []
    for b in range(len(unit)):
        own = (k.owners == b).nonzero().flatten().tolist()
        t = k.sentences.detach()[own]
        if not own:
            continue
        s = t @ unit[b].T
        w = (s - s.amin(1, keepdim=True)) / (s.amax(1, keepdim=True) - s.amin(1, keepdim=True))
        v = functional.normalize((w * (w >= 1 / w.shape[1])) @ unit[b], dim=-1)
        logits = scale * v @ t.T
        for i, q in enumerate(own):
            others = [j for j, r in enumerate(own) if r != q and (k.meanings is None or k.meanings[r] != k.meanings[q])]
            if others:
                kept = [i, *others]
                forth, back = logits[i, kept].log_softmax(0)[0], logits[kept, i].log_softmax(0)[0]
                losses.append(-0.5 * float(forth + back))
    return sum(losses) / max(1, len(losses))


def test_in_sample_alignment_is_its_formula_within_each_picture() -> None:
    for seed in range(12):
        k = batch(seed)
        assert local_loss(k, "in_sample", SCALE).item() == pytest.approx(sparse_whole(k, 12.0), rel=1e-4, abs=1e-6)
    changed = batch(0)
    patches = changed.patches.detach().clone()
    patches[1:] += 5
    first = changed.owners == 0
    apart = LocalBatch(patches, changed.sentences, changed.owners)
    same = LocalBatch(changed.patches, changed.sentences, changed.owners)
    only = [LocalBatch(x.patches[:1], x.sentences[first], x.owners[first]) for x in (apart, same)]
    assert int(first.sum()) > 1
    assert local_loss(only[0], "in_sample", SCALE).item() == local_loss(only[1], "in_sample", SCALE).item()


def test_a_prior_decides_what_is_compared() -> None:
    patches = torch.eye(4)[None] * 5
    looking = torch.eye(4)
    k = LocalBatch(patches, torch.eye(4), torch.zeros(4, dtype=torch.int64), priors=looking[[0, 1, 3, 3]])
    torch.testing.assert_close(local_cosines(k, "prior"), torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    nowhere = LocalBatch(patches, torch.eye(4), torch.zeros(4, dtype=torch.int64), priors=torch.zeros(4, 4))
    torch.testing.assert_close(local_cosines(nowhere, "prior"), torch.full((1, 4), 0.5))


@pytest.mark.parametrize("way", ["attention", "prior", "in_sample"])
@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_few_or_no_sentences_and_great_scales_stay_finite(way: Way, form: Form) -> None:
    for most, pictures, seed in ((1, 1, 1), (1, 3, 0), (4, 5, 2)):
        k = batch(seed, pictures=pictures, most=most)
        inputs = (k.patches, k.sentences)
        hundred = torch.tensor(100.0, requires_grad=True)
        loss = local_loss(k, way, hundred, 100.0, form=form)
        assert torch.isfinite(loss)
        grads = torch.autograd.grad(loss, (*inputs, hundred), allow_unused=True, materialize_grads=True)
        assert all(torch.isfinite(g).all() for g in grads)
    none = LocalBatch(torch.randn(2, 4, 8, requires_grad=True), torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64))
    loss = local_loss(none, way, SCALE, form=form)
    assert loss.item() == 0
    loss.backward()
    dead = batch(0, patches=torch.zeros(6, 9, 8))
    loss = local_loss(dead, way, SCALE, form=form)
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, dead.patches)[0]).all()


def test_half_precision_features_are_compared_in_single() -> None:
    k = batch()
    rounded = {name: getattr(k, name).detach().bfloat16() for name in ("patches", "sentences")}
    half = batch(**{name: x.clone() for name, x in rounded.items()})
    full = batch(**{name: x.float() for name, x in rounded.items()})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for way in ("attention", "prior", "in_sample"):
            loss = local_loss(half, way, SCALE)
            assert loss.dtype == torch.float32
            torch.testing.assert_close(loss, local_loss(full, way, SCALE))


class Largest(TorchDispatchMode):
    """Notes the greatest tensor that any operation makes."""

    elements = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        out = func(*args, **(kwargs or {}))
        for made in out if isinstance(out, tuple | list) else (out,):
            if isinstance(made, Tensor) and made.untyped_storage().nbytes() // 4 > self.elements:
                self.elements = made.untyped_storage().nbytes() // 4
        return out


@pytest.mark.parametrize("way", ["attention", "prior"])
def test_no_tensor_holds_every_sentence_in_every_picture_patch_by_patch(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "CHUNK_ELEMENTS", 4 * 16 * 64)
    draw = torch.Generator().manual_seed(0)
    patches = torch.randn(32, 16, 8, generator=draw).requires_grad_()
    sentences = functional.normalize(torch.randn(64, 8, generator=draw), dim=1).requires_grad_()
    k = LocalBatch(patches, sentences, torch.arange(64) // 2, priors=torch.full((64, 16), 1 / 16))
    with Largest() as seen:
        local_loss(k, way, SCALE).backward()
    assert seen.elements <= 4 * 16 * 64 == patches.numel(), "one chunk of pictures x patches x sentences"


def test_the_region_loss_draws_attention_to_the_prior() -> None:
    k = batch(3, grid=4)
    assert k.priors is not None
    k.priors[0] = 0
    sentences = k.sentences.detach()
    patches = k.patches.detach().requires_grad_()
    start = region_loss(LocalBatch(patches, sentences, k.owners, priors=k.priors))
    told = k.priors.sum(1) > 0
    attention = own_attention(LocalBatch(patches, sentences, k.owners))
    expected = functional.kl_div(attention[told].log(), k.priors[told], reduction="none").sum(1).mean()
    torch.testing.assert_close(start, expected)
    for _ in range(300):
        now = region_loss(LocalBatch(patches, sentences, k.owners, priors=k.priors))
        (gradient,) = torch.autograd.grad(now, patches)
        patches = (patches - 20 * gradient).detach().requires_grad_()
    assert now < 0.3 * start
    nothing = LocalBatch(patches, sentences, k.owners, priors=torch.zeros_like(k.priors))
    assert region_loss(nothing).item() == 0


def test_own_attention_is_over_the_patches_of_ones_own_picture() -> None:
    k = batch(5)
    unit = functional.normalize(k.patches, dim=-1)
    expected = torch.stack([(7.0 * unit[b] @ t).softmax(0) for b, t in zip(k.owners, k.sentences, strict=True)])
    torch.testing.assert_close(own_attention(k, 7.0), expected)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owners": torch.tensor([0, 9])}, "outside the 2 pictures"),
        ({"sentences": torch.zeros(2, 5)}, "D as in patches"),
        ({"priors": torch.zeros(2, 3)}, "priors are"),
        ({"meanings": torch.zeros(3, dtype=torch.int64)}, "meanings"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(changes: dict[str, Any], sentence: str) -> None:
    given = {"patches": torch.zeros(2, 4, 8), "sentences": torch.zeros(2, 8), "owners": torch.tensor([0, 1]), **changes}
    with pytest.raises(ValueError, match=sentence):
        LocalBatch(**given)


def test_the_prior_needs_priors() -> None:
    k = LocalBatch(torch.zeros(1, 4, 8), torch.zeros(1, 8), torch.tensor([0]))
    with pytest.raises(ValueError, match="needs priors"):
        local_loss(k, "prior", SCALE)
    with pytest.raises(ValueError, match="needs priors"):
        region_loss(k)


def test_every_unit_that_moves_a_part_of_the_face_has_a_place() -> None:
    assert set(SHOWN_AT) == set(movement_units())
    assert {name for names in SHOWN_AT.values() for name in names} == set(PLACES)


@pytest.mark.parametrize("grid", [1, 3, 6, 7, 14])
def test_priors_are_weights_symmetric_about_the_middle(grid: int) -> None:
    for au in SHOWN_AT:
        prior = au_region_prior([au], grid)
        assert prior.shape == (grid * grid,)
        assert prior.sum().item() == pytest.approx(1, abs=1e-5)
        assert (prior >= 0).all()
        torch.testing.assert_close(prior.view(grid, grid).flip(1), prior.view(grid, grid), rtol=1e-4, atol=1e-6)


def test_several_units_share_the_weight_and_none_is_everywhere() -> None:
    one, two = au_region_prior([1], 6), au_region_prior([12], 6)
    torch.testing.assert_close(au_region_prior([12, 1, 1], 6), (one + two) / 2)
    torch.testing.assert_close(au_region_prior([], 6), torch.full((36,), 1 / 36))
    torch.testing.assert_close(au_region_prior([61], 6), torch.full((36,), 1 / 36))
    with pytest.raises(FervlmError, match="no action unit 3"):
        au_region_prior([3], 6)
    assert au_region_prior([21], 4, FaceLayout(y=5.0)).sum().item() == pytest.approx(1)


def test_a_layout_moves_the_map_with_the_face() -> None:
    shifted = au_region_prior([45], 8, FaceLayout(x=0.5, y=0.39 + 0.25, unit=0.35)).view(8, 8)
    still = au_region_prior([45], 8).view(8, 8)
    torch.testing.assert_close(shifted[2:], still[:-2], rtol=1e-2, atol=1e-3)


MARKS = {
    # AU: mesh points that lie where it shows, and points that do not.
    1: ((107, 336), (61, 291, 152, 4)),
    2: ((63, 105, 334, 293), (61, 291, 4, 107, 336)),
    4: ((66, 107, 336, 296), (61, 291, 4, 14)),
    5: ((158, 160, 385, 387), (61, 291, 14, 4)),
    7: ((144, 153, 380, 373), (61, 291, 14, 70, 300)),
    9: ((6, 195), (61, 291, 70, 300)),
    10: ((0, 37, 267), (33, 263, 107, 336, 152)),
    12: ((61, 291), (33, 263, 107, 336, 14, 152)),
    15: ((61, 291), (33, 263, 107, 4)),
    17: ((17,), (33, 263, 61, 291, 4)),
    20: ((61, 291), (33, 263, 4, 152)),
    24: ((13, 14, 0, 82, 312), (33, 263, 107, 336, 4)),
    25: ((13, 14, 87, 317), (33, 263, 107, 336, 4)),
    26: ((14, 17), (33, 263, 107, 336, 4)),
    38: ((98, 327), (33, 263, 61, 291)),
    45: ((33, 133, 362, 263), (61, 291, 4, 105, 334)),
}


@pytest.fixture(scope="module")
def landmarks() -> dict[int, tuple[float, float]]:
    """Mean place of each mesh point in the pack's crops, as shares of width and height."""
    path = Path(DATA or ".", "au", "mediapipe", "blendshapes_faces_pack.parquet")
    if DATA is None or not path.is_file():
        pytest.skip("set FERVLM_DATA to the folder that holds au/mediapipe")
    from pyarrow import parquet

    table = parquet.read_table(path, columns=["detected", "landmarks_xy"])
    mesh = [int(part) for part in table.schema.metadata[b"landmark_mesh_indices"].split(b",")]
    rows = table.filter(table["detected"])["landmarks_xy"].combine_chunks().flatten().to_numpy()
    mean = rows.reshape(-1, len(mesh), 2).mean(0)
    return {index: (float(x), float(y)) for index, (x, y) in zip(mesh, mean, strict=True)}


def test_the_layout_is_the_mean_face_of_the_pack(landmarks: dict[int, tuple[float, float]]) -> None:
    eyes = [
        [sum(landmarks[i][axis] for i in points) / len(points) for axis in (0, 1)]
        for points in ((33, 133, 160, 158, 144, 153), (362, 263, 385, 387, 380, 373))
    ]
    assert (eyes[0][0] + eyes[1][0]) / 2 == pytest.approx(FACE_PACK.x, abs=0.01)
    assert (eyes[0][1] + eyes[1][1]) / 2 == pytest.approx(FACE_PACK.y, abs=0.01)
    assert eyes[1][0] - eyes[0][0] == pytest.approx(FACE_PACK.unit, abs=0.01)


@pytest.mark.parametrize("grid", [6, 12])
@pytest.mark.parametrize("au", sorted(MARKS))
def test_units_show_at_the_landmarks_of_their_part(
    au: int, grid: int, landmarks: dict[int, tuple[float, float]]
) -> None:
    prior = au_region_prior([au], grid).view(grid, grid)
    cells = {i: (min(grid - 1, int(y * grid)), min(grid - 1, int(x * grid))) for i, (x, y) in landmarks.items()}
    here, there = ({cells[i] for i in marks} for marks in MARKS[au])
    weights = [float(prior[cell] / prior.max()) for cell in here]
    assert max(weights) > 0.7
    assert min(weights) > max(float(prior[cell] / prior.max()) for cell in there - here)


def test_cheeks_lie_between_eyes_mouth_and_nose(landmarks: dict[int, tuple[float, float]]) -> None:
    prior = au_region_prior([6], 12).view(12, 12)
    y, x = divmod(int(prior[:, :6].reshape(12, 6).argmax()), 6)
    right, down = (x + 0.5) / 12, (y + 0.5) / 12
    assert landmarks[234][0] < right < landmarks[98][0]
    assert landmarks[144][1] < down < landmarks[61][1]
