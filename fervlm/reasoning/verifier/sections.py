"""A free text as (section, region, sentence): headings such as "Key observations" tell the sections apart."""

from __future__ import annotations

import re
from typing import NamedTuple

from fervlm.reasoning.verifier.tokens import sentences
from fervlm.records import Section


class Passage(NamedTuple):
    """One sentence and where it stands."""

    section: Section
    region: str | None
    text: str


_HEADING = re.compile(
    r"(?:(?<=[.!?;])|^|\n)[\s>#*_]*(?:\(?\d{1,2}[.)])?[\s*_#]*"
    r"(?P<name>overview|summary"
    r"|(?:key |main |facial )?observations?(?: of facial (?:action units|movements|muscles))?|key facial movements|action units"  # noqa: E501
    r"|(?:overall )?(?:emotional )?interpretation|analysis|reasoning"
    r"|(?:final |overall )?conclusions?)"
    r"[\s*_]*(?P<mark>:|\n|$)[\s*_]*",
    re.IGNORECASE,
)
_FIELD = re.compile(r"^\s*(?:candidates|provenance|confidence)\s*:", re.IGNORECASE)
_NO_LABEL = re.compile(r"^\s*label\s*:\s*none\b", re.IGNORECASE)
_REGION = re.compile(
    r"^\s*[-*•–]?\s*\**\s*(?P<region>brows?|eyes?|cheeks?|nose|mouth|chin|jaw|neck|head|gaze|quality)\s*\**\s*:",
    re.IGNORECASE,
)


def _section(name: str) -> Section:
    name = name.lower()
    if "interpretation" in name or name in ("analysis", "reasoning"):
        return "interpretation"
    if "conclusion" in name:
        return "conclusion"
    return "overview" if name in ("overview", "summary") else "observation"


def passages(text: str, section: Section = "text") -> list[Passage]:
    """The sentences of `text`. What stands before the first heading belongs to `section`."""
    found: list[Passage] = []
    start = 0
    for heading in _HEADING.finditer(text):
        if (
            heading["mark"] != ":"
            and not text[: heading.start()].endswith("\n")
            and heading.start()
            and "\n" not in heading[0]
        ):
            continue
        _read(found, text[start : heading.start()], section)
        section, start = _section(heading["name"]), heading.end()
    _read(found, text[start:], section)
    return found


def _read(found: list[Passage], block: str, section: Section) -> None:
    for line in block.split("\n"):
        if not line.strip() or (section == "conclusion" and (_FIELD.match(line) or _NO_LABEL.match(line))):
            continue
        region = _REGION.match(line)
        name = region["region"].lower() if region else None
        for sentence in sentences(line):
            found.append(Passage(section, name, sentence))


def headings(text: str) -> list[Section]:
    """The sections that the headings of a text open, in order."""
    return [_section(heading["name"]) for heading in _HEADING.finditer(text)]
