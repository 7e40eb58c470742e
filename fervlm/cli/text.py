"""Predictions and verifications as text for people: the three parts, a mark before each checked sentence."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fervlm.records import Alternative, Claim, Prediction, SentenceCheck, Verification

WIDEST = 100
MARGIN = 16
"""Width of the column of part names."""
SUPPORTED, FAULTY, UNCHECKED = "✓", "✗", "·"
"""Every claim borne out; some claim not; no claim to check."""
PARTS = ("overview", "observation", "interpretation", "course", "conclusion", "text")
GREEN, RED, BOLD, DIM = "32", "31", "1", "2"


class Style:
    """Where text is cut and whether it is coloured; plain unless the output is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self.terminal = stream.isatty()
        self.colour = self.terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.width = max(50, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))

    def paint(self, text: str, code: str) -> str:
        """`text` in the colour, or as it is."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def part(self, name: str, text: str, mark: str = " ") -> str:
        """One paragraph with the part's name in the margin and a mark before the text."""
        lead = f"{name:<{MARGIN - 2}}{mark} "
        lines = textwrap.wrap(text, self.width - MARGIN, break_long_words=False, break_on_hyphens=False) or [""]
        colour = {SUPPORTED: GREEN, FAULTY: RED}.get(mark, DIM)
        head = self.paint(lead[: MARGIN - 2], DIM) + self.paint(mark, colour) + " " + lines[0]
        return "\n".join([head, *(" " * MARGIN + line for line in lines[1:])])


def prediction_text(prediction: Prediction, style: Style) -> str:
    """Heading, label, every sentence with its mark, the alternatives, and what it was checked against."""
    blocks = [style.paint(_heading(prediction), BOLD), _label_line(prediction, style), ""]
    if prediction.verification is not None:
        blocks += list(_checked_parts(prediction.verification, style))
    else:
        blocks += list(_unchecked_parts(prediction, style))
    caption = prediction.caption
    for number, other in enumerate(caption.conclusion.alternatives[:3] if caption else ()):
        blocks.append(style.part("" if number else "Candidates", _candidate(other)))
    if prediction.verification is not None:
        blocks.append(style.part("Checked", _verdict(prediction.verification)))
    return "\n".join(line.rstrip() for line in "\n".join(blocks).splitlines()) + "\n"


def _heading(prediction: Prediction) -> str:
    parts = [f"{prediction.source.file}"]
    if prediction.face_id is not None:
        parts.append(f"face {prediction.face_id}")
    if prediction.span_s is not None:
        parts.append(f"{prediction.span_s[0]:.2f}–{prediction.span_s[1]:.2f} s")
    elif prediction.frame is not None:
        parts.append(f"frame {prediction.frame}")
    parts.append(prediction.id)
    return " · ".join(dict.fromkeys(parts))


def _label_line(prediction: Prediction, style: Style) -> str:
    if prediction.caption is None:
        return "no face to describe"
    conclusion = prediction.caption.conclusion
    words = [style.paint(prediction.label or "no label", BOLD)]
    words.append(f"{conclusion.confidence} confidence" if prediction.label else (conclusion.abstain or "abstained"))
    if prediction.valence is not None:
        words.append(f"valence {prediction.valence:+.2f}")
    if prediction.arousal is not None:
        words.append(f"arousal {prediction.arousal:+.2f}")
    if prediction.pain is not None:
        words.append(f"PSPI {prediction.pain:.1f}")
    return " · ".join(words)


def mark_of(sentence: SentenceCheck) -> str:
    """The mark of a sentence: borne out, at fault, or nothing in it to check."""
    if not sentence.ok:
        return FAULTY
    return SUPPORTED if sentence.claims else UNCHECKED


def _checked_parts(verification: Verification, style: Style) -> Iterator[str]:
    for section in PARTS:
        name = {"observation": "Observations", "text": "Text"}.get(section, section.capitalize())
        for sentence in (s for s in verification.sentences if s.section == section):
            yield style.part(name, sentence.text, mark_of(sentence))
            yield from fault_lines(sentence, style)
            name = ""


def fault_lines(sentence: SentenceCheck, style: Style) -> Iterator[str]:
    """One line for each claim of the sentence that the evidence does not bear out."""
    for claim in sentence.claims:
        if claim.verdict != "supported":
            yield style.part("", f"  {fault(claim)}")


def fault(claim: Claim) -> str:
    """A claim's fault in one clause: its words, the verdict, the reason."""
    reason = f": {claim.reason}" if claim.reason else ""
    return f"“{claim.text}” is {claim.verdict}{reason}"


def _unchecked_parts(prediction: Prediction, style: Style) -> Iterator[str]:
    caption = prediction.caption
    if caption is None:
        return
    yield style.part("Overview", caption.overview)
    for number, observation in enumerate(caption.observations):
        yield style.part("" if number else "Observations", observation.text)
    yield style.part("Interpretation", caption.interpretation)
    if prediction.course:
        yield style.part("Course", prediction.course)
    yield style.part("Conclusion", caption.conclusion.text)


def _candidate(other: Alternative) -> str:
    score = "" if other.score is None else f" {other.score:.2f}"
    clauses = [
        f"{word} {', '.join(f'AU{au}' for au in units)}"
        for word, units in (
            ("for", other.units_for),
            ("against", other.units_against),
            ("not measured", other.not_measured),
        )
        if units
    ]
    return f"{other.label}{score}" + (f" ({'; '.join(clauses)})" if clauses else "")


def _verdict(verification: Verification) -> str:
    claims = sum(len(sentence.claims) for sentence in verification.sentences)
    faults = sum(c.verdict != "supported" for s in verification.sentences for c in s.claims)
    result = "all supported" if verification.ok else f"{faults} at fault"
    count = len(verification.sentences)
    return f"{claims} claims in {count} sentence{'s' * (count != 1)}, {result}; against {verification.against}"


def verification_text(identity: str, verification: Verification | None, style: Style) -> str:
    """A caption's id, each of its sentences with its mark and faults, and its scores."""
    lines = [style.paint(identity, BOLD)]
    if verification is None:
        return "\n".join([*lines, style.part("", "nothing was claimed")]) + "\n"
    for sentence in verification.sentences:
        lines.append(style.part(sentence.section, sentence.text, mark_of(sentence)))
        lines += fault_lines(sentence, style)
    scores = verification.scores
    words = [f"AU mentions: precision {scores.precision:.2f}, recall {scores.recall:.2f}, F1 {scores.f1:.2f}"]
    if scores.omitted_strong:
        words.append(f"strong and left out: {', '.join(f'AU{au}' for au in scores.omitted_strong)}")
    if scores.label_consistent is False:
        words.append("the conclusion does not follow from the interpretation")
    lines.append(style.part("", "; ".join([*words, f"against {verification.against}"])))
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"
