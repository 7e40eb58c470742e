"""Pieces around the training loop: the AU head, the linear probe, the logs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from fervlm.contrastive.au_head import AUHead, _Relations
from fervlm.contrastive.logs import RunLogs
from fervlm.contrastive.probe import linear_probe


def test_messages_over_edges_are_the_plain_sum_over_gated_neighbours() -> None:
    """A gate of [A, A, W] for every face, as the formula says, against the sum taken edge dimension by dimension."""
    torch.manual_seed(0)
    relations = _Relations(16, 5).double()
    nodes = torch.randn(3, 7, 16, dtype=torch.float64)
    edges = torch.relu(relations.target(nodes)[:, :, None] + relations.source(nodes)[:, None])
    weights = relations.attention(edges).squeeze(-1).softmax(-1)
    gated = relations.gate(edges) * relations.message(nodes)[:, None]  # [B, A, A, W]
    expected = relations.norm(nodes + torch.relu((weights[..., None] * gated).sum(2)))
    assert torch.allclose(relations(nodes), expected, atol=1e-12)


def test_units_know_of_each_other_only_with_edges() -> None:
    torch.manual_seed(0)
    for edge in (0, 4):
        head = AUHead(12, 9, 5, width=16, edge=edge)
        assert len(head.relations) == (2 if edge else 0)
        names = {name for name, _ in head.named_parameters() if "relations" in name}
        assert bool(names) == bool(edge)
        patches, pooled = torch.randn(2, 6, 12), torch.randn(2, 9)
        before, looked = head(patches, pooled)
        assert (before.shape, looked.shape) == ((2, 5), (2, 5, 6))
        assert torch.allclose(looked.sum(-1), torch.ones(2, 5))
        with torch.no_grad():
            head.names[3] += torch.randn(16)
        changed = ((head(patches, pooled)[0] - before).abs() > 1e-6).any(0)
        assert changed[3]
        assert bool(changed[[0, 1, 2, 4]].all()) == bool(edge)
        assert edge or not changed[[0, 1, 2, 4]].any()


def test_a_unit_is_sought_where_its_key_lies() -> None:
    torch.manual_seed(0)
    head = AUHead(8, 4, 3, width=8, edge=0)
    with torch.no_grad():
        head.queries.mul_(50)
    patches = torch.zeros(1, 5, 8)
    patches[0, 2] = head.keys.weight.T @ head.queries[1]
    looked = head(patches, torch.zeros(1, 4))[1].detach()
    assert int(looked[0, 1].argmax()) == 2
    assert float(looked[0, 1, 2]) > 0.9


@pytest.mark.parametrize("edge", [0, 4])
def test_the_head_learns_a_unit_that_another_implies(edge: int) -> None:
    torch.manual_seed(0)
    head = AUHead(6, 4, 2, width=16, edge=edge)
    patches, pooled = torch.randn(64, 4, 6), torch.randn(64, 4)
    truth = torch.stack([patches[:, :, 0].amax(1) > 0.8, pooled[:, 1] > 0], 1).float()
    search = torch.optim.Adam(head.parameters(), lr=0.03)
    for _ in range(100):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(patches, pooled)[0], truth)
        search.zero_grad()
        loss.backward()
        search.step()
    assert loss.item() < 0.15
    none = [name for name, p in head.named_parameters() if p.grad is None]
    assert none == []


def test_the_probe_is_a_logistic_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 4, 300)
    centres = draw.normal(size=(4, 6)) * [1, 10, 0.1, 1, 1, 1]
    features = (centres[labels] + draw.normal(size=(300, 6)) * [1, 10, 0.1, 1, 1, 1]).astype(np.float32)
    train, test = features[:200], features[200:]
    decay = 1e-2
    guesses = linear_probe(train, labels[:200], test, classes=4, decay=decay)
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    # Ours is mean loss + decay * |w|^2; theirs sum of losses + |w|^2 / 2C.
    judge = linear.LogisticRegression(C=1 / (2 * decay * 200), tol=1e-8, max_iter=2000)
    judge.fit((train - mean) / deviation, labels[:200])
    assert np.array_equal(guesses, judge.predict((test - mean) / deviation))
    assert (guesses == labels[200:]).mean() > 0.5
    again = linear_probe(train, labels[:200], test, classes=4, decay=decay)
    assert np.array_equal(guesses, again)


def test_a_resumed_log_drops_what_lies_behind_the_saved_step(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path, 0)
    for step in (1, 2, 3):
        logs.add("steps", {"step": step, "epoch": step / 2, "label": 1 / step})
    logs.add("scores", {"step": 3, "epoch": 1.5, "one/WAR": 0.25})
    logs.close()
    again = RunLogs(tmp_path, 2)
    assert [row["step"] for row in again.steps] == [1, 2]
    assert again.scores == []
    again.add("steps", {"step": 4, "epoch": 2, "label": 0.5, "local": 0.125})
    again.add("scores", {"step": 4, "epoch": 2, "one/WAR": 0.5})
    again.close()
    with (tmp_path / "steps.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["step"] for row in rows] == ["1", "2", "4"]
    assert rows[0] == {"step": "1", "epoch": "0.5", "label": "1", "local": ""}
    assert rows[2]["local"] == "0.125"
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.part"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [event.step for event in board.Scalars("steps/label")] == [1, 2, 4]
