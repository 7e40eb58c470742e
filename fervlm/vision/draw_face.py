"""The drawn face: action units as movements of its features and as shaded muscles, with side and strength.

The subject's left is on the viewer's right, as on a photograph, unless `mirrored`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import Evidence
from fervlm.records import AURecord
from fervlm.vision import palette
from fervlm.vision.curves import Placing, Point, belly, place, ring, smooth
from fervlm.vision.draw_features import Face, Half, features, furrows, head, neck, path
from fervlm.vision.draw_labels import column, labels_for, spread
from fervlm.vision.draw_legend import describe, legend, notes, side_names
from fervlm.vision.draw_marks import Hand, Mark, Marks, marks_of
from fervlm.vision.draw_muscles import BEHIND_JAW, MUSCLES
from fervlm.vision.draw_shape import Shape, shape_of
from fervlm.vision.lettering import FAMILY, escape
from fervlm.vision.muscle import Muscle

WIDTH, HEIGHT = 664, 572
BARE_HEIGHT = 496
"""Without legend and small print."""
CENTRE: Point = (332.0, 236.0)
MIDLINE = frozenset({8, 17, 18, 19, 22, 23, 24, 25, 26, 27, 28, 29, 32, 37})
"""Units that move the middle of the mouth or the jaw: both halves of the drawing follow the stronger side."""
_LABEL_TOP, _LABEL_BOTTOM = 22.0, 474.0
_COLUMN = 188.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A face ready to be drawn: its halves by the subject's side and their marks."""

    face: Face
    marks: Marks
    by_hand: dict[Hand, Half]
    viewer_left: Hand


def _placing(sign: int, centre: Point, scale: float) -> Placing:
    return lambda point: (centre[0] + sign * scale * point[0], centre[1] + scale * point[1])


def _shapes(marks: Marks, evidence: Evidence) -> dict[Hand, Shape]:
    """Both halves moved, in agreement where they meet."""
    joint: dict[int, Mark] = {}
    for mark in marks.all:
        if mark.au in MIDLINE and (mark.au not in joint or mark.amount > joint[mark.au].amount):
            joint[mark.au] = mark
    may_part = not evidence.absent(25)
    # The jaw goes to the side that is named; unsided, which way is unknown and it stays.
    sideways = {hand: 30 in marks.on(hand) and 30 in marks.sided for hand in ("left", "right")}
    aside = 10.0 * (sideways["left"] - sideways["right"])
    return {
        "left": shape_of(marks.left | joint, lips_may_part=may_part, left=True, aside=aside),
        "right": shape_of(marks.right | joint, lips_may_part=may_part, left=False, aside=-aside),
    }


def drawing_of(
    evidence: Evidence,
    record: AURecord | None = None,
    *,
    mirrored: bool = False,
    uid: str = "f",
    centre: Point = CENTRE,
    scale: float = 1.0,
) -> Drawing:
    """The face for some evidence, its midpoint between the eyes at `centre` + (0, -20)."""
    marks = marks_of(evidence, record)
    viewer_left: Hand = "left" if mirrored else "right"
    viewer_right: Hand = "right" if mirrored else "left"
    shapes = _shapes(marks, evidence)
    by_hand = {
        viewer_left: Half(shapes[viewer_left], _placing(-1, centre, scale), viewer_left),
        viewer_right: Half(shapes[viewer_right], _placing(1, centre, scale), viewer_right),
    }
    return Drawing(Face((by_hand[viewer_left], by_hand[viewer_right]), uid), marks, by_hand, viewer_left)


def muscle_svg(muscle: Muscle, mark: Mark, placing: Placing, aus: Sequence[int], pen: float = 1.0) -> str:
    """One muscle: filled by level, or outlined and fibred where only presence is known."""
    a, b = place(muscle.a, placing), place(muscle.b, placing)
    data = ring(a, b) if muscle.closed else belly(a, b)
    names = " ".join(str(au) for au in aus)
    title = ", ".join(f"AU {au} {action_unit(au).name}" for au in aus)
    out = [f'<g data-au="{names}" class="fv-muscle"><title>{escape(f"{title}: {muscle.name}")}</title>']
    if mark.level is None:
        fill, edge, fibre = palette.PRESENCE_FILL, palette.PRESENCE, palette.PRESENCE
        dash = f' fill-rule="evenodd" fill-opacity=".45" stroke-dasharray="{3.2 * pen:.1f} {2.2 * pen:.1f}"'
    else:
        fill = palette.LEVELS[mark.level - 1]
        edge, fibre, dash = (
            palette.MUSCLE_LINE,
            palette.FIBRE,
            ' fill-rule="evenodd" fill-opacity=".84" stroke-opacity=".55"',
        )
    out.append(path(data, fill=fill, stroke=edge, pen=(1.1 if mark.level is None else 0.7) * pen, more=dash))
    lines = "".join(smooth(place(line, placing), closed=muscle.closed) for line in muscle.lines())
    out.append(path(lines, stroke=fibre, pen=0.7 * pen, faint=0.5))
    return "".join([*out, "</g>"])


def muscles_on(marks: dict[int, Mark], shape: Shape) -> list[tuple[Muscle, Mark, tuple[int, ...]]]:
    """The muscles to shade on one side, each once, at the strength of its strongest unit."""
    found: dict[str, tuple[Muscle, Mark, tuple[int, ...]]] = {}
    for au, mark in sorted(marks.items()):
        if au not in MUSCLES:
            continue
        muscle = MUSCLES[au](shape)
        if muscle.name in found:
            _, other, aus = found[muscle.name]
            mark = max(other, mark, key=lambda m: m.level or 0)  # noqa: PLW2901
            found[muscle.name] = (muscle, mark, (*aus, au))
        else:
            found[muscle.name] = (muscle, mark, (au,))
    return list(found.values())


