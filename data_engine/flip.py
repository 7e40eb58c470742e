"""A mirrored picture and the evidence that goes with it: what was left is right."""

from __future__ import annotations

from io import BytesIO

from data_engine.items import Joined
from data_engine.pictures import decode
from fervlm.readers import mirrored

MARK = "#flipped"


def mirrored_picture(data: bytes, name: str) -> bytes:
    """The picture flipped left to right, without loss, as PNG."""
    from PIL import Image  # noqa: PLC0415

    buffer = BytesIO()
    decode(data, name).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(buffer, "PNG")
    return buffer.getvalue()


def mirrored_face(joined: Joined, width: int | None) -> Joined:
    """The joined face as its mirror image (picture `width` in pixels); the caption must be written anew from it."""
    evidence = mirrored(joined.evidence)
    box = evidence.box
    if box is not None:
        box = None if width is None else box.model_copy(update={"x": width - box.x - box.width})
    evidence = evidence.model_copy(update={"box": box, "landmarks": None})
    picture = joined.picture and joined.picture.model_copy(update={"name": f"{joined.picture.name}{MARK}"})
    return joined.model_copy(update={"id": f"{joined.id}{MARK}", "evidence": evidence, "picture": picture})
