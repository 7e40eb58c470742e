"""Real detector outputs: every row comes out, with the numbers that stand in the file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fervlm.errors import ReadError
from fervlm.readers import detect_format, read
from fervlm.reasoning.observe import observe
from fervlm.records import AURecord

TABLES = {
    "openface2/facsvatar_2people_p0_clean.csv": ("facsvatar", 1801),
    "openface2/facsvatar_demo_clean.csv": ("facsvatar", 490),
    "openface2/facsvatar_demo_raw.csv": ("openface2", 490),
    "openface2/facsvatar_facscsv_demo.csv": ("facsvatar", 342),
    "openface2/pyfeat_OpenFace_Test.csv": ("openface2", 100),
    "pyfeat/v0_Feat_Test.csv": ("pyfeat", 1),
    "pyfeat/v0_fex_001.csv": ("pyfeat", 40),
    "pyfeat/v2_news_001.csv": ("pyfeat2", 20),
    "pyfeat/v2_news_010.csv": ("pyfeat2", 27),
    "imotions_facet/iMotions_Test_v6.txt": ("imotions", 519),
    "affectiva/sample_affectiva.json": ("affectiva", 1),
    "mediapipe/vsekai_image_blendshapes.json": ("mediapipe", 1),
    "mediapipe/blendshapes_dev_faces.csv": ("mediapipe", 8009),
    "mediapipe/blendshapes_faces_pack.parquet": ("mediapipe", 40566),
    "ckplus_facs_human/facs_codes.csv": ("facs_table", 174),
}


def data_lines(path: Path) -> int:
    """Lines that are neither blank, nor a comment, nor the header."""
    text = path.read_text("utf-8").replace("\r\n", "\n")
    return len([line for line in text.split("\n") if line.strip() and not line.startswith("#")]) - 1


@pytest.mark.parametrize("name", TABLES)
def test_every_row_comes_out(real: Path, name: str) -> None:
    path = real / name
    tool, rows = TABLES[name]
    assert detect_format(path) == tool
    ids = []
    for record in read(path):
        ids.append(record.id)
        assert record.detector.name == tool
        assert set(record.not_measured).isdisjoint(reading.au for reading in record.readings)
        assert bool(record.readings) == (record.quality.tracking == "ok")
    assert len(ids) == len(set(ids)) == rows
    if path.suffix in {".csv", ".txt"}:
        assert rows == data_lines(path)


def test_every_file_of_the_folder_is_known(real: Path) -> None:
    left = [path for path in sorted(real.rglob("*.*")) if path.name != "SOURCES.md"]
    unknown = []
    for path in left:
        try:
            next(read(path))
        except ReadError:
            unknown.append(path.name)
    assert len(left) > 20
    assert unknown == ["v2_news_clip_attrs.csv"]  # which clips are which: no AUs in it


def column(path: Path, name: str, delimiter: str = ",") -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        lines = [row for row in csv.reader(file, delimiter=delimiter) if row and not row[0].startswith("#")]
    index = [cell.strip() for cell in lines[0]].index(name)
    return [row[index].strip() for row in lines[1:]]


def values(records: list[AURecord], au: int, scale: str) -> list[float | None]:
    return [next(r.value for r in record.readings if r.au == au and r.scale == scale) for record in records]


def test_openface_numbers(real: Path) -> None:
    path = real / "openface2" / "facsvatar_demo_raw.csv"
    records = list(read(path))
    assert values(records, 12, "intensity_0_5") == [float(cell) for cell in column(path, "AU12_r")]
    bits = [next(r.state for r in record.readings if r.au == 45 and r.scale == "presence") for record in records]
    assert bits == ["present" if float(cell) else "absent" for cell in column(path, "AU45_c")]
    assert [record.time_s for record in records] == [float(cell) for cell in column(path, "timestamp")]
    assert [record.frame for record in records] == [int(cell) for cell in column(path, "frame")]


def test_facscsv_undoes_the_scaling(real: Path) -> None:
    path = real / "openface2" / "facsvatar_facscsv_demo.csv"
    expected = [5 * float(cell) for cell in column(path, "AU12")]
    assert values(list(read(path)), 12, "intensity_0_5") == pytest.approx(expected, abs=1e-5)


def test_a_cleaned_recording_is_the_raw_one_again(real: Path) -> None:
    raw = list(read(real / "openface2" / "facsvatar_demo_raw.csv"))
    cleaned = list(read(real / "openface2" / "facsvatar_demo_clean.csv"))
    for au in (4, 7, 12, 45):
        top = max(values(raw, au, "intensity_0_5"))
        assert max(values(cleaned, au, "intensity_0_5")) == pytest.approx(top, rel=0.02)


def test_pyfeat_numbers(real: Path) -> None:
    path = real / "pyfeat" / "v2_news_002.csv"
    records = list(read(path))
    assert values(records, 1, "probability") == [float(cell) for cell in column(path, "AU01")]
    assert [record.frame for record in records] == [int(cell) for cell in column(path, "frame")]
    assert {record.picture for record in records} == {"002.mp4"}


def test_imotions_faces(real: Path) -> None:
    path = real / "imotions_facet" / "iMotions_Test_v6.txt"
    records = list(read(path))
    faces = column(path, "NoOfFaces", "\t")
    assert [record.quality.tracking for record in records] == ["ok" if n == "1" else "no_face" for n in faces]
    evidence = [float(cell) for cell in column(path, "AU12 Evidence", "\t") if cell]
    assert values([r for r in records if r.readings], 12, "evidence_log10") == evidence


def test_human_codes(real: Path) -> None:
    path = real / "ckplus_facs_human" / "facs_codes.csv"
    records = list(read(path))
    assert [observe(record).present(12) for record in records] == [cell == "1" for cell in column(path, "AU12")]
    assert [record.dataset_label for record in records] == column(path, "emotion")
    assert Counter(record.dataset_label for record in records)["contempt"] == 6
    assert len({record.subject for record in records}) == 61
    assert len(records[0].readings) == 23


def test_mediapipe_numbers(real: Path) -> None:
    path = real / "mediapipe" / "vsekai_image_blendshapes.json"
    scores = {part["category_name"]: float(part["score"]) for part in json.loads(path.read_text())}
    (record,) = read(path)
    smile = {r.side: r.value for r in record.readings if r.au == 12}
    assert smile["left"] == pytest.approx(scores["mouthSmileLeft"], abs=1e-6)
    assert smile["right"] == pytest.approx(scores["mouthSmileRight"], abs=1e-6)
    table = real / "mediapipe" / "blendshapes_dev_faces.csv"
    lost = sum(record.quality.tracking == "no_face" for record in read(table))
    assert lost == column(table, "detected").count("0") == 352


def test_parquet_and_csv_of_the_same_faces_agree(real: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pack = real.parent / "faces_pack" / "muxspace.parquet"
    same = {}
    for batch in pq.ParquetFile(pack).iter_batches(columns=["image.path", "dev_file"]):
        same.update({row["image"]["path"]: row["dev_file"] for row in batch.to_pylist() if row["dev_file"]})
    csv_states = {
        record.picture: [(r.au, r.side, r.state) for r in record.readings]
        for record in read(real / "mediapipe" / "blendshapes_dev_faces.csv")
    }
    compared = equal = 0
    for record in read(real / "mediapipe" / "blendshapes_faces_pack.parquet"):
        other = csv_states.get(same.get(record.picture or "", ""))
        if record.readings and other:
            compared += 1
            equal += [(r.au, r.side, r.state) for r in record.readings] == other
    assert compared > 1000
    assert equal / compared > 0.5  # the pack holds smaller pictures, so the coefficients differ a little


def eyes_and_nose(records: list[AURecord]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From 68 landmarks: nose tip to the picture's right, nose tip down (in eye distances), eye line in degrees."""
    points = np.array([record.landmarks.points for record in records if record.landmarks is not None])
    one, two = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    line = two - one
    angle = np.arctan2(line[:, 1], line[:, 0])
    offset = points[:, 30] - (one + two) / 2
    turn = np.stack([np.cos(angle), np.sin(angle)], 1)
    right = (offset * turn).sum(1)
    down = offset[:, 1] * turn[:, 0] - offset[:, 0] * turn[:, 1]
    distance = np.hypot(line[:, 0], line[:, 1])
    return right / distance, down / distance, np.degrees(angle)