def _muscles(drawing: Drawing, *, behind: bool) -> str:
    return "".join(
        muscle_svg(muscle, mark, half.placing, aus)
        for hand, half in drawing.by_hand.items()
        for muscle, mark, aus in muscles_on(drawing.marks.on(hand), half.shape)
        if (muscle.name in BEHIND_JAW) == behind
    )


def _defs(uid: str) -> str:
    return (
        f'<defs><linearGradient id="{uid}skin" x2="0" y2="1"><stop offset="0" stop-color="{palette.SKIN}"/>'
        f'<stop offset="1" stop-color="{palette.SKIN_EDGE}"/></linearGradient>'
        f'<linearGradient id="{uid}neck" x2="0" y2="1"><stop offset=".3" stop-color="{palette.NECK}"/>'
        f'<stop offset="1" stop-color="{palette.NECK}" stop-opacity="0"/></linearGradient></defs>'
    )


def face_group(drawing: Drawing) -> str:
    """The face itself, without any label, as SVG elements."""
    face = drawing.face
    lines = "".join(furrows(half) for half in face.halves)
    back = neck(face) + _muscles(drawing, behind=True) + head(face)
    front = lines + _muscles(drawing, behind=False) + features(face) + _signs(drawing)
    return f'{_defs(face.uid)}<g stroke-linecap="round" stroke-linejoin="round">{back}{front}</g>'


def _anchor(drawing: Drawing, au: int, hand: Hand) -> Point:
    half = drawing.by_hand[hand]
    if au in MUSCLES:
        return half.placing(MUSCLES[au](half.shape).anchor)
    place_of = {"head": (96.0, -176.0), "gaze": half.shape.iris}.get(action_unit(au).region, (60.0, -190.0))
    return half.placing(place_of)


def _signs(drawing: Drawing) -> str:
    """Hidden regions (FACS 70 to 73) as grey veils."""
    boxes = {70: (-100, -84, 200, 44), 71: (-94, -44, 188, 48), 72: (-100, 26, 200, 132), 73: (-112, -150, 224, 312)}
    half = drawing.by_hand[drawing.viewer_left]
    out = []
    for au, (x, y, w, h) in boxes.items():
        if au in drawing.marks.left or au in drawing.marks.right:
            x0, y0 = half.placing((-x, y))
            x1, y1 = half.placing((-x - w, y + h))
            out.append(
                f'<rect x="{min(x0, x1):.1f}" y="{y0:.1f}" width="{abs(x1 - x0):.1f}" height="{y1 - y0:.1f}" rx="8" '
                f'fill="#9aa0a8" fill-opacity=".75"/>'
            )
    return "".join(out)


def face_figure(evidence: Evidence, record: AURecord | None = None, *, mirrored: bool = False, uid: str = "f") -> str:
    """Face and labels as SVG elements on a field of `WIDTH` by `BARE_HEIGHT`."""
    return _labelled(drawing_of(evidence, record, mirrored=mirrored, uid=uid), evidence, mirrored)


def _labelled(drawing: Drawing, evidence: Evidence, mirrored: bool) -> str:
    marks = drawing.marks
    left, right = labels_for(marks, lambda au, hand: _anchor(drawing, au, hand), drawing.viewer_left)
    names = []
    for labels, edge, on_left in ((left, _COLUMN, True), (right, WIDTH - _COLUMN, False)):
        row = spread(labels, _LABEL_TOP, _LABEL_BOTTOM)
        names.append(column(labels, edge, _COLUMN - 8, row, on_left=on_left))
    names.append(side_names(CENTRE[0] - 150, CENTRE[0] + 150, CENTRE[1] + 250, mirrored))
    veil = "" if evidence.tracked else ' opacity=".45"'
    return f"<g{veil}>{face_group(drawing)}</g>{''.join(names)}"


def face_body(evidence: Evidence, record: AURecord | None = None, *, mirrored: bool = False, uid: str = "f") -> str:
    """Face, labels, legend and small print as SVG elements on a field of `WIDTH` by `HEIGHT`."""
    drawing = drawing_of(evidence, record, mirrored=mirrored, uid=uid)
    below = legend(drawing.marks, 506) + notes(evidence, drawing.marks, 538)
    return _labelled(drawing, evidence, mirrored) + below


def svg_document(body: str, wide: float, high: float, *, title: str, paper: bool = True) -> str:
    """A whole SVG file around some elements, with its title for screen readers."""
    ground = f'<rect width="{wide:g}" height="{high:g}" fill="{palette.PAPER}" class="fv-paper"/>' if paper else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}" '
        f'font-family="{escape(FAMILY)}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{ground}{body}</svg>"
    )


def face_svg(
    evidence: Evidence,
    record: AURecord | None = None,
    *,
    mirrored: bool = False,
    uid: str = "f",
    paper: bool = True,
) -> str:
    """A drawn face as an SVG file.

    Args:
        evidence: what to draw; absent and unmeasured units leave the face at rest, the unmeasured ones are listed.
        record: the record behind it; needed for the strength of the weaker side.
        mirrored: the picture was flipped, so the subject's left is on the viewer's left.
        uid: prefix of the ids inside; must differ between drawings on one page. A letter first.
        paper: fill the ground with white.
    """
    title = describe(evidence, marks_of(evidence, record))
    return svg_document(
        face_body(evidence, record, mirrored=mirrored, uid=uid), WIDTH, HEIGHT, title=title, paper=paper
    )
