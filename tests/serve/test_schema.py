"""The OpenAPI document is true: schemathesis sends what it allows and what it forbids, and finds nothing amiss."""

from __future__ import annotations

import base64
import io

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fervlm.examples import recording

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra 'dev'")
_WORDS = ("happy", "sad", "angry", "in pain", "surprised", "disgusted")


def _face(ground: int) -> bytes:
    """Something small that counts as a picture of a cut-out face."""
    picture = Image.new("L", (48, 48), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 4, 40, 44), fill=200)
    draw.arc((16, 24, 32, 38), 0, 180, fill=20, width=2)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


_FACES = [_face(40), _face(90)]
_PLAIN = [base64.b64encode(face).decode() for face in _FACES]
_CSV = recording().read_text(encoding="utf-8").splitlines()
_CSVS = ["\n".join([*_CSV[:1], *_CSV[30:40]]) + "\n", "\n".join([*_CSV[:1], _CSV[55]]) + "\n"]
_PAIRS = [", ".join(pair) for pair in zip(_WORDS, _WORDS[1:], strict=False)]

schemathesis.openapi.format("picture", st.sampled_from([*_PLAIN, "data:image/png;base64," + _PLAIN[0]]))
schemathesis.openapi.format("picture-url", st.sampled_from(["data:image/png;base64," + one for one in _PLAIN]))
schemathesis.openapi.format("au-file", st.sampled_from(_CSVS))
schemathesis.openapi.format("expression", st.sampled_from(_WORDS))
schemathesis.openapi.format("expressions", st.sampled_from(_PAIRS))
schemathesis.openapi.format("model", st.just("fervlm-nano"))


@pytest.fixture(scope="module")
def document(server: str) -> object:
    """The document as the running server gives it."""
    return schemathesis.openapi.from_dict(httpx.get(f"{server}/openapi.json").json())


api = schemathesis.pytest.from_fixture("document")


@api.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_nothing_amiss(case: "schemathesis.Case", server: str) -> None:  # noqa: UP037 - the import may be missing
    case.call_and_validate(base_url=server)
