"""The few colours of all drawings. Text and leaders also have a class, which the HTML page restyles in the dark."""

from __future__ import annotations

from fervlm.records import Verdict

INK = "#262b33"
MUTE = "#5f6670"
FAINT = "#7c838d"
LINE = "#565e69"
SOFT = "#8b929c"
HAIRLINE = "#d9dce1"
PAPER = "#ffffff"
GAP = "#e3e5e9"
SKIN = "#fbf9f6"
SKIN_EDGE = "#f0ebe4"
NECK = "#eae4dc"
HAIR = "#ddd9d3"
LIP = "#dcbcb2"
LIP_LINE = "#8d6259"
SEAM = "#5d3d37"
MOUTH = "#5b3a3a"
TONGUE = "#cf8e8a"
TEETH = "#fdfcfa"
BROW = "#4b4640"

LEVELS = ("#fbdcb5", "#f8b878", "#ee8748", "#d4542b", "#9c2a1b")
"""A to E: one hue, light to dark, so that the order survives grey print and colour blindness."""
LEVEL_INK = ("#5a3a12", "#5a3408", "#ffffff", "#ffffff", "#ffffff")
"""Letters that can be read on them."""
MUSCLE_LINE = "#7a2a14"
FIBRE = "#6b1f10"
PRESENCE = "#2f7f93"
"""Presence without strength: another hue and another style (fibres and outline, no filling)."""
PRESENCE_FILL = "#dceef1"
PRESENCE_INK = "#17505e"

VERDICT: dict[Verdict, str] = {
    "supported": "#2c7a4b",
    "contradicted": "#b3261e",
    "unmeasured": "#8a6500",
    "forbidden": "#8e2a8b",
}
ACCENT = "#1f4e79"
BAR = "#9db4c9"
TROUGH = "#eef1f4"
