"""Joining pictures, evidence and labels: what joins, what is turned away and under which code."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from data_engine.config import AnnotateConfig
from data_engine.finished import samples
from data_engine.pipeline import annotate
from fervlm.errors import FervlmError
from tests.data_engine.conftest import config_of
from tests.data_engine.small import FORMAT, Small, at, picture, read_csv, write_csv


def rejects(out: Path) -> dict[str, tuple[str, str | None]]:
    found = {}
    for line in (out / "rejects.jsonl").read_text(encoding="utf-8").splitlines():
        reject = json.loads(line)
        found[reject["id"]] = (reject["code"], reject.get("detail"))
    return found


@pytest.fixture
def own(small: Small, tmp_path: Path) -> Small:
    """A copy that a test may spoil."""
    folder = tmp_path / "own"
    shutil.copytree(small.folder, folder)
    return at(folder, small.names)


def run(small: Small, out: Path, **changes: object) -> dict[str, tuple[str, str | None]]:
    annotate(config_of(small, **changes), out, quiet=True)
    return rejects(out)


def test_what_does_not_join_is_listed_with_its_reason(own: Small, tmp_path: Path) -> None:
    rows = read_csv(own.evidence)
    rows[2]["file"] = "b/nowhere.png"
    write_csv(own.evidence, [dict(row) for row in rows])
    (own.pictures / own.names[4]).write_bytes(b"\x89PNG but not really")
    (own.pictures / own.names[5]).write_bytes(b"")
    marks = [dict(row) for row in read_csv(own.labels)]
    marks[7]["label"] = "hangry"
    marks[8]["file"] = "a/unknown.png"
    write_csv(own.labels, marks)
    found = run(own, tmp_path / "set", gate={"duplicate_bits": -1, "frame_share": 1})
    assert found["b/nowhere.png"][0] == "evidence_without_picture"
    assert found[own.names[2]][0] == "picture_without_evidence"
    assert found[own.names[4]][0] == "unreadable_picture"
    assert found[own.names[5]][0] == "unreadable_picture"
    assert found[own.names[7]] == ("label_outside_set", "'hangry' is not in the set basic8")
    assert found["a/unknown.png"][0] == "label_without_picture"
    assert len(found) == 6
    unlabelled = [sample for sample in samples(tmp_path / "set") if sample.id == own.names[8]]
    assert [sample.human_label for sample in unlabelled] == [None]


def test_two_faces_where_one_is_expected(own: Small, tmp_path: Path) -> None:
    rows = [dict(row) for row in read_csv(own.evidence)]
    twice = [*rows, {**rows[0], "AU12_left": "4.0", "AU12_right": "4.0"}]
    for k, row in enumerate(twice):
        row["face_id"] = str(int(k == len(rows)))
    write_csv(own.evidence, twice)
    found = run(own, tmp_path / "one")
    assert found[own.names[0]][0] == "several_faces"
    run(own, tmp_path / "all", faces="all", gate={"duplicate_bits": -1, "frame_share": 1})
    here = [sample for sample in samples(tmp_path / "all") if sample.picture == own.names[0]]
    assert len(here) == 2
    assert len({sample.id for sample in here}) == 2


def test_a_near_duplicate_leaves_and_names_the_earlier_one(own: Small, tmp_path: Path) -> None:
    shutil.copy(own.pictures / own.names[0], own.pictures / own.names[3])
    found = run(own, tmp_path / "set")
    # Folders are read in order of names, so the picture in a/ comes before the one in b/.
    assert found[own.names[3]][0] == "near_duplicate"
    assert own.names[0] not in found


@pytest.mark.parametrize("name", ["ünïcode 笑顔.png", "with, comma.png", "x" * 200 + ".png", "a b/c'd.png"])
def test_odd_names_join(own: Small, tmp_path: Path, name: str) -> None:
    picture(own.pictures / name, 99)
    rows = [dict(row) for row in read_csv(own.evidence)]
    write_csv(own.evidence, [*rows, {**rows[0], "file": name}])
    marks = [dict(row) for row in read_csv(own.labels)]
    write_csv(own.labels, [*marks, {**marks[0], "file": name}])
    run(own, tmp_path / "set", embed=True, formats=("sharegpt",), gate={"frame_share": 1})
    found = [sample for sample in samples(tmp_path / "set") if sample.picture == name]
    assert len(found) == 1
    assert found[0].human_label == "happiness"
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "set" / "sharegpt").iterdir()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    mine = {line["images"][0] for line in lines if line["id"] == name}
    assert len(mine) == 1
    assert (tmp_path / "set" / mine.pop()).exists()


def test_every_kind_of_source_gives_the_same_captions(small: Small, tmp_path: Path) -> None:
    manifest = small.pictures / "manifest.csv"
    write_csv(manifest, read_csv(small.labels))
    wide = {"gate": {"frame_share": 1}}
    run(small, tmp_path / "folder", **wide)
    run(small, tmp_path / "table", sources=(str(small.table),), labels=None, **wide)
    run(small, tmp_path / "manifest", sources=(str(manifest),), labels=None, **wide)
    told = [
        {
            Path(sample.id).name: (sample.caption, sample.human_label, sample.subject)
            for sample in samples(tmp_path / kind)
        }
        for kind in ("folder", "table", "manifest")
    ]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == len(small.names)


def test_a_data_set_saved_by_datasets_is_a_source(small: Small, tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Image

    names = ["anger", "happiness", "neutral", "sadness", "surprise"]
    rows = read_csv(small.labels)
    columns = {
        "image": [{"bytes": (small.pictures / row["file"]).read_bytes(), "path": row["file"]} for row in rows],
        "label": [names.index(row["label"]) for row in rows],
    }
    features = Features({"image": Image(), "label": ClassLabel(names=names)})
    Dataset.from_dict(columns, features=features).save_to_disk(str(tmp_path / "saved"))
    run(small, tmp_path / "set", sources=(str(tmp_path / "saved"),), labels=None, gate={"frame_share": 1})
    given = {Path(row["file"]).name: row["label"] for row in rows}  # `datasets` keeps no folders
    assert {sample.id: sample.human_label for sample in samples(tmp_path / "set")} == given


def test_labels_file_wins_over_the_table(small: Small, tmp_path: Path) -> None:
    marks = [{**row, "label": "fear"} for row in read_csv(small.labels)]
    write_csv(tmp_path / "labels.csv", marks)
    run(small, tmp_path / "set", sources=(str(small.table),), labels=str(tmp_path / "labels.csv"))
    assert Counter(sample.human_label for sample in samples(tmp_path / "set")).keys() == {"fear"}


def test_frames_of_a_clip_join_by_clip_and_number(tmp_path: Path) -> None:
    rows = [{"frame": k, "AU12": 3.0 if k % 2 else 0.0, "AU4": 0.0} for k in range(1, 7)]
    write_csv(tmp_path / "clip7.csv", rows)
    for k in range(1, 7):
        picture(tmp_path / "frames" / f"clip7_{k:06d}.png", k)
    config = AnnotateConfig(
        sources=(str(tmp_path / "frames"),),
        au=(str(tmp_path / "clip7.csv"),),
        input_format=FORMAT,
        gate={"frame_share": 1},
    )
    annotate(config, tmp_path / "set", quiet=True)
    shown = {sample.id: sample.contrastive.au_vector for sample in samples(tmp_path / "set")}
    assert len(shown) == 6
    assert shown["clip7_000001.png"] == shown["clip7_000003.png"] != shown["clip7_000002.png"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda s: {"sources": (str(s.folder / "gone"),)}, "no such file or folder"),
        (lambda s: {"au": (), "model": str(s.folder / "gone")}, "no such checkpoint folder"),
        (lambda s: {"au": (str(s.folder / "gone.csv"),)}, "gone.csv"),
        (lambda s: {"labels": str(s.folder / "gone.csv")}, "labels cannot be read"),
        (lambda s: {"labels": str(s.evidence)}, "no column `label`"),
        (lambda s: {"label_set": "basic99"}, "no label set"),
        (lambda s: {"sources": (str(s.labels.parent / "twice.csv"),), "labels": str(s.folder / "twice.csv")}, "twice"),
    ],
)
def test_a_mistake_is_one_sentence(own: Small, tmp_path: Path, spoil: object, sentence: str) -> None:
    marks = [dict(row) for row in read_csv(own.labels)]
    write_csv(own.folder / "twice.csv", [*marks, marks[0]])
    with pytest.raises(FervlmError, match=sentence) as caught:
        annotate(config_of(own, **spoil(own)), tmp_path / "set", quiet=True)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_nothing_left_is_an_error_not_an_empty_set(own: Small, tmp_path: Path) -> None:
    marks = [{**row, "label": "hangry"} for row in read_csv(own.labels)]
    write_csv(own.labels, marks)
    with pytest.raises(FervlmError, match="nothing is left"):
        annotate(config_of(own), tmp_path / "set", quiet=True)
