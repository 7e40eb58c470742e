"""Learning curves as one PNG: losses over epochs on the left, validation scores on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fervlm.vision import palette
from fervlm.vision.lettering import FAMILY, text_at
from fervlm.vision.raster import png

_WIDE, _HIGH, _LEFT, _TOP, _PLOT_HIGH = 460.0, 300.0, 52.0, 48.0, 196.0
_FILLS = ("#1f4e79", "#c8562c", "#5b8c5a", "#8a5a8c", "#c8843a", "#3c8a99", "#6b7280", "#a33f5f")
_HIDDEN = {"step", "epoch", "pictures_per_s", "lr"}
Row = dict[str, float]


def draw_curves(steps: Sequence[Row], scores: Sequence[Row], path: Path) -> None:
    """Write the picture; rows hold `epoch` and named values."""
    panels = [_panel("Losses", steps, 0.0), _panel("Validation (tuning part)", scores, _WIDE)]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDE:.0f} {_HIGH:.0f}" '
        f'width="{2 * _WIDE:.0f}" height="{_HIGH:.0f}" font-family="{FAMILY}">'
        f'<rect width="{2 * _WIDE:.0f}" height="{_HIGH:.0f}" fill="{palette.PAPER}"/>' + "".join(panels) + "</svg>"
    )
    part = path.with_suffix(".part")
    part.write_bytes(png(svg, zoom=2))
    part.replace(path)


def _panel(title: str, rows: Sequence[Row], x: float) -> str:
    names = [n for n in dict.fromkeys(n for row in rows for n in row) if n not in _HIDDEN and not n.endswith("/faces")]
    found = [text_at(x + 16, 26, title, 14.5, fill=palette.INK, bold=True)]
    if not names:
        return "".join(found)
    values = [row[n] for row in rows for n in names if n in row]
    low, high = min(0.0, *values), max(*values, 1e-9)
    last = max(row["epoch"] for row in rows) or 1.0
    room = _WIDE - _LEFT - 24

    def at(epoch: float, value: float) -> tuple[float, float]:
        return x + _LEFT + room * epoch / last, _TOP + _PLOT_HIGH * (1 - (value - low) / (high - low))

    for k in range(5):
        value = low + (high - low) * k / 4
        _, y = at(0, value)
        found.append(f'<path d="M{x + _LEFT:.1f} {y:.1f}h{room:.1f}" stroke="{palette.MUTE}" stroke-opacity=".25"/>')
        found.append(text_at(x + _LEFT - 6, y + 4, f"{value:.2g}", 11, fill=palette.MUTE, anchor="end"))
    found.append(text_at(x + _LEFT, _TOP + _PLOT_HIGH + 18, "epoch 0", 11, fill=palette.MUTE))
    found.append(text_at(x + _LEFT + room, _TOP + _PLOT_HIGH + 18, f"{last:.3g}", 11, fill=palette.MUTE, anchor="end"))
    key = x + _LEFT
    for k, name in enumerate(names):
        fill = _FILLS[k % len(_FILLS)]
        points = [at(row["epoch"], row[name]) for row in rows if name in row]
        line = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        found.append(f'<path d="M{line}" fill="none" stroke="{fill}" stroke-width="1.6"/>')
        found += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.8" fill="{fill}"/>' for a, b in points[-1:]]
        column, row = k % 4, k // 4
        place = (key + column * 98, _TOP + _PLOT_HIGH + 36 + row * 14)
        found.append(f'<rect x="{place[0]:.1f}" y="{place[1] - 8:.1f}" width="9" height="9" fill="{fill}"/>')
        found.append(text_at(place[0] + 13, place[1], name, 10.5, fill=palette.MUTE))
    return "".join(found)
