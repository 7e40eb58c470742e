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


_OVERVIEW = r"overview|summary|in brief|at a glance"
_OBSERVED = (
    r"(?:key |main |facial |visual )?observations?(?: of facial (?:action units|movements|muscles))?|observed|seen"
    r"|(?:key |facial |visible )?(?:movements?|findings|evidence|signs|cues|actions)|key facial movements"
    r"|action units|(?:facial |visual )?description|summary of (?:facial )?movements"
    r"|what (?:i|we|one|is|can be|the face|moves?|the movements are)(?: can)?(?: be)?"
    r"(?: see|seen|sees|observe|observed|visible|shows?|does|there)?"
)
_INTERPRETED = (
    r"(?:overall )?(?:emotional )?interpretation|analysis|reasoning|reading|inferred|inference|suggested|suggestion"
    r"|meaning|discussion|assessment|explanation|rationale"
    r"|what (?:it|this|that|they|these)(?: all)? (?:suggests?|means?|points? to|adds? up to)"
    r"|what (?:i|we|one) makes? of (?:it|this|them)"
)
_CONCLUDED = (
    r"(?:final |overall )?conclusions?"
    r"|(?:final |overall |suggested )?(?:label|answer|verdict|decision|outcome|result|classification)"
    r"|what (?:i|we|one) (?:would )?calls? (?:it|this)"
)
# Bounded and without backtracking: blank lines without end would otherwise take cubic time.
_HEADING = re.compile(
    r"(?:(?<=[.!?;])|^|\n)[\s>#*_|\-•]{0,200}+(?:\(?(?:\d{1,2}|[a-d])[.)][\s*_#]{0,20}+)?"
    rf"(?P<name>(?P<overview>{_OVERVIEW})|(?P<observation>{_OBSERVED})|(?P<interpretation>{_INTERPRETED})"
    rf"|(?P<conclusion>{_CONCLUDED}))"
    r"[\s*_]*(?P<mark>:|\s[–—-]\s|\n|$)[\s*_]*",
    re.IGNORECASE,
)
_FIELD = re.compile(r"^\s*(?:candidates|provenance|confidence)\s*:", re.IGNORECASE)
_NO_LABEL = re.compile(r"^\s*label\s*:\s*none\b", re.IGNORECASE)
_REGION = re.compile(
    r"^\s*[-*•–]?\s*\**\s*(?P<region>brows?|eyes?|cheeks?|nose|mouth|chin|jaw|neck|head|gaze|quality)\s*\**\s*:",
    re.IGNORECASE,
)


def _parts(text: str) -> list[tuple[Section, int, int]]:
    """Section, start and end of each heading."""
    found: list[tuple[Section, int, int]] = []
    for heading in _HEADING.finditer(text):
        inline = bool(heading.start()) and not text[: heading.start()].endswith("\n") and "\n" not in heading[0]
        if inline and heading["mark"] != ":" and not heading["mark"].strip():
            continue
        name: Section = next(part for part in _ORDER if heading[part])
        found.append((name, heading.start(), heading.end()))
    return found


_ORDER: tuple[Section, ...] = ("overview", "observation", "interpretation", "conclusion")


def passages(text: str, section: Section = "text") -> list[Passage]:
    """The sentences of `text`.

    What stands before the first heading belongs to `section`; in a free text whose headings name only what follows
    from the observations, it is the observations.
    """
    found: list[Passage] = []
    start = 0
    parts = _parts(text)
    names = {name for name, _, _ in parts}
    if section == "text" and "observation" not in names and {"interpretation", "conclusion"} <= names:
        section = "observation"
    for name, begin, end in parts:
        _read(found, text[start:begin], section)
        section, start = name, end
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


def in_order(text: str) -> bool:
    """Whether the headings of a text, where it has any, open all three parts in their order.

    What stands before the first heading counts as the parts that have none.
    """
    parts = [part for part in _parts(text) if part[0] != "overview"]
    names = [name for index, (name, _, _) in enumerate(parts) if not index or name != parts[index - 1][0]]
    if names in (["conclusion"], ["interpretation", "conclusion"]) and text[: parts[0][1]].strip():
        return True
    return not names or names == ["observation", "interpretation", "conclusion"]


def headings(text: str) -> list[Section]:
    """The sections that the headings of a text open, in order."""
    return [name for name, _, _ in _parts(text)]
