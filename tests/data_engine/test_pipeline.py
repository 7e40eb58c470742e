"""The whole factory on a small set: what comes out, that it loads, that it is always the same."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from data_engine.config import AnnotateConfig
from data_engine.finished import samples
from data_engine.pipeline import annotate, restart
from fervlm.errors import FervlmError
from tests.data_engine.conftest import config_of
from tests.data_engine.faces import files
from tests.data_engine.small import Small, read_csv


def test_it_loads_with_datasets(finished: Path, tmp_path: Path) -> None:
    from datasets import Image, load_dataset

    faces = load_dataset(str(finished), cache_dir=str(tmp_path))
    assert set(faces) == {"train", "validation"}
    assert isinstance(faces["train"].features["image"], Image)
    row = faces["train"][0]
    assert row["image"].size == (48, 48)
    assert row["blind"].startswith("Overview: ")
    assert "Provenance" not in row["blind"]
    chats = load_dataset(str(finished), "chat", split="train", cache_dir=str(tmp_path))
    assert {turn["role"] for turn in chats[0]["messages"]} == {"user", "assistant"}
    assert set(chats["id"]) == set(faces["train"]["id"])


def test_every_face_is_in_the_set_or_in_the_rejects(finished: Path, small: Small) -> None:
    kept = {sample.id for sample in samples(finished) if not sample.flipped}
    away = {json.loads(line)["id"] for line in (finished / "rejects.jsonl").read_text().splitlines()}
    assert kept | away == set(small.names)
    assert not kept & away
    assert len(kept) > len(small.names) / 2


def test_human_labels_supervise_and_change_nothing(finished: Path, small: Small) -> None:
    given = {row["file"]: row["label"] for row in read_csv(small.labels)}
    for sample in samples(finished):
        if sample.flipped:
            continue
        assert sample.human_label == given[sample.id]
        assert sample.anchored is not None
        assert sample.anchored.conclusion.label == sample.human_label
        assert sample.anchored.observations == sample.caption.observations
        assert sample.anchored.interpretation == sample.caption.interpretation


def test_a_person_stands_in_one_split_only(finished: Path) -> None:
    homes: dict[str, set[str]] = {}
    for sample in samples(finished):
        assert sample.subject is not None
        homes.setdefault(sample.subject, set()).add(sample.split)
    assert all(len(splits) == 1 for splits in homes.values())
    assert {split for splits in homes.values() for split in splits} == {"train", "validation"}


def test_blind_texts_do_not_depend_on_labels(small: Small, finished: Path, tmp_path: Path) -> None:
    annotate(config_of(small, labels=None, drafts=2), tmp_path / "set", quiet=True)
    unlabelled = {sample.id: sample for sample in samples(tmp_path / "set")}
    for sample in samples(finished):
        if not sample.flipped:
            assert unlabelled[sample.id].caption == sample.caption
            assert unlabelled[sample.id].anchored is None


def test_equal_runs_give_equal_bytes_wherever_they_run(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = config_of(small, embed=True, flip=True, formats=("sharegpt",))
    annotate(first, tmp_path / "one", quiet=True)
    monkeypatch.chdir(small.folder)
    relative = config_of(
        small, embed=True, flip=True, formats=("sharegpt",), sources=("pictures",), au=("aus.csv",), labels="labels.csv"
    )
    annotate(relative, tmp_path / "two", workers=2, quiet=True)
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_no_path_of_this_machine_is_told(small: Small, tmp_path: Path) -> None:
    annotate(config_of(small, embed=True, formats=("messages",)), tmp_path / "set", quiet=True)
    for name, data in files(tmp_path / "set").items():
        assert str(small.folder).encode() not in data, name
        assert str(tmp_path).encode() not in data, name


def test_a_finished_set_is_left_as_it_is(small: Small, tmp_path: Path) -> None:
    out = tmp_path / "set"
    first = annotate(config_of(small), out, quiet=True)
    assert sorted(path.name for path in (out / ".work").iterdir()) == ["config.json", "done.json", "lock"]
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert annotate(config_of(small), out, quiet=True) == first
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == stamps


def test_a_folder_with_another_run_is_refused(small: Small, tmp_path: Path) -> None:
    out = tmp_path / "set"
    annotate(config_of(small), out, quiet=True)
    with pytest.raises(FervlmError, match=r"other settings \(seed\)"):
        annotate(config_of(small, seed=1), out, quiet=True)
    restart(out)
    annotate(config_of(small, seed=1), out, quiet=True)


def test_a_folder_with_something_else_is_neither_used_nor_cleared(small: Small, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(FervlmError, match="holds no run"):
        annotate(config_of(small), tmp_path, quiet=True)
    with pytest.raises(FervlmError, match="holds no run"):
        restart(tmp_path)
    out = tmp_path / "set"
    annotate(config_of(small), out, quiet=True)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(FervlmError, match=r"notes\.txt"):
        restart(out)
    assert (out / "README.md").exists()


def test_a_teacher_may_move_between_two_starts(small: Small) -> None:
    teacher = {"url": "http://here:1/v1", "model": "m"}
    one = config_of(small, teacher=teacher)
    two = config_of(small, teacher={**teacher, "url": "http://there:2/v1", "concurrency": 3})
    assert one.fingerprint() == two.fingerprint()
    assert one.fingerprint() != config_of(small, teacher={**teacher, "tries": 2}).fingerprint()


def test_nowhere_to_write(small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FervlmError, match="cannot"):
        annotate(config_of(small), tmp_path / "file" / "set", quiet=True)


def test_real_faces(shared_data: Path, tmp_path: Path) -> None:
    """A tenth of the development faces, by their manifest, with MediaPipe's evidence."""
    lines = (shared_data / "faces" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    manifest = tmp_path / "manifest.csv"
    place = shared_data / "faces"
    chosen = [line.split(",") for line in lines[1::10]]
    text = "\n".join(",".join([str(place / cells[0]), *cells[1:]]) for cells in chosen)
    manifest.write_text(f"{lines[0]}\n{text}\n", encoding="utf-8")
    config = AnnotateConfig(
        sources=(str(manifest),), au=(str(shared_data / "au/mediapipe/blendshapes_dev_faces.csv"),), val_share=0
    )
    published = annotate(config, tmp_path / "set", quiet=True)
    assert sum(published.samples.values()) > 0.9 * len(chosen)
    assert set(published.rejects) <= {"no_face", "near_duplicate", "evidence_without_picture", "verifier_finding"}
    assert published.rejects.get("verifier_finding", 0) < 0.02 * len(chosen)


def test_human_codes_alone(shared_data: Path, tmp_path: Path) -> None:
    codes = shared_data / "au/ckplus_facs_human/facs_codes.csv"
    published = annotate(AnnotateConfig(sources=(str(codes),), label_set="ck_plus7"), tmp_path / "set", quiet=True)
    assert sum(published.samples.values()) + sum(published.rejects.values()) == 174
    assert published.rejects.get("verifier_finding", 0) <= 3
    sample = next(iter(samples(tmp_path / "set")))
    assert sample.picture is None
    assert sample.human_label is not None
    assert os.environ["FERVLM_DATA"] not in sample.model_dump_json()
