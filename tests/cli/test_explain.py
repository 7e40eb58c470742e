"""`fervlm explain`: every format, every way in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fervlm.records import Prediction

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]
SMILE = "1, 0, 0.000, 0.98, 1, 0.00, 0.00, 0.00, 3.60, 2.60, 1"
FROWN = "2, 0, 0.033, 0.98, 1, 0.00, 0.00, 3.70, 0.00, 0.00, 0"


def predictions(text: str) -> list[Prediction]:
    return [Prediction.model_validate_json(line) for line in text.splitlines()]


def test_a_jsonl_line_is_one_checked_prediction(fervlm: Run, openface: Write) -> None:
    code, out, err = fervlm("explain", openface(), "--per", "frame", "--format", "jsonl")
    first, second = predictions(out)
    assert (code, err) == (0, "")
    assert first.label == "happiness"
    assert [p.frame for p in (first, second)] == [1, 2]
    assert first.verification is not None
    assert first.verification.ok
    assert first.evidence.source.row == 2


def test_a_recording_becomes_one_clip_and_a_still_one_face(fervlm: Run, openface: Write, smile: Path) -> None:
    frames = [f"{n}, 0, {n / 30:.3f}, 0.98, 1, 0, 0, 0, {max(0, 3 - abs(n - 20) / 4):.2f}, 0, 0" for n in range(40)]
    _, out, _ = fervlm("explain", openface("film.csv", *frames), "--format", "jsonl")
    (clip,) = predictions(out)
    assert clip.span_s is not None
    assert clip.course
    assert [event.au for event in clip.events] == [12]
    _, out, _ = fervlm("explain", smile, "--format", "jsonl")
    assert predictions(out)[0].span_s is None
    _, out, _ = fervlm("explain", openface("film.csv", *frames), "--per", "frame", "--format", "jsonl")
    assert len(predictions(out)) == 40


def test_csv_has_one_row_a_prediction_and_agrees_with_jsonl(fervlm: Run, openface: Write) -> None:
    source = openface()
    _, lines, _ = fervlm("explain", source, "--per", "frame", "--format", "jsonl")
    _, table, _ = fervlm("explain", source, "--per", "frame", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    for row, prediction in zip(rows, predictions(lines), strict=True):
        assert row["id"] == prediction.id
        assert row["label"] == (prediction.label or "")
        assert row["checked"] == "1"
        assert row["faults"] == "0"
    assert rows[0]["present_aus"] == "12+25"
    assert rows[1]["present_aus"] == "4"


def test_text_shows_the_three_parts_with_marks(fervlm: Run, smile: Path) -> None:
    _, out, _ = fervlm("explain", smile)
    assert "happiness" in out
    assert re.search(r"^Overview +✓ ", out, re.MULTILINE)
    assert re.search(r"^Key observations +[✓·] ", out, re.MULTILINE)
    assert re.search(r"^Conclusion +✓ ", out, re.MULTILINE)
    assert "\x1b" not in out
    assert "✗" not in out


def test_observe_only_says_no_emotion(fervlm: Run, smile: Path) -> None:
    _, out, _ = fervlm("explain", smile, "--observe-only", "--format", "jsonl")
    (found,) = predictions(out)
    assert found.label is None
    assert found.caption is not None
    assert not re.search(r"happ|joy|anger|sad|fear|disgust|surpris|contempt|neutral", found.caption.model_dump_json())


def test_labels_of_the_users_own_and_sets_by_name(fervlm: Run, smile: Path) -> None:
    _, out, _ = fervlm("explain", smile, "--labels", "cheerful face,happy,angry", "--format", "jsonl")
    assert predictions(out)[0].label == "happy"
    _, out, _ = fervlm("explain", smile, "--label-set", "ck_plus7", "--format", "jsonl")
    assert predictions(out)[0].label == "happiness"
    for wrong in (["--label-set", "none"], ["--labels", "table,chair"], ["--labels", "happy", "--label-set", "basic7"]):
        code, out, err = fervlm("explain", smile, *wrong)
        assert code == 2
        assert not out
        assert err.count("\n") == 1


def test_the_seed_changes_words_and_is_repeatable(fervlm: Run, smile: Path) -> None:
    told = [fervlm("explain", smile, "--seed", seed, "--format", "jsonl")[1] for seed in (0, 0, 1, 2, 3)]
    assert told[0] == told[1]
    assert len(set(told)) > 2


def test_standard_input(fervlm: Run, smile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(smile.read_bytes())))
    code, out, _ = fervlm("explain", "-", "--format", "jsonl")
    assert code == 0
    assert predictions(out)[0].source.file == "<stdin>"


def test_a_folder_is_walked_and_bad_files_are_listed_at_the_end(fervlm: Run, openface: Write, tmp_path: Path) -> None:
    openface("in/a.csv")
    openface("in/deep/c.csv", SMILE)
    (tmp_path / "in/b.csv").write_bytes(b"\x00\x01\x02\xff" * 500)
    (tmp_path / "in/d.csv").symlink_to(tmp_path / "gone")
    (tmp_path / "in/notes.md").write_text("not evidence", encoding="utf-8")
    code, out, err = fervlm("explain", tmp_path / "in", "--per", "frame", "--format", "jsonl")
    assert code == 1
    assert [Path(p.source.file).name for p in predictions(out)] == ["a.csv", "a.csv", "c.csv"]
    assert "Traceback" not in err
    listed = err.splitlines()[1:]
    assert len(listed) == 2
    assert any("b.csv" in line for line in listed)
    assert any("d.csv" in line for line in listed)


def test_a_fault_midway_in_one_of_many_files_keeps_the_rows_before_it(fervlm: Run, openface: Write) -> None:
    broken = openface("broken.csv", SMILE, FROWN.replace("0.98", "abc"))
    good = openface("good.csv")
    code, out, err = fervlm("explain", broken, good, "--per", "frame", "--format", "jsonl")
    assert code == 1
    assert len(predictions(out)) == 3
    assert "row 3" in err
    assert "confidence" in err


def test_an_empty_folder_and_no_source_are_refused(fervlm: Run, tmp_path: Path) -> None:
    for arguments in ([tmp_path], []):
        code, out, err = fervlm("explain", *arguments)
        assert code == 2
        assert not out
        assert err.startswith("fervlm: ")


def test_limit_reads_no_further(fervlm: Run, openface: Write) -> None:
    source = openface("clip.csv", SMILE, FROWN, "this row is broken")
    code, out, _ = fervlm("explain", source, "--per", "frame", "--limit", 2, "--format", "jsonl")
    assert code == 0
    assert len(predictions(out)) == 2


def test_out_writes_the_same_and_nothing_on_a_fault(fervlm: Run, openface: Write, tmp_path: Path) -> None:
    source, target = openface(), tmp_path / "out.jsonl"
    _, shown, _ = fervlm("explain", source, "--per", "frame", "--format", "jsonl")
    assert fervlm("explain", source, "--per", "frame", "--format", "jsonl", "--out", target) == (0, "", "")
    assert target.read_text(encoding="utf-8") == shown
    broken = openface("broken.csv", SMILE, "half a")
    code, _, err = fervlm("explain", broken, "--per", "frame", "--format", "jsonl", "--out", target)
    assert code == 2
    assert "row 3" in err
    assert target.read_text(encoding="utf-8") == shown
    assert not list(tmp_path.glob(".*"))


def test_the_source_is_never_overwritten(fervlm: Run, smile: Path) -> None:
    before = smile.read_bytes()
    code, _, err = fervlm("explain", smile, "--format", "csv", "--out", smile)
    assert code == 2
    assert "overwrite" in err
    assert smile.read_bytes() == before


def test_html_is_one_page_or_one_for_each_source(fervlm: Run, openface: Write, tmp_path: Path) -> None:
    one, other = openface("a.csv", SMILE), openface("b.csv", FROWN)
    assert fervlm("explain", one, other, "--format", "html", "--out", tmp_path / "all.html")[0] == 0
    page = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("happiness") > 0
    assert not re.search(r'(src|href)="https?:', page)
    assert fervlm("explain", one, other, "--format", "html", "--out", f"{tmp_path}/pages/")[0] == 0
    assert sorted(p.name for p in (tmp_path / "pages").iterdir()) == ["a.html", "b.html"]


def test_png_is_one_picture_or_a_folder_of_them(fervlm: Run, openface: Write, smile: Path, tmp_path: Path) -> None:
    assert fervlm("explain", smile, "--format", "png", "--out", tmp_path / "one.png")[0] == 0
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
    clip = openface()
    code, _, err = fervlm("explain", clip, "--per", "frame", "--format", "png", "--out", tmp_path / "two.png")
    assert code == 2
    assert "folder" in err
    assert not (tmp_path / "two.png").exists()
    assert fervlm("explain", clip, "--per", "frame", "--format", "png", "--out", f"{tmp_path}/many/")[0] == 0
    assert len(list((tmp_path / "many").glob("*.png"))) == 2
    assert fervlm("explain", smile, "--format", "png")[0] == 2


def test_pictures_are_explained_from_the_evidence_joined_by_name(fervlm: Run, tmp_path: Path) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("file,codes\none.png,6C+12D\ntwo.png,4C+5D+7C+23C\n", encoding="utf-8")
    for name in ("one", "two", "three"):
        Image.new("RGB", (64, 64), "white").save(tmp_path / f"{name}.png")
    code, out, err = fervlm("explain", tmp_path, "--au", codes, "--format", "jsonl")
    assert {p.evidence.picture: p.label for p in predictions(out)} == {"one.png": "happiness", "two.png": "anger"}
    assert code == 1
    assert "three.png" in err
    one = tmp_path / "one.png"
    code, _, _ = fervlm("explain", one, "--au", codes, "--format", "png", "--out", tmp_path / "drawn.png")
    assert code == 0
    assert (tmp_path / "drawn.png").stat().st_size > 10_000


def test_a_broken_picture_is_a_sentence(fervlm: Run, tmp_path: Path) -> None:
    codes, picture = tmp_path / "codes.csv", tmp_path / "one.png"
    codes.write_text("file,codes\none.png,6C+12D\n", encoding="utf-8")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    code, _, err = fervlm("explain", picture, "--au", codes, "--format", "html", "--out", tmp_path / "x.html")
    assert code == 2
    assert "one.png" in err
    assert not (tmp_path / "x.html").exists()


def test_pictures_beside_au_files_in_a_folder_are_left_out(fervlm: Run, tmp_path: Path, smile: Path) -> None:
    picture = tmp_path / "face.jpg"
    Image.new("RGB", (8, 8)).save(picture)
    code, out, err = fervlm("explain", tmp_path, "--format", "jsonl")
    assert code == 0
    assert len(predictions(out)) == 1
    assert "1 picture left out" in err
    assert fervlm("explain", smile, "--au", smile)[0] == 2


def test_mirrored_swaps_the_sides_of_the_evidence(fervlm: Run, tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("L12C+L14B\n4B+7C\n", encoding="utf-8")
    sides = []
    for extra in ([], ["--mirrored"]):
        _, out, _ = fervlm("explain", codes, "--input-format", "facs_codes", "--format", "jsonl", *extra)
        sides.append({r.side for r in predictions(out)[0].evidence.readings if r.state == "present"})
    assert sides == [{"left"}, {"right"}]


def test_the_example_ships_with_the_package_and_is_what_its_curves_make(fervlm: Run) -> None:
    from fervlm.examples import make, recording

    assert recording().read_text(encoding="utf-8") == "".join(f"{line}\n" for line in make.lines())
    _, out, _ = fervlm("explain", "--example", "--format", "jsonl")
    (clip,) = predictions(out)
    assert clip.label == "happiness"
    assert clip.source.file == recording().name
    assert clip.verification is not None
    assert clip.verification.ok
    onsets = {event.au: event.onset_s for event in clip.events}
    assert onsets[1] < onsets[12] < onsets[6]
