"""Evidence that was taken from a mirrored picture, brought back to the subject's own sides."""

from __future__ import annotations

from fervlm.records import AUReading, AURecord, Gaze, Head

TURNED = {51: 52, 52: 51, 55: 56, 56: 55, 61: 62, 62: 61}
"""Codes whose number says a side: head turned and tilted, eyes turned."""


def mirrored(record: AURecord) -> AURecord:
    """`record` with left and right exchanged: readings, head yaw and roll, gaze.

    Box and landmarks stay: they are places in the picture as it was given. Twice mirrored is the same again.
    """
    head, gaze = record.head, record.gaze
    return record.model_copy(
        update={
            "readings": tuple(_reading(reading) for reading in record.readings),
            "head": head and Head(pitch=head.pitch, yaw=_negative(head.yaw), roll=_negative(head.roll)),
            "gaze": gaze and Gaze(x=_negative(gaze.x), y=gaze.y),
        }
    )


def _reading(reading: AUReading) -> AUReading:
    other = TURNED.get(reading.au, reading.au)
    if other == reading.au and reading.side not in {"left", "right"}:
        return reading
    side = {"left": "right", "right": "left"}.get(reading.side or "", reading.side)
    return reading.model_copy(update={"au": other, "side": side})


def _negative(angle: float | None) -> float | None:
    return None if angle is None else 0.0 - angle
