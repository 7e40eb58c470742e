"""Predictions and verifications as text for people: the three parts, a mark before each checked sentence."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fervlm.records import Prediction, Verdict, Verification
    from fervlm.vision.sentences import Sentence

WIDEST = 100
MARGIN = 20
"""Width of the column of part names, with the mark at its end."""
SHOWN_CANDIDATES = 3
MARKS: dict[Verdict | None, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "unmeasured": "?",
    "forbidden": "⊘",
    None: "·",
}
"""Worst verdict of a sentence's claims -> its mark; a dot where nothing in it was checked."""
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

    def part(self, name: str, text: str, mark: str = " ", colour: str = DIM) -> str:
        """One paragraph with the part's name in the margin and a mark before the text."""
        lines = textwrap.wrap(text, self.width - MARGIN, break_long_words=False, break_on_hyphens=False) or [""]
        head = self.paint(f"{name:<{MARGIN - 2}}", DIM) + self.paint(mark, colour) + " " + lines[0]
        return "\n".join([head, *(" " * MARGIN + line for line in lines[1:])])


def prediction_text(prediction: Prediction, style: Style) -> str:
    """Place, label, every sentence with its mark, the candidates, and what it was checked against."""
    from fervlm.vision.card import evidence_for
    from fervlm.vision.sentences import (
        TITLES,
        affect_line,
        agreement_line,
        checked_line,
        detector_line,
        headline,
        place_line,
        sentences_of,
    )

    label, certainty = headline(prediction)
    affect = affect_line(prediction)
    blocks = [
        style.paint(place_line(prediction), DIM),
        style.paint(label, BOLD) + f" · {certainty}" + (f" · {affect}" if affect else ""),
        "",
    ]
    for section, members in sentences_of(prediction).items():
        blocks += _sentences(TITLES[section], members, style)
    caption = prediction.caption
    for number, other in enumerate(caption.conclusion.alternatives[:SHOWN_CANDIDATES] if caption else ()):
        score = "" if other.score is None else f" {other.score:.2f}"
        units = evidence_for(other)
        blocks.append(
            style.part("" if number else "Candidates", f"{other.label}{score}" + (f": {units}" if units else ""))
        )
    agreement = agreement_line(prediction)
    if agreement is not None:
        blocks.append(style.part("Agreement", agreement))
    if prediction.verification is not None:
        blocks.append(style.part("Checked", checked_line(prediction.verification)))
    blocks.append(style.part("", detector_line(prediction) + "."))
    return _trimmed(blocks)


def verification_text(identity: str, verification: Verification | None, style: Style) -> str:
    """A caption's id, each of its sentences with its mark and faults, and its scores."""
    from fervlm.vision.sentences import TITLES, checked_line, checked_sentences

    blocks = [style.paint(identity, BOLD)]
    if verification is None:
        return _trimmed([*blocks, style.part("", "nothing was claimed")])
    section = None
    for sentence in checked_sentences(verification):
        name = "" if sentence.section == section else TITLES[sentence.section]
        section = sentence.section
        blocks += _sentences(name, [sentence], style)
    scores = verification.scores
    words = [f"precision {scores.precision:.2f}, recall {scores.recall:.2f}, F1 {scores.f1:.2f}"]
    if scores.omitted_strong:
        words.append(f"strong and left out: {', '.join(f'AU{au}' for au in scores.omitted_strong)}")
    if scores.label_consistent is False:
        words.append("the conclusion does not follow from the interpretation")
    blocks.append(style.part("AU mentions", "; ".join(words) + "."))
    blocks.append(style.part("Checked", checked_line(verification)))
    return _trimmed(blocks)


def _sentences(name: str, members: Iterable[Sentence], style: Style) -> Iterator[str]:
    from fervlm.vision.sentences import fault_line

    for sentence in members:
        colour = {"supported": GREEN, None: DIM}.get(sentence.verdict, RED)
        yield style.part(name, sentence.text, MARKS[sentence.verdict], colour)
        name = ""
        for claim in sentence.faults:
            yield style.part("", f"  {fault_line(claim)}")


def _trimmed(blocks: list[str]) -> str:
    return "\n".join(line.rstrip() for line in "\n".join(blocks).splitlines()) + "\n"
