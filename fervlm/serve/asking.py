"""The beginning that most routes share: is the backend there, what was sent, what do the worker threads say to it."""

from __future__ import annotations

import asyncio

from fastapi import Request

from fervlm.records import AURecord
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.explaining import Made, explain_picture, explain_records
from fervlm.serve.inputs import checked_picture, picture_bytes, records_of
from fervlm.serve.problems import Problem
from fervlm.serve.remote import fetched
from fervlm.serve.schemas import Asked

Files = dict[str, list[bytes]]


def backend_of(request: Request) -> Backend:
    """The server's backend."""
    found: Backend = request.app.state.backend
    return found


def ready(backend: Backend) -> None:
    """Raises `Problem` 503 where the backend does not answer now."""
    if not backend.ready:
        raise Problem(503, "The model is starting, or starting again after a crash.", {"retry-after": "5"})


def meant(backend: Backend, model: str, observe_only: bool = False) -> Writer | None:
    """The language model that a request means, None for the model of the workers.

    Where movements alone may be told it is the latter: no language model can be held to them.

    Raises:
        Problem: 503 where it does not answer now, 404 where no model is called so.
    """
    ready(backend)
    writer = backend.named(model)
    if writer is not None and not writer.ready:
        raise Problem(503, "The language model is not there now.", {"retry-after": "5"})
    return None if observe_only or backend.settings.observe_only else writer


async def picture_of(backend: Backend, given: str, name: str, files: Files) -> tuple[bytes, str]:
    """The encoded picture of a request, checked, and what to call it.

    Raises:
        Problem: there is none, more than one, it is too large, or no picture.
    """
    data, called = await picture_sent(backend, given, name, files)
    limit = backend.settings.limits.pixels
    return await asyncio.to_thread(checked_picture, data, called, limit), called


async def picture_sent(backend: Backend, given: str, name: str, files: Files) -> tuple[bytes, str]:
    """As `picture_of`, but what was sent is not looked into: that is left to who unpacks it."""
    uploads = files.get("picture", [])
    if len(uploads) > 1:
        raise Problem(422, "picture: one at a time here; /v1/batch takes many.")
    if uploads:
        data = uploads[0]
    elif given.startswith(("https:", "http:")):
        data = await fetched(given, backend.settings.remote)
    else:
        data = picture_bytes(given)
    return data, name or "picture"


async def records_given(
    backend: Backend, evidence: AURecord | list[AURecord] | str, name: str, form: str, files: Files
) -> list[AURecord]:
    """The AU records of a request, read in a thread."""
    uploads = files.get("evidence", [])
    if len(uploads) > 1:
        raise Problem(422, "evidence: one file at a time.")
    given = uploads[0] if uploads else evidence
    return await asyncio.to_thread(records_of, given, name, form, backend.settings.limits.rows)


def one_of_two(asked: Asked, files: Files) -> bool:
    """Whether a picture was sent (else evidence); `Problem` 422 for both or none, and for two kinds of labels."""
    picture = bool(asked.picture or files.get("picture"))
    evidence = bool(asked.evidence or files.get("evidence")) or isinstance(asked.evidence, AURecord)
    if picture == evidence:
        raise Problem(422, "Send either a picture or evidence.")
    return picture


async def explained(backend: Backend, asked: Asked, files: Files, *, draw: bool) -> tuple[bytes | None, Made]:
    """The engine's answer to a request, and the picture it was about, if any.

    Raises:
        Problem: what was sent does not do, the line is too long, or it took too long.
    """
    single_choice(asked)
    shows = one_of_two(asked, files)
    if backend.settings.observe_only:
        asked = asked.model_copy(update={"observe_only": True})
    if shows:
        picture, name = await picture_of(backend, asked.picture, asked.name, files)
        made = await backend.workers.run(lambda reader: explain_picture(reader, picture, name, asked, draw=draw))
        return picture, made
    records = await records_given(backend, asked.evidence, asked.name, asked.input_format, files)
    return None, await backend.workers.run(lambda _: explain_records(records, asked, asked.per, draw=draw))


def single_choice(asked: Asked) -> None:
    """Raises `Problem` 422 where a named set and words were both chosen."""
    if {"label_set", "labels"} <= asked.model_fields_set:
        raise Problem(422, "label_set and labels cannot both be given.")
