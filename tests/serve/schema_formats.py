"""Values for our own formats in the OpenAPI document; `tests/serve/test_schema.py` hands this file to schemathesis."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import schemathesis
from hypothesis import strategies as st
from PIL import Image

from fervlm.examples import photograph, recording
from fervlm.facs.labels import near_synonyms

WORDS = sorted(near_synonyms())


def face(side: int) -> bytes:
    """The packaged photograph's face with some ground around it, small, so that a finder sees it."""
    part = Image.open(photograph()).crop((130, 60, 400, 330)).convert("L").resize((side, side))
    buffer = io.BytesIO()
    part.save(buffer, "PNG")
    return buffer.getvalue()


FACES = [face(side) for side in (96, 128)]
ENCODED = [base64.b64encode(one).decode() for one in FACES]
URLS = ["data:image/png;base64," + one for one in ENCODED]
LINES = recording().read_text(encoding="utf-8").splitlines()
FILES = ["\n".join([LINES[0], *rows]) + "\n" for rows in (LINES[30:40], LINES[55:56])]
PAIRS = [", ".join(pair) for pair in pairwise(WORDS)]

schemathesis.openapi.format("picture", st.sampled_from([*ENCODED, *URLS]))
schemathesis.openapi.format("picture-url", st.sampled_from(URLS))
schemathesis.openapi.format("au-file", st.sampled_from(FILES))
schemathesis.openapi.format("au-format", st.sampled_from(["", "openface2"]))
schemathesis.openapi.format("expression", st.sampled_from(WORDS))
schemathesis.openapi.format("expressions", st.sampled_from(PAIRS))
schemathesis.openapi.format("model", st.just("fervlm-nano"))
schemathesis.openapi.media_type("image/png", st.sampled_from(FACES), aliases=["image/jpeg", "image/webp"])
schemathesis.openapi.media_type("text/csv", st.sampled_from([one.encode() for one in FILES]))
