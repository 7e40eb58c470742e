"""The pictures of a run, opened one after another: bad ones are noted, the rest goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.cli.sources import STDIN, find
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.predict.cut_faces import CutFaces
    from fervlm.predict.pictures import PictureReader


class Looking:
    """Pictures that a user named, and what went wrong with them.

    Args:
        sources: pictures and folders of them; a file named outright counts as a picture whatever its ending.
        out: the output, which is never read.

    Raises:
        FervlmError: there is no such file, or no picture at all.
    """

    def __init__(self, sources: list[str], out: str | None = None) -> None:
        found = find(sources, (), skip=Path(out) if out else None)
        if STDIN in found.evidence:
            raise FervlmError("pictures are not read from standard input", hint="Give files or folders.")
        self.pictures = [*found.pictures, *map(Path, found.evidence)]
        self.bad: list[FervlmError] = list(found.unreadable)
        self._many = found.walked or len(self.pictures) > 1
        if not self.pictures:
            raise FervlmError("there is no picture in it", file=sources[0] if sources else None)

    def faces(self, reader: PictureReader, *, face_is_crop: bool) -> Iterator[CutFaces]:
        """The faces of each picture that can be read.

        Raises:
            FervlmError: the only picture is bad; of many, the bad ones are kept in `bad`.
        """
        for path in self.pictures:
            try:
                faces = reader.cut(path, face_is_crop=face_is_crop)
            except FervlmError as error:
                self.note(error, path)
                continue
            for note in faces.notes:
                say(f"{path}: {note}")
            yield faces

    def note(self, error: FervlmError, path: Path) -> None:
        """Keep an error for the end, or stop where there is but one picture."""
        if error.file is None:
            error.file = str(path)
        if not self._many:
            raise error
        self.bad.append(error)


def say(line: str) -> None:
    """A remark on standard error."""
    print(f"fervlm: {line}", file=sys.stderr)


def described(given: list[str]) -> dict[str, str]:
    """`--describe LABEL=TEXT` taken apart.

    Raises:
        FervlmError: one has no `=`, no label, or stands twice.
    """
    found: dict[str, str] = {}
    for one in given:
        label, equals, text = one.partition("=")
        label = label.strip()
        if not equals or not label:
            raise FervlmError(f"'{one}' is no description", hint="Write --describe 'LABEL=what is seen'.")
        if label in found:
            raise FervlmError(f"'{label}' is described twice", hint="Give one description for each label.")
        found[label] = text
    return found
