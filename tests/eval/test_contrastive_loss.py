"""The side-by-side measurement of the loss measures what it says, here on small batches and in this process."""

from __future__ import annotations

import json

import pytest

from eval.performance.contrastive_loss import JUDGED, WIDTH, as_figures, main
from eval.performance.figure import Figure


def measured(size: int, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, float]]:
    for what in ("time", "memory"):
        main(what, size, 1)
    first, second = capsys.readouterr().out.splitlines()
    return json.loads(first) | json.loads(second)


def named(size: int, run: dict[str, dict[str, float]]) -> dict[str, Figure]:
    return {figure.name.split(": ")[1]: figure for figure in as_figures(size, run)}


def test_both_losses_are_measured_on_the_same_batch(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = (measured(size, capsys) for size in (256, 512))
    assert large["kept"]["ours"] / large["kept"]["theirs"] < small["kept"]["ours"] / small["kept"]["theirs"] < 1
    features = 2 * 512 * WIDTH * 4
    assert features <= large["kept"]["ours"] < 1.1 * features, "the two feature matrices, little more"
    assert large["kept"]["theirs"] > 2 * 512 * 512 * 4, "two matrices of logits and more"
    assert large["apart"]["loss"] < 1e-5
    assert min(large["seconds"].values()) > 0
    assert large["seconds"].keys() == {"ours", "theirs", "mined"}


def test_targets_are_held_against_the_size_they_are_stated_for(capsys: pytest.CaptureFixture[str]) -> None:
    run = measured(64, capsys)
    run["seconds"] = {"ours": 1.2, "theirs": 1.0, "mined": 1.3}
    run["kept"] = {"ours": 5.0, "theirs": 100.0}
    free, judged = named(64, run), named(JUDGED, run)
    assert free["time"].met is free["bytes kept"].met is None
    assert judged["time"].met is False
    assert judged["bytes kept"].met is True
