"""The first look at the picture of a chat: unpacked and searched once, its faces cut for both models that want them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fervlm.errors import FervlmError
from fervlm.predict.cut_faces import Located, cut_located, located
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.chat_schemas import Subject
from fervlm.serve.inputs import checked_picture
from fervlm.serve.problems import Problem, from_error
from fervlm.serve.shown import located_png, url_of
from fervlm.vision.find_faces import finder_named


async def shown_to(backend: Backend, writer: Writer, subject: Subject, face: int) -> Subject:
    """The subject with the face as the language model gets it, and with all faces as the picture model takes them.

    Both come from one visit to a thread, before anything is asked of either.

    Raises:
        Problem: 404 where there are not so many faces; 413, 415 or 422 as for `checked_picture`.
    """
    picture = subject.picture
    if picture is None:
        return subject

    def look() -> Subject:
        checked_picture(picture, subject.name, backend.settings.limits.pixels)
        where = located(picture, subject.name, backend.workers.finder())
        if not where.faces:  # chats often show a face cut out
            where = Located(where.picture, tuple(finder_named("none").find(where.picture.pixels)))
        if face >= len(where.faces):
            raise no_such_face(face, len(where.faces))
        faces = cut_located(where, backend.workers.manifest)
        return replace(subject, faces=faces, url=url_of(located_png(where, writer.side, face)))

    try:
        return await asyncio.to_thread(look)
    except FervlmError as error:
        raise from_error(error) from None


async def looked_into(backend: Backend, subject: Subject) -> None:
    """Hold the picture of a subject against the limits, where no language model is shown it; errors as above."""
    if subject.picture is not None:
        limit = backend.settings.limits.pixels
        await asyncio.to_thread(checked_picture, subject.picture, subject.name, limit)


def no_such_face(face: int, there: int) -> Problem:
    """The problem of a face that was not found."""
    return Problem(404, f"face: there is no face {face}; {there} were found, counted from 0.")
