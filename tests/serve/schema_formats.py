"""Values for our own formats in the OpenAPI document; `tests/serve/test_schema.py` hands this file to schemathesis."""

from __future__ import annotations

import base64
import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fervlm.examples import recording

WORDS = ("happy", "sad", "angry", "in pain", "surprised", "disgusted")


def face(ground: int) -> bytes:
    """Something small that counts as a picture of a cut-out face."""
    picture = Image.new("L", (48, 48), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 4, 40, 44), fill=200)
    draw.arc((16, 24, 32, 38), 0, 180, fill=20, width=2)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


ENCODED = [base64.b64encode(face(ground)).decode() for ground in (40, 90)]
URLS = ["data:image/png;base64," + one for one in ENCODED]
LINES = recording().read_text(encoding="utf-8").splitlines()
FILES = ["\n".join([LINES[0], *rows]) + "\n" for rows in (LINES[30:40], LINES[55:56])]
PAIRS = [", ".join(pair) for pair in zip(WORDS, WORDS[1:], strict=False)]

schemathesis.openapi.format("picture", st.sampled_from([*ENCODED, *URLS]))
schemathesis.openapi.format("picture-url", st.sampled_from(URLS))
schemathesis.openapi.format("au-file", st.sampled_from(FILES))
schemathesis.openapi.format("expression", st.sampled_from(WORDS))
schemathesis.openapi.format("expressions", st.sampled_from(PAIRS))
schemathesis.openapi.format("model", st.just("fervlm-nano"))
