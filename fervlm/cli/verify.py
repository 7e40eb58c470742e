"""`fervlm verify CAPTIONS --evidence FILE`: any caption's sentences checked against AU evidence."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.captions import Claimed
    from fervlm.cli.text import Style
    from fervlm.records import AURecord, Verification

Form = Literal["text", "jsonl"]


def verify(
    captions: Annotated[
        str, typer.Argument(metavar="CAPTIONS", help="jsonl: predictions, captions with an id, or {id, text}; `-` is stdin.")
    ],
    evidence: Annotated[
        str, typer.Option(metavar="FILE", help="AU file (or folder) the captions speak of, joined by id.")
    ],
    input_format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Overrule detection; see `fervlm formats`.")
    ] = None,
    label_set: Annotated[str | None, typer.Option(metavar="NAME", help="Labels the captions choose from.")] = None,
    labels: Annotated[str | None, typer.Option(metavar="A,B,C", help="Your own labels instead.")] = None,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = "text",
    out: Annotated[str | None, typer.Option(metavar="PATH", help="A file instead of stdout.")] = None,
) -> None:
    """Check every sentence of captions against evidence. Exit code 1 where one is contradicted or forbidden."""
    from fervlm.cli.explain import chosen_labels
    from fervlm.cli.output import refuse_overwriting, text_target

    refuse_overwriting(out, [captions, evidence])
    chosen = chosen_labels(label_set, labels) if label_set or labels else None
    check = Checking(captions, evidence, input_format)
    with text_target(out) as stream:
        write = _write_jsonl if form == "jsonl" else _write_text
        write(check.run(chosen), stream)
    check.report()
