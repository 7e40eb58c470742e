"""Options that every command which looks at pictures has, told once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

LOOKING, LANGUAGE_MODEL = "Looking at pictures", "Model"
"""Panels of the help text."""

FaceIsCrop = Annotated[
    bool, typer.Option("--face-is-crop", help="Each picture is one face, cut out.", rich_help_panel=LOOKING)
]
Finder = Annotated[Literal["haar", "mediapipe", "none"], typer.Option(help="Finds the faces.", rich_help_panel=LOOKING)]
FinderModel = Annotated[
    str | None, typer.Option(metavar="FILE", help="For mediapipe: its .task file.", rich_help_panel=LOOKING)
]
Multimodal = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="FOLDER",
        help="Of `fervlm train mllm`; default the shipped one.",
        rich_help_panel=LANGUAGE_MODEL,
    ),
]
Base = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Where an adapter's base lies now.", rich_help_panel=LANGUAGE_MODEL)
]
Device = Annotated[str, typer.Option(help="cpu, cuda, ...", rich_help_panel=LANGUAGE_MODEL)]
