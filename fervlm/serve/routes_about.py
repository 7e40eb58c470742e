"""What the server is and how it is: models, label sets, notice, health, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from fervlm import __version__
from fervlm.facs.labels import label_set, label_set_names
from fervlm.serve.asking import backend_of, ready
from fervlm.serve.openapi import errors
from fervlm.serve.schemas import Health, LabelSetInfo, LabelSets, Models, Notice

router = APIRouter(tags=["about"])


@router.get("/v1/models", responses=errors(401, 429))
async def models(request: Request) -> Models:
    """What answers, and how it compared with the training stack when it started."""
    return Models(data=backend_of(request).models())


@router.get("/v1/label-sets", responses=errors(401, 429))
async def label_sets() -> LabelSets:
    """The named sets of labels."""
    found = [label_set(name) for name in label_set_names()]
    return LabelSets(label_sets=[LabelSetInfo(name=s.name, labels=list(s.labels), note=s.note) for s in found])


@router.get("/v1/notice")
async def notice(request: Request) -> Notice:
    """What those whose faces are shown must be told (EU AI Act, Article 50)."""
    settings = backend_of(request).settings
    return Notice(text=settings.notice, observe_only=settings.observe_only)


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives."""
    return Health(version=__version__)


@router.get("/readyz", responses=errors(503))
async def readyz(request: Request) -> Health:
    """Requests are answered now."""
    ready(backend_of(request))
    return Health(version=__version__)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors(401, 429)},
)
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    backend = backend_of(request)
    backend.metrics.ready.set(1 if backend.ready else 0)
    return Response(backend.metrics.text(), media_type=CONTENT_TYPE_LATEST)
