"""Fourth stage: the two halves become the lines of a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fervlm.vision import palette
from fervlm.vision.curves import Placing, Point, Points, band, lerp, place, smooth
from fervlm.vision.draw_furrows import furrows_of
from fervlm.vision.draw_marks import Hand
from fervlm.vision.draw_shape import EAR, Shape

_NECK = ((78, 118), (73, 150), (73, 186), (84, 212), (118, 228), (150, 236))
_HAIR = ((0, -224), (52, -217), (94, -190), (118, -142), (124, -92), (121, -48), (112, -38))
_HAIRLINE = ((0, -152), (34, -155), (66, -147), (90, -122), (99, -92), (103, -66), (110, -40))


def path(
    data: str, *, fill: str = "none", stroke: str = "none", pen: float = 1.0, faint: float = 1.0, more: str = ""
) -> str:
    """An SVG path element; `faint` is its opacity, `more` further attributes."""
    line = "" if stroke == "none" else f' stroke="{stroke}" stroke-width="{pen:.2g}"'
    veil = f' opacity="{faint:.2f}"' if faint < 1 else ""
    return f'<path d="{data}" fill="{fill}"{line}{veil}{more}/>'


@dataclass(frozen=True, slots=True)
class Half:
    """One half of the face and where its points go in the drawing."""

    shape: Shape
    placing: Placing
    hand: Hand

    def line(self, points: Points, pen: float, stroke: str = palette.LINE, faint: float = 1.0) -> str:
        """A smooth line through points of this half."""
        return path(smooth(place(points, self.placing)), stroke=stroke, pen=pen, faint=faint)

    def area(self, a: Points, b: Points, fill: str, stroke: str = "none", pen: float = 1.0) -> str:
        """The area between two lines of this half."""
        return path(band(place(a, self.placing), place(b, self.placing)), fill=fill, stroke=stroke, pen=pen)


@dataclass(frozen=True, slots=True)
class Face:
    """Both halves, the one on the viewer's left first."""

    halves: tuple[Half, Half]
    uid: str
    """Makes ids unique where several drawings share a page."""

    def across(self, lines: Sequence[Points]) -> list[Point]:
        """Two lines that start at the midline, joined from the viewer's left to right; their middles are averaged."""
        first, second = (place(points, half.placing) for points, half in zip(lines, self.halves, strict=True))
        middle = lerp(first[0], second[0], 0.5)
        return [*reversed(first[1:]), middle, *second[1:]]

    def both(self, line: Points) -> list[Point]:
        """A line and its mirror image, joined at the midline."""
        return self.across([line, line])

    def most(self, *aus: int) -> float:
        """The largest amplitude of some action units on either side."""
        return max(half.shape.of(*aus) for half in self.halves)


def neck(face: Face) -> str:
    """Neck and shoulders."""
    drop = max(half.shape.jaw for half in face.halves)
    out = [path(smooth(face.both([(0, 236), *reversed(_NECK)])), fill=f"url(#{face.uid}neck)")]
    for half in face.halves:
        out.append(half.line(_NECK, 1.1, faint=0.55))
        out.append(half.line(((16, 196 + 0.5 * drop), (12, 214), (7, 232)), 0.9, palette.SOFT, 0.35))
    return "".join(out)


def head(face: Face) -> str:
    """Ears, skin and hair."""
    out = []
    for half in face.halves:
        ear = smooth(place(EAR, half.placing))
        out.append(path(ear, fill=palette.SKIN_EDGE, stroke=palette.LINE, pen=1.2))
        out.append(half.line(((117, -33), (124, -36), (126, -22), (119, -6)), 0.9, palette.SOFT, 0.7))
    outline = smooth(face.across([half.shape.head for half in face.halves]))
    out.append(path(outline + "Z", fill=f"url(#{face.uid}skin)", stroke=palette.LINE, pen=1.5))
    out.append(path(band(face.both(_HAIR), face.both(_HAIRLINE)), fill=palette.HAIR))
    return "".join(out)


def furrows(half: Half) -> str:
    """The lines of the skin on one half."""
    lines = (line for line in furrows_of(half.shape) if line.strength > 0.05)
    return "".join(half.line(line.points, line.pen, faint=line.strength) for line in lines)


def _brow(half: Half) -> str:
    spine = half.shape.brow
    thick = (2.6, 4.3, 3.5, 0.4)
    upper = [(x, y - t) for (x, y), t in zip(spine, thick, strict=True)]
    lower = [(x, y + 0.9 * t) for (x, y), t in zip(spine, thick, strict=True)]
    return half.area(upper, lower, palette.BROW, palette.BROW, 1.2)


