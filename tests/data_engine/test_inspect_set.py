"""A finished set read again: sound as made, and found out when somebody changed it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_engine.inspect_set import inspect_set
from fervlm.cli.main import main

Row = dict[str, Any]


def changed(finished: Path, folder: Path, change: Callable[[Row], None], split: str = "train") -> Path:
    """A copy of the set in which one row of a split was changed."""
    out = folder / "changed"
    shutil.copytree(finished, out)
    path = next((out / "data").glob(f"{split}-*.parquet"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return out


def test_a_set_as_made_is_sound(finished: Path) -> None:
    report = inspect_set(finished)
    assert report.ok
    assert report.card_agrees is True
    assert report.checked == sum(report.numbers.samples.values()) == report.sound == report.read_back
    assert report.negatives == report.negatives_false > report.checked
    assert set(report.verdicts) == {"supported"}
    assert report.faults == ()


def test_limit_bounds_the_checks_not_the_counts(finished: Path) -> None:
    report = inspect_set(finished, limit=3)
    assert report.checked == 3
    assert sum(report.numbers.samples.values()) > 3


def edit_sample(edit: Callable[[Row], None]) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        sample = json.loads(row["sample"])
        edit(sample)
        row["sample"] = json.dumps(sample)

    return change


def lie(sample: Row) -> None:
    sample["caption"]["observations"][0]["text"] = "The neck muscles stand out (AU21)."


def bend(sample: Row) -> None:
    sample["anchored"]["interpretation"] += " The label proves it."


def truth(sample: Row) -> None:
    sample["contrastive"]["negatives"][0]["text"] = sample["caption"]["overview"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (edit_sample(lie), "unmeasured"),
        (edit_sample(bend), "the anchored caption changed"),
        (edit_sample(truth), "a hard negative is not false"),
        (lambda row: row.update(blind=row["blind"].replace("Key observations", "Observed")), "cannot be read"),
    ],
)
def test_a_changed_text_is_found(finished: Path, tmp_path: Path, change: Callable[[Row], None], told: str) -> None:
    report = inspect_set(changed(finished, tmp_path, change))
    assert not report.ok
    assert any(told in fault.what for fault in report.faults)


def test_a_changed_label_disagrees_with_the_card(finished: Path, tmp_path: Path) -> None:
    report = inspect_set(changed(finished, tmp_path, lambda row: row.update(label="fear")))
    assert report.card_agrees is False
    assert not report.ok


def test_a_person_in_two_splits_is_found(finished: Path, tmp_path: Path) -> None:
    there = pq.read_table(next((finished / "data").glob("validation-*.parquet")), columns=["subject"])
    person = there.column(0)[0].as_py()
    report = inspect_set(changed(finished, tmp_path, lambda row: row.update(subject=person)))
    assert report.subjects_shared == 1
    assert not report.ok


def test_exit_codes_and_json(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(finished), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["checked"] == told["sound"]
    assert main(["inspect", str(finished)]) == 0
    assert "100.0 %" in capsys.readouterr().out
    spoilt = changed(finished, tmp_path, edit_sample(lie))
    assert main(["inspect", str(spoilt)]) == 1
    caught = capsys.readouterr()
    assert "AU21" in caught.out
    assert "fails its check" in caught.err


def test_page_and_card_can_be_made_again(finished: Path, tmp_path: Path) -> None:
    page, card = tmp_path / "again.html", tmp_path / "card"
    assert (
        main(["inspect", str(finished), "--page", str(page), "--card", str(card), "--out", str(tmp_path / "r.txt")])
        == 0
    )
    assert page.read_bytes() == (finished / "page.html").read_bytes()
    assert (card / "README.md").read_bytes() == (finished / "README.md").read_bytes()
    assert (card / "card" / "labels.svg").read_bytes() == (finished / "card" / "labels.svg").read_bytes()


def test_a_missing_picture_is_counted_and_no_fault_of_the_set(finished: Path, tmp_path: Path) -> None:
    def move(row: Row) -> None:
        row["image"] = {"bytes": None, "path": str(tmp_path / "gone.png")}

    report = inspect_set(changed(finished, tmp_path, move))
    assert report.pictures_missing == 1
    assert report.ok


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "no such file"),
        (["{set}", "--evidence", "x.csv"], "its own evidence"),
        (["{file}", "--page", "x.html"], "finished"),
        (["{empty}"], "neither a finished set"),
    ],
)
def test_mistakes_are_one_sentence(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    (tmp_path / "x.json").write_text("[]")
    (tmp_path / "empty").mkdir()
    places = {"set": finished, "file": tmp_path / "x.json", "empty": tmp_path / "empty"}
    assert main(["inspect", *(argument.format(**places) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
