"""A language model's caption section by section as it comes, each verified once it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fervlm.reasoning.verifier.sections import passages
from fervlm.reasoning.verify import verify
from fervlm.records import AURecord, Prediction, Section
from fervlm.serve.backend import Writer
from fervlm.serve.questions import caption_parts
from fervlm.serve.schemas import SectionEvent
from fervlm.serve.writing import written
from fervlm.vision.sentences import TITLES


async def sections_as_they_close(
    writer: Writer, picture: bytes, face: int, prediction: Prediction
) -> AsyncIterator[SectionEvent | Prediction]:
    """Each section once the next one has begun, verified alone; at the end the whole, verified as one."""
    text, told = "", 0
    async for part in caption_parts(writer, picture, prediction):
        text += part
        if "\n" not in part:
            continue
        closed = _sections(text[: text.rfind("\n")])[:-1]
        for section, words in closed[told:]:
            yield _checked(face, section, words, prediction.evidence)
        told = max(told, len(closed))
    for section, words in _sections(text)[told:]:
        yield _checked(face, section, words, prediction.evidence)
    yield written(prediction, text, writer.backend, writer.name)


def _sections(text: str) -> list[tuple[Section, str]]:
    found: list[tuple[Section, list[str]]] = []
    for passage in passages(text):
        if not found or found[-1][0] != passage.section:
            found.append((passage.section, []))
        found[-1][1].append(passage.text)
    return [(section, "\n".join(words)) for section, words in found]


def _checked(face: int, section: Section, text: str, record: AURecord) -> SectionEvent:
    found = verify(text, record, section=section if section in TITLES else "text")
    ok = all(check.ok for check in found.sentences)
    return SectionEvent(face=face, section=section, text=text, sentences=list(found.sentences), ok=ok)
