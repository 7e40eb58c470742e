"""The card: its numbers counted once more by hand, its front matter, its words, its plots."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
import yaml

from data_engine.card_counts import REASONS
from data_engine.card_text import card
from data_engine.finished import parts, rows_at, samples
from data_engine.items import Reason
from data_engine.made import Made, finding_kind
from data_engine.markdown import percentile, table
from data_engine.numbers import Numbers
from data_engine.pipeline import annotate
from data_engine.plots import draw_all
from fervlm.facs.units import movement_units
from tests.data_engine.conftest import config_of
from tests.data_engine.small import Small


def numbers_of(finished: Path) -> Numbers:
    return Numbers.model_validate_json((finished / "card" / "numbers.json").read_bytes())


def made_of(finished: Path) -> Made:
    return Made.model_validate_json((finished / "card" / "made.json").read_bytes())


def test_numbers_are_those_of_the_samples(finished: Path) -> None:
    found, told = numbers_of(finished), list(samples(finished))
    assert found.samples == Counter(sample.split for sample in told)
    assert found.flipped == sum(sample.flipped for sample in told)
    for split in found.samples:
        here = [sample for sample in told if sample.split == split]
        assert found.labels[split] == Counter(sample.human_label for sample in here)
        assert found.subjects[split] == len({sample.subject for sample in here})
    assert found.subjects_shared == 0
    concluded = Counter((s.human_label, s.caption.conclusion.label or "open") for s in told)
    assert {(human, engine): n for human, row in found.confusion.items() for engine, n in row.items()} == concluded
    for k, au in enumerate(movement_units()):
        states = Counter(sample.contrastive.au_vector[k] for sample in told)
        assert found.units[au] == (states[1], states[0], states[-1])
    assert found.negatives == Counter(n.edit for sample in told for n in sample.contrastive.negatives)
    assert found.regions == Counter(o.region for sample in told for o in sample.caption.observations)
    assert sum(found.words["overview"].values()) == len(told)
    assert found.words["overview"] == Counter(len(sample.caption.overview.split()) for sample in told)
    for label, mean in found.support_mean.items():
        values = [s.support for s in told if s.human_label == label and s.support is not None]
        assert mean == pytest.approx(sum(values) / len(values), abs=1e-4)
        assert sum(found.support[label]) == len(values)


def test_conversations_are_counted_by_kind_and_view(finished: Path) -> None:
    kinds = [
        (row["kind"], row["view"])
        for part in parts(finished, "chat")
        for row in rows_at(part, list(range(100_000)), ["kind", "view"])
    ]
    found = numbers_of(finished).conversations
    assert {(kind, view): n for kind, views in found.items() for view, n in views.items()} == Counter(kinds)


def test_made_counts_the_checks_and_the_rejects(finished: Path, small: Small) -> None:
    found = made_of(finished)
    rejects = Counter(
        (reject["stage"], reject["code"])
        for reject in map(json.loads, (finished / "rejects.jsonl").read_text().splitlines())
    )
    assert {(stage, code): n for stage, codes in found.rejects.items() for code, n in codes.items()} == rejects
    assert found.drafts == len(small.names)
    assert found.clean == found.drafts - sum(n for (_, code), n in rejects.items() if code == "verifier_finding")
    assert found.checked.claims > 10 * found.drafts
    assert found.checked.leaks == found.leaking == 0


def test_front_matter_names_the_configurations(finished: Path) -> None:
    text = (finished / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert [config["config_name"] for config in front["configs"]] == ["samples", "chat"]
    assert front["configs"][0]["default"] is True
    for config, folder in zip(front["configs"], ("data", "chat"), strict=True):
        for files in config["data_files"]:
            assert files["path"] == f"{folder}/{files['split']}-*.parquet"
            assert list(finished.glob(files["path"]))
    assert front["license"] == "other"
    assert front["size_categories"] == ["n<1K"]


def test_a_known_licence_is_named_by_its_id(small: Small, tmp_path: Path) -> None:
    annotate(config_of(small, licence="CC-BY-4.0"), tmp_path / "set", quiet=True)
    front = yaml.safe_load((tmp_path / "set" / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert "license_name" not in front


def test_every_plot_named_is_there_and_is_well_formed(finished: Path) -> None:
    text = (finished / "README.md").read_text(encoding="utf-8")
    named = {part.split(")")[0] for part in text.split("](card/")[1:]}
    drawn = {path.name for path in (finished / "card").glob("*.svg")}
    assert named == drawn == {"labels.svg", "units.svg", "words.svg", "agreement.svg", "support.svg"}
    for name in drawn:
        root = ET.fromstring((finished / "card" / name).read_text(encoding="utf-8"))
        assert root.tag.endswith("svg")
        box = [float(part) for part in root.attrib["viewBox"].split()]
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            right = float(rect.attrib.get("x", 0)) + float(rect.attrib["width"])
            bottom = float(rect.attrib.get("y", 0)) + float(rect.attrib["height"])
            assert right <= box[2] + 0.1
            assert bottom <= box[3] + 0.1


def test_bars_are_as_long_as_the_numbers(finished: Path) -> None:
    found = numbers_of(finished)
    svg = ET.fromstring(draw_all(found)["labels.svg"])
    texts = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    for label in {name for counts in found.labels.values() for name in counts}:
        total = sum(counts.get(label, 0) for counts in found.labels.values())
        assert f"{total:,}" in texts


def test_a_set_without_labels_says_so(small: Small, tmp_path: Path) -> None:
    annotate(config_of(small, labels=None), tmp_path / "set", quiet=True)
    text = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert "The set has no human labels." in text
    assert not (tmp_path / "set" / "card" / "support.svg").exists()
    assert "person is not known" in text


def test_card_says_what_must_be_said(finished: Path) -> None:
    text = (finished / "README.md").read_text(encoding="utf-8")
    for needed in ("drawn for the tests", "Not for judging a person", "never of what a person feels", "not measured"):
        assert needed in text
    assert str(finished) not in text


def test_card_is_a_function_of_its_numbers(finished: Path) -> None:
    numbers, made = numbers_of(finished), made_of(finished)
    assert card(numbers, made, frozenset(draw_all(numbers))) == (finished / "README.md").read_text(encoding="utf-8")


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a", "b"), [("x|y\nz", "1")]).splitlines()[-1] == "| x\\|y z | 1 |"


def test_every_reason_has_its_words() -> None:
    from typing import get_args

    assert set(REASONS) == set(get_args(Reason))


def test_percentile() -> None:
    counts = {10: 1, 20: 8, 30: 1}
    assert [percentile(counts, share) for share in (0, 0.1, 0.11, 0.5, 0.9, 0.91, 1)] == [10, 10, 20, 20, 20, 30, 30]
    assert percentile({}, 0.5) == 0


@pytest.mark.parametrize(
    ("finding", "kind"),
    [
        ("contradicted: 'the brows rise' (AU1 absent)", "contradicted"),
        ("format: the label is missing", "format"),
        ("the call failed: HTTP 500", "call failed"),
        ("the conclusion was anger and must stay so", "conclusion"),
    ],
)
def test_finding_kinds(finding: str, kind: str) -> None:
    assert finding_kind(finding) == kind
