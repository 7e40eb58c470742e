"""Plots as small SVG texts of our own: confusion, reliability, risk against coverage, bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

INK, SOFT, GRID = "#222", "#667", "#dde"
COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#7b5ea7", "#b08900", "#555")
SIDE = 220


def _text(x: float, y: float, words: str, *, anchor: str = "middle", size: int = 10, colour: str = INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f"<text {place}>{escape(words)}</text>"


def _frame(width: float, height: float, title: str, body: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
    head += f'height="{height:.0f}" role="img" font-family="sans-serif"><title>{escape(title)}</title>'
    return head + "".join((_text(width / 2, 14, title, size=12), *body)) + "</svg>"


def confusion(table: Mapping[str, Any], title: str = "confusion: rows true, shares of a row") -> str:
    """Rows are true labels, each cell its share of the row and the count."""
    rows, columns, counts = table["rows"], table["columns"], table["counts"]
    cell, left, top = 46.0, 92.0, 84.0
    body = []
    for j, name in enumerate(columns):
        x, y = left + (j + 0.5) * cell, top - 6
        turned = f'transform="rotate(-40 {x:.1f} {y:.1f})"'
        body.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" fill="{INK}" {turned}>{escape(name)}</text>')
    for i, name in enumerate(rows):
        y = top + i * cell
        body.append(_text(left - 6, y + cell / 2 + 3, name, anchor="end"))
        total = sum(counts[i]) or 1
        for j, count in enumerate(counts[i]):
            share = count / total
            x = left + j * cell
            fill = COLOURS[0] if j < len(rows) and columns[j] == name else COLOURS[1]
            box = f'x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}"'
            body.append(f'<rect {box} fill="{fill}" fill-opacity="{0.05 + 0.9 * share:.2f}"/>')
            colour = "#fff" if share > 0.6 else INK
            body.append(_text(x + cell / 2, y + cell / 2, f"{share:.0%}", colour=colour))
            body.append(_text(x + cell / 2, y + cell / 2 + 12, str(count), size=8, colour=colour))
    return _frame(left + cell * len(columns) + 30, top + cell * len(rows) + 8, title, body)


def _axes(x_name: str, y_name: str, left: float, top: float) -> list[str]:
    body = []
    for k in range(6):
        v = k / 5
        y, x = top + SIDE * (1 - v), left + SIDE * v
        body.append(f'<path d="M{left} {y:.1f}h{SIDE}M{x:.1f} {top}v{SIDE}" stroke="{GRID}" fill="none"/>')
        body.append(_text(left - 5, y + 3, f"{v:.1f}", anchor="end", size=9, colour=SOFT))
        body.append(_text(x, top + SIDE + 13, f"{v:.1f}", size=9, colour=SOFT))
    body.append(_text(left + SIDE / 2, top + SIDE + 28, x_name, colour=SOFT))
    middle = top + SIDE / 2
    turned = f'transform="rotate(-90 12 {middle:.0f})"'
    body.append(
        f'<text x="12" y="{middle:.0f}" text-anchor="middle" font-size="10" fill="{SOFT}" {turned}>{y_name}</text>'
    )
    return body


def reliability(bins: Sequence[Mapping[str, float]], error: float) -> str:
    """Accuracy over confidence; the area of a dot grows with the answers in its bin."""
    left, top = 46.0, 26.0
    body = _axes("confidence", "share right", left, top)
    body.append(f'<path d="M{left} {top + SIDE}L{left + SIDE} {top}" stroke="{SOFT}" stroke-dasharray="4 3"/>')
    most = max((one["count"] for one in bins), default=1)
    for one in bins:
        x, y = left + SIDE * one["confidence"], top + SIDE * (1 - one["accuracy"])
        size = 2 + 8 * (one["count"] / most) ** 0.5
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{COLOURS[0]}" fill-opacity=".75"/>')
    return _frame(left + SIDE + 16, top + SIDE + 36, f"reliability, ECE {error:.3f}", body)


def risk_coverage(curves: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """Error among the surest answers, a line per predictor; each point is (coverage, risk)."""
    left, top = 46.0, 26.0
    body = _axes("coverage", "share wrong", left, top)
    for k, (name, points) in enumerate(curves.items()):
        colour = COLOURS[k % len(COLOURS)]
        line = " ".join(f"{left + SIDE * c:.1f},{top + SIDE * (1 - r):.1f}" for c, r in points)
        body.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        body.append(_text(left + SIDE + 10, top + 12 + 14 * k, name, anchor="start", colour=colour))
    longest = max((len(name) for name in curves), default=0)
    return _frame(left + SIDE + 24 + 6.2 * longest, top + SIDE + 36, "risk against coverage", body)


def bars(values: Mapping[str, Mapping[str, float | None]], title: str, *, most: float = 1.0) -> str:
    """Horizontal bars: name -> series -> value; an absent value has no bar and says so."""
    series = list(dict.fromkeys(name for row in values.values() for name in row))
    left, top, high, wide = 92.0, 28.0 + 12 * len(series), 11.0, 260.0
    body = [
        _text(left, 30.0 + 12 * k, name, anchor="start", colour=COLOURS[k % len(COLOURS)])
        for k, name in enumerate(series)
    ]
    y = top
    for name, row in values.items():
        body.append(_text(left - 6, y + high * len(series) / 2 + 4, name, anchor="end"))
        for k, one in enumerate(series):
            value = row.get(one)
            if value is None:
                body.append(_text(left + 2, y + high - 2, "not told", anchor="start", size=8, colour=SOFT))
            else:
                length = wide * max(min(value / most, 1.0), 0.0)
                colour = COLOURS[k % len(COLOURS)]
                box = f'x="{left}" y="{y:.1f}" width="{length:.1f}" height="{high - 2:.0f}"'
                body.append(f'<rect {box} fill="{colour}"/>')
                body.append(_text(left + length + 4, y + high - 3, f"{value:.2f}", anchor="start", size=8))
            y += high
        y += 5
    return _frame(left + wide + 50, y + 6, title, body)
