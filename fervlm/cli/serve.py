"""`fervlm serve [CHECKPOINT]`: explained expressions over HTTP, an OpenAI-compatible API, and a page."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    import socket

    from fervlm.predict.pictures import PictureReader
    from fervlm.serve.behind import Wanted
    from fervlm.serve.choose import Inside
    from fervlm.serve.keys import Keys
    from fervlm.serve.settings import ServeSettings

Runner = Literal["auto", "vllm", "transformers"]
LISTENING, LIMITS, VLLM = "Listening", "Limits", "A language model behind it"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHECKPOINT]",
            help="A model that looks at pictures, or a multimodal one; default the shipped ones.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Other than loopback demands keys.", rich_help_panel=LISTENING)
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.", rich_help_panel=LISTENING)] = 8000,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="API keys, one a line, read anew when it changes; or the variable FERVLM_API_KEYS.",
            rich_help_panel=LISTENING,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Threads that look at pictures; default one a core, up to 4."),
    ] = None,
    observe_only: Annotated[
        bool, typer.Option("--observe-only", help="Movements only, whatever is asked: no label, no emotion.")
    ] = False,
    notice: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own words for those whose faces are shown.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Fetch pictures from https://HOST; none by default.", rich_help_panel=LIMITS),
    ] = None,
    rate: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests a minute and key; 0: any.", rich_help_panel=LIMITS)
    ] = 0,
    queue: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests that may wait.", rich_help_panel=LIMITS)
    ] = 128,
    body_mib: Annotated[
        int, typer.Option(min=1, metavar="N", help="Largest request in MiB.", rich_help_panel=LIMITS)
    ] = 20,
    faces: Annotated[
        int, typer.Option(min=1, metavar="N", help="Explained in one picture.", rich_help_panel=LIMITS)
    ] = 16,
    tokens: Annotated[int, typer.Option(min=1, metavar="N", help="Of one chat answer.", rich_help_panel=LIMITS)] = 1024,
    base: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where an adapter's base lies; default as it says.", rich_help_panel=VLLM),
    ] = None,
    backend: Annotated[
        Runner,
        typer.Option(
            help="Who runs a multimodal model: vLLM where it is installed, else transformers.", rich_help_panel=VLLM
        ),
    ] = "auto",
    vllm: Annotated[str, typer.Option(metavar="PROGRAM", help="vLLM's program.", rich_help_panel=VLLM)] = "vllm",
    vllm_arg: Annotated[
        list[str] | None,
        typer.Option(metavar="ARG", help="More for `vllm serve`; once for each word.", rich_help_panel=VLLM),
    ] = None,
    vllm_log: Annotated[str, typer.Option(metavar="FILE", help="Its output.", rich_help_panel=VLLM)] = "vllm.log",
    vllm_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Use a vLLM that runs already.", rich_help_panel=VLLM)
    ] = None,
    replicas: Annotated[
        int, typer.Option(min=1, metavar="N", help="vLLMs behind it, by Ray Serve.", rich_help_panel=VLLM)
    ] = 1,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ray cluster; default this machine.", rich_help_panel=VLLM)
    ] = None,
    gpus: Annotated[float, typer.Option(min=0, metavar="N", help="Of each replica.", rich_help_panel=VLLM)] = 0,
    parity: Annotated[
        bool, typer.Option("--parity/--no-parity", help="Compare it with the training stack.", rich_help_panel=VLLM)
    ] = True,
    repair: Annotated[
        bool, typer.Option("--repair/--no-repair", help="Send false sentences back to it once.", rich_help_panel=VLLM)
    ] = True,
) -> None:
    """Serve explained expressions over HTTP: an API, an OpenAI-compatible one, and a page at /."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise MissingExtraError("Serving", "serve") from None
    from fervlm.predict.load import load
    from fervlm.serve.app import logging_to_stderr
    from fervlm.serve.behind import Wanted
    from fervlm.serve.choose import language_model
    from fervlm.serve.keys import Keys
    from fervlm.serve.run import bound
    from fervlm.serve.settings import Limits, Remote, ServeSettings

    opened = Keys(keys)
    _refuse_open_door(host, opened)
    count = workers or min(4, os.cpu_count() or 1)
    chosen = {} if notice is None else {"notice": _text(notice)}
    settings = ServeSettings(
        workers=count,
        observe_only=observe_only,
        repair=repair,
        remote=Remote(hosts=tuple(name.lower().rstrip(".") for name in allow_host or ())),
        limits=Limits(per_minute=rate, queued=queue, body_bytes=body_mib << 20, faces=faces, tokens=tokens),
        **chosen,
    )
    wanted = language_model(checkpoint, base, vllm_url, backend, vllm, replicas=replicas, say=say)
    if isinstance(wanted, Wanted):
        wanted = replace(
            wanted,
            program=vllm,
            arguments=tuple(vllm_arg or ()),
            log=Path(vllm_log),
            replicas=replicas,
            ray=ray,
            gpus=gpus,
            parity=parity,
        )
    leads = isinstance(wanted, Wanted) or (wanted is not None and wanted.leads)
    readers = [load(None if leads else checkpoint) for _ in range(count)]
    listening = bound(host, port)
    shown = f"[{host}]" if ":" in host else host
    name = readers[0].name if not leads else "a language model, once it is there"
    say(f"http://{shown}:{listening.getsockname()[1]}/ answers with {name}; stop it with Ctrl-C.")
    logging_to_stderr()
    _serve(readers, settings, opened, wanted, listening)


def _serve(
    readers: list[PictureReader],
    settings: ServeSettings,
    keys: Keys,
    wanted: Wanted | Inside | None,
    listening: socket.socket,
) -> None:
    """Answer until told to stop.

    Raises:
        FervlmError: the language model does not start, or does not answer as it should.
    """
    from fervlm.serve.app import create_app
    from fervlm.serve.behind import Behind, Wanted
    from fervlm.serve.local_writer import Within
    from fervlm.serve.run import server

    wrong: list[FervlmError] = []

    def failed(error: FervlmError) -> None:
        wrong.append(error)
        running.should_exit = True

    behind = None
    if wanted is not None:
        behind = (
            Behind(wanted, failed) if isinstance(wanted, Wanted) else Within(wanted.plan, wanted.leads, failed, say)
        )
    hooks = {} if behind is None else {"begin": behind.begin, "end": behind.end}
    running = server(create_app(readers, settings, keys, **hooks), settings.limits.head_s)
    for stop in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops cleanly on them, then raises them once more
        signal.signal(stop, lambda *_: None)
    running.run(sockets=[listening])
    if wrong:
        raise wrong[0]


def say(line: str) -> None:
    """A remark on standard error."""
    print(f"fervlm: {line}", file=sys.stderr, flush=True)


def _refuse_open_door(host: str, keys: Keys) -> None:
    if host not in LOOPBACK and not keys.wanted:
        hint = "Give --keys FILE, or set FERVLM_API_KEYS."
        raise FervlmError(f"a server on {host} can be reached from elsewhere, so it wants API keys", hint=hint)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FervlmError(f"the notice cannot be read ({reason})", file=path) from None
