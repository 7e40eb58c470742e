"""POST /v1/batch (many pictures, one line each) and /v1/draw (a file to keep)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from fervlm.records import Prediction
from fervlm.serve.asking import Files, backend_of, meant, picture_of
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.drawing import TYPES, drawn
from fervlm.serve.explaining import explain_picture
from fervlm.serve.inputs import known, parsed
from fervlm.serve.openapi import body, errors
from fervlm.serve.problems import Problem
from fervlm.serve.questions import captioned
from fervlm.serve.schemas import BatchAsked, BatchLine, Choices, DrawAsked, Item

router = APIRouter(tags=["many"])
NDJSON = "application/x-ndjson"
_TEXT = {"schema": {"type": "string"}}
_LINES: dict[str, Any] = {"description": "A `BatchLine` a line.", "content": {NDJSON: _TEXT}}
_FILE: dict[str, Any] = {
    "description": "The file.",
    "content": {kind.partition(";")[0]: _TEXT for kind in TYPES.values()},
}


@router.post(
    "/v1/batch",
    responses=errors() | {200: _LINES},
    response_class=Response,
    openapi_extra=body(BatchAsked, many="pictures"),
)
async def batch(request: Request) -> Response:
    """Explain many pictures: a JSON line each, in their order; what is wrong with one is told in its own line."""
    backend = backend_of(request)
    asked: Choices
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        asked, files = await parsed(request, Choices)
        uploads = files.pop("pictures", [])
        if not uploads or files:
            raise Problem(422, "pictures: send at least one, and nothing else as a file.")
        items: list[tuple[Item, Files]] = [
            (Item(id=str(k), picture="-"), {"picture": [data]}) for k, data in enumerate(uploads)
        ]
    else:
        given, _ = await parsed(request, BatchAsked)
        asked, items = given, [(item, {}) for item in given.items]
    if len(items) > backend.settings.limits.items:
        raise Problem(413, f"More than {backend.settings.limits.items} items in one batch.")
    if {"label_set", "labels"} <= asked.model_fields_set:
        raise Problem(422, "label_set and labels cannot both be given.")
    writer = meant(backend, asked.model, asked.observe_only)
    choices = asked.model_copy(update={"observe_only": True}) if backend.settings.observe_only else asked
    return StreamingResponse(_lines(backend, writer, items, choices), media_type=NDJSON)


async def _lines(
    backend: Backend, writer: Writer | None, items: list[tuple[Item, Files]], choices: Choices
) -> AsyncIterator[bytes]:
    """The answers in order; a few items are under way at once, so that no worker waits and none is hogged."""
    running: deque[asyncio.Task[BatchLine]] = deque()
    left: Iterator[tuple[int, tuple[Item, Files]]] = enumerate(items)
    try:
        while True:
            for index, (item, files) in left:
                running.append(asyncio.create_task(_line(backend, writer, index, item, files, choices)))
                if len(running) > backend.settings.workers:
                    break
            if not running:
                return
            line = await running.popleft()
            backend.metrics.told(line.predictions or ())
            yield line.model_dump_json().encode() + b"\n"
    finally:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _line(
    backend: Backend, writer: Writer | None, index: int, item: Item, files: Files, choices: Choices
) -> BatchLine:
    try:
        picture, name = await picture_of(backend, item.picture, item.id, files)
        made = await backend.workers.run(lambda reader: explain_picture(reader, picture, name, choices))
        predictions = made.predictions
        if writer is not None:
            predictions = [await captioned(writer, picture, one) for one in predictions]
    except Problem as problem:
        return BatchLine(index=index, id=item.id, error=problem.body())
    return BatchLine(index=index, id=item.id, predictions=predictions, notes=made.notes)


@router.post(
    "/v1/draw",
    responses=errors() | {200: _FILE},
    response_class=Response,
    openapi_extra=body(DrawAsked),
)
async def draw(request: Request) -> Response:
    """Predictions as a page or picture to keep: drawing, explanation, verdicts, evidence."""
    asked, _ = await parsed(request, DrawAsked)
    backend = backend_of(request)
    known(mention for one in asked.predictions for mention in _units(one))
    picture = None
    if asked.picture:
        picture, _ = await picture_of(backend, asked.picture, "picture", {})
    made = await backend.workers.run(lambda reader: drawn(reader, asked, picture))
    name = f'attachment; filename="fervlm.{asked.format}"'
    headers = {
        "content-disposition": name,
        "content-security-policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    }
    return Response(made, media_type=TYPES[asked.format], headers=headers)


def _units(prediction: Prediction) -> Iterator[int]:
    """Every AU that a drawing would name."""
    yield from (reading.au for reading in prediction.evidence.readings)
    yield from (event.au for event in prediction.events)
    if prediction.caption is not None:
        yield from (unit.au for seen in prediction.caption.observations for unit in seen.units)
