"""The step beside a plain CLIP step: six texts a face, four losses, the same towers; here with a small ViT."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from eval.performance.contrastive_step import LENGTHS, REGIONS, SMALL, _captions, as_figures, measured  # noqa: E402


@pytest.mark.filterwarnings("ignore")
def test_both_steps_are_measured() -> None:
    run = measured(SMALL, 4, 1)
    assert run.keys() == {"ours", "theirs", "losses"}
    assert min(run.values()) > 0
    assert run["losses"] < run["ours"]
    (figure,) = as_figures(SMALL, 4, run)
    assert figure.value == pytest.approx(run["ours"] / run["theirs"])
    assert figure.met is None


def test_each_face_has_six_texts_of_its_own_at_their_true_length() -> None:
    captions = _captions(6, 500)
    assert [len(part.owners) for part in (captions.overview, captions.summary, captions.regions)] == [6, 6, 6 * REGIONS]
    used = torch.cat([part.of for part in (captions.overview, captions.summary, captions.regions)])
    assert used.tolist() == list(range(6 * 6))
    assert len(captions.ids.unique()) == 36
    assert captions.regions.owners.tolist() == [face for face in range(6) for _ in range(REGIONS)]
    lengths = (captions.tokens != 0).sum(1)
    assert set(lengths[:6].tolist()) == set(LENGTHS["overview"])
    assert captions.tokens.shape[1] == max(LENGTHS["summary"])
    assert captions.tokens.max(1).values.tolist() == [499] * 36
    assert captions.tokens.argmax(1).tolist() == (lengths - 1).tolist()


def test_goals_are_those_of_the_towers() -> None:
    run = {"ours": 1.5, "theirs": 1.0, "losses": 0.1}
    met = {name: as_figures(name, 8, run)[0].met for name in ("ViT-B-32", "ViT-B-16", SMALL)}
    assert met == {"ViT-B-32": True, "ViT-B-16": False, SMALL: None}
