"""The one error family. A user's mistake becomes one sentence that says what, where, and what to do next."""

from __future__ import annotations

from pathlib import Path


class FervlmError(Exception):
    """Anything a user can cause or mend; the command line prints it without a traceback and exits with 2.

    Args:
        what: the sentence, without a full stop at its end.
        file: the file it happened in, `<stdin>` for standard input.
        row: 1-based line of the file (the header is row 1), where one is to blame.
        column: name of the column, where one is to blame.
        hint: what to do next, as a short imperative sentence.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = None if file is None else str(file)
        self.row = row
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        place = [p for p in (self.file, self.row and f"row {self.row}", self.column and f"column {self.column}") if p]
        where = f"{', '.join(place)}: " if place else ""
        return f"{where}{self.what}." + (f" {self.hint}" if self.hint else "")


class ReadError(FervlmError):
    """An input file that cannot be read as what it claims, or was taken, to be."""


class MissingExtraError(FervlmError):
    """A capability whose packages are not installed; the message names the command to type."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'", hint=f"Type: pip install 'fervlm[{extra}]'")
        self.extra = extra
