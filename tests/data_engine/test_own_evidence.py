"""Pictures without a detector's file: the package's own AU head gives the evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the model is made with torch")

from data_engine.config import AnnotateConfig
from data_engine.pipeline import annotate
from fervlm.errors import FervlmError
from fervlm.predict.load import load


def samples(out: Path) -> list[dict[str, Any]]:
    return [row for file in sorted((out / "data").glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def rejects(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]


def pictures(folder: Path) -> Path:
    """Three grey squares and a file that is no picture."""
    folder.mkdir()
    for k in range(3):
        Image.linear_gradient("L").rotate(90 * k).resize((96, 96)).save(folder / f"face_{k}.png")
    (folder / "torn.jpg").write_bytes(b"no picture at all")
    return folder


def test_captions_rest_on_what_the_model_sees(tmp_path: Path, nano_folder: Path) -> None:
    source = pictures(tmp_path / "pictures")
    config = AnnotateConfig(
        sources=(str(source),), model=str(nano_folder), face_is_crop=True, gate={"duplicate_bits": -1, "frame_share": 1}
    )
    annotate(config, tmp_path / "set", quiet=True)
    found = {row["id"]: row for row in samples(tmp_path / "set")}
    turned_away = {row["id"]: row["code"] for row in rejects(tmp_path / "set")}
    assert turned_away["torn.jpg"] == "unreadable_picture"
    assert set(found) | set(turned_away) == {"face_0.png", "face_1.png", "face_2.png", "torn.jpg"}
    assert found
    reader = load(nano_folder)
    for name, row in found.items():
        data = (source / name).read_bytes()
        (record,) = reader.evidence(data, name=name, face_is_crop=True)
        present = {reading.au for reading in record.readings if reading.state == "present"}
        told = {au for region in row["regions"] for au in region["aus"]}
        assert told <= present
        assert row["detector"] == record.detector.name


def test_a_picture_without_a_face_is_turned_away(tmp_path: Path, nano_folder: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    Image.new("RGB", (200, 150), "white").save(source / "wall.png")
    config = AnnotateConfig(sources=(str(source),), model=str(nano_folder))
    with pytest.raises(FervlmError, match="1 no_face"):
        annotate(config, tmp_path / "set", quiet=True)
    assert [row["code"] for row in rejects(tmp_path / "set")] == ["no_face"]


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    source = pictures(tmp_path / "pictures")
    config = AnnotateConfig(sources=(str(source),), model=str(tmp_path))
    with pytest.raises(FervlmError):
        annotate(config, tmp_path / "set", quiet=True)
