"""The application: routes, errors, the page, and an OpenAPI document that says what really happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from fervlm import __version__
from fervlm.errors import FervlmError
from fervlm.examples import photograph
from fervlm.predict.pictures import PictureReader
from fervlm.serve import routes_about, routes_chat, routes_explain, routes_many, routes_page, routes_text
from fervlm.serve.backend import Backend
from fervlm.serve.gate import LOG, Gate
from fervlm.serve.keys import Keys
from fervlm.serve.metrics import Metrics
from fervlm.serve.openapi import document
from fervlm.serve.problems import Problem, from_error
from fervlm.serve.settings import ServeSettings
from fervlm.serve.workers import Workers

Hook = Callable[[Backend], Awaitable[None]]


def create_app(
    readers: list[PictureReader],
    settings: ServeSettings | None = None,
    keys: Keys | None = None,
    *,
    begin: Hook | None = None,
    end: Hook | None = None,
) -> ASGIApp:
    """The server as an ASGI application.

    Args:
        readers: models that look at pictures, one for each worker thread.
        settings: limits and the like; the defaults otherwise.
        keys: who may ask; everybody by default.
        begin, end: called with the backend when the server starts and stops, such as to start vLLM and to stop it.
    """
    chosen, allowed, metrics = settings or ServeSettings(), keys or Keys(environment={}), Metrics()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        backend = Backend(Workers(readers, chosen.limits, metrics), chosen, metrics)
        app.state.backend = backend
        await backend.workers.run(_warm)
        backend.warm = True
        metrics.ready.set(1)
        if begin is not None:
            await begin(backend)
        try:
            yield
        finally:
            if end is not None:
                await end(backend)
            backend.workers.close()

    app = FastAPI(title="fervlm", version=__version__, lifespan=life, docs_url=None, redoc_url=None)
    for routes in (routes_explain, routes_text, routes_many, routes_chat, routes_about, routes_page):
        app.include_router(routes.router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(FervlmError, _mistake)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    app.openapi = lambda: document(app, keyed=allowed.wanted)  # type: ignore[method-assign]
    return Gate(app, allowed, chosen.limits, metrics)


def _warm(reader: PictureReader) -> None:
    reader.explain(photograph())


def _id(request: Request) -> str | None:
    found: str | None = getattr(request.state, "request_id", None)
    return found


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(_id(request))


async def _mistake(request: Request, error: Exception) -> Response:
    assert isinstance(error, FervlmError)
    return from_error(error).response(_id(request))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = {404: "There is nothing at this path; GET /openapi.json lists what there is."}
    detail = told.get(error.status_code, f"{error.detail}.")
    return Problem(error.status_code, detail, error.headers or {}).response(_id(request))


async def _broken(request: Request, error: Exception) -> Response:
    """The trace goes to the log, the request's number to the client."""
    LOG.error("request %s failed", _id(request), exc_info=error)
    return Problem(500, "Something broke here; it is in the server's log.").response(_id(request))


def logging_to_stderr() -> None:
    """One JSON object a line on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
