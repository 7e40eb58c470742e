"""Human FACS codes as strings: `1C+2B+4+L14D`, one a line, or one a row in a column of a table.

A code is an optional side (L, R; U for one side not said; T and B for upper and lower lip), an AU number, an optional
level A to E. No side means both sides in FACS. Codes 70 to 74 say what was not visible. `0` is a face without any AU;
an empty cell is a face nobody coded. AUs that a comprehensive coder would have written and did not are absent: state
`coded` where only some AUs were looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fervlm.errors import FervlmError, ReadError
from fervlm.facs.units import action_units, not_measured_by
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import FRAME, PICTURE, TIME, ItemPlaces, Place, Places
from fervlm.readers.sample import Sample, take
from fervlm.readers.source import Origin, plain
from fervlm.readers.table import Table
from fervlm.records import AUReading, AURecord, Detector, Quality, Side

COLUMNS = (
    "facs",
    "facs_code",
    "facs_codes",
    "facs_coding",
    "code",
    "codes",
    "au",
    "aus",
    "au_code",
    "au_codes",
    "action_units",
)
LABELS = ("emotion", "label", "expression")
SUBJECTS = ("subject", "subject_id", "participant", "person")
LEVELS = "ABCDE"
UPPER = frozenset({"brow", "eyes"})
ONE_CODE = r"[LRUTB]?(?:AU)?\d{1,2}[A-E]?"
CODES = re.compile(rf"{ONE_CODE}(?:(?:\s*[+,;]\s*|\s+){ONE_CODE})*", re.IGNORECASE)
CODE = re.compile(r"([LRUTB]?)(?:AU)?(\d{1,2})([A-E]?)", re.IGNORECASE)
COMPREHENSIVE = tuple(au for au in (*range(1, 29), 43, 45) if au not in {3, 8, 19, 21} and au in action_units())
"""What a comprehensive coder is taken to have looked for: the AUs of the face, without rare descriptors."""

Decoded = tuple[tuple[AUReading, ...], tuple[str, ...]]

INFO = FormatInfo(
    name="facs_codes",
    tool="human FACS coder",
    title="strings such as 1C+2B+4+L14D, one a line or in a column",
    extensions=(".txt", ".csv", ".tsv"),
    checked_on=None,
    measures=COMPREHENSIVE,
    scale="intensity_0_5",
    sided=True,
    trust="high",
    note="AUs not written count as absent, as in comprehensive coding; A to E are levels, no letter is presence only.",
    options=(("coded", "the AUs that were looked for, such as 1-2-4-12 [comprehensive coding]"),),
)


def matches(sample: Sample) -> bool:
    """A column of codes, or lines of nothing else, at least one of them with a plus sign or a level."""
    if sample.kind != "table":
        return False
    column = _column(sample.header)
    cells = sample.lines if column is None else [row[column] for row in sample.rows if column < len(row)]
    written = [cell for cell in cells if cell]
    telling = any("+" in cell or cell[-1].upper() in LEVELS for cell in written)
    return telling and all(CODES.fullmatch(cell) for cell in written)


def _column(header: Sequence[str]) -> int | None:
    lower = [name.lower().replace(" ", "_") for name in header]
    return next((lower.index(name) for name in COLUMNS if name in lower), None)


def coded_aus(given: object) -> tuple[int, ...]:
    """The `coded` option as AU numbers; `FervlmError` otherwise."""
    if given is None:
        return COMPREHENSIVE
    parts = re.split(r"[-,+ ]+", given) if isinstance(given, str) else given
    try:
        found = tuple(sorted({int(part) for part in parts})) if isinstance(parts, (list, tuple)) else ()
    except (TypeError, ValueError):
        found = ()
    if not found or any(au not in action_units() for au in found):
        raise FervlmError(f"coded is {given!r}", hint="Give the AUs that were looked for, such as coded=1-2-4-12.")
    return found


def read(
    origin: Origin, *, landmarks: bool = False, cache: bool = True, coded: str | Sequence[int] | None = None
) -> Iterator[AURecord]:
    """Records of coded faces, one a line or row."""
    looked_for = coded_aus(coded)
    if _column(take(origin).header) is None:
        yield from _lines(origin, looked_for)
    else:
        yield from _rows(Table(origin), looked_for)


def _lines(origin: Origin, coded: tuple[int, ...]) -> Iterator[AURecord]:
    places, any_line = ItemPlaces(origin), False
    for row, line in enumerate(origin.lines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            any_line = True
            yield _record(places.of(row), decode(line, coded, origin.label, row))
    if not any_line:
        raise ReadError("the file holds no code", file=origin.label)


def _rows(table: Table, coded: tuple[int, ...]) -> Iterator[AURecord]:
    column = _column(table.header)
    if column is None:
        raise ReadError("the header has no column of FACS codes", file=table.origin.label, row=1)
    names = {name.lower(): name for name in table.header}
    label = table.find_any([names[n] for n in LABELS if n in names])
    subject = table.find_any([names[n] for n in SUBJECTS if n in names])
    pictures = [names[n] for n in (*PICTURE, "video", "stimulus") if n in names]
    places = Places(table, frame=[names[n] for n in FRAME if n in names], time=TIME, picture=pictures)
    for row, cells in table.rows():
        read_codes = decode(cells[column], coded, table.origin.label, row, table.header[column])
        yield _record(
            places.of(cells, row),
            read_codes,
            None if label is None else plain(cells[label]),
            None if subject is None else plain(cells[subject]),
        )


def _record(place: Place, codes: Decoded, label: str | None = None, subject: str | None = None) -> AURecord:
    readings, hidden = codes
    return AURecord(
        id=place.id,
        source=place.source,
        frame=place.frame,
        time_s=place.time_s,
        picture=place.picture,
        detector=Detector(name=INFO.name, trust=INFO.trust),
        readings=readings,
        not_measured=not_measured_by(tuple(sorted({reading.au for reading in readings}))),
        quality=Quality(tracking="no_face" if "face" in hidden else "ok", occlusion=hidden),
        dataset_label=label,
        subject=subject,
    )


def decode(text: str, coded: tuple[int, ...], label: str, row: int | None, column: str | None = None) -> Decoded:
    """Readings and hidden regions of one string of codes.

    Args:
        text: the codes; `0` for none, empty for a face that nobody coded (no readings at all).
        coded: AUs that are absent where they are not written.
        label: file, and `row` and `column` the cell, to be named in an error.

    Raises:
        ReadError: something in it is no FACS code.
    """
    text = text.strip()
    if not text:
        return (), ()
    if not CODES.fullmatch(text):
        raise ReadError(
            f"{text[:40]!a} is no FACS code",
            file=label,
            row=row,
            column=column,
            hint="Write codes as 1C+2B+4+L14D.",
        )
    written: list[AUReading] = []
    hidden: list[str] = []
    for side, number, level in CODE.findall(text):
        au = int(number)
        if au in _HIDDEN:
            hidden.append(_HIDDEN[au])
        elif au != 0:
            written.append(_written(au, side.upper(), level.upper(), label, row, column))
    if "face" in hidden:
        return (), tuple(dict.fromkeys(hidden))
    seen = {reading.au for reading in written}
    absent = [
        AUReading(au=au, state="absent", scale="presence")
        for au in coded
        if au not in seen and not _is_hidden(au, hidden)
    ]
    readings = sorted([*written, *absent], key=lambda reading: reading.au)
    return tuple(readings), tuple(dict.fromkeys(hidden))


_HIDDEN = {70: "brow", 71: "eyes", 72: "lower face", 73: "face", 74: "face"}
"""Visibility codes; 74, unscorable, leaves nothing to say either."""


def _is_hidden(au: int, hidden: Sequence[str]) -> bool:
    region = action_units()[au].region
    return region in hidden or ("lower face" in hidden and region not in UPPER)


def _written(au: int, side: str, level: str, label: str, row: int | None, column: str | None) -> AUReading:
    unit = action_units().get(au)
    if unit is None:
        raise ReadError(f"FACS has no action unit {au}", file=label, row=row, column=column)
    two_sided = "one side" in unit.laterality or "unilateral" in unit.laterality
    named: Side | None = {"L": "left", "R": "right", "": "both" if two_sided else None}.get(side)
    if level:
        return AUReading(
            au=au,
            side=named,
            state="present",
            value=float(LEVELS.index(level) + 1),
            scale="intensity_0_5",
            threshold=1.0,
        )
    return AUReading(au=au, side=named, state="present", scale="presence")
