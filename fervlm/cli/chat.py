"""`fervlm chat PICTURE...`: a conversation about faces, in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from fervlm.errors import FervlmError

MODEL, LOOKING = "Model", "Looking"
HELP = """\
/evidence       what was measured on the face
/verify         the last answer, sentence by sentence, against that
/explain        the whole explanation, checked
/picture FILE   look at another picture as well
/save FILE      the conversation as JSON
/quit           leave"""


def chat(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures; the largest face of each.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Of `fervlm train mllm`; default the shipped one.", rich_help_panel=MODEL),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where an adapter's base lies now.", rich_help_panel=MODEL)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...", rich_help_panel=MODEL)] = "cpu",
    face_is_crop: Annotated[
        bool, typer.Option("--face-is-crop", help="Each picture is one face, cut out.", rich_help_panel=LOOKING)
    ] = False,
    finder: Annotated[
        Literal["haar", "mediapipe", "none"], typer.Option(help="Finds the faces.", rich_help_panel=LOOKING)
    ] = "haar",
    finder_model: Annotated[
        str | None, typer.Option(metavar="FILE", help="For mediapipe: its .task file.", rich_help_panel=LOOKING)
    ] = None,
) -> None:
    """Talk with a multimodal model about the expression that a face shows.

    Answers stream as they are written and are then checked; a line says what does not hold. Type /help for commands.
    Questions come from standard input, one a line, so that a conversation can also be piped in.
    """
    from fervlm.cli.language_model import open_language_model
    from fervlm.predict.conversation import Conversation

    reader = open_language_model(model, base=base, finder=finder, finder_model=finder_model, device=device)
    talk = Conversation(reader, face_is_crop=face_is_crop)
    for picture in pictures:
        talk.show(picture)
    asks = sys.stdin.isatty()
    if asks:
        typer.echo("Ask about the expression shown; /help for commands, /quit to leave.", err=True)
    while True:
        try:
            line = input("> " if asks else "")
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip() in {"/quit", "/exit"}:
            return
        if line.strip():
            _answer(talk, line.strip())


def _answer(talk: object, line: str) -> None:
    from fervlm.cli.text import Style, prediction_text, verification_text
    from fervlm.predict.conversation import Conversation

    assert isinstance(talk, Conversation)
    style = Style(sys.stdout)
    command, _, rest = line.partition(" ")
    try:
        if command == "/help":
            typer.echo(HELP)
        elif command == "/evidence":
            typer.echo(talk.evidence())
        elif command == "/verify":
            typer.echo(verification_text("last answer", talk.verify(), style), nl=False)
        elif command == "/explain":
            for prediction in talk.explain():
                typer.echo(prediction_text(prediction, style), nl=False)
        elif command == "/picture":
            talk.show(rest.strip())
        elif command == "/save":
            typer.echo(f"saved in {talk.save(rest.strip())}", err=True)
        elif command.startswith("/"):
            typer.echo(f"There is no command {command}.\n{HELP}", err=True)
        else:
            note = talk.ask(line, _stream)
            typer.echo("" if note is None else f"\n{note}")
    except FervlmError as error:
        typer.echo(f"fervlm: {error}", err=True)


def _stream(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
