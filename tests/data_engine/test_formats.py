"""The three chat formats, as the trainers that read them want them."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data_engine.finished import samples
from data_engine.image_files import file_name
from data_engine.pipeline import annotate
from tests.data_engine.conftest import config_of
from tests.data_engine.small import Small


def lines(finished: Path, name: str, split: str = "train") -> list[dict[str, Any]]:
    text = (finished / name / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_messages_have_roles_and_no_tag(finished: Path) -> None:
    found = lines(finished, "messages")
    for line in found:
        assert [turn["role"] for turn in line["messages"]] == ["user", "assistant"] * (len(line["messages"]) // 2)
        assert not any("<image>" in turn["content"] for turn in line["messages"])
        assert len(line["images"]) == 1
    told = {sample.id for sample in samples(finished) if sample.split == "train"}
    assert {line["id"] for line in found} == told


def test_messages_load_as_one_table(finished: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    files = {"train": str(finished / "messages" / "train.jsonl")}
    loaded = load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path))
    assert set(loaded.column_names) == {"id", "messages", "images"}


def test_sharegpt_has_as_many_tags_as_pictures(finished: Path) -> None:
    for line in lines(finished, "sharegpt"):
        turns = line["conversations"]
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        tags = sum(turn["value"].count("<image>") for turn in turns)
        assert tags == len(line["images"]) == turns[0]["value"].count("<image>") == 1


def test_dataset_info_names_the_files(finished: Path) -> None:
    info = json.loads((finished / "dataset_info.json").read_text(encoding="utf-8"))
    assert set(info) == {"fervlm_train", "fervlm_validation"}
    for entry in info.values():
        assert (finished / entry["file_name"]).exists()
        assert entry["formatting"] == "sharegpt"
        assert entry["columns"] == {"messages": "conversations", "images": "images"}


def test_facial_r1_carries_what_its_rewards_compare(finished: Path) -> None:
    by_id = {sample.id: sample for sample in samples(finished)}
    found = lines(finished, "facial-r1")
    assert len({line["id"] for line in found}) == len(found) == 2 * sum(s.split == "train" for s in by_id.values())
    for line in found:
        assert set(line) == {"id", "dataset", "image", "question", "AUs", "labels", "description", "meta_info"}
        sample = by_id[line["id"].removesuffix("#anchored")]
        shown = {reading.au for reading in sample.evidence.readings if reading.state == "present"}
        assert {int(au.removeprefix("AU")) for au in line["AUs"]} == shown
        if line["meta_info"]["view"] == "anchored":
            assert line["labels"] == [sample.human_label]


def test_pictures_are_where_the_lines_say(finished: Path, small: Small) -> None:
    """A picture with a file of its own is named where it is; a mirror image is written out beside the set."""
    seen = {True: 0, False: 0}
    for line in lines(finished, "messages"):
        flipped = line["id"].endswith("#flipped")
        place = finished / line["images"][0] if flipped else Path(line["images"][0])
        assert flipped == line["images"][0].startswith("images/")
        with Image.open(place) as picture:
            assert picture.size == (48, 48)
        seen[flipped] += 1
    assert all(seen.values())


def test_embedded_pictures_are_written_out_with_their_own_bytes(small: Small, tmp_path: Path) -> None:
    out = tmp_path / "set"
    annotate(config_of(small, sources=(str(small.table),), labels=None, formats=("sharegpt",)), out, quiet=True)
    images = {line["id"]: line["images"][0] for line in lines(out, "sharegpt")}
    assert images
    for name, path in images.items():
        assert path == f"images/{name}"
        assert (out / path).read_bytes() == (small.pictures / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a/b.png", "a/b.png"),
        ("../../etc/x.png", "etc/x.png"),
        ("/abs/x.png", "abs/x.png"),
        ("face#flipped", "face.flipped.png"),
        ("face.jpg", "face.jpg.png"),
        ("a:b?.png", "a_b_.png"),
        ("", "picture.png"),
    ],
)
def test_picture_names_stay_in_the_folder(name: str, wanted: str) -> None:
    assert file_name(name, b"\x89PNG\r\n") == wanted


def test_long_picture_names_become_short_and_stay_apart() -> None:
    one, two = (file_name(f"{'x' * 300}{k}.png", b"\x89PNG") for k in range(2))
    assert one != two
    assert max(len(one), len(two)) < 60


def test_jpeg_bytes_get_a_jpeg_ending() -> None:
    buffer = BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG")
    assert file_name("x.jpeg", buffer.getvalue()) == "x.jpeg"
    assert file_name("x.png", buffer.getvalue()) == "x.png.jpg"