def _eye(half: Half, uid: str) -> str:
    s = half.shape
    lid = s.upper_lid
    opening = band(place(lid, half.placing), place(s.lower_lid, half.placing))
    x, y = half.placing(s.iris)
    clip = f"{uid}{half.hand}"
    rim = [(px, py - w) for (px, py), w in zip(lid, (0.2, 1.3, 1.9, 2.0, 0.9), strict=True)]
    lash = (lid[-1][0] + 2.5, lid[-1][1] - 0.6)
    height = 7.5 - 3.5 * s.of(5) + 2.5 * s.of(43, 45, 46)
    crease = [(px, py - h * height) for (px, py), h in zip(lid, (0.35, 0.85, 1.0, 0.9, 0.55), strict=True)]
    at = f'cx="{x:.1f}" cy="{y:.1f}"'
    return "".join(
        (
            f'<clipPath id="{clip}"><path d="{opening}"/></clipPath>',
            path(opening, fill="#ffffff"),
            f'<g clip-path="url(#{clip})"><circle {at} r="10.8" fill="#7d8791" stroke="#4d555e" stroke-width="1.6"/>',
            f'<circle {at} r="4.9" fill="#20242a"/>',
            f'<circle cx="{x + 3.4:.1f}" cy="{y - 3.8:.1f}" r="2.1" fill="#ffffff"/></g>',
            half.line(s.lower_lid, 1.1),
            half.area([*rim, lash], [*lid, lash], palette.INK, palette.INK, 0.9),
            half.line(crease, 1.0, faint=0.7),
        )
    )


def _nose(face: Face) -> str:
    out = []
    for half in face.halves:
        up, flare = half.shape.wing, half.shape.nostril
        out.append(half.line(((11, -36), (8.5, -20), (8.5, 4), (11, 22)), 1.0, palette.SOFT, 0.4))
        wing = (
            (19 + 0.3 * flare, 31 - up),
            (26 + flare, 39 - up),
            (26.5 + flare, 48 - up),
            (20 + 0.6 * flare, 54 - 0.6 * up),
            (15, 52.5 - 0.4 * up),
        )
        out.append(half.line(wing, 1.4))
        nostril = ((6, 56.5), (10, 53.2 - 0.3 * up), (16 + 0.6 * flare, 54 - 0.5 * up), (13, 57.5 - 0.2 * up))
        out.append(path(smooth(place(nostril, half.placing), closed=True), fill=palette.LINE, faint=0.8))
    out.append(path(smooth(face.both(((0, 60), (5, 58.6), (9, 56.6)))), stroke=palette.LINE, pen=1.3))
    return "".join(out)


def mouth(face: Face) -> str:
    """Lips, and what shows between them."""
    lips = [half.shape.lips for half in face.halves]
    top = face.across([one.top for one in lips])
    upper = face.across([one.upper_edge for one in lips])
    lower = face.across([one.lower_edge for one in lips])
    bottom = face.across([one.bottom for one in lips])
    middle = len(upper) // 2
    gap = lower[middle][1] - upper[middle][1]
    out = [_inside(face, upper, lower, gap)] if gap > 1 else []
    for outer, edge in ((top, upper), (bottom, lower)):
        out.append(path(band(outer, edge), fill=palette.LIP))
        out.append(path(smooth(outer), stroke=palette.LIP_LINE, pen=1.1))
    for edge in (upper, lower) if gap > 1 else (upper,):
        out.append(path(smooth(edge), stroke=palette.SEAM, pen=1.2 if gap > 1 else 1.7))
    if face.most(19, 37):
        out.append(_tongue(face.most(19, 37), lerp(upper[middle], lower[middle], 0.7)))
    return "".join(out)


def _teeth(edge: Points, height: float) -> str:
    return path(band(edge, [(x, y + height) for x, y in edge]), fill=palette.TEETH, stroke="#cfc4bf", pen=0.7)


def _inside(face: Face, upper: Points, lower: Points, gap: float) -> str:
    """Teeth and tongue in an opening `gap` pixels high."""
    clip = f"{face.uid}mouth"
    opening = band(upper, lower)
    teeth = min(4 + 0.22 * gap, 10)
    out = [f'<clipPath id="{clip}"><path d="{opening}"/></clipPath>', path(opening, fill=palette.MOUTH)]
    out.append(f'<g clip-path="url(#{clip})">')
    if face.most(18, 22) < 0.3 or gap > 24:  # pursed lips cover the teeth
        out.append(_teeth(upper, teeth))
    if gap > 20:
        x, y = lower[len(lower) // 2]
        out.append(f'<ellipse cx="{x:.1f}" cy="{y + 3:.1f}" rx="21" ry="{0.3 * gap:.1f}" fill="{palette.TONGUE}"/>')
    if face.most(16) or face.most(27) > 0.7:
        out.append(_teeth(lower, -0.6 * teeth))
    return "".join([*out, "</g>"])


def _tongue(amount: float, root: Point) -> str:
    x, y = root
    out = 8 + 14 * amount
    shape = [(x - 13, y), (x - 13, y + 0.6 * out), (x, y + out), (x + 13, y + 0.6 * out), (x + 13, y), (x, y - 3)]
    groove = smooth([(x, y), (x, y + 0.7 * out)])
    return path(smooth(shape, closed=True), fill=palette.TONGUE, stroke="#8f5552", pen=1.1) + path(
        groove, stroke="#8f5552", pen=0.9, faint=0.6
    )


def features(face: Face) -> str:
    """Eyes, nose, brows and mouth."""
    eyes = "".join(_eye(half, face.uid) for half in face.halves)
    brows = "".join(_brow(half) for half in face.halves)
    return eyes + _nose(face) + brows + mouth(face)