def agreement(records: list[AURecord], part: str, seen: np.ndarray) -> float:
    angles = [getattr(record.head, part) for record in records]
    return float(np.corrcoef(np.array(angles, dtype=float), seen)[0, 1])


def test_head_angles_point_where_the_landmarks_do(real: Path) -> None:
    """Ours: pitch down, yaw to the picture's right (the subject's left), roll clockwise in the picture are positive."""
    openface = list(read(real / "openface2" / "pyfeat_OpenFace_Test.csv", landmarks=True))
    right, down, clockwise = eyes_and_nose(openface)
    assert agreement(openface, "yaw", right) > 0.95
    assert agreement(openface, "pitch", down) > 0.3
    assert agreement(openface, "roll", clockwise) > 0.7
    old = list(read(real / "pyfeat" / "v0_fex_001.csv", landmarks=True))
    right, down, clockwise = eyes_and_nose(old)
    assert agreement(old, "pitch", down) > 0.8
    assert agreement(old, "roll", clockwise) > 0.8
    new = [r for i in range(1, 11) for r in read(real / "pyfeat" / f"v2_news_{i:03d}.csv", landmarks=True)]
    right, down, clockwise = eyes_and_nose(new)
    assert agreement(new, "yaw", right) > 0.8
    assert agreement(new, "pitch", down) > 0.9
    assert agreement(new, "roll", clockwise) > 0.9


