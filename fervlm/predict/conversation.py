"""A conversation with a multimodal model about one or several faces; answers are checked, some questions refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from fervlm.errors import FervlmError
from fervlm.facs.units import action_unit
from fervlm.mllm.ask import assistant, user
from fervlm.mllm.generate import generate
from fervlm.mllm.refuse import plain, refusal
from fervlm.mllm.spans import Message, special_tokens
from fervlm.predict.checked import findings
from fervlm.predict.language_model import LanguageModelReader
from fervlm.reasoning.verify import verify
from fervlm.records import AURecord, Prediction, Verification

Stream = Callable[[str], None]
_MOST = 256
"""Tokens of an answer."""


class Conversation:
    """Turns about pictures, oldest first; a picture stands before the first question after it was shown.

    Args:
        reader: the model.
        face_is_crop: each picture is one face already cut out.
    """

    def __init__(self, reader: LanguageModelReader, *, face_is_crop: bool = False) -> None:
        self.reader, self._face_is_crop = reader, face_is_crop
        self.sources: list[str] = []
        self.records: list[AURecord] = []
        self.turns: list[tuple[str, str]] = []
        self._crops: list[Image.Image] = []
        self._messages: list[Message] = []
        self._unasked = 0
        self._special = special_tokens(reader.loaded.processor.tokenizer)

    def show(self, picture: str) -> None:
        """Add the largest face of a picture.

        Raises:
            FervlmError: the picture cannot be read, or shows no face.
        """
        faces = self.reader.cut(picture, face_is_crop=self._face_is_crop)
        seen = self.reader.eyes.evidence(picture, face_is_crop=self._face_is_crop)
        self.sources.append(picture)
        self.records.append(seen[0])
        self._crops.append(Image.fromarray(faces.crops[0]).convert("RGB"))
        self._unasked += 1

    def ask(self, question: str, stream: Stream | None = None) -> str | None:
        """Put a question; the answer goes to `stream` as it is written and is the last of `turns`.

        Returns:
            What the check found, in a line; None where all that was said holds.

        Raises:
            FervlmError: nothing was shown yet, or the conversation is longer than the model can read.
        """
        if not self._crops:
            raise FervlmError("no picture was shown yet", hint="Type: /picture FILE")
        refused = refusal(question)
        if refused is not None:
            self.turns.append((question, refused))
            if stream is not None:
                stream(refused)
            return None
        asked = user(plain(question, self._special), pictures=self._unasked)
        loaded = self.reader.loaded
        streamer = None if stream is None else _streamer(loaded.processor, stream)
        messages = [*self._messages, asked]
        answer = generate(loaded.model, loaded.processor, [messages], [self._crops], most=_MOST, streamer=streamer)[0]
        self._messages = [*messages, assistant(answer)]
        self._unasked = 0
        self.turns.append((question, answer))
        found = findings(self.verify())
        return None if not found else "does not hold: " + "; ".join(found)

    def verify(self) -> Verification:
        """The last answer against the evidence of the last picture.

        Raises:
            FervlmError: nothing was answered yet.
        """
        if not self.turns:
            raise FervlmError("nothing was answered yet")
        return verify(self.turns[-1][1], self.records[-1], against=self._against())

    def evidence(self) -> str:
        """What was measured on each face, a paragraph each."""
        return "\n\n".join(_told(source, record) for source, record in zip(self.sources, self.records, strict=True))

    def explain(self) -> list[Prediction]:
        """The whole explanation of the last picture's faces."""
        return self.reader.explain(self.sources[-1], face_is_crop=self._face_is_crop)

    def save(self, path: str) -> Path:
        """Write pictures' names, evidence, and all turns as JSON; returns where.

        Raises:
            FervlmError: no name, or the file cannot be written.
        """
        if not path:
            raise FervlmError("no file was named", hint="Type: /save FILE")
        found: dict[str, Any] = {
            "model": self.reader.name,
            "pictures": self.sources,
            "evidence": [record.model_dump(mode="json") for record in self.records],
            "turns": [{"question": q, "answer": a} for q, a in self.turns],
        }
        try:
            Path(path).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise FervlmError(f"cannot be written ({error.strerror})", file=path) from None
        return Path(path)

    def _against(self) -> str:
        from fervlm.predict.agreement import picture_evidence  # noqa: PLC0415

        return picture_evidence(self.records[-1])


def _told(source: str, record: AURecord) -> str:
    present = [r for r in record.readings if r.state == "present"]
    absent = [r.au for r in record.readings if r.state == "absent"]
    lines = [f"{source}, measured by {record.detector.name} (trust: {record.detector.trust})"]
    for reading in present:
        value = "" if reading.value is None else f" {reading.value:.2f}"
        lines.append(f"  AU{reading.au} {action_unit(reading.au).name}{value}")
    if not present:
        lines.append("  nothing is present")
    lines.append("  absent: " + (", ".join(f"AU{au}" for au in absent) or "none"))
    lines.append("  not measured: " + (", ".join(f"AU{au}" for au in record.not_measured) or "none"))
    return "\n".join(lines)


def _streamer(processor: Any, stream: Stream) -> Any:  # noqa: ANN401 - transformers has no types
    from transformers import TextStreamer  # noqa: PLC0415

    class Words(TextStreamer):
        """Hands on whole words instead of printing them."""

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            stream(text)

    return Words(processor.tokenizer, skip_prompt=True, skip_special_tokens=True)
