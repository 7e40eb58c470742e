"""POST /v1/explain and /v1/classify."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from fervlm.predict.agreement import words_of
from fervlm.records import Prediction
from fervlm.serve import sse
from fervlm.serve.asking import backend_of, explained, meant, picture_of
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.closing import sections_as_they_close
from fervlm.serve.explaining import Made, classify_picture, wanted
from fervlm.serve.inputs import parsed
from fervlm.serve.openapi import EVENTS, body, errors
from fervlm.serve.problems import Problem
from fervlm.serve.questions import captioned, labelled
from fervlm.serve.schemas import Answer, ClassifyAsked, ExplainAsked
from fervlm.serve.sections import face_event, section_events

router = APIRouter(tags=["faces"])
_EVENTS: dict[str, Any] = {
    "description": "Predictions; with `stream` the events `begin`, `face`, `section`, `prediction`, `done`, `error`.",
    "content": {sse.MEDIA_TYPE: EVENTS},
}


@router.post(
    "/v1/explain",
    response_model=Answer,
    responses={200: _EVENTS, **errors()},
    openapi_extra=body(ExplainAsked, "picture", "evidence"),
)
async def explain(request: Request) -> Response:
    """Explain every face of a picture, or what an AU detector measured; every sentence is checked."""
    asked, files = await parsed(request, ExplainAsked)
    backend = backend_of(request)
    chosen = meant(backend, asked.model, asked.observe_only)
    picture, made = await explained(backend, asked, files, draw=asked.draw)
    writer = chosen if picture is not None else None
    if asked.stream:
        parts = _streamed(backend, made, picture, writer, str(request.state.request_id))
        return StreamingResponse(parts, media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
    if writer is not None and picture is not None:
        made.predictions[:] = [await captioned(writer, picture, one) for one in made.predictions]
    return answer(backend, made, writer)


@router.post("/v1/classify", response_model=Answer, responses=errors(), openapi_extra=body(ClassifyAsked, "picture"))
async def classify(request: Request) -> Response:
    """Hold every face of a picture against labels in any words; nothing is explained."""
    asked, files = await parsed(request, ClassifyAsked)
    backend = backend_of(request)
    writer = meant(backend, asked.model)
    if backend.settings.observe_only:
        raise Problem(422, "This server tells movements only, so it gives no labels.")
    if asked.unknown and backend.workers.manifest.unknown is None:
        raise Problem(409, f"{backend.workers.name} was published without a rule for faces that fit no label.")
    picture, name = await picture_of(backend, asked.picture, asked.name, files)
    made = await backend.workers.run(lambda r: classify_picture(r, picture, name, asked, unknown=asked.unknown))
    if writer is not None:
        labels = words_of(wanted(asked))
        made.predictions[:] = [await labelled(writer, picture, one, labels) for one in made.predictions]
    return answer(backend, made, writer)


def answer(backend: Backend, made: Made, writer: Writer | None) -> Response:
    """Predictions as JSON, counted."""
    backend.metrics.told(made.predictions)
    told = Answer(
        backend=made.predictions[0].backend if made.predictions else backend.workers.backend,
        model=backend.called(writer),
        predictions=made.predictions,
        notes=made.notes,
        figures=made.figures,
    )
    return Response(told.model_dump_json(), media_type="application/json")


async def _streamed(
    backend: Backend, made: Made, picture: bytes | None, writer: Writer | None, request: str
) -> AsyncIterator[bytes]:
    """The events of an answer; one that breaks off ends with `error`."""
    begin = {"backend": backend.workers.backend if writer is None else writer.backend, "model": backend.called(writer)}
    yield sse.event("begin", {**begin, "faces": len(made.predictions), "notes": made.notes})
    told: list[Prediction] = []
    try:
        for face, prediction in enumerate(made.predictions):
            figure = made.figures[face] if made.figures is not None and face < len(made.figures) else None
            yield sse.event("face", face_event(face, prediction, figure).model_dump_json())
            final = prediction
            if writer is None or picture is None:
                for section in section_events(face, prediction):
                    yield sse.event("section", section.model_dump_json())
            else:
                async for part in sections_as_they_close(writer, picture, face, prediction):
                    if isinstance(part, Prediction):
                        final = part
                    else:
                        yield sse.event("section", part.model_dump_json())
            told.append(final)
            yield sse.event("prediction", final.model_dump_json())
    except Problem as problem:
        yield sse.event("error", problem.body(request))
        return
    finally:
        backend.metrics.told(told)
    yield sse.event("done", {"faces": len(told)})
