"""Where results go: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

import typer

from fervlm.errors import FervlmError

STDOUT = "-"


@contextmanager
def text_target(out: str | None) -> Iterator[TextIO]:
    """A text stream (UTF-8) to `out`, or to standard output where it is None or `-`.

    A reader that closes the pipe early has what it wanted: the run ends quietly, exit code 0.

    Raises:
        FervlmError: the place cannot be written.
    """
    if out is None or out == STDOUT:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(0) from None
        return
    with binary_target(out) as stream:
        text = open(stream.fileno(), "w", encoding="utf-8", newline="", closefd=False)  # noqa: SIM115 (a descriptor)
        try:
            yield text
        finally:
            text.close()


@contextmanager
def binary_target(out: str | Path) -> Iterator[BinaryIO]:
    """A stream of bytes to the file `out`: written beside it under a hidden name, renamed once it is complete.

    Whatever goes wrong before the end (an error, Ctrl-C, SIGTERM) leaves an earlier file of that name as it was. What
    is not a regular file (a device, a named pipe) is written directly.

    Raises:
        FervlmError: the place cannot be written.
    """
    path = Path(out)
    if path.is_dir():
        raise FervlmError("is a folder; this output is one file", file=path, hint="Give --out a file name.")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                yield stream
            return
        with _beside(path) as (stream, temporary):
            yield stream
            stream.flush()
            Path(temporary).chmod(_mode(path))
            Path(temporary).replace(path.resolve())
    except OSError as error:
        raise FervlmError(f"cannot be written ({error.strerror or error})", file=path) from None


@contextmanager
def _beside(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.resolve().parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream, temporary
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()


def _mode(path: Path) -> int:
    """Permissions of the file replaced, or what a newly made file would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _silence_stdout() -> None:
    """Let the interpreter flush into nothing at its end instead of complaining about the closed pipe."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refuse_overwriting(out: str | None, sources: list[str]) -> None:
    """Stop where the output would replace one of the inputs.

    Raises:
        FervlmError: `out` is one of `sources`.
    """
    if out is None or out == STDOUT:
        return
    target = os.path.realpath(out)
    for source in sources:
        if source != STDOUT and os.path.realpath(source) == target:
            raise FervlmError("the output would overwrite its own source", file=out, hint="Choose another --out.")


def report_bad(done: int, bad: Sequence[FervlmError]) -> None:
    """List what could not be read of many sources on standard error, and end with exit code 1; nothing where all went.

    Args:
        done: how many results were written.
        bad: one error a source, in order.
    """
    if not bad:
        return
    print(f"fervlm: {done:,} written; of {len(bad)} source{'s' * (len(bad) != 1)} something is wrong:", file=sys.stderr)
    for error in bad:
        print(f"  {error}", file=sys.stderr)
    raise typer.Exit(1)
