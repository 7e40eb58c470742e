"""`fervlm`: the verbs, and what every verb shares: exit codes, one sentence for a mistake, a clean interruption."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import FrameType
from typing import Annotated, NoReturn

import typer

from fervlm import __version__
from fervlm.cli import (
    annotate,
    caption,
    chat,
    classify,
    doctor,
    evaluate,
    explain,
    formats,
    inspect,
    merge,
    push,
    schema,
    search,
    serve,
    summary,
    train,
    verify,
)
from fervlm.errors import FervlmError

INTERRUPTED = 130
TERMINATED = 143

app = typer.Typer(
    name="fervlm",
    help="Facial action units in, an explained expression out, every sentence checked against the evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all well; 1 some files or sentences are at fault, listed; 2 nothing could be done.",
)
app.command("explain")(explain.explain)
app.command("classify")(classify.classify)
app.command("caption")(caption.caption)
app.command("chat")(chat.chat)
app.command("search")(search.search)
app.command("verify")(verify.verify)
app.command("summary")(summary.summary)
app.command("serve")(serve.serve)
app.command("annotate")(annotate.annotate)
app.command("inspect")(inspect.inspect)
app.add_typer(train.app, name="train")
app.command("merge")(merge.merge)
app.command("push")(push.push)
app.command("formats")(formats.formats)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.command(
    "eval", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(evaluate.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fervlm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    pass


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)  # unwinds the stack, so that unfinished output files are removed


def _utf8_streams() -> None:
    """JSON and the check marks are UTF-8 whatever the locale; a path that is not must not stop a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with `argv` (default: the process's own) and return its exit code."""
    _utf8_streams()
    try:
        app(args=argv, prog_name="fervlm")
    except FervlmError as error:
        print(f"fervlm: {error}", file=sys.stderr)
        return 2
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
        if code == INTERRUPTED:
            print("fervlm: interrupted, nothing half-written.", file=sys.stderr)
        return code
    return 0


def run() -> NoReturn:
    """Entry point of the `fervlm` program."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())
