"""`fervlm merge FOLDER --out NEW`: an adapter folded into its base, for servers that take whole models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def merge(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="An adapter of `fervlm train mllm`.")],
    out: Annotated[str, typer.Option(metavar="NEW", help="A folder that is not there yet.")],
    base: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where the adapter's base lies now.")] = None,
    store: Annotated[Literal["bf16", "fp32"], typer.Option(help="Precision of the weights in the file.")] = "bf16",
    push: Annotated[
        str | None, typer.Option("--push-to-hub", metavar="NAME/REPO", help="Also upload the folder there.")
    ] = None,
) -> None:
    """Make one whole model of an adapter and its base: for vLLM where the adapter touches the picture tower too.

    The new folder holds weights, processor, card and manifest; transformers, vLLM and `fervlm caption --model` take it.
    """
    from fervlm.errors import MissingExtraError

    try:
        import peft  # noqa: F401
    except ImportError:
        raise MissingExtraError("merging", "train") from None
    from fervlm.mllm.merge import merge as merged

    made = merged(Path(folder), Path(out), base=base, store=store)
    typer.echo(f"fervlm: the whole model is in {made}", err=True)
    if push is not None:
        from fervlm.cli.push import files_of, send

        send(made, files_of(made), push)
