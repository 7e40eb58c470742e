"""`fervlm chat PICTURE...`: a conversation about faces, in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fervlm.cli.picture_options import Base, Device, FaceIsCrop, Finder, FinderModel, Multimodal
from fervlm.errors import FervlmError

HELP = """\
/evidence       what was measured on the face
/verify         the last answer, sentence by sentence, against that
/explain        the whole explanation, checked
/picture FILE   look at another picture as well
/save FILE      the conversation as JSON
/quit           leave"""


def chat(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures; the largest face of each.")],
    model: Multimodal = None,
    base: Base = None,
    device: Device = "cpu",
    face_is_crop: FaceIsCrop = False,
    finder: Finder = "haar",
    finder_model: FinderModel = None,
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
