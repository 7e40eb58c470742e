"""Pack val: the validation faces of the face pack, FER2013 and muxspace parts apart, and the part kept from tuning."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.tuning import seen_in_tuning
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.facs.labels import BASIC7, BASIC8

SOURCES = ("fer2013", "muxspace")
COLUMNS = ["image", "label", "split", "subject"]


def load(root: Path, choice: Choice) -> list[Item]:
    """The labelled faces of `faces_pack/*.parquet` below the data folder (or in the folder itself)."""
    folder = root / "faces_pack" if (root / "faces_pack").is_dir() else root
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - only this benchmark reads Parquet
    except ImportError:
        raise MissingExtraError("reading the face pack", "data") from None
    items = []
    for source in SOURCES:
        path = folder / f"{source}.parquet"
        if not path.is_file():
            raise FervlmError("there is no face pack here", file=path)
        for row in pq.read_table(path, columns=COLUMNS, filters=[("split", "=", choice.split)]).to_pylist():
            if row["label"] in BASIC8:
                items.append(_item(source, row["image"]["path"], row))
    return items


def _item(source: str, name: str, row: dict[str, object]) -> Item:
    image = row["image"]
    assert isinstance(image, dict)
    kept = () if seen_in_tuning(name) else (f"{source}, reported part",)
    return Item(
        id=name,
        data=image["bytes"],
        label=str(row["label"]),
        subject=str(row["subject"]) if row["subject"] else None,
        groups={"source": source},
        subsets=(source, *kept),
        crop=True,
    )


BENCHMARKS = (
    Benchmark(
        name="pack_val",
        title="Face pack, validation faces",
        task="expression",
        labels=BASIC7,
        load=load,
        layout="DIR/faces_pack/fer2013.parquet and muxspace.parquet (image, label, split, source, subject)",
        seen="our own set; its SOURCES.md describes it",
        terms="measuring only: FER2013 is challenge data without a grant; muxspace is Apache-2.0 but holds film stills",
        access="the project's shared material",
        counts={"val": 4956, "train": 35610},
        splits=("val", "train"),
        probe="faces_pack/fer2013.parquet",
        note="the contempt faces count as unknowns; a quarter of val served calibration, 'reported part' is the rest; "
        "FER2013 has no person ids",
    ),
)
