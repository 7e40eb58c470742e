"""POST /v1/caption and /v1/verify."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fervlm.reasoning.verify import verify as verified
from fervlm.records import AURecord, Verification
from fervlm.serve.asking import backend_of, explained, meant, picture_of, records_given
from fervlm.serve.explaining import evidence_of
from fervlm.serve.inputs import parsed
from fervlm.serve.openapi import body, errors
from fervlm.serve.problems import Problem
from fervlm.serve.questions import captioned
from fervlm.serve.schemas import Asked, CaptionAnswer, Told, VerifyAsked
from fervlm.serve.sections import caption_text

router = APIRouter(tags=["texts"])


@router.post(
    "/v1/caption",
    response_model=CaptionAnswer,
    responses=errors(),
    openapi_extra=body(Asked, "picture", "evidence"),
)
async def caption(request: Request) -> Response:
    """The explanation of every face as text and as a record, verified."""
    asked, files = await parsed(request, Asked)
    backend = backend_of(request)
    chosen = meant(backend, asked.model, asked.observe_only)
    picture, made = await explained(backend, asked, files, draw=False)
    predictions = made.predictions
    writer = chosen if picture is not None else None
    if writer is not None and picture is not None:
        predictions = [await captioned(writer, picture, one) for one in predictions]
    backend.metrics.told(predictions)
    told = CaptionAnswer(
        backend=predictions[0].backend if predictions else backend.workers.backend,
        model=backend.called(writer),
        captions=[
            Told(id=one.id, text=caption_text(one), caption=one.caption, verification=one.verification)
            for one in predictions
        ],
        notes=made.notes,
    )
    return Response(told.model_dump_json(), media_type="application/json")


@router.post(
    "/v1/verify",
    response_model=Verification,
    responses=errors(),
    openapi_extra=body(VerifyAsked, "picture", "evidence"),
)
async def verify(request: Request) -> Response:
    """Hold any text on a face against a detector's file or records, or what our AU head reads in a picture."""
    asked, files = await parsed(request, VerifyAsked)
    backend = backend_of(request)
    picture_sent = bool(asked.picture or files.get("picture"))
    evidence_sent = bool(asked.evidence or files.get("evidence")) or isinstance(asked.evidence, AURecord)
    if picture_sent == evidence_sent:
        raise Problem(422, "Send either a picture or evidence.")
    if picture_sent:
        picture, name = await picture_of(backend, asked.picture, asked.name, files)
        crop = asked.face_is_crop
        record = await backend.workers.run(lambda r: evidence_of(r, picture, name, face_is_crop=crop))
    else:
        records = await records_given(backend, asked.evidence, asked.name, asked.input_format, files)
        record = records[0]
    found = await backend.workers.run(lambda _: verified(asked.text, record))
    backend.metrics.checked(found)
    return Response(found.model_dump_json(), media_type="application/json")
