"""Whatever is wrong with input or disk: a reason code or one sentence, no traceback, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.data_engine.faces import coded_faces, command, evidence_csv, files, rejects, run, samples, teacher
from tests.data_engine.test_kill import killed_at

MIB = 1024 * 1024


def one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run ended with exit code 2 and said why in one line."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("fervlm: ")
    for word in words:
        assert word in done.stderr, done.stderr


def nothing_half_written(out: Path) -> None:
    """No temporary file is left, and every file that is there can be read to its end."""
    import pyarrow.parquet as pq

    for path in out.rglob("*"):
        assert ".part" not in path.name, path
        if path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".jsonl" and path.name != "run_log.jsonl":
            for line in path.read_bytes().split(b"\n")[:-1]:
                json.loads(line)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, very small."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def resize(disk: Path, kib: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kib}k", disk], check=True)


def logged(out: Path) -> list[dict[str, Any]]:
    """The run log as far as there was room for it."""
    path = out / "run_log.jsonl"
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in whole if line.endswith(b"}")]


@pytest.mark.timeout(600)
def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(disk: Path, tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 200)
    more = ("--format", "messages")
    with teacher() as (url, _):
        assert run(*command(source, tmp_path / "whole", url, *more)).returncode == 0
        out, kib, stages = disk / "set", 64, set()
        while True:
            resize(disk, kib)
            done = run(*command(source, out, url, *more))
            if done.returncode == 0:
                break
            one_sentence(done, "No space left on device", "it resumes")
            nothing_half_written(out)
            stages.add(next((e["stage"] for e in reversed(logged(out)) if "stage" in e), None))
            kib = kib * 3 // 2
    assert files(tmp_path / "whole") == files(out)
    assert len(stages - {None}) >= 3, stages


def test_a_folder_that_cannot_be_written(disk: Path, tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    resize(disk, 16 * 1024)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    one_sentence(run(*command(source, disk / "set", None)), "Read-only file system")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert killed_at(".work/joined.done", command(source, disk / "set", None), disk / "set")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    one_sentence(run(*command(source, disk / "set", None)), "Read-only file system")
    one_sentence(run(*command(source, disk / "set", None, "--restart")), "Read-only file system")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert run(*command(source, disk / "set", None)).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    (tmp_path / "theirs").mkdir(mode=0o555)
    one_sentence(run(*command(source, tmp_path / "theirs" / "set", None)), "Permission denied")


def test_pictures_that_are_none(tmp_path: Path) -> None:
    from PIL import Image

    pictures, codes, labels = coded_faces(tmp_path, 12)
    whole = (pictures / "face_0000.png").read_bytes()
    spoilt = {
        "face_0001.png": b"",
        "face_0002.png": b"not a picture at all",
        "face_0003.png": whole[: len(whole) // 2],
        "face_0004.png": b"\x89PNG\r\n\x1a\n",
        "face_0005.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    }
    for name, data in spoilt.items():
        (pictures / name).write_bytes(data)
    Image.new("L", (1, 1)).save(pictures / "face_0006.png")
    (pictures / "face_0007.png").unlink()
    (pictures / "face_0007.png").symlink_to(pictures / "nowhere.png")
    (pictures / "folder.png").mkdir()
    out = tmp_path / "set"
    done = run(*command(pictures, out, None, "--au", str(codes), "--labels", str(labels)))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = {(row["id"], row["code"]) for row in rejects(out)}
    assert found >= {(name, "unreadable_picture") for name in (*spoilt, "face_0006.png")}
    # A link to nowhere is no picture file: what was measured and said of it is listed instead.
    assert {code for name, code in found if name not in (*spoilt, "face_0006.png")} == {
        "evidence_without_picture",
        "label_without_picture",
    }
    assert len(samples(out)) == 5


def test_faces_evidence_and_labels_that_do_not_fit(tmp_path: Path) -> None:
    pictures, _, labels = coded_faces(tmp_path, 6)
    head = (Path(__file__).parent.parent / "readers" / "files" / "mediapipe.wide.csv").read_text().splitlines()[0]
    still = ",0.01" * (head.count(",") - 1)
    seen = ("face_0000.png", "face_0001.png", "face_0001.png", "face_0009.png", "face_0004.png", "face_0005.png")
    rows = [f"{name},1{still}" for name in seen] + ["face_0002.png,0" + "," * (head.count(",") - 1)]
    measured = tmp_path / "measured.csv"
    measured.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    marks = ["file,label", "face_0004.png,hangry", "face_0005.png,Happy", "face_0077.png,anger"]
    labels.write_text("\n".join(marks) + "\n", encoding="utf-8")
    given = ("--au", str(measured), "--labels", str(labels))
    done = run(*command(pictures, tmp_path / "one", None, *given))
    assert done.returncode == 0, done.stderr
    assert {row["id"]: row["code"] for row in rejects(tmp_path / "one")} == {
        "face_0001.png": "several_faces",
        "face_0002.png": "no_face",
        "face_0003.png": "picture_without_evidence",
        "face_0004.png": "label_outside_set",
        "face_0009.png": "evidence_without_picture",
        "face_0077.png": "label_without_picture",
    }
    assert {row["id"]: row.get("human_label") for row in samples(tmp_path / "one")} == {
        "face_0000.png": None,
        "face_0005.png": "happiness",
    }
    assert run(*command(pictures, tmp_path / "all", None, *given, "--faces", "all")).returncode == 0
    several = [row["id"] for row in samples(tmp_path / "all") if row["id"].startswith("face_0001.png#")]
    assert len(several) == len(set(several)) == 2


NAMES = (
    "Ærøskøbing.png",
    "表情 (笑).png",
    "😀.png",
    "e\u0301.png",  # not composed
    "new\nline.png",
    "tab\tand \"quotes\" and 'more', comma;.png",
    "#hash?query&%20.png",
    "-rf.png",
    "…",
    f"{'ü' * 120}.png",
    f"{'long/' * 40}{'x' * 200}.png",
)


def test_odd_names_stay_themselves(tmp_path: Path) -> None:
    import csv

    from datasets import load_dataset
    from PIL import Image

    pictures = tmp_path / "pictures"
    names = [name if name.endswith(".png") else f"{name}.png" for name in NAMES]
    for k, name in enumerate(names):
        path = pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = Image.frombytes("L", (9, 8), bytes((k * 37 + 91 * x * x) % 256 for x in range(72)))
        grey.resize((40, 40)).save(path)
    for table, columns in (("codes.csv", ("file", "facs")), ("labels.csv", ("file", "label"))):
        with (tmp_path / table).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(columns)
            writer.writerows((name, "6C+12D" if columns[1] == "facs" else "happiness") for name in names)
    given = ("--au", str(tmp_path / "codes.csv"), "--labels", str(tmp_path / "labels.csv"), "--duplicate-bits", "-1")
    more = ("--flip", "--format", "messages", "--format", "sharegpt", "--frame-share", "1")
    done = run(*command(pictures, tmp_path / "set", None, *given, *more))
    assert done.returncode == 0, done.stderr
    assert rejects(tmp_path / "set") == []
    plain = [row for row in samples(tmp_path / "set") if not row.get("flipped")]
    assert sorted(row["id"] for row in plain) == sorted(names)
    assert all(row["human_label"] == "happiness" for row in plain)
    read = load_dataset(str(tmp_path / "set"), "samples", cache_dir=str(tmp_path / "cache"))
    assert {row["image"].size for part in read.values() for row in part} == {(40, 40)}
    for line in (tmp_path / "set" / "messages" / "train.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
        (picture,) = json.loads(line)["images"]
        assert (tmp_path / "set" / picture).is_file()


def test_a_name_that_is_no_text_is_listed(tmp_path: Path) -> None:
    pictures, codes, labels = coded_faces(tmp_path, 4)
    (pictures / "face_0001.png").rename(os.fsdecode(os.fsencode(pictures) + b"/caf\xe9.png"))
    done = run(*command(pictures, tmp_path / "set", None, "--au", str(codes), "--labels", str(labels)))
    assert done.returncode == 0, done.stderr
    codes_of = {row["id"]: row["code"] for row in rejects(tmp_path / "set")}
    assert codes_of.pop("caf\ufffd.png") == "picture_without_evidence"
    assert "face_0001.png" in codes_of


def test_a_picture_that_goes_away_meanwhile(tmp_path: Path) -> None:
    pictures, codes, _ = coded_faces(tmp_path, 8)
    out = tmp_path / "set"
    args = command(pictures, out, None, "--au", str(codes), "--embed")
    assert killed_at(".work/exported/000000.jsonl", args, out)
    kept = (pictures / "face_0003.png").read_bytes()
    (pictures / "face_0003.png").unlink()
    one_sentence(run(*args), "face_0003.png", "No such file")
    nothing_half_written(out)
    (pictures / "face_0003.png").write_bytes(kept)
    assert run(*args).returncode == 0
    assert len(samples(out)) == 8


def test_a_table_that_ends_in_the_middle(tmp_path: Path) -> None:
    from tests.data_engine import small

    made = small.make(tmp_path / "small", 12)
    data = made.table.read_bytes()
    given = ("--au", str(made.evidence), "--input-format", small.FORMAT)
    for name, cut in {"half": data[: len(data) // 2], "empty": b"", "text": b"a,b\n1,2\n", "short": b"PAR1"}.items():
        (tmp_path / f"{name}.parquet").write_bytes(cut)
        one_sentence(run(*command(tmp_path / f"{name}.parquet", tmp_path / "set", None, *given)), f"{name}.parquet")
    assert not (tmp_path / "set" / "data").exists()


def test_a_table_with_a_hole_loses_its_pictures_only(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.data_engine import small

    made = small.make(tmp_path / "small", 12)
    rows = pq.read_table(made.table)
    pq.write_table(rows, tmp_path / "holed.parquet", row_group_size=6, compression="none", use_dictionary=False)
    pages = pq.ParquetFile(tmp_path / "holed.parquet").metadata.row_group(1)
    place = next(pages.column(k) for k in range(pages.num_columns) if pages.column(k).path_in_schema == "image.bytes")
    with (tmp_path / "holed.parquet").open("r+b") as table:
        table.seek(place.data_page_offset)
        table.write(b"\xff" * 64)
    assert pa.types.is_struct(rows.schema.field("image").type)
    out = tmp_path / "set"
    given = ("--au", str(made.evidence), "--input-format", small.FORMAT, "--frame-share", "1")
    done = run(*command(tmp_path / "holed.parquet", out, None, *given))
    assert done.returncode == 0, done.stderr
    assert {row["id"] for row in samples(out)} == set(made.names[:6])
    assert {row["id"] for row in rejects(out) if row["code"] == "unreadable_picture"} == set(made.names[6:])


def test_a_wrong_first_try_leaves_the_folder_usable(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    broken = tmp_path / "broken.csv"
    broken.write_text("frame,AU01_r\n1,what\n", encoding="utf-8")
    one_sentence(run(*command(broken, tmp_path / "set", None)), "broken.csv")
    assert run(*command(source, tmp_path / "set", None)).returncode == 0
    assert len(samples(tmp_path / "set")) == 20


def test_a_finished_set_that_was_damaged_is_not_called_finished(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    args = command(source, tmp_path / "set", None)
    assert run(*args).returncode == 0
    next((tmp_path / "set" / "data").glob("*.parquet")).unlink()
    one_sentence(run(*args), "gone", "--restart")
    assert run(*args, "--restart").returncode == 0
    assert len(samples(tmp_path / "set")) == 20
