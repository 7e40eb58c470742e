"""The names beside the face: one label per action unit (and side, where sides differ), with a leader to its muscle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fervlm.reasoning.observe import LEVEL_LETTERS
from fervlm.vision import palette
from fervlm.vision.curves import Point
from fervlm.vision.draw_marks import Hand, Mark, Marks
from fervlm.vision.lettering import shorten, text_at, width

CHIP = 42.0
ROW = 37.0
"""Distance of two labels where there is room."""
TWO_LINES = 32.0
"""Below this distance a label has one line only."""


@dataclass(slots=True)
class Label:
    """A mark to be named, with the point on its muscle and, once set, its own place."""

    mark: Mark
    anchor: Point
    hand: Hand | None
    """The side it speaks of; None where it holds for both or sides were not measured."""
    y: float = 0.0


def labels_for(
    marks: Marks, anchor: Callable[[int, Hand], Point], viewer_left: Hand
) -> tuple[list[Label], list[Label]]:
    """Labels for the columns on the viewer's left and right, each from the brow down.

    A side's own label stands on that side; one for both sides goes to the column with more room.
    """
    columns: dict[bool, list[Label]] = {True: [], False: []}
    free: list[int] = []
    for au in sorted({*marks.left, *marks.right}):
        left, right = marks.left.get(au), marks.right.get(au)
        if left is not None and right is not None and left == right:
            free.append(au)
            continue
        for hand, mark in (("left", left), ("right", right)):
            if mark is not None:
                side: Hand = "left" if hand == "left" else "right"
                columns[side == viewer_left].append(Label(mark, anchor(au, side), side))
    other: Hand = "right" if viewer_left == "left" else "left"
    for au in sorted(free, key=lambda au: anchor(au, viewer_left)[1]):
        here = len(columns[True]) <= len(columns[False])
        side = viewer_left if here else other
        columns[here].append(Label(marks.on(side)[au], anchor(au, side), None))
    return tuple(sorted(column, key=lambda label: label.anchor[1]) for column in columns.values())  # type: ignore[return-value]


def spread(labels: list[Label], top: float, bottom: float, most: float = ROW) -> float:
    """Sets each label's height near its anchor so that none overlaps; returns the distance kept, `most` or less."""
    if not labels:
        return most
    row = min(most, (bottom - top) / len(labels))
    at = top
    for i, label in enumerate(labels):
        room = bottom - row * (len(labels) - i)
        label.y = max(at, min(label.anchor[1] - row / 2, room))
        at = label.y + row
    _relax(labels, row, top)
    return row


def _relax(labels: list[Label], row: float, top: float) -> None:
    """Moves runs of touching labels up until each run is centred on its anchors."""
    start = 0
    while start < len(labels):
        end = start
        while end + 1 < len(labels) and labels[end + 1].y - labels[end].y < row + 0.01:
            end += 1
        run = labels[start : end + 1]
        shift = sum(label.y + row / 2 - label.anchor[1] for label in run) / len(run)
        above = labels[start - 1].y + row if start else top
        if shift > 0:
            by = min(shift, run[0].y - above)
            for label in run:
                label.y -= by
        start = end + 1


def chip(mark: Mark, x: float, y: float) -> str:
    """The unit's number on its colour, 42 by 18 pixels."""
    if mark.level is None:
        look = f'fill="{palette.PRESENCE_FILL}" stroke="{palette.PRESENCE}" stroke-dasharray="3 2"'
        ink = palette.PRESENCE_INK
    else:
        look, ink = f'fill="{palette.LEVELS[mark.level - 1]}"', palette.LEVEL_INK[mark.level - 1]
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{CHIP:g}" height="18" rx="3.5" {look}/>'
    return box + text_at(x + CHIP / 2, y + 13.1, f"AU {mark.au}", 11.5, fill=ink, anchor="middle", bold=True, css="")


def _leader(start: Point, anchor: Point, out: float) -> str:
    """A line from the label, level at first, to the muscle, with a light rim so that it reads on any ground."""
    data = f"M{start[0]:.1f} {start[1]:.1f}h{out:g}L{anchor[0]:.1f} {anchor[1]:.1f}"
    dot = f'cx="{anchor[0]:.1f}" cy="{anchor[1]:.1f}" r="2.3"'
    return (
        f'<path d="{data}" fill="none" stroke="#ffffff" stroke-width="2.6" stroke-opacity=".7" class="fv-rim"/>'
        f'<path d="{data}" fill="none" stroke="{palette.INK}" stroke-width=".8" class="fv-leader"/>'
        f'<circle {dot} fill="{palette.INK}" stroke="#ffffff" stroke-width=".8"/>'
    )


def column(labels: list[Label], edge: float, limit: float, row: float, *, on_left: bool, pill: bool = False) -> str:
    """One column of labels.

    Args:
        labels: with their heights set by `spread`.
        edge: x of the chips' side that faces the drawing.
        limit: width of the column in pixels.
        row: distance of the labels.
        on_left: whether the column stands on the viewer's left of the face (text flush right).
        pill: a light ground behind each label, for use on a photograph.
    """
    return "".join(_label(label, edge, limit, row, on_left, pill) for label in labels)


def _label(label: Label, edge: float, limit: float, row: float, on_left: bool, pill: bool) -> str:
    mark, two = label.mark, row >= TWO_LINES
    top = label.y + (row - (31 if two else 18)) / 2
    chip_x = edge - CHIP if on_left else edge
    text_x = chip_x - 7 if on_left else chip_x + CHIP + 7
    anchor = "end" if on_left else "start"
    tail = f" {LEVEL_LETTERS[mark.level - 1]}" if mark.level and not two else ""
    name = shorten(mark.name, 13, limit - CHIP - 7 - width(tail, 13)) + tail
    words = mark.strength if label.hand is None else f"{label.hand}: {mark.strength}"
    words = shorten(words, 11.5, limit) if two else ""
    out = [f'<g data-au="{mark.au}" class="fv-label">', _leader((edge, top + 9), label.anchor, 10 if on_left else -10)]
    if pill:
        wide = max(CHIP + 7 + width(name, 13), width(words, 11.5)) + 12
        x = edge + 6 - wide if on_left else edge - 6
        high = 37 if two else 24
        box = f'x="{x:.1f}" y="{top - 3:.1f}" width="{wide:.1f}" height="{high}" rx="5"'
        out.append(f'<rect {box} fill="#ffffff" fill-opacity=".86" class="fv-pill"/>')
    out.append(chip(mark, chip_x, top))
    out.append(text_at(text_x, top + 13.3, name, 13, fill=palette.INK, anchor=anchor))
    if words:
        x = edge if on_left else chip_x
        out.append(text_at(x, top + 30, words, 11.5, fill=palette.MUTE, anchor=anchor, css="fv-mute"))
    return "".join([*out, "</g>"])
