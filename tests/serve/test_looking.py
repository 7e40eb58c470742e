"""The first look at a chat's picture: one search for both models, the same faces as ever, what is wrong told first."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fervlm.predict.load import load
from fervlm.reasoning.answers import render
from fervlm.reasoning.verify import verify
from fervlm.records import Caption, Prediction
from fervlm.serve.backend import Backend
from fervlm.serve.chat_schemas import Subject
from fervlm.serve.explaining import explain_picture, explain_shown
from fervlm.serve.grounds import grounds_of
from fervlm.serve.looking import shown_to
from fervlm.serve.metrics import Metrics
from fervlm.serve.problems import Problem
from fervlm.serve.schemas import Choices
from fervlm.serve.settings import Limits, ServeSettings
from fervlm.serve.shown import face_png, memory
from fervlm.serve.vllm_writer import VllmWriter
from fervlm.serve.workers import FewFaces, Workers
from fervlm.vision.find_faces import FoundFace


class Sized(VllmWriter):
    """A writer whose faces have a known side."""

    side = 64


class Counted(FewFaces):
    """A finder that counts its searches."""

    searches = 0

    def find(self, picture: NDArray[np.uint8]) -> list[FoundFace]:
        self.searches += 1
        return super().find(picture)


def _with(work: Callable[[Backend, Counted], Awaitable[Any]], **limits: int) -> Any:
    async def run() -> Any:
        metrics, reader, bounds = Metrics(), load(), Limits(**limits)
        workers = Workers([reader], bounds, metrics)
        counted = Counted(reader.finder, bounds.faces)
        reader.finder = counted
        workers.finders = [counted]
        return await work(Backend(workers, ServeSettings(limits=bounds), metrics), counted)

    return asyncio.run(run())


def _pixels(url: str) -> bytes:
    assert url.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB").tobytes()


def test_one_search_serves_both_models(photo: bytes) -> None:
    async def look(backend: Backend, counted: Counted) -> tuple[Subject, Prediction, Prediction, int]:
        writer = Sized("http://model", name="m")
        subject = await shown_to(backend, writer, Subject("Why?", 1, photo), 0)
        faces = subject.faces
        assert faces is not None
        made = await backend.workers.run(lambda r: explain_picture(r, faces, "picture", Choices()))
        searches = counted.searches
        ever = await backend.workers.run(lambda r: explain_picture(r, photo, "picture", Choices()))
        return subject, made.predictions[0], ever.predictions[0], searches

    subject, told, ever, searches = _with(look)
    assert searches == 1
    assert subject.url is not None
    expected = Image.open(io.BytesIO(face_png(photo, None, 64))).convert("RGB")
    assert expected.size == (64, 64) and _pixels(subject.url) == expected.tobytes()
    assert told.model_copy(update={"timing_ms": None}) == ever.model_copy(update={"timing_ms": None})


def test_a_face_that_fills_its_picture_is_taken_as_one(photo: bytes) -> None:
    """As `explain_shown` does it, where no face is found."""
    flat = Image.fromarray(np.full((90, 120, 3), 120, dtype=np.uint8))
    buffer = io.BytesIO()
    flat.save(buffer, "PNG")

    async def look(backend: Backend, _: Counted) -> tuple[Subject, Prediction, Prediction]:
        subject = await shown_to(backend, Sized("http://model", name="m"), Subject("?", 1, buffer.getvalue()), 0)
        faces = subject.faces
        assert faces is not None
        made = await backend.workers.run(lambda r: explain_picture(r, faces, "picture", Choices()))
        ever = await backend.workers.run(lambda r: explain_shown(r, buffer.getvalue(), "picture", Choices()))
        return subject, made.predictions[0], ever.predictions[0]

    subject, told, ever = _with(look)
    assert subject.url is not None and len(_pixels(subject.url)) == 64 * 64 * 3
    assert told.model_copy(update={"timing_ms": None}) == ever.model_copy(update={"timing_ms": None})


@pytest.mark.parametrize(
    ("picture", "face", "limits", "status"),
    [(None, 3, {}, 404), (b"no picture", 0, {}, 415), (None, 0, {"pixels": 100}, 413), ("cut", 0, {}, 422)],
)
def test_what_is_wrong_is_told_before_any_model_is_asked(
    photo: bytes, picture: bytes | str | None, face: int, limits: dict[str, int], status: int
) -> None:
    sent = photo if picture is None else photo[:9000] if picture == "cut" else picture
    assert isinstance(sent, bytes)

    async def look(backend: Backend, _: Counted) -> Subject:
        return await shown_to(backend, Sized("http://model", name="m"), Subject("?", 1, sent), face)

    with pytest.raises(Problem) as told:
        _with(look, **limits)
    assert told.value.status == status


def test_the_readers_of_a_server_remember_together(photo: bytes) -> None:
    readers = [load(), load()]
    Workers(readers, Limits(), Metrics())
    before = readers[0].explain(photo)
    kept = len(memory())
    assert readers[1].explain(photo)[0].box == before[0].box and len(memory()) == kept


def test_grounds_check_as_verify_does(photo: bytes) -> None:
    [seen] = load().explain(photo)
    assert seen.caption is not None
    grounds = grounds_of(seen)
    texts = [render(seen.caption, details=False), "The brows are lowered. This is anger.", "Consistent with happiness."]
    everything: list[Caption | str] = [seen.caption, *texts]
    for told in everything:
        assert grounds.check(told) == verify(told, seen.evidence)
    assert not grounds.check(texts[1]).ok and grounds.check(seen.caption).ok
