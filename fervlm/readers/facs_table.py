"""Human FACS codes as a table: a 0/1 column per AU (`AU01`, `AU02`, ...), with subject, picture and label beside them.

Presence only, without sides. The label stays a label: it never enters a text.
"""

from __future__ import annotations

from collections.abc import Iterator

from fervlm.errors import ReadError
from fervlm.facs.units import action_units, not_measured_by
from fervlm.readers.channels import Columns, presence
from fervlm.readers.facs_codes import LABELS, SUBJECTS
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import FRAME, PICTURE, TIME, Places
from fervlm.readers.sample import BARE_AU, Sample
from fervlm.readers.source import Origin, plain
from fervlm.readers.table import Table
from fervlm.records import AURecord, Detector

INFO = FormatInfo(
    name="facs_table",
    tool="human FACS coder",
    title="CSV with a 0/1 column per AU beside emotion and subject",
    extensions=(".csv", ".tsv", ".txt"),
    checked_on="facs_codes.csv",
    measures=(1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27),
    scale="presence",
    sided=False,
    trust="high",
    note="Presence only; it measures the AUs that have a column (those listed are the real file's).",
)
DESCRIBING = frozenset({*LABELS, *SUBJECTS})


def matches(sample: Sample) -> bool:
    """Bare AU columns that hold only 0 and 1, beside a column for the subject or a label."""
    bare = sample.bare_aus
    if not bare or sample.names.isdisjoint(DESCRIBING) or not sample.rows:
        return False
    indices = [i for i, name in enumerate(sample.header) if name in bare]
    return all(i < len(row) and row[i] in {"0", "1", "0.0", "1.0"} for row in sample.rows for i in indices)


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of a 0/1 table, one a row."""
    table = Table(origin)
    bare = [(name, int(match[1])) for name in table.header if (match := BARE_AU.fullmatch(name))]
    if not bare:
        raise ReadError("the header has no AU columns (AU01, AU02, ...)", file=origin.label, row=1)
    unknown = next((name for name, au in bare if au not in action_units()), None)
    if unknown is not None:
        raise ReadError("FACS has no such action unit", file=origin.label, row=1, column=unknown)
    columns = Columns(table, [(table.need(name), presence(au)) for name, au in bare], cache=cache)
    places = Places(table, frame=FRAME, time=TIME, picture=(*PICTURE, "video"))
    label, subject = table.find_any(LABELS), table.find_any(SUBJECTS)
    detector, unmeasured = Detector(name=INFO.name, trust=INFO.trust), not_measured_by(columns.measured)
    for row, cells in table.rows():
        place = places.of(cells, row)
        yield AURecord(
            id=place.id,
            source=place.source,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            detector=detector,
            readings=columns.read(cells, row),
            not_measured=unmeasured,
            dataset_label=None if label is None else plain(cells[label]),
            subject=None if subject is None else plain(cells[subject]),
        )