def test_facet_angles_point_where_its_points_do(real: Path) -> None:
    records = [r for r in read(real / "imotions_facet" / "iMotions_Test_v6.txt", landmarks=True) if r.readings]
    points = np.array([r.landmarks.points for r in records if r.landmarks is not None])
    line = points[:, 3] - points[:, 0]
    middle = (points[:, 3] + points[:, 0]) / 2
    right = (points[:, 4] - middle)[:, 0] / np.hypot(line[:, 0], line[:, 1])
    assert agreement(records, "yaw", right) > 0.7
    assert agreement(records, "roll", np.degrees(np.arctan2(line[:, 1], line[:, 0]))) > 0.4


def test_openface_gaze_follows_its_vectors(real: Path) -> None:
    path = real / "openface2" / "facsvatar_demo_raw.csv"
    records = list(read(path))
    right = (np.array(column(path, "gaze_0_x"), float) + np.array(column(path, "gaze_1_x"), float)) / 2
    down = (np.array(column(path, "gaze_0_y"), float) + np.array(column(path, "gaze_1_y"), float)) / 2
    x = np.array([record.gaze.x for record in records if record.gaze is not None], float)
    y = np.array([record.gaze.y for record in records if record.gaze is not None], float)
    assert np.corrcoef(x, right)[0, 1] > 0.99
    assert np.corrcoef(y, down)[0, 1] > 0.99


def test_mediapipe_smiles_go_with_happy_faces(real: Path) -> None:
    """The cuts were fitted on training faces; on their labels a smile must be far more common than at rest."""
    pq = pytest.importorskip("pyarrow.parquet")
    labels = {}
    for batch in pq.ParquetFile(real.parent / "faces_pack" / "muxspace.parquet").iter_batches(
        columns=["image.path", "label", "split"]
    ):
        labels.update({r["image"]["path"]: r["label"] for r in batch.to_pylist() if r["split"] == "train"})
    seen: Counter[tuple[str, bool]] = Counter()
    for record in read(real / "mediapipe" / "blendshapes_faces_pack.parquet"):
        label = labels.get(record.picture or "")
        if label in {"happiness", "neutral"} and record.readings:
            seen[label, observe(record).present(12)] += 1
    happy = seen["happiness", True] / (seen["happiness", True] + seen["happiness", False])
    neutral = seen["neutral", True] / (seen["neutral", True] + seen["neutral", False])
    assert happy > 0.7
    assert neutral < 0.1
