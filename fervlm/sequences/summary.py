"""A long recording in a few lines, for a person, a program or a language model.

The text stays short however long the recording is: one line per movement, of which FACS has some forty, and the faces
seen longest.
"""

from __future__ import annotations

from collections.abc import Iterable

from fervlm.records import Scale
from fervlm.sequences.settings import QUICK_UNITS
from fervlm.sequences.timing import count_word
from fervlm.sequences.totals import FaceSummary, MovementSummary, RecordingSummary, summary_of
from fervlm.sequences.track import Track

MOST_FACES = 6
MOST_MOVEMENTS = 16
_SCALES: dict[Scale, str] = {
    "intensity_0_5": "intensities from 0 to 5",
    "probability": "probabilities of presence, which say nothing of strength",
    "score": "similarity scores, which say nothing of strength",
    "presence": "presence only",
    "coefficient": "rig coefficients",
    "evidence_log10": "log-odds of presence, which say nothing of strength",
}


def summarize(tracks: Iterable[Track]) -> str:
    """The summary of one recording as plain text for a person, a program or a language model.

    At most `MOST_FACES` faces and `MOST_MOVEMENTS` movements each stand in it; what is left out is counted.
    """
    return summary_text(summary_of(tracks))


def summary_text(summary: RecordingSummary) -> str:
    """The text of a summary: no emotion word, no strength but on true intensities."""
    name = summary.file if summary.picture in {None, summary.file} else f"{summary.file} ({summary.picture})"
    number = len(summary.faces)
    lines = [f"Recording {name}: {summary.seconds:.1f} s, {summary.rows} rows, {_many(number, 'face')}."]
    if summary.clock != "time":
        lines.append("The file has no time stamps: seconds assume 25 frames a second.")
    for face in summary.faces[:MOST_FACES]:
        lines += _face_lines(face, number > 1)
    if number > MOST_FACES:
        lines.append(f"{_many(number - MOST_FACES, 'further face')} seen for a shorter time.")
    return "\n".join(lines)


def _face_lines(face: FaceSummary, named: bool) -> list[str]:
    who = f"Face {face.face_id}: tracked" if named and face.face_id is not None else "The face is tracked"
    seen = f"{face.tracked_s:.1f} s in {_many(face.stretches, 'stretch')}"
    lines = [f"{who} {_percent(face.tracked_share)} of the time ({seen})."]
    if face.tracked_s == 0:
        return lines
    source = f"{face.detector} gives {_SCALES[face.scale]}" if face.detector else f"Values: {_SCALES[face.scale]}"
    lines.append(f"{source}; neutral subtracted: {face.neutral}.")
    own = [m for m in face.movements if m.au not in QUICK_UNITS]
    if not own:
        lines.append("No movement reaches the thresholds.")
    else:
        total = sum(m.times for m in own)
        lines.append(f"{_many(total, 'movement')}, in {_percent(face.moving_share)} of the tracked time:")
        lines += [_movement_line(m) for m in own[:MOST_MOVEMENTS]]
        if len(own) > MOST_MOVEMENTS:
            rest = own[MOST_MOVEMENTS:]
            lines.append(f"- {len(rest)} more AUs, each at most {_percent(rest[0].share)}.")
    for m in face.movements:
        if m.au in QUICK_UNITS:
            rate = 60 * m.times / face.tracked_s
            lines.append(f"AU{m.au} {m.name.lower()}: {_times(m)}, {rate:.0f} a minute, longest {m.longest_s:.1f} s.")
    if face.combinations:
        told = [f"{'+'.join(f'AU{au}' for au in c.aus)} ({_percent(c.share)})" for c in face.combinations]
        lines.append(f"Most frequent together: {', '.join(told)}.")
    if own:
        lines.append(f"Onsets in each tenth of the recording: {' '.join(map(str, face.onsets_by_tenth))}.")
    return lines


def _movement_line(m: MovementSummary) -> str:
    text = f"- AU{m.au} {m.name.lower()}: {_times(m)}, {m.total_s:.1f} s in all ({_percent(m.share)})"
    text += f", longest {m.longest_s:.1f} s, first at {m.first_s:.1f} s"
    if m.peak_level:
        text += f", strongest level {m.peak_level}"
    if m.sides:
        text += "".join(f", {n} on the {side} alone" for side, n in m.sides.items())
    return text + "."


def _times(m: MovementSummary) -> str:
    if m.times < m.times_most:
        return f"{m.times} to {m.times_most} times (tracking breaks off in between)"
    return count_word(m.times)


def _many(number: int, thing: str) -> str:
    plural = f"{thing}es" if thing.endswith("ch") else f"{thing}s"
    return f"{number} {thing if number == 1 else plural}"


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
