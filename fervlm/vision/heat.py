"""A model's attention as colours over a grey photograph: one ramp from blue to yellow, and contour lines.

The ramp runs from blue to yellow and from dark to light: the common kinds of colour blindness keep the first apart,
all of them and grey print the second. Where little was looked at it is clear, so that skin of any shade stays as it is.
Two contour lines, light with a dark rim, carry the shape where colours do not.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Floats = NDArray[np.float64]

RAMP = (
    (0.0, "#1c2f8a", 0.0),
    (0.12, "#1c2f8a", 0.06),
    (0.35, "#2a4fb4", 0.36),
    (0.55, "#8d8f93", 0.42),
    (0.8, "#ecc936", 0.54),
    (1.0, "#ffee4d", 0.66),
)
"""Share of the highest value, colour, opacity."""
CONTOURS = (0.5, 0.8)
"""Shares of the highest value along which lines run."""
FINE = 256
"""Pixels; side of the smoothed map."""


def smoothed(heat: NDArray[np.floating]) -> Floats:
    """A map [g, g] of values from 0 up as [FINE, FINE], smooth, its highest value 1; all 0 where it is even.

    Raises:
        FervlmError: not a square map, negative or not finite.
    """
    import cv2
    import numpy as np

    values = np.asarray(heat, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise FervlmError(f"an attention map is square, not {values.shape}")
    if not np.isfinite(values).all() or values.min() < 0:
        raise FervlmError("an attention map holds values that are negative or not finite")
    if np.ptp(values) <= 1e-6 * values.max():
        return np.zeros((FINE, FINE))
    # A cell is a measurement of its whole area: the blur leaves no corner that the cells do not have.
    cell = FINE / len(values)
    large = np.asarray(cv2.resize(values, (FINE, FINE), interpolation=cv2.INTER_CUBIC), dtype=np.float64)
    fine = np.asarray(cv2.GaussianBlur(large, (0, 0), cell / 2.5, borderType=cv2.BORDER_REPLICATE), dtype=np.float64)
    return np.asarray(np.clip(fine, 0, None) / fine.max(), dtype=np.float64)


def coloured(fine: Floats) -> bytes:
    """A smoothed map as a PNG file with transparency."""
    import numpy as np
    from PIL import Image

    at = [stop for stop, _, _ in RAMP]
    inks = np.array([[int(ink[i : i + 2], 16) for i in (1, 3, 5)] for _, ink, _ in RAMP], dtype=np.float64)
    layers = [np.interp(fine, at, inks[:, channel]) for channel in range(3)]
    layers.append(255 * np.interp(fine, at, [veil for _, _, veil in RAMP]))
    buffer = io.BytesIO()
    Image.fromarray(np.rint(np.stack(layers, axis=-1)).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def heat_svg(heat: NDArray[np.floating], x: float, y: float, side: float, pen: float = 1.0) -> str:
    """A map over the square at `x`, `y` as SVG elements: colours and contours."""
    fine = smoothed(heat)
    if not fine.any():
        return ""
    data = base64.b64encode(coloured(fine)).decode()
    place = f'x="{x:.2f}" y="{y:.2f}" width="{side:.2f}" height="{side:.2f}"'
    image = f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
    lines = "".join(_contour(fine, share, x, y, side / FINE, pen) for share in CONTOURS)
    return f'<g class="fv-heat">{image}{lines}</g>'


def _contour(fine: Floats, share: float, x: float, y: float, scale: float, pen: float) -> str:
    """The lines along which a map has a share of its highest value; none along the map's own border."""
    import cv2
    import numpy as np

    # Beyond the border the map counts as high, so that a hill cut off by it has an open line there.
    inside = (np.pad(fine, 2, mode="edge") >= share).astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    data = "".join(
        "M"
        + "L".join(f"{x + (px - 1.5) * scale:.1f} {y + (py - 1.5) * scale:.1f}" for px, py in outline[::3, 0].tolist())
        + "Z"
        for outline in outlines
        if len(outline) > 12
    )
    return "".join(
        f'<path d="{data}" fill="none" stroke="{ink}" stroke-width="{wide * pen:.2f}" stroke-opacity="{veil}" '
        'stroke-linejoin="round"/>'
        for ink, wide, veil in (("#10182c", 2.6, 0.55), ("#ffffff", 1.1, 0.95))
    )


def faded(picture: Image.Image) -> Image.Image:
    """A photograph in grey with its darkest and lightest parts drawn in, so that colours over it can be told apart."""
    return picture.convert("L").point([round(26 + value * 0.82) for value in range(256)])


def ramp_svg(x: float, y: float, wide: float, uid: str) -> str:
    """The colour bar, 10 pixels high, on a mid grey ground as on a face."""
    stops = "".join(f'<stop offset="{at:g}" stop-color="{ink}" stop-opacity="{veil:g}"/>' for at, ink, veil in RAMP)
    box = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="10" rx="2"'
    return (
        f'<defs><linearGradient id="{uid}ramp">{stops}</linearGradient></defs>'
        f'<rect {box} fill="#a3a3a3"/><rect {box} fill="url(#{uid}ramp)"/>'
    )
