"""Sets of single pictures: each layout in miniature, with its id traps and its bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.catalogue import benchmark
from fervlm.errors import FervlmError
from tests.eval.miniature import frames, items_of, labels_of, png, text


def raf(root: Path, part: str, lines: str) -> Path:
    text(root / part / "EmoLabel" / "list_patition_label.txt", lines)
    for line in lines.splitlines():
        png(root / part / "Image" / "aligned" / line.split()[0].replace(".jpg", "_aligned.jpg"))
    return root


def test_raf_db_ids_begin_at_one_and_only_the_split_is_read(tmp_path: Path) -> None:
    root = raf(tmp_path, "basic", "train_00001.jpg 5\ntest_0001.jpg 1\ntest_0002.jpg 4\ntest_0003.jpg 7\n")
    assert labels_of("raf_db", root) == {
        "test_0001.jpg": "surprise",
        "test_0002.jpg": "happiness",
        "test_0003.jpg": "neutral",
    }
    assert labels_of("raf_db", root / "basic", "train") == {"train_00001.jpg": "sadness"}
    item = items_of("raf_db", root)["test_0001.jpg"]
    assert item.picture is not None and item.picture.name == "test_0001_aligned.jpg" and item.picture.is_file()
    assert item.crop


def test_raf_db_compound_has_its_own_ids(tmp_path: Path) -> None:
    root = raf(tmp_path, "compound", "test_0001.jpg 1\ntest_0002.jpg 11\n")
    assert list(labels_of("raf_db_compound", root).values()) == ["happily surprised", "disgustedly surprised"]


def test_a_label_from_zero_is_noticed(tmp_path: Path) -> None:
    root = raf(tmp_path, "basic", "test_0001.jpg 0\n")
    with pytest.raises(FervlmError, match=r"row 1: '0' is no class id of raf_db_basic, which has 1 to 7"):
        labels_of("raf_db", root)
    with pytest.raises(FervlmError, match="the label list is missing"):
        labels_of("raf_db", tmp_path / "basic" / "Image")
    with pytest.raises(FervlmError, match="there is no such folder"):
        labels_of("raf_db", tmp_path / "nowhere")


def test_affectnet_arrays(tmp_path: Path) -> None:
    for name, values in {"1": (0, 0.1, 0.2), "2": (7, -0.5, 0.4), "3": (9, -2, -2)}.items():
        png(tmp_path / "val_set" / "images" / f"{name}.jpg")
        for part, value in zip(("exp", "val", "aro"), values, strict=True):
            path = tmp_path / "val_set" / "annotations" / f"{name}_{part}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, np.array(str(value)))
    assert labels_of("affectnet8", tmp_path) == {"1.jpg": "neutral", "2.jpg": "contempt"}
    assert labels_of("affectnet7", tmp_path) == {"1.jpg": "neutral"}, "contempt is not among seven classes"
    affect = items_of("affectnet_va", tmp_path)
    assert affect["2.jpg"].valence == -0.5 and affect["2.jpg"].arousal == 0.4
    (tmp_path / "val_set" / "annotations" / "2_aro.npy").unlink()
    with pytest.raises(FervlmError, match="annotation is missing"):
        items_of("affectnet8", tmp_path)


def test_affectnet_lists(tmp_path: Path) -> None:
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    rows = "1/a.jpg,0,0,9,9,1;2,3,0.5,0.7\n2/b.jpg,0,0,9,9,1;2,10,-2,-2\n3/c.jpg,0,0,9,9,1;2,6,-2,-2\n"
    text(tmp_path / "Manually_Annotated_file_lists" / "validation.csv", head + rows)
    png(tmp_path / "Manually_Annotated_Images" / "1" / "a.jpg")
    found = items_of("affectnet8", tmp_path)
    assert {key: item.label for key, item in found.items()} == {"1/a.jpg": "surprise", "3/c.jpg": "anger"}
    assert found["3/c.jpg"].valence is None, "-2 means that nobody could tell"


def pixels(shade: int) -> str:
    return " ".join([str(shade)] * 2304)


def test_fer2013_and_the_votes_of_ferplus(tmp_path: Path) -> None:
    usage = ("PrivateTest", "Training", "PrivateTest", "PrivateTest", "PrivateTest")
    rows = "".join(f"{k},{pixels(k)},{part}\n" for k, part in zip((3, 6, 0, 1, 4), usage, strict=True))
    text(tmp_path / "fer2013.csv", "emotion,pixels,Usage\n" + rows)
    assert list(labels_of("fer2013", tmp_path).values()) == ["happiness", "anger", "disgust", "sadness"]
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    votes = (
        "PrivateTest,fer0.png,1,8,0,0,0,0,0,0,1,0\n"
        "Training,fer1.png,9,0,0,0,0,0,0,0,1,0\n"
        "PrivateTest,fer2.png,5,5,0,0,0,0,0,0,0,0\n"  # a tie
        "PrivateTest,fer3.png,2,1,0,0,0,0,0,0,7,0\n"  # unknown leads
        "PrivateTest,fer4.png,0,0,0,0,1,0,0,9,0,0\n"
    )
    text(tmp_path / "fer2013new.csv", head + votes)
    found = items_of("ferplus", tmp_path)
    assert {key: item.label for key, item in found.items()} == {"fer0.png": "happiness", "fer4.png": "contempt"}
    data = found["fer4.png"].image()
    assert isinstance(data, bytes)
    import cv2

    assert cv2.imdecode(np.frombuffer(data, np.uint8), 0)[0, 0] == 4, "the pixels of the same row"


def test_fer2013_with_too_few_pixels(tmp_path: Path) -> None:
    text(tmp_path / "fer2013.csv", "emotion,pixels,Usage\n0,1 2 3,PrivateTest\n")
    with pytest.raises(FervlmError, match=r"row 2, column pixels: 3 pixels"):
        items_of("fer2013", tmp_path)
    text(tmp_path / "fer2013.csv", "emotion,pixel,Usage\n")
    with pytest.raises(FervlmError, match="column 'pixels' is missing"):
        items_of("fer2013", tmp_path)


def test_expw_has_a_box_per_face(tmp_path: Path) -> None:
    text(tmp_path / "label" / "label.lst", "a.jpg 0 28 113 226 141 22.9 0\na.jpg 1 10 20 40 50 9 6\n")
    png(tmp_path / "image" / "origin" / "a.jpg")
    found = items_of("expw", tmp_path)
    assert {key: item.label for key, item in found.items()} == {"a.jpg#0": "anger", "a.jpg#1": "neutral"}
    assert found["a.jpg#1"].box == (20, 10, 20, 40)


CLASSES = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


def test_sfew_matches_folders_by_meaning(tmp_path: Path) -> None:
    for name in CLASSES:
        png(tmp_path / "Val_Aligned_Faces" / name / "x.png")
    assert labels_of("sfew", tmp_path)["Angry/x.png"] == "anger"
    assert items_of("sfew", tmp_path)["Sad/x.png"].crop
    (tmp_path / "Val_Aligned_Faces" / "Bored").mkdir()
    with pytest.raises(FervlmError, match="folder 'Bored' is no class"):
        labels_of("sfew", tmp_path)
    (tmp_path / "Val_Aligned_Faces" / "Bored").rmdir()
    (tmp_path / "Val_Aligned_Faces" / "Fear" / "x.png").unlink()
    (tmp_path / "Val_Aligned_Faces" / "Fear").rmdir()
    with pytest.raises(FervlmError, match="no folder for 'fear'"):
        labels_of("sfew", tmp_path)


def test_caer_s_takes_anger_and_angry(tmp_path: Path) -> None:
    for name in ("Anger", *CLASSES[1:]):
        png(tmp_path / "CAER-S" / "test" / name / "0001.png")
    found = items_of("caer_s", tmp_path)
    assert found["Anger/0001.png"].label == "anger" and not found["Anger/0001.png"].crop


def test_ck_plus_takes_the_last_frame_and_its_own_numbers(tmp_path: Path) -> None:
    for sequence, code in (("001", "3.0000000e+00"), ("002", "2.0000000e+00")):
        frames(tmp_path / "cohn-kanade-images" / "S005" / sequence, 11, "S005_x_{:08d}.png")
        text(tmp_path / "Emotion" / "S005" / sequence / "S005_x_00000011_emotion.txt", f"   {code}\n")
    frames(tmp_path / "cohn-kanade-images" / "S006" / "001", 2, "S006_001_{:08d}.png")
    found = items_of("ck_plus", tmp_path)
    assert {key: item.label for key, item in found.items()} == {"S005/001": "disgust", "S005/002": "contempt"}
    peak = found["S005/001"].picture
    assert peak is not None and peak.name == "S005_x_00000011.png"
    text(tmp_path / "FACS" / "S005" / "001" / "S005_001_00000011_facs.txt", "9.0e+00 4.0e+00\n1.7e+01 0.0e+00\n")
    coded = items_of("ck_plus_units", tmp_path)["S005/001"].units
    assert coded is not None and [au for au, here in coded.items() if here] == [9, 17]
    assert coded[12] is False


def test_jaffe_reads_names(tmp_path: Path) -> None:
    png(tmp_path / "KA.AN1.39.tiff")
    png(tmp_path / "YM.SU3.60.tiff")
    found = items_of("jaffe", tmp_path)
    assert [(i.label, i.subject) for i in found.values()] == [("anger", "KA"), ("surprise", "YM")]
    png(tmp_path / "photo.tiff")
    with pytest.raises(FervlmError, match=r"'photo\.tiff' tells no label"):
        items_of("jaffe", tmp_path)


def test_a_split_or_fold_that_a_set_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="raf_db has no split 'val'"):
        labels_of("raf_db", tmp_path, "val")
    with pytest.raises(FervlmError, match="jaffe has no fold 2"):
        labels_of("jaffe", tmp_path, None, 2)
    with pytest.raises(FervlmError, match="dfew has no fold 6"):
        labels_of("dfew", tmp_path, None, 6)
    with pytest.raises(FervlmError, match="there is no benchmark 'rafdb'"):
        benchmark("rafdb")
