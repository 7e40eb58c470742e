"""Folders are walked, pictures find their evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fervlm.cli.sources import find, join
from fervlm.errors import FervlmError
from fervlm.records import AURecord, Detector, Source

ENDINGS = {".csv", ".json"}


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def record(identity: str, *, picture: str | None = None, frame: int | None = None, file: str = "au.csv") -> AURecord:
    return AURecord(
        id=identity,
        source=Source(file=file, row=2),
        picture=picture,
        frame=frame,
        detector=Detector(name="t", trust="low"),
    )


def test_a_folder_gives_its_evidence_and_pictures_by_name_without_hidden_or_other_files(tmp_path: Path) -> None:
    touch(tmp_path, "b.csv", "a.CSV", "sub/c.json", ".hidden.csv", ".git/x.csv", "notes.md", "face.JPG")
    found = find([str(tmp_path)], ENDINGS)
    assert [Path(p).relative_to(tmp_path).as_posix() for p in found.evidence] == ["a.CSV", "b.csv", "sub/c.json"]
    assert [p.name for p in found.pictures] == ["face.JPG"]
    assert found.many
    assert not found.unreadable


def test_each_file_counts_once_and_the_output_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv", "out.csv")
    found = find([str(tmp_path / "a.csv"), str(tmp_path)], ENDINGS, skip=tmp_path / "out.csv")
    assert found.evidence == [str(tmp_path / "a.csv")]


def test_a_file_named_outright_needs_no_known_ending(tmp_path: Path) -> None:
    touch(tmp_path, "strange.dat")
    found = find([str(tmp_path / "strange.dat")], ENDINGS)
    assert found.evidence == [str(tmp_path / "strange.dat")]
    assert not found.many


def test_dangling_links_are_noted_and_do_not_stop_the_walk(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv")
    (tmp_path / "broken.csv").symlink_to(tmp_path / "nowhere")
    found = find([str(tmp_path)], ENDINGS)
    assert found.evidence == [str(tmp_path / "a.csv")]
    assert "broken.csv" in str(found.unreadable[0])


def test_missing_sources_and_videos_are_refused_with_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "clip.mp4")
    with pytest.raises(FervlmError, match="no such file"):
        find([str(tmp_path / "none.csv")], ENDINGS)
    with pytest.raises(FervlmError, match="Run a detector"):
        find([str(tmp_path / "clip.mp4")], ENDINGS)


def test_pictures_are_joined_by_picture_name_id_or_file_name() -> None:
    pictures = [Path("in/a.jpg"), Path("in/b.png"), Path("in/c.jpg"), Path("in/d.jpg")]
    records = [
        record("row-1", picture="C:\\data\\A.JPG"),
        record("b"),
        record("row-1", picture="elsewhere/b.png"),
        record("1", file="out/c.csv"),
    ]
    joined = {p.name: [r.id for r in found] for p, found in join(pictures, records, "au.csv")}
    assert joined == {"a.jpg": ["row-1"], "b.png": ["b", "row-1"], "c.jpg": ["1"], "d.jpg": []}


def test_equal_names_in_two_folders_are_told_apart_by_the_folder_or_refused() -> None:
    pictures = [Path("in/angry/1.jpg"), Path("in/happy/1.jpg")]
    joined = dict(join(pictures, [record("r", picture="happy/1.jpg")], "au.csv"))
    assert [len(joined[p]) for p in pictures] == [0, 1]
    with pytest.raises(FervlmError, match="may be"):
        join(pictures, [record("r", picture="1.jpg")], "au.csv")


def test_one_picture_takes_unnamed_faces_of_one_frame_but_not_a_video() -> None:
    picture = [Path("face.jpg")]
    faces = [record("1", frame=0), record("2", frame=0)]
    assert [r.id for r in join(picture, faces, "au.csv")[0][1]] == ["1", "2"]
    with pytest.raises(FervlmError, match="several frames"):
        join(picture, [record("1", frame=0), record("2", frame=1)], "au.csv")


def test_one_picture_does_not_take_faces_of_another() -> None:
    assert join([Path("face.jpg")], [record("1", picture="other.jpg")], "au.csv") == [(Path("face.jpg"), [])]
