"""`fervlm annotate SOURCE...`: pictures and AU evidence in, a verified training set out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from data_engine.config import AnnotateConfig
    from data_engine.publish import Published

JOINING, WRITING, GATE, TEACHER, RUNNING = "Joining", "Writing", "Turning away", "Teacher", "Running"


def annotate(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Pictures: folders, manifest CSVs, Parquet files, HF data sets; or AU files alone, without pictures.",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="The set's folder; a run that was cut continues there.")
    ] = None,
    au: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="What an AU detector wrote on the pictures; may be repeated.", rich_help_panel=JOINING
        ),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Overrule detection; see `fervlm formats`.", rich_help_panel=JOINING),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Checkpoint whose AU head looks at the pictures where no --au is given. [the shipped one]",
            rich_help_panel=JOINING,
        ),
    ] = None,
    face_is_crop: Annotated[
        bool | None,
        typer.Option(
            "--face-is-crop", help="For that model: each picture is one face, cut out.", rich_help_panel=JOINING
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="CSV", help="Human labels: file,label and optionally split,subject,source.", rich_help_panel=JOINING
        ),
    ] = None,
    faces: Annotated[
        Literal["one", "all"] | None,
        typer.Option(
            help="A picture with several faces is turned away, or gives a sample each. [one]", rich_help_panel=JOINING
        ),
    ] = None,
    label_set: Annotated[
        str | None, typer.Option(metavar="NAME", help="Labels to choose from. [basic8]", rich_help_panel=WRITING)
    ] = None,
    label_words: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Your own labels instead.", rich_help_panel=WRITING)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Chooses among true wordings, and the split. [0]", rich_help_panel=WRITING)
    ] = None,
    drafts: Annotated[
        int | None, typer.Option(min=1, max=16, help="Captions a face to choose from. [1]", rich_help_panel=WRITING)
    ] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip", help="Add train samples mirrored, sides swapped.", rich_help_panel=WRITING)
    ] = None,
    val_share: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.9, help="Persons set apart where the input has no split. [0.1]", rich_help_panel=WRITING
        ),
    ] = None,
    embed: Annotated[
        bool | None,
        typer.Option(
            "--embed", help="Pictures inside the Parquet files, so that the set can travel.", rich_help_panel=WRITING
        ),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Also write chats as messages, sharegpt, facial-r1.",
            rich_help_panel=WRITING,
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Terms of the pictures, for the card.", rich_help_panel=WRITING)
    ] = None,
    min_words: Annotated[int | None, typer.Option(min=0, help="Shortest caption. [12]", rich_help_panel=GATE)] = None,
    max_words: Annotated[int | None, typer.Option(min=1, help="Longest caption. [260]", rich_help_panel=GATE)] = None,
    duplicate_bits: Annotated[
        int | None,
        typer.Option(min=-1, max=16, help="Pictures this close are one; -1 keeps all. [2]", rich_help_panel=GATE),
    ] = None,
    frame_share: Annotated[
        float | None, typer.Option(max=1, help="Largest share of one sentence frame. [0.05]", rich_help_panel=GATE)
    ] = None,
    min_support: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Smallest p(human label | AUs) that stays. [0]", rich_help_panel=GATE),
    ] = None,
    balance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GROUP=N",
            help="At most N times the median group, by label, subject or source.",
            rich_help_panel=GATE,
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="OpenAI-compatible server, ending in /v1; key in FERVLM_TEACHER_KEY.",
            rich_help_panel=TEACHER,
        ),
    ] = None,
    teacher_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model the server answers to.", rich_help_panel=TEACHER)
    ] = None,
    teacher_mode: Annotated[
        Literal["rewrite", "see", "label-check"] | None,
        typer.Option(
            help="From the evidence; with the picture; with the human label checked. [rewrite]", rich_help_panel=TEACHER
        ),
    ] = None,
    teacher_offline: Annotated[
        bool | None,
        typer.Option("--teacher-offline", help="vLLM in this process instead of a server.", rich_help_panel=TEACHER),
    ] = None,
    teacher_engine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Argument of vLLM's engine with --teacher-offline.", rich_help_panel=TEACHER
        ),
    ] = None,
    teacher_tries: Annotated[
        int | None, typer.Option(min=1, max=10, help="Answers asked for at most. [3]", rich_help_panel=TEACHER)
    ] = None,
    teacher_failure: Annotated[
        Literal["keep", "drop"] | None,
        typer.Option(help="Keep the draft, or drop the face, where no answer passes. [keep]", rich_help_panel=TEACHER),
    ] = None,
    teacher_concurrency: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Calls out at once. [16]", rich_help_panel=TEACHER)
    ] = None,
    teacher_timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="For one answer. [60]", rich_help_panel=TEACHER)
    ] = None,
    teacher_retries: Annotated[
        int | None,
        typer.Option(min=0, help="Repeats of one call on 429, 5xx, time-outs. [6]", rich_help_panel=TEACHER),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="YAML with any of these settings, or a shipped recipe's name; options given here win.",
            rich_help_panel=RUNNING,
        ),
    ] = None,
    executor: Annotated[
        Literal["processes", "ray"], typer.Option(help="One machine, or a Ray cluster.", rich_help_panel=RUNNING)
    ] = "processes",
    workers: Annotated[int, typer.Option(min=1, help="Processes (or Ray tasks) at once.", rich_help_panel=RUNNING)] = 1,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget what DIR holds of an earlier run.", rich_help_panel=RUNNING)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.", rich_help_panel=RUNNING)] = False,
) -> None:
    """Make a data set: captions written from AU evidence, every sentence checked, what was turned away listed.

    A run that was cut, even killed, continues when the same command is given again; a finished set is left as it is.
    Exit code 0: the set is there (rejects.jsonl lists what was turned away); 2: it is not, and one sentence says why.
    """
    settings = {
        "sources": sources or None,
        "au": au,
        "input_format": input_format,
        "model": model,
        "face_is_crop": face_is_crop,
        "labels": labels,
        "faces": faces,
        "label_set": label_set,
        "custom_labels": None if label_words is None else label_words.split(","),
        "seed": seed,
        "drafts": drafts,
        "flip": flip,
        "val_share": val_share,
        "embed": embed,
        "formats": form,
        "licence": licence,
        "gate": {
            "min_words": min_words,
            "max_words": max_words,
            "duplicate_bits": duplicate_bits,
            "frame_share": frame_share,
            "min_support": min_support,
            "balance": _balance(balance),
        },
        "teacher": {
            "url": teacher,
            "model": teacher_model,
            "mode": teacher_mode,
            "offline": teacher_offline,
            "engine": _engine(teacher_engine),
            "tries": teacher_tries,
            "on_failure": teacher_failure,
            "concurrency": teacher_concurrency,
            "timeout_s": teacher_timeout,
            "retries": teacher_retries,
        },
    }
    from data_engine.pipeline import annotate as run
    from data_engine.pipeline import restart as forget
    from data_engine.recipe import with_recipe

    config, recipe_out = with_recipe(settings, recipe)
    target = _target(out or recipe_out, config)
    if restart:
        forget(target)
    published = run(config, target, executor=executor, workers=workers, quiet=quiet)
    if not quiet:
        _tell(published, target)


def _engine(given: list[str] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    from yaml import safe_load

    found: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise FervlmError(f"--teacher-engine cannot be '{item}'", hint="Write max_model_len=4096.")
        found[key] = safe_load(value)
    return found


def _balance(given: list[str] | None) -> dict[str, float] | None:
    if given is None:
        return None
    found: dict[str, float] = {}
    for item in given:
        group, equals, number = item.partition("=")
        try:
            found[group] = float(number)
        except ValueError:
            equals = ""
        if not equals or group not in {"label", "subject", "source"} or not found[group] > 0:
            raise FervlmError(f"--balance cannot be '{item}'", hint="Write label=2, subject=3 or source=1.5.")
    return found


def _target(out: str | None, config: AnnotateConfig) -> Path:
    if out is None:
        raise FervlmError("the set has no place", hint="Give --out DIR.")
    target = Path(out)
    if target.exists() and not target.is_dir():
        raise FervlmError("is a file; a set is a folder", file=out, hint="Give --out a folder.")
    for source in (*config.sources, *config.au):
        if target.resolve() == Path(source).resolve():
            raise FervlmError("the set would be written over its own source", file=out, hint="Choose another --out.")
    return target


def _tell(published: Published, target: Path) -> None:
    samples: dict[str, Any] = published.samples
    counted = ", ".join(f"{n:,} {split}" for split, n in samples.items())
    away = sum(published.rejects.values())
    print(f"fervlm: {sum(samples.values()):,} samples ({counted}) in {target}; {away:,} turned away.", file=sys.stderr)
    if away:
        reasons = ", ".join(f"{n:,} {code}" for code, n in sorted(published.rejects.items(), key=lambda item: -item[1]))
        print(f"fervlm: turned away: {reasons}; see {target / 'rejects.jsonl'}.", file=sys.stderr)
