"""Sets of clips: lists, folds, numbering, file names, frames in order."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.catalogue import benchmark
from eval.clip import looked_at, spread
from eval.item import Item
from fervlm.errors import FervlmError
from tests.eval.miniature import frames, items_of, labels_of, text, video


def test_dfew_subtracts_nothing_and_reads_its_fold(tmp_path: Path) -> None:
    for fold, line in ((1, "7,1"), (2, "8,7")):
        text(
            tmp_path / "EmoLabel_DataSplit" / "test(single-labeled)" / f"set_{fold}.csv", f"video_name,label\n{line}\n"
        )
    for name in ("00007", "00008"):
        frames(tmp_path / "Clip" / "clip_224x224_16f" / name, 16)
    assert labels_of("dfew", tmp_path) == {"00007": "happiness"}
    assert labels_of("dfew", tmp_path, None, 2) == {"00008": "fear"}
    names = [path.name for path in items_of("dfew", tmp_path)["00007"].frames]
    assert names[:3] == ["1.jpg", "2.jpg", "3.jpg"] and names[-1] == "16.jpg", "in order of number, not of letters"
    with pytest.raises(FervlmError, match="fold's list is missing"):
        labels_of("dfew", tmp_path, None, 3)


def test_ferv39k_reads_names(tmp_path: Path) -> None:
    text(tmp_path / "4_setups" / "All_scenes" / "test_All.csv", "Action/Happy/0267 Happy\nCrime/Sad/0001 Sad\n")
    for place in ("Action/Happy/0267", "Crime/Sad/0001"):
        frames(tmp_path / "2_ClipsforFaceCrop" / place)
    found = items_of("ferv39k", tmp_path)
    assert {key: item.label for key, item in found.items()} == {
        "Action/Happy/0267": "happiness",
        "Crime/Sad/0001": "sadness",
    }
    assert found["Crime/Sad/0001"].subsets == ("Crime",)
    text(tmp_path / "4_setups" / "All_scenes" / "test_All.csv", "Action/Happy/0267 4\n")
    with pytest.raises(FervlmError, match="'4' is no class of FERV39k"):
        labels_of("ferv39k", tmp_path)


def test_mafw_single_and_compound_by_name(tmp_path: Path) -> None:
    text(tmp_path / "split/single/no_caption/set_1/test.txt", "00001.mp4 helplessness\n00002.mp4 anger\n")
    text(tmp_path / "Train & Test Set/compound/no_caption/set_1/test.txt", "00001.mp4 anger_disgust\n00002.mp4 fear\n")
    for name in ("00001", "00002"):
        frames(tmp_path / "data" / "frames" / name)
    assert labels_of("mafw", tmp_path) == {"00001.mp4": "helplessness", "00002.mp4": "anger"}
    assert labels_of("mafw_compound", tmp_path)["00001.mp4"] == "anger disgust"
    assert benchmark("mafw_compound").fitted(tmp_path).labels == ("anger disgust", "fear")
    text(tmp_path / "split/single/no_caption/set_1/test.txt", "00001.mp4 9\n")
    with pytest.raises(FervlmError, match="'9' is no label of MAFW"):
        labels_of("mafw", tmp_path)


def test_afew_takes_folders_of_faces_or_videos(tmp_path: Path) -> None:
    for name in ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise"):
        frames(tmp_path / "a" / "validation" / name / "1_1_000")
        video(tmp_path / "b" / "Val_AFEW" / name / "000.avi")
    first, second = items_of("afew", tmp_path / "a"), items_of("afew", tmp_path / "b")
    assert first["Sad/1_1_000"].label == "sadness" and first["Sad/1_1_000"].crop
    assert second["Fear/000.avi"].video is not None and not second["Fear/000.avi"].crop


def test_names_of_acted_clips(tmp_path: Path) -> None:
    video(tmp_path / "c" / "VideoFlash" / "1001_DFA_ANG_XX.avi")
    assert [(i.label, i.subject) for i in items_of("crema_d", tmp_path / "c").values()] == [("anger", "1001")]
    for name in ("01-01-02-01-01-01-12", "02-01-02-01-01-01-12", "01-02-05-01-01-01-12"):
        video(tmp_path / "r" / "Actor_12" / f"{name}.avi")
    assert labels_of("ravdess", tmp_path / "r") == {"01-01-02-01-01-01-12.avi": "calm"}, "no silent copies, no songs"
    video(tmp_path / "e" / "subject 1" / "sadness" / "sentence 1" / "s1_sa_1.avi")
    assert labels_of("enterface05", tmp_path / "e") == {"subject 1/sadness/sentence 1/s1_sa_1.avi": "sadness"}
    video(tmp_path / "c" / "VideoFlash" / "1001_DFA_BOR_XX.avi")
    with pytest.raises(FervlmError, match="'BOR' in its name is no label"):
        labels_of("crema_d", tmp_path / "c")


def test_raer_paths_of_another_machine(tmp_path: Path) -> None:
    text(tmp_path / "annotation" / "test.txt", "/elsewhere/D/RAER/faces/0007 12 1\n/elsewhere/D/RAER/faces/0008 9 5\n")
    for name in ("0007", "0008"):
        frames(tmp_path / "faces" / name)
    assert labels_of("raer", tmp_path) == {"faces/0007": "neutral", "faces/0008": "distraction"}


def test_aff_wild2_leaves_out_what_nobody_annotated(tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    text(
        folder / "VA_Estimation_Challenge/Validation_Set/v1.txt", "valence,arousal\n0.1,0.2\n-5,-5\n0.3,-0.4\n0.9,0.9\n"
    )
    text(folder / "EXPR_Recognition_Challenge/Validation_Set/v1.txt", "Neutral,...\n4\n-1\n7\n")
    head = ",".join(f"AU{k}" for k in range(12))
    rows = "1,0,0,0,0,0,1,0,0,0,0,-1\n" + ",".join(["-1"] * 12) + "\n" + ",".join(["0"] * 12) + "\n"
    text(folder / "AU_Detection_Challenge/Validation_Set/v1.txt", f"{head}\n{rows}")
    frames(tmp_path / "cropped_aligned" / "v1", 3, "{:05d}.jpg")
    affect = items_of("aff_wild2_va", tmp_path)
    assert list(affect) == ["v1/00001", "v1/00003"], "-5 is not annotated, frame 4 has no picture"
    assert (affect["v1/00003"].valence, affect["v1/00003"].arousal) == (0.3, -0.4)
    assert labels_of("aff_wild2_expr", tmp_path) == {"v1/00001": "happiness", "v1/00003": "other"}
    coded = items_of("aff_wild2_au", tmp_path)
    assert list(coded) == ["v1/00001", "v1/00003"]
    first = coded["v1/00001"].units
    assert first is not None and [au for au, here in first.items() if here] == [1, 12] and 26 not in first


def test_sewa(tmp_path: Path) -> None:
    text(tmp_path / "annotations" / "rec1.csv", "frame,valence,arousal\n1,0.25,-0.5\n")
    frames(tmp_path / "frames" / "rec1", 1, "{:05d}.jpg")
    item = items_of("sewa", tmp_path)["rec1/00001"]
    assert (item.valence, item.arousal) == (0.25, -0.5)
    assert item.picture is not None and item.picture.is_file()


def test_captions_and_spans(tmp_path: Path) -> None:
    text(tmp_path / "captions.jsonl", '{"video": "a.mp4", "caption": "The brows rise."}\n')
    assert items_of("fec_bench", tmp_path)["a.mp4"].text == "The brows rise."
    text(tmp_path / "spans.csv", "video,start,end\nb.mp4,1.0,2.5\nb.mp4,4,5\n")
    spans = items_of("sdfe_lv", tmp_path)["b.mp4"].spans
    assert spans is not None and [(s.start, s.end) for s in spans] == [(1.0, 2.5), (4.0, 5.0)]
    text(tmp_path / "spans.csv", "video,start,end\nb.mp4,3,2\n")
    with pytest.raises(FervlmError, match=r"row 2: the span ends before it begins"):
        items_of("sdfe_lv", tmp_path)


def test_frames_are_spread_over_the_clip(tmp_path: Path) -> None:
    assert spread(3, 16) == [0, 1, 2]
    assert spread(16, 4) == [2, 6, 10, 14]
    path = video(tmp_path / "v.avi", tuple(range(0, 200, 10)))
    shades = [
        int(cv2.imdecode(np.frombuffer(data, np.uint8), 0).mean()) for data in looked_at(Item("v", video=path), 4)
    ]
    assert shades == sorted(shades) and shades[0] < 40 and shades[-1] > 150
    part = looked_at(Item("v", video=path, span_s=(1.0, 1.5)), 16)
    assert 5 <= len(part) <= 7
    with pytest.raises(FervlmError, match="there is no such video"):
        looked_at(Item("v", video=tmp_path / "no.avi"), 4)
    text(tmp_path / "broken.avi", "no video")
    with pytest.raises(FervlmError, match="no frame of it can be read"):
        looked_at(Item("v", video=tmp_path / "broken.avi"), 4)
