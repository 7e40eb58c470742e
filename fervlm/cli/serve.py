"""`fervlm serve [CHECKPOINT]`: explained expressions over HTTP, an OpenAI-compatible API, and a page."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    from fervlm.serve.keys import Keys

LISTENING, LIMITS, VLLM = "Listening", "Limits", "A language model behind it"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHECKPOINT]",
            help="A model that looks at pictures, or a multimodal one for vLLM; default the shipped one.",
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
) -> None:
    """Serve explained expressions over HTTP: an API, an OpenAI-compatible one, and a page at /."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise MissingExtraError("Serving", "serve") from None
    from fervlm.predict.load import load
    from fervlm.serve.app import create_app, logging_to_stderr
    from fervlm.serve.keys import Keys
    from fervlm.serve.run import bound, server
    from fervlm.serve.settings import Limits, Remote, ServeSettings

    opened = Keys(keys)
    _refuse_open_door(host, opened)
    count = workers or min(4, os.cpu_count() or 1)
    chosen = {} if notice is None else {"notice": _text(notice)}
    settings = ServeSettings(
        workers=count,
        observe_only=observe_only,
        remote=Remote(hosts=tuple(name.lower().rstrip(".") for name in allow_host or ())),
        limits=Limits(per_minute=rate, queued=queue, body_bytes=body_mib << 20, faces=faces),
        **chosen,
    )
    readers = [load(checkpoint) for _ in range(count)]
    listening = bound(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(
        f"fervlm: http://{shown}:{listening.getsockname()[1]}/ answers with {readers[0].name}; stop it with Ctrl-C.",
        file=sys.stderr,
        flush=True,
    )
    logging_to_stderr()
    for stop in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops cleanly on them, then raises them once more
        signal.signal(stop, lambda *_: None)
    server(create_app(readers, settings, opened), settings.limits.head_s).run(sockets=[listening])


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
