"""AU sets, micro-expressions, described faces, multiple choice, own data, and what holds for every benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.anchors import anchors
from eval.benchmarks.bp4d import PARTS as BP4D_PARTS
from eval.benchmarks.disfa import LEVELS, PARTS
from eval.benchmarks.micro import units_in
from eval.catalogue import benchmark, benchmarks
from eval.sheet import rows_of
from eval.tuning import SHARE, seen_in_tuning
from fervlm.errors import FervlmError
from tests.eval.miniature import frames, items_of, labels_of, png, text, xlsx


def disfa(root: Path, person: str, first: int) -> None:
    for au in LEVELS:
        level = {1: (2, 0), 12: (1, 5)}.get(au, (0, 0))
        lines = "".join(f"{k},{value}\n" for k, value in enumerate(level, start=1))
        text(root / "ActionUnit_Labels" / person / f"{person}_au{au}.txt", lines)
    for k in range(2):
        png(root / "aligned_images" / person / f"{first + k}.png", 100 + k)


@pytest.mark.parametrize("first", [0, 1])
def test_disfa_counts_frames_as_its_extraction_does(tmp_path: Path, first: int) -> None:
    disfa(tmp_path, "SN003", first)
    found = items_of("disfa", tmp_path)
    assert list(found) == ["SN003/1", "SN003/2"]
    picture = found["SN003/2"].picture
    assert picture is not None and picture.name == f"{first + 1}.png"
    units = found["SN003/1"].units
    assert units is not None and units[1] is True, "level 2 is present"
    assert units[12] is False, "level 1 is not"
    assert 5 not in units, "not one of the eight"
    levels = items_of("disfa_levels", tmp_path)["SN003/2"].levels
    assert levels is not None and levels[12] == 5.0 and levels[5] == 0.0
    with pytest.raises(FervlmError, match="no item of disfa"):
        items_of("disfa", tmp_path, None, 3)  # SN003 is trained on there


def test_the_persons_of_au_folds_are_apart() -> None:
    for parts, count in ((PARTS, 27), (BP4D_PARTS, 41)):
        everyone = [person for part in parts for person in part]
        assert len(everyone) == len(set(everyone)) == count


def test_bp4d_leaves_out_what_was_not_codable(tmp_path: Path) -> None:
    head = "0," + ",".join(str(k) for k in range(1, 29))
    row = ["0"] * 28
    row[0], row[3], row[11] = "1", "9", "1"
    text(tmp_path / "AUCoding" / "AU_OCC" / "F007_T1.csv", f"{head}\n2440,{','.join(row)}\n2441,{','.join(row)}\n")
    png(tmp_path / "img" / "F007" / "T1" / "2440.jpg")
    found = items_of("bp4d", tmp_path)
    assert list(found) == ["F007/T1/2440"], "a frame without a picture is left out"
    units = found["F007/T1/2440"].units
    assert units is not None and units[1] and units[12] and not units[2] and 4 not in units
    with pytest.raises(FervlmError, match="AU codes of the fold's first person is missing"):
        items_of("bp4d", tmp_path, None, 3)


def test_faba_reads_numbers_and_names(tmp_path: Path) -> None:
    entries = [
        {"image": "a.jpg", "label": 1, "gpt4": "Sad."},
        {"image": "b.jpg", "label": "Happiness", "gpt4": "A smile."},
    ]
    text(tmp_path / "emotion_test.json", json.dumps(entries))
    assert labels_of("faba_emotion", tmp_path) == {"a.jpg": "sadness", "b.jpg": "happiness"}
    text(tmp_path / "AU_test.json", json.dumps([{"image": "a.jpg", "label": "1, 12, 43", "gpt4": "..."}]))
    units = items_of("faba_units", tmp_path)["a.jpg"].units
    assert units is not None and [au for au, here in units.items() if here] == [1, 12, 43]
    text(tmp_path / "emotion_test.json", json.dumps([{"image": "a.jpg", "label": "Bored"}]))
    with pytest.raises(FervlmError, match="row 1: 'Bored' is no label"):
        labels_of("faba_emotion", tmp_path)


CASME_HEAD = (
    "Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion",
)  # fmt: skip
SAMM_HEAD = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion",
)  # fmt: skip


def casme2(root: Path) -> None:
    rows = [
        CASME_HEAD,
        (1, "EP02_01f", "", 46, 59, 86, "", "12", "happiness"),
        (1, "EP03_02", "", 131, 161, 181, "", "4+L10", "others"),
        (2, "EP01_01", "", 1, 5, 9, "", "1+2", "fear"),
    ]
    xlsx(root / "CASME2-coding-20140508.xlsx", rows)
    for place in ("sub01/EP02_01f", "sub01/EP03_02", "sub02/EP01_01"):
        frames(root / "Cropped" / place, 4, "reg_img{:d}.jpg")


def samm(root: Path) -> None:
    rows: list[tuple[str | float, ...]] = [("SAMM notes",)] * 13
    rows += [SAMM_HEAD, ("006", "006_1_2", 1, 557, 562, 575, 19, "Micro", "R12A + 7", "Anger")]
    rows += [("007", "007_3_1", 1, 1, 2, 3, 19, "Micro", "4", "Other")]
    xlsx(root / "SAMM_Micro_FACS_Codes_v2.xlsx", rows)
    for place in ("006/006_1_2", "007/007_3_1"):
        frames(root / "SAMM_CROP" / place)


def test_micro_expressions_from_their_tables(tmp_path: Path) -> None:
    casme2(tmp_path / "casme2")
    samm(tmp_path / "samm")
    assert labels_of("casme2", tmp_path / "casme2") == {"1/EP02_01f": "happiness", "1/EP03_02": "others"}
    assert labels_of("samm", tmp_path / "samm") == {"006/006_1_2": "anger", "007/007_3_1": "other"}
    assert labels_of("megc_composite", tmp_path) == {
        "casme2/1/EP02_01f": "positive",
        "casme2/2/EP01_01": "negative",
        "samm/006/006_1_2": "negative",
    }, "others are left out"
    units = items_of("cd6me", tmp_path, None, 3)["samm/006/006_1_2"].units
    assert units is not None and [au for au, here in units.items() if here] == [7, 12]
    with pytest.raises(FervlmError, match="folder 'casme' is missing"):
        items_of("cd6me", tmp_path)


def test_codes_and_sheets(tmp_path: Path) -> None:
    assert units_in("R12+4") == {4, 12}
    assert units_in("L14 + 7B") == {7, 14}
    assert units_in("AU1, AU2") == {1, 2}
    assert units_in("?") == set()
    path = xlsx(tmp_path / "t.xlsx", [("a", "", 3.5), ("<b & c>",)])
    assert list(rows_of(path)) == [["a", "", "3.5"], ["<b & c>"]]
    text(tmp_path / "no.xlsx", "no sheet")
    with pytest.raises(FervlmError, match=r"is no \.xlsx file"):
        list(rows_of(tmp_path / "no.xlsx"))


def test_questions(tmp_path: Path) -> None:
    entry = {
        "image_paths": ["images/q.png"], "question_text": "Which?", "options": ["Sad", "Surprise"],
        "correct_answer_option": "B",
    }  # fmt: skip
    two = entry | {"image_paths": ["images/q.png", "images/r.png"]}
    for name in ("rafdb_single", "affectnet_single"):
        tail = "_mcq_train" if name.startswith("rafdb") else "_mcq"
        text(tmp_path / f"benchmark/{name}{tail}.json", json.dumps({"questions": {"1": entry}}))
        several = name.replace("single", "multiple")
        text(tmp_path / f"benchmark/{several}{tail}.json", json.dumps({"questions": {"1": two}}))
    found = items_of("facexbench_expression", tmp_path)
    assert len(found) == 4 and {item.label for item in found.values()} == {"B"}
    assert len(found["rafdb_multiple_mcq_train/1"].pictures) == 2
    human = {
        "data": [
            {
                "QA": {"question": "Which?", "options": ["Anger", "Fear", "Joy"], "answer": 2},
                "image": {"image_paths": {"original": "o.png", "cropped": "c.png"}},
            }
        ]
    }
    for name in ("face_expression_basic", "face_expression_compound"):
        text(tmp_path / "json" / "en" / f"{name}.json", json.dumps(human))
    asked = items_of("face_human_bench_expression", tmp_path)
    assert [item.label for item in asked.values()] == ["C", "C", "C"]
    assert asked["face_expression_basic/cropped/0"].crop
    qa = [{"image_path": "/RAF-DB/aligned/test_3068_aligned.jpg", "true_label": "Happy", "candidate_labels": []}]
    text(tmp_path / "eval_rafdb" / "data" / "rafdb_qa.json", json.dumps(qa))
    assert list(labels_of("ferbench_rafdb", tmp_path).values()) == ["happiness"]


def test_own_folders_and_own_manifest(tmp_path: Path) -> None:
    for name in ("calm", "tense"):
        png(tmp_path / "f" / name / "a.png")
    assert labels_of("folder", tmp_path / "f") == {"calm/a.png": "calm", "tense/a.png": "tense"}
    assert benchmark("folder").fitted(tmp_path / "f").labels == ("calm", "tense")
    with pytest.raises(FervlmError, match="fewer than two sub-folders"):
        benchmark("folder").fitted(tmp_path)
    png(tmp_path / "m" / "a.png")
    frames(tmp_path / "m" / "clip")
    head = "id,file,label,split,subject,AU12,AU04_level,group:room,subset\n"
    text(
        tmp_path / "m" / "manifest.csv",
        f"{head}x,a.png,happy,test,p1,1,,one,hard;new\ny,clip,sad,,p2,,3,two,\nz,a.png,sad,val,,,,,\n",
    )
    found = items_of("manifest", tmp_path / "m")
    assert list(found) == ["x", "y"]
    assert found["x"].units == {12: True} and found["x"].groups == {"room": "one"}
    assert found["x"].subsets == ("hard", "new") and found["y"].levels == {4: 3.0} and len(found["y"].frames) == 3
    fitted = benchmark("manifest").fitted(tmp_path / "m")
    assert fitted.labels == ("happy", "sad") and fitted.units == (4, 12)
    text(tmp_path / "m" / "manifest.csv", "file,label\na.png,happy\na.png,sad\n")
    with pytest.raises(FervlmError, match=r"the id 'a\.png' comes twice"):
        items_of("manifest", tmp_path / "m")
    text(tmp_path / "m" / "manifest.csv", "picture,label\n")
    with pytest.raises(FervlmError, match="the column 'file' is missing"):
        items_of("manifest", tmp_path / "m")


def test_every_benchmark_says_what_it_is() -> None:
    known = {anchor.benchmark for anchor in anchors()}
    assert len(benchmarks()) > 45
    for one in benchmarks().values():
        assert one.layout and one.terms and one.access
        assert one.seen.startswith(("seen in published code", "recalled", "our own")) or "seen in published" in one.seen
        assert one.anchor is None or one.anchor in known, one.name
        assert one.task not in {"units", "intensity"} or one.units, one.name


def test_the_tuning_share_is_that_of_training() -> None:
    pytest.importorskip("torch", reason="needs the extra 'train'")
    from fervlm.contrastive.validation import TUNING_SHARE

    assert SHARE == TUNING_SHARE
    seen = sum(seen_in_tuning(f"face {k}.jpg") for k in range(4000)) / 4000
    assert 0.22 < seen < 0.28
