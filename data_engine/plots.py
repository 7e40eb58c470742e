"""The card's drawings: plain SVG, readable on white and in the dark, equal bytes for equal numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data_engine.numbers import OPEN, SUPPORT_BINS, Numbers
from fervlm.facs.units import action_unit
from fervlm.vision import palette
from fervlm.vision.lettering import FAMILY, shorten, text_at, width

_WIDE = 760.0
_ROW = 22.0
_SIZE = 12.5
_SPLIT_FILLS = ("#1f4e79", "#c8843a", "#5b8c5a", "#8a5a8c", "#6b7280")
_PRESENT, _ABSENT, _UNSEEN = "#c8562c", "#c9ced6", "#eef0f3"


def draw_all(numbers: Numbers) -> dict[str, str]:
    """File name -> SVG document, for every plot that the set has numbers for."""
    found = {
        "labels.svg": labels(numbers),
        "units.svg": units(numbers),
        "words.svg": words(numbers),
    }
    if numbers.confusion:
        found["agreement.svg"] = agreement(numbers)
    if numbers.support:
        found["support.svg"] = support(numbers)
    return found


def labels(numbers: Numbers) -> str:
    """Samples by human label (or, without any, by the engine's label), stacked by split."""
    by_split = numbers.labels
    title = "Samples by human label"
    if not numbers.confusion:
        by_split, title = numbers.engine_labels, "Samples by the label concluded from the AUs"
    splits = list(by_split)
    names = sorted({name for counts in by_split.values() for name in counts})
    names.sort(key=lambda name: -sum(counts.get(name, 0) for counts in by_split.values()))
    rows = [(name, [by_split[split].get(name, 0) for split in splits]) for name in names]
    return _stacked(title, rows, splits, _SPLIT_FILLS)


def units(numbers: Numbers) -> str:
    """Each measured AU: share of faces where it is present, absent, not measured."""
    rows = [
        (f"AU{au} {action_unit(au).name.lower()}", list(states))
        for au, states in numbers.units.items()
        if states[0] + states[1]
    ]
    return _stacked(
        "Action units: share of samples",
        rows,
        ["present", "absent", "not measured"],
        (_PRESENT, _ABSENT, _UNSEEN),
        share=True,
    )


def words(numbers: Numbers) -> str:
    """Length of the blind text in words, ten to a column."""
    found: dict[int, int] = {}
    for length, samples in numbers.words["blind"].items():
        found[length // 10 * 10] = found.get(length // 10 * 10, 0) + samples
    low, high = (min(found), max(found)) if found else (0, 0)
    columns = [(str(start), found.get(start, 0)) for start in range(low, high + 10, 10)]
    return _columns("Words in a whole caption (blind view)", columns, "words, from")


def agreement(numbers: Numbers) -> str:
    """Human label (rows) against the label concluded from the AUs (columns), as shares of each row."""
    rows = list(numbers.confusion)
    columns = sorted({name for counts in numbers.confusion.values() for name in counts} - {OPEN} | set(rows))
    columns.append(OPEN)
    cells = [
        (row, [numbers.confusion[row].get(column, 0) / sum(numbers.confusion[row].values()) for column in columns])
        for row in rows
    ]
    return _grid("Annotators' label (rows) and label concluded from the AUs (columns)", columns, cells)


def support(numbers: Numbers) -> str:
    """p(human label | AUs): how its tenths are filled, per label."""
    columns = [f"{k / SUPPORT_BINS:.1f}" for k in range(SUPPORT_BINS)]
    cells = [(label, [n / max(sum(bins), 1) for n in bins]) for label, bins in numbers.support.items()]
    return _grid("Support p(human label | AUs), from (share of the label's samples)", columns, cells)


def _document(parts: Iterable[str], wide: float, high: float, title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
        f'height="{high:.0f}" font-family="{FAMILY}" role="img"><title>{title}</title>'
        f'<rect width="{wide:.0f}" height="{high:.0f}" rx="6" fill="{palette.PAPER}"/>'
    )
    caption = text_at(16, 26, title, 14.5, fill=palette.INK, bold=True)
    return head + caption + "".join(parts) + "</svg>\n"


def _box(x: float, y: float, wide: float, high: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{fill}"/>'


def _stacked(
    title: str,
    rows: Sequence[tuple[str, list[int]]],
    parts: Sequence[str],
    fills: Sequence[str],
    *,
    share: bool = False,
) -> str:
    """Horizontal bars; with `share`, each fills the line and the first part's share stands at its end."""
    left = min(260.0, 24 + max((width(name, _SIZE) for name, _ in rows), default=0))
    room = _WIDE - left - 90
    most = max((sum(values) for _, values in rows), default=1) or 1
    found = _legend(parts, fills)
    y = 62.0
    for name, values in rows:
        found.append(text_at(left - 8, y + 14, shorten(name, _SIZE, left - 20), _SIZE, fill=palette.INK, anchor="end"))
        x, total = left, sum(values) or 1
        for value, fill in zip(values, _cycled(fills, len(values)), strict=True):
            wide = room * value / (total if share else most)
            found.append(_box(x, y + 2, wide, _ROW - 6, fill))
            x += wide
        end = f"{100 * values[0] / total:.1f} %" if share else f"{sum(values):,}"
        found.append(text_at((left + room if share else x) + 6, y + 14, end, 11.5, fill=palette.MUTE))
        y += _ROW
    return _document(found, _WIDE, y + 14, title)


def _legend(parts: Sequence[str], fills: Sequence[str]) -> list[str]:
    found, x = [], 16.0
    for part, fill in zip(parts, _cycled(fills, len(parts)), strict=True):
        found.append(_box(x, 40, 11, 11, fill))
        found.append(text_at(x + 16, 50, part, 11.5, fill=palette.MUTE))
        x += 34 + width(part, 11.5)
    return found


def _cycled(fills: Sequence[str], count: int) -> list[str]:
    return [fills[k % len(fills)] for k in range(count)]


def _columns(title: str, columns: Sequence[tuple[str, int]], axis: str) -> str:
    top, high = 48.0, 180.0
    most = max((n for _, n in columns), default=1) or 1
    step = min((_WIDE - 100) / max(len(columns), 1), 64.0)
    found = [text_at(16, top + high + 18, axis, 11.5, fill=palette.MUTE)]
    every = max(1, round(34 / step + 0.499))
    for k, (name, n) in enumerate(columns):
        x, tall = 84 + k * step, high * n / most
        found.append(_box(x + 1, top + high - tall, step - 2, tall, palette.ACCENT))
        if k % every == 0:
            found.append(text_at(x + step / 2, top + high + 18, name, 11.5, fill=palette.MUTE, anchor="middle"))
        if n == most:
            found.append(
                text_at(x + step / 2, top + high - tall - 5, f"{n:,}", 11.5, fill=palette.MUTE, anchor="middle")
            )
    return _document(found, _WIDE, top + high + 34, title)


def _grid(title: str, columns: Sequence[str], rows: Sequence[tuple[str, list[float]]]) -> str:
    """A table of shares, darker where larger; numbers in per cent."""
    left = min(180.0, 24 + max((width(name, _SIZE) for name, _ in rows), default=0))
    step = min((_WIDE - left - 16) / max(len(columns), 1), 72.0)
    found, y = [], 66.0
    for k, name in enumerate(columns):
        middle = left + (k + 0.5) * step
        found.append(text_at(middle, 54, shorten(name, 11, step - 2), 11, fill=palette.MUTE, anchor="middle"))
    for name, shares in rows:
        found.append(text_at(left - 8, y + 17, shorten(name, _SIZE, left - 20), _SIZE, fill=palette.INK, anchor="end"))
        for k, value in enumerate(shares):
            found.append(_box(left + k * step + 1, y + 1, step - 2, 24, _shade(value)))
            ink = "#ffffff" if value > 0.55 else palette.INK
            shown = f"{100 * value:.0f}" if value >= 0.005 else ""
            found.append(text_at(left + (k + 0.5) * step, y + 17, shown, 11.5, fill=ink, anchor="middle"))
        y += 26
    return _document(found, _WIDE, y + 14, title)


def _shade(value: float) -> str:
    """White to the accent colour."""
    low, high = (244, 246, 249), (31, 78, 121)
    mixed = [round(a + (b - a) * min(max(value, 0.0), 1.0)) for a, b in zip(low, high, strict=True)]
    return f"#{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}"
