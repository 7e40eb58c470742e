"""What stands below a drawn face: whose left and right, what the colours say, what was not measured."""

from __future__ import annotations

from fervlm.facs.units import not_measured_by
from fervlm.reasoning.observe import Evidence
from fervlm.vision import palette
from fervlm.vision.draw_marks import STRENGTH_WORDS, Marks
from fervlm.vision.lettering import text_at, width, wrap

_WIDE = 640.0


def side_names(left: float, right: float, y: float, mirrored: bool) -> str:
    """Whose left and right these are, between two x."""
    names = ("left", "right") if mirrored else ("right", "left")
    middle = "mirrored picture" if mirrored else ""
    places = ((left, f"subject's {names[0]}", "start"), (right, f"subject's {names[1]}", "end"))
    return "".join(
        text_at(x, y, text, 11.5, fill=palette.MUTE, anchor=anchor, css="fv-mute")
        for x, text, anchor in (*places, ((left + right) / 2, middle, "middle"))
        if text
    )


def _swatch(x: float, y: float, look: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="22" height="14" rx="2" {look}/>'


def legend(marks: Marks, y: float) -> str:
    """What the colours and styles say; only what occurs."""
    out: list[str] = []
    x = 12.0
    if any(mark.level for mark in marks.all):
        out.append(text_at(x, y + 11, "Strength", 11.5, fill=palette.MUTE, css="fv-mute"))
        x += 60
        for letter, word, fill in zip("ABCDE", STRENGTH_WORDS, palette.LEVELS, strict=True):
            out.append(_swatch(x, y, f'fill="{fill}" stroke="{palette.MUSCLE_LINE}" stroke-opacity=".4"'))
            text = f"{letter} {word}"
            out.append(text_at(x + 27, y + 11, text, 11.5, fill=palette.MUTE, css="fv-mute"))
            x += 27 + width(text, 11.5) + 12
        x += 4
    if any(mark.level is None for mark in marks.all):
        look = f'fill="{palette.PRESENCE_FILL}" stroke="{palette.PRESENCE}" stroke-dasharray="3 2"'
        out.append(_swatch(x, y, look))
        words = "strength not known" if out[1:] else "present, strength not known"
        out.append(text_at(x + 27, y + 11, words, 11.5, fill=palette.MUTE, css="fv-mute"))
    return "".join(out)


def notes(evidence: Evidence, marks: Marks, y: float) -> str:
    """Small print: sides, and what the detector cannot see."""
    lines: list[str] = []
    if not evidence.tracked:
        lines.append("No face was tracked: nothing can be said of it.")
    elif not marks.all:
        lines.append("No action unit is present among those measured.")
    elif not marks.sided:
        lines.append("Sides were not measured: both are drawn alike.")
    elif any(mark.au not in marks.sided for mark in marks.all):
        lines.append("Units without a named side are drawn alike on both.")
    missing = not_measured_by(tuple(evidence.units)) if evidence.tracked else ()
    if missing and evidence.units:
        lines.append("Not measured: AU " + ", ".join(str(au) for au in missing))
    rows = [row for line in lines for row in wrap(line, 10.5, _WIDE)]
    return "".join(
        text_at(12, y + 13 * i, row, 10.5, fill=palette.FAINT, css="fv-faint") for i, row in enumerate(rows[:4])
    )


def describe(evidence: Evidence, marks: Marks) -> str:
    """The drawing in words, for those who cannot see it."""
    if not evidence.tracked:
        return "No face was tracked."
    names = []
    for au in sorted({*marks.left, *marks.right}):
        left, right = marks.left.get(au), marks.right.get(au)
        mark = left or right
        if mark is None:
            continue
        side = (
            ""
            if au not in marks.sided or (left and right)
            else " on the subject's left"
            if left
            else " on the subject's right"
        )
        names.append(f"AU {au} {mark.name} ({mark.strength}){side}")
    return "Drawn face with " + (", ".join(names) if names else "no action unit present") + "."
