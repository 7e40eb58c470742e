"""Human FACS codes of 174 CK+ peak frames: AUs in, one of seven labels out; there are no pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from fervlm.facs import label_set
from fervlm.readers import read
from fervlm.records import AURecord

WHERE = Path("au") / "ckplus_facs_human" / "facs_codes.csv"


def load(root: Path, _choice: Choice) -> list[Item]:
    """One item per coded frame; the codes are its evidence and its AU truth."""
    path = root / WHERE if (root / WHERE).is_file() else root / WHERE.name if root.is_dir() else root
    return [_item(record) for record in read(path)]


def _item(record: AURecord) -> Item:
    coded = {reading.au: reading.state == "present" for reading in record.readings}
    bare = record.model_copy(update={"dataset_label": None})  # no predictor may see the answer
    item = Item(id=record.id, label=record.dataset_label, units=coded, subject=record.subject)
    return replace(item, record=bare)


BENCHMARKS = (
    Benchmark(
        name="human_codes",
        title="CK+ human FACS codes (NetFACS), to labels",
        task="expression",
        labels=label_set("ck_plus7").labels,
        load=load,
        layout="DIR/au/ckplus_facs_human/facs_codes.csv (codes as distributed with the NetFACS package)",
        seen="our own set; its SOURCES.md describes it",
        terms="package Apache-2.0; data derive from CK+ (cite Lucey et al. 2010)",
        access="the NetFACS package",
        counts={"test": 174},
        probe=str(WHERE),
        note="CK+ admitted sequences to a class partly by these very codes, so this measures how faithfully published "
        "rules are carried out",
    ),
)
