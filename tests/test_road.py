"""The whole road on real files: read, explained and verified without an error or a finding, no row lost."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fervlm.predict.clips import explain_clip
from fervlm.predict.rules import Explainer
from fervlm.readers import FORMATS, detect_format, read
from fervlm.records import Prediction

DATA = os.environ.get("FERVLM_DATA")
HERE = pytest.mark.skipif(DATA is None, reason="FERVLM_DATA names no folder with real detector files (au/...)")
FILES = {
    "openface2/facsvatar_2people_p0_clean.csv": "facsvatar",
    "openface2/facsvatar_demo_clean.csv": "facsvatar",
    "openface2/facsvatar_demo_raw.csv": "openface2",
    "openface2/facsvatar_facscsv_demo.csv": "facsvatar",
    "openface2/pyfeat_OpenFace_Test.csv": "openface2",
    "pyfeat/v0_Feat_Test.csv": "pyfeat",
    "pyfeat/v0_fex_001.csv": "pyfeat",
    **{f"pyfeat/v2_news_{n:03d}.csv": "pyfeat2" for n in range(1, 11)},
    "imotions_facet/iMotions_Test_v6.txt": "imotions",
    "affectiva/sample_affectiva.json": "affectiva",
    "ckplus_facs_human/facs_codes.csv": "facs_table",
    "mediapipe/vsekai_image_blendshapes.json": "mediapipe",
    "mediapipe/blendshapes_dev_faces.csv": "mediapipe",
    "mediapipe/blendshapes_faces_pack.parquet": "mediapipe",
}
RECORDINGS = [name for name in FILES if name.startswith("openface2/") or "v2_news" in name]


def real(name: str) -> Path:
    path = Path(DATA or ".", "au", name)
    if not path.is_file():
        pytest.skip(f"{name} is not among the real files here")
    return path


def rows_in(path: Path) -> int:
    """Faces in a file, counted without the readers."""
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra 'data'")
        count: int = parquet.ParquetFile(path).metadata.num_rows
        return count
    if path.suffix == ".json":
        found = json.loads(path.read_text(encoding="utf-8"))
        return len(found) // 52 if isinstance(found, list) else 1
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = (line for line in stream if not line.startswith("#"))
        return sum(1 for row in csv.reader(lines, delimiter="\t" if path.suffix == ".txt" else ",") if any(row)) - 1


def faults(prediction: Prediction) -> Iterator[str]:
    """Everything in a prediction that its own check does not bear out."""
    check = prediction.verification
    assert check is not None or prediction.evidence.quality.tracking == "no_face"
    if check is None:
        return
    for sentence in check.sentences:
        for claim in sentence.claims:
            if claim.verdict != "supported":
                yield f"{prediction.id}: {sentence.text!r}: {claim.text!r} is {claim.verdict}: {claim.reason}"
    if not check.ok or not check.scores.format_ok:
        yield f"{prediction.id}: not ok"
    if check.scores.f1 < 1:
        yield f"{prediction.id}: F1 {check.scores.f1:.3f}"


@HERE
@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_read_explained_and_verified(name: str) -> None:
    path = real(name)
    assert detect_format(path) == FILES[name]
    engine, count, found = Explainer(cache_size=4096), 0, []
    measures = set(FORMATS[FILES[name]].measures)
    for record in read(path):
        prediction = engine.explain(record)
        count += 1
        assert {reading.au for reading in record.readings} <= measures
        found += faults(prediction)
        if count % 100 == 1:
            assert Prediction.model_validate_json(prediction.model_dump_json()) == prediction
    assert count == rows_in(path)
    assert not found, "\n".join(found[:5])


@HERE
@pytest.mark.parametrize("per", ["clip", "event"])
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_real_recording_is_explained_over_time(name: str, per: str) -> None:
    told = list(explain_clip(read(real(name)), per="clip" if per == "clip" else "event"))
    assert told or per == "event"
    found = [fault for prediction in told for fault in faults(prediction)]
    assert not found, "\n".join(found[:5])


def test_the_shipped_example_takes_the_same_road() -> None:
    from fervlm.examples import recording

    engine = Explainer()
    told = [engine.explain(record) for record in read(recording())]
    found = [fault for prediction in told for fault in faults(prediction)]
    assert len(told) == rows_in(recording())
    assert not found, "\n".join(found[:5])
