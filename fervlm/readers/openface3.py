"""OpenFace 3: eight cosine scores in a fixed order, which no file names.

The tool has no output file of its own; what people write is a cell holding the printed tensor (`[[0.1, ...]]`),
columns with the FACS numbers, or columns called AU01_r to AU08_r that count the outputs and are *not* FACS numbers.
Its demo gives the order 1, 2, 4, 6, 9, 12, 25, 26; other projects found 1, 6, 12, 15, 17, 2, 9, 10 by experiment. So
running numbers are read only with the order stated. Scores are cosines cut at 0.5 (trained on DISFA at intensity 2
and above): no intensity. Gaze is not read, because the signs of its two angles are not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fervlm.errors import FervlmError, ReadError
from fervlm.facs.units import action_units, not_measured_by
from fervlm.readers.channels import Channel, Columns
from fervlm.readers.formats import FormatInfo
from fervlm.readers.openface2 import running_numbers
from fervlm.readers.places import FACE, FRAME, PICTURE, TIME, Places
from fervlm.readers.sample import BARE_AU, Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AUReading, AURecord, Detector, Quality

ORDER = (1, 2, 4, 6, 9, 12, 25, 26)
CUT = 0.5
CONFIDENCE = ("confidence", "face_confidence", "detection_confidence")

INFO = FormatInfo(
    name="openface3",
    tool="OpenFace 3",
    title="CSV with the eight scores in one cell, or one column each",
    extensions=(".csv",),
    checked_on=None,
    measures=ORDER,
    scale="score",
    sided=False,
    trust="low",
    note="AU01_r to AU08_r count the outputs, are no FACS numbers and need au_order; users report dead or noisy AUs.",
    options=(
        ("au_order", "the eight AUs in the order written, such as 1-2-4-6-9-12-25-26"),
        ("fps", "frames per second"),
    ),
)
_DETECTOR = Detector(name="openface3", trust="low")


def matches(sample: Sample) -> bool:
    """Running AU numbers, a printed tensor in a cell, or the eight AUs with a suffix beside gaze_yaw."""
    if sample.kind != "table":
        return False
    if running_numbers(sample.names):
        return True
    if "gaze_yaw" in sample.names and set(_named(sample.header).values()) == set(ORDER):
        return True
    first = sample.rows[0] if sample.rows else ()
    return any(_vector(cell) for cell in first)


def _named(header: Sequence[str]) -> dict[int, int]:
    """Column index -> FACS number, for AU12, AU12_intensity, AU12_score."""
    found = {}
    for index, name in enumerate(header):
        bare = name.removesuffix("_intensity").removesuffix("_score").removesuffix("_prob")
        match = BARE_AU.fullmatch(bare)
        if match:
            found[index] = int(match[1])
    return found


def _vector(cell: str) -> list[float] | None:
    """The eight numbers of a printed tensor, list or array, or None."""
    text = cell.strip().removeprefix("tensor(").removesuffix(")")
    if not text.startswith("["):
        return None
    inner = text.strip("[] ").split("]")[0].replace(",", " ").split()
    try:
        numbers = [float(part) for part in inner]
    except ValueError:
        return None
    return numbers if len(numbers) == len(ORDER) else None


def order_of(given: object) -> tuple[int, ...] | None:
    """`au_order` as eight different AU numbers; `FervlmError` otherwise."""
    if given is None:
        return None
    parts = given.replace(",", "-").split("-") if isinstance(given, str) else given
    try:
        found = tuple(int(part) for part in parts) if isinstance(parts, (list, tuple)) else ()
    except (TypeError, ValueError):
        found = ()
    if len(found) != len(ORDER) or len(set(found)) != len(found) or any(au not in action_units() for au in found):
        raise FervlmError(
            f"au_order is {given!r}", hint="Give the eight AUs as the tool wrote them: au_order=1-2-4-6-9-12-25-26."
        )
    return found


def read(
    origin: Origin,
    *,
    landmarks: bool = False,
    cache: bool = True,
    au_order: str | Sequence[int] | None = None,
    fps: float | None = None,
) -> Iterator[AURecord]:
    """Records of an OpenFace 3 table, one a row. `landmarks` are not in these files."""
    order = order_of(au_order)
    table = Table(origin)
    places = Places(table, frame=FRAME, time={**TIME, "timestamp": 1.0}, face=FACE, picture=PICTURE, fps=fps)
    scores = _Scores(table, order, cache)
    confidence = table.find_any(CONFIDENCE)
    unmeasured = not_measured_by(tuple(sorted(order or ORDER)))
    for row, cells in table.rows():
        readings = scores(cells, row)
        sure = None if confidence is None or missing(cells[confidence]) else table.value(cells, confidence, row)
        if sure is not None and not 0 <= sure <= 1:
            raise table.blame(cells, confidence or 0, row, "is not between 0 and 1")
        place = places.of(cells, row)
        yield AURecord(
            id=place.id,
            source=place.source,
            face_id=place.face_id,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            detector=_DETECTOR,
            readings=readings or (),
            not_measured=unmeasured,
            quality=Quality(tracking="ok" if readings else "no_face", confidence=sure),
        )


class _Scores:
    """Finds the eight scores of a row: None where the row has no face."""

    def __init__(self, table: Table, order: tuple[int, ...] | None, cache: bool) -> None:
        self._table, self._order = table, order or ORDER
        self._cell = table.find_any(("action_units", "action_unit", "aus", "au", "au_output", "au_intensities"))
        self._columns = None if self._cell is not None else self._named_columns(order, cache)

    def _named_columns(self, order: tuple[int, ...] | None, cache: bool) -> Columns | None:
        label, header = self._table.origin.label, self._table.header
        if running_numbers(frozenset(header)):
            names = [f"AU{i:02d}_r" for i in range(1, len(ORDER) + 1)]
            if order is None:
                raise ReadError(
                    "AU01_r to AU08_r are OpenFace 3's running numbers, not FACS numbers",
                    file=label,
                    row=1,
                    hint="State it, as the tool's demo: --input-format openface3:au_order=1-2-4-6-9-12-25-26.",
                )
            places = [(self._table.need(name), _channel(au)) for name, au in zip(names, order, strict=True)]
            return Columns(self._table, places, cache=cache)
        named = _named(header)
        if sorted(named.values()) != sorted(self._order):
            return None
        return Columns(self._table, [(index, _channel(au)) for index, au in named.items()], cache=cache)

    def __call__(self, cells: list[str], row: int) -> tuple[AUReading, ...] | None:
        if self._columns is not None:
            if all(missing(cells[index]) for index in self._columns.indices):
                return None
            return self._columns.read(cells, row)
        if self._cell is None:
            self._cell = next((i for i, cell in enumerate(cells) if _vector(cell)), None)
            if self._cell is None:
                raise ReadError(
                    "no cell holds OpenFace 3's eight scores, such as [[0.1, 0.0, ...]]",
                    file=self._table.origin.label,
                    row=row,
                )
        return self._printed(cells, self._cell, row)

    def _printed(self, cells: list[str], index: int, row: int) -> tuple[AUReading, ...] | None:
        if missing(cells[index].strip(" []")):
            return None
        numbers = _vector(cells[index])
        if numbers is None:
            raise self._table.blame(cells, index, row, "does not hold eight scores")
        try:
            return tuple(_channel(au).reading(number) for au, number in zip(self._order, numbers, strict=True))
        except ValueError as error:
            raise self._table.blame(cells, index, row, f"holds a score that {error}") from None


def _channel(au: int) -> Channel:
    return Channel(au, "score", CUT)
