"""`fervlm verify`: texts of any origin against evidence."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]
SMILE = "1, 0, 0.000, 0.98, 1, 0.00, 0.00, 0.00, 3.60, 2.60, 1"
FROWN = "2, 0, 0.033, 0.98, 1, 0.00, 0.00, 3.70, 0.00, 0.00, 0"


@pytest.fixture
def captions(tmp_path: Path) -> Write:
    """Write a jsonl file of the given objects."""

    def write(*lines: object) -> Path:
        path = tmp_path / "captions.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    return write


def test_our_own_predictions_pass(fervlm: Run, openface: Write, tmp_path: Path) -> None:
    source, told = openface(), tmp_path / "told.jsonl"
    fervlm("explain", source, "--per", "frame", "--format", "jsonl", "--out", told)
    code, out, err = fervlm("verify", told, "--evidence", source, "--format", "jsonl")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["id"] for line in lines] == ["clip#1", "clip#2"]
    assert all(line["verification"]["ok"] for line in lines)
    assert err.startswith("fervlm: 2 captions")


def test_a_prediction_is_held_against_the_file_and_not_against_what_it_carries(
    fervlm: Run, openface: Write, tmp_path: Path
) -> None:
    told = tmp_path / "told.jsonl"
    fervlm("explain", openface("clip.csv", SMILE), "--format", "jsonl", "--out", told)
    changed = openface("clip.csv", FROWN.replace("2, 0", "1, 0"))
    code, out, _ = fervlm("verify", told, "--evidence", changed, "--format", "jsonl")
    assert code == 1
    assert json.loads(out)["verification"]["scores"]["contradicted"] > 0


@pytest.mark.parametrize(
    ("text", "verdict", "code"),
    [
        ("The lip corners are pulled up.", "supported", 0),
        ("The brows are lowered.", "contradicted", 1),
        ("The nose is wrinkled.", "unmeasured", 0),
        ("She is secretly happy.", "forbidden", 1),
    ],
)
def test_each_verdict_and_its_exit_code(
    fervlm: Run, openface: Write, captions: Write, text: str, verdict: str, code: int
) -> None:
    given = captions({"id": "clip#1", "text": text})
    ended, out, err = fervlm("verify", given, "--evidence", openface(), "--format", "jsonl")
    claims = [claim for s in json.loads(out)["verification"]["sentences"] for claim in s["claims"]]
    assert verdict in {claim["verdict"] for claim in claims}
    assert ended == code
    assert f"{verdict}" in err


def test_the_text_report_names_sentence_words_and_reason(fervlm: Run, openface: Write, captions: Write) -> None:
    given = captions({"id": "clip#1", "text": "The lip corners are pulled up. The brows are lowered."})
    code, out, _ = fervlm("verify", given, "--evidence", openface())
    assert code == 1
    assert "✓ The lip corners are pulled up." in out
    assert "✗ The brows are lowered." in out
    assert "AU4" in out


def test_captions_with_an_id_nested_or_flat_are_read(fervlm: Run, openface: Write, captions: Write) -> None:
    source = openface()
    _, out, _ = fervlm("explain", source, "--per", "frame", "--format", "jsonl")
    caption = json.loads(out.splitlines()[0])["caption"]
    text = caption["overview"]
    for line in ({"id": "clip#1", "caption": caption}, {"id": "clip#1", **caption}, {"id": "clip#1", "caption": text}):
        code, out, _ = fervlm("verify", captions(line), "--evidence", source, "--format", "jsonl")
        assert code == 0
        assert json.loads(out)["verification"]["sentences"]


def test_several_captions_of_one_face_and_any_order(fervlm: Run, openface: Write, captions: Write) -> None:
    lines = [{"id": f"clip#{n}", "text": "The brows are lowered."} for n in (2, 1, 2)]
    code, out, _ = fervlm("verify", captions(*lines), "--evidence", openface(), "--format", "jsonl")
    found = [json.loads(line)["verification"]["ok"] for line in out.splitlines()]
    assert found == [True, False, True]
    assert code == 1


def test_captions_from_a_pipe(fervlm: Run, openface: Write, captions: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    data = captions({"id": "clip#2", "text": "The brows are lowered."}).read_bytes()
    source = openface()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert fervlm("verify", "-", "--evidence", source)[0] == 0
    assert fervlm("verify", "-", "--evidence", "-")[0] == 2


def test_a_caption_without_evidence_is_listed_and_none_with_is_an_error(
    fervlm: Run, openface: Write, captions: Write
) -> None:
    lines = [{"id": "clip#1", "text": "The lip corners are pulled up."}, {"id": "clip#99", "text": "A smile."}]
    code, out, err = fervlm("verify", captions(*lines), "--evidence", openface(), "--format", "jsonl")
    assert code == 1
    assert len(out.splitlines()) == 1
    assert "row 2" in err
    assert "clip#99" in err
    code, out, err = fervlm("verify", captions(lines[1]), "--evidence", openface())
    assert code == 2
    assert not out


def test_equal_ids_in_two_files_need_the_file_to_be_named(
    fervlm: Run, openface: Write, captions: Write, tmp_path: Path
) -> None:
    one = openface("one/clip.csv", SMILE)
    (tmp_path / "two").mkdir()
    shutil.copy(one, tmp_path / "two" / "clip.csv")
    told = captions({"id": "clip#1", "text": "A smile."}, {"id": "clip#1", "text": "A smile."})
    code, _, _ = fervlm("verify", told, "--evidence", one)
    assert code == 0
    openface("both/a/clip.csv", SMILE)
    openface("both/b/clip.csv", FROWN.replace("2, 0", "1, 0"))
    code, _, err = fervlm("verify", told, "--evidence", tmp_path / "both")
    assert code == 2
    assert "one file at a time" in err


def test_clips_are_checked_against_the_evidence_they_carry(fervlm: Run, tmp_path: Path) -> None:
    from fervlm.examples import recording

    told = tmp_path / "clip.jsonl"
    fervlm("explain", "--example", "--format", "jsonl", "--out", told)
    code, out, err = fervlm("verify", told, "--evidence", recording(), "--format", "jsonl")
    assert code == 0
    found = json.loads(out)["verification"]
    assert found["ok"]
    assert "course" in {sentence["section"] for sentence in found["sentences"]}
    assert "carried along" in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "row 1"),
        ("[1, 2]", "object"),
        ('{"text": "no id"}', "id"),
        ('{"id": "clip#1"}', "caption"),
        ('{"id": "clip#1", "caption": {"overview": 3}}', "caption"),
        ("[" * 100_000, "row 1"),
        ('{"id": true, "text": "x"}', "id"),
    ],
)
def test_bad_lines_are_one_sentence_with_their_row(
    fervlm: Run, openface: Write, tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "captions.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    code, out, err = fervlm("verify", path, "--evidence", openface())
    assert code == 2
    assert not out
    assert err.count("\n") == 1
    assert said in err


def test_missing_files_are_one_sentence(fervlm: Run, openface: Write, tmp_path: Path) -> None:
    for arguments in ([tmp_path / "none.jsonl", "--evidence", openface()], [openface(), "--evidence", tmp_path / "no"]):
        code, _, err = fervlm("verify", *arguments)
        assert code == 2
        assert err.count("\n") == 1
