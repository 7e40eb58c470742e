"""Frames of a clip: evenly spread, from picture files or from a video file."""

from __future__ import annotations

from eval.item import Item
from fervlm.errors import FervlmError


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` places in 0..count-1, in the middle of equal stretches; all of them where there are fewer."""
    if count <= wanted:
        return list(range(count))
    return [int((2 * k + 1) * count / (2 * wanted)) for k in range(wanted)]


def looked_at(item: Item, wanted: int) -> list[bytes]:
    """Encoded pictures of at most `wanted` frames.

    Raises:
        FervlmError: a frame or the video is missing or cannot be read.
    """
    if item.frames:
        chosen = [item.frames[k] for k in spread(len(item.frames), wanted)]
        for path in chosen:
            if not path.is_file():
                raise FervlmError("there is no such frame", file=path)
        return [path.read_bytes() for path in chosen]
    if item.video is None:
        raise FervlmError(f"the item '{item.id}' is no clip")
    return _from_video(item, wanted)


def _from_video(item: Item, wanted: int) -> list[bytes]:
    import cv2  # noqa: PLC0415 - a tenth of a second that pictures do without

    assert item.video is not None
    if not item.video.is_file():
        raise FervlmError("there is no such video", file=item.video)
    video = cv2.VideoCapture(str(item.video))
    total, rate = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), video.get(cv2.CAP_PROP_FPS) or 25.0
    first, last = 0, total
    if item.span_s is not None:
        first, last = int(item.span_s[0] * rate), min(total, int(item.span_s[1] * rate) + 1)
    wanted_places = {first + k for k in spread(max(last - first, 0), wanted)}
    pictures, place = [], 0
    while place < last:
        good, frame = video.read()
        if not good:
            break
        if place in wanted_places:
            coded, data = cv2.imencode(".png", frame)
            if coded:
                pictures.append(data.tobytes())
        place += 1
    video.release()
    if not pictures:
        raise FervlmError("no frame of it can be read", file=item.video)
    return pictures
