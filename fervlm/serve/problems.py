"""Errors on the wire: `application/problem+json` (RFC 9457) with one sentence, never a stack trace.

The body also carries OpenAI's `error` object, so that clients written for that API show the same sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from fervlm.errors import FervlmError, MissingExtraError

MEDIA_TYPE = "application/problem+json"
_TOO_LARGE = "the picture unpacks to"
_NO_PICTURE = "is not a picture"
_OPTION = re.compile(r"--([a-z][a-z-]+)")
"""The command line's options are fields here."""


class OpenAIError(BaseModel):
    """The same, as OpenAI's clients read it."""

    message: str
    type: str
    code: str
    param: str | None = None


class ProblemBody(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="Always `about:blank`: the status says the kind.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One or two sentences: what, where, what to do next.")
    request: str | None = Field(None, description="The request's id, as in the server's log.")
    error: OpenAIError


class Problem(Exception):  # noqa: N818 - the RFC's word
    """An answer that is no success.

    Args:
        status: HTTP status.
        detail: what, where, what next.
        headers: to send with it.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})

    def body(self, request: str | None = None) -> dict[str, Any]:
        """The JSON body."""
        title = HTTPStatus(self.status).phrase
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        told = OpenAIError(message=self.detail, type=kind, code=title.lower().replace(" ", "_"))
        return ProblemBody(
            title=title, status=self.status, detail=self.detail, request=request, error=told
        ).model_dump()

    def response(self, request: str | None = None) -> JSONResponse:
        """The whole answer."""
        return JSONResponse(self.body(request), self.status, self.headers, media_type=MEDIA_TYPE)


def from_error(error: FervlmError) -> Problem:
    """What a user's mistake is on the wire: 413 too large, 415 no picture, 501 not installed here, else 422."""
    if isinstance(error, MissingExtraError):
        return Problem(501, f"{error.what}, which this server does not have installed.")
    told = _OPTION.sub(lambda option: option[1].replace("-", "_"), str(error))
    if error.what.startswith(_TOO_LARGE):
        return Problem(413, told)
    return Problem(415 if error.what.startswith(_NO_PICTURE) else 422, told)
