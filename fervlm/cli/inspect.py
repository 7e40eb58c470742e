"""`fervlm inspect DIR_OR_FILE`: a finished set, or somebody else's, read again with the same verifier."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from data_engine.inspect_foreign import ForeignReport
    from data_engine.inspect_set import SetReport

Form = Literal["text", "json"]
VERDICTS = ("supported", "contradicted", "unmeasured", "forbidden")


def inspect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR_OR_FILE",
            help="A set made by `fervlm annotate`; or ExpLLM, FABA-Instruct, Facial-R1, MER-Factory JSON.",
        ),
    ],
    evidence: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="AU file to judge a foreign set against, joined by picture name."),
    ] = None,
    input_format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the evidence; see `fervlm formats`.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Overrule detection: expllm, facial-r1, faba, mer-factory, captions."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Verify only the first N texts.")] = None,
    page: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the page of samples anew (finished sets).")
    ] = None,
    card: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write README.md and card/ anew into DIR (finished sets).")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="text, or one JSON object with every number.")] = "text",
    out: Annotated[str | None, typer.Option(metavar="PATH", help="A file instead of stdout.")] = None,
) -> None:
    """Read a set again: its numbers, and every text of it checked.

    Exit code 1 where a finished set fails: a claim not borne out, a text that is not its caption, a card that tells
    other numbers, a person in two splits. A foreign set is only reported on.
    """
    from data_engine.finished import is_finished_set
    from fervlm.cli.output import refuse_overwriting, text_target

    refuse_overwriting(out, [source, *([evidence] if evidence else [])])
    if not Path(source).exists():
        raise FervlmError("there is no such file or folder", file=source, hint="Check the path.")
    finished = is_finished_set(Path(source))
    if not finished and (page or card):
        raise FervlmError("--page and --card are for a set that `fervlm annotate` finished", file=source)
    report: SetReport | ForeignReport
    if finished:
        if evidence is not None or layout is not None:
            raise FervlmError(
                "a finished set carries its own evidence", file=source, hint="Leave --evidence and --layout out."
            )
        report = _finished(Path(source), page, card, limit)
        lines = set_lines(report)
    else:
        from data_engine.inspect_foreign import inspect_foreign

        report = inspect_foreign(source, layout=layout, evidence=evidence, input_format=input_format, limit=limit)
        lines = foreign_lines(report)
    with text_target(out) as stream:
        if form == "json":
            stream.write(report.model_dump_json(indent=1) + "\n")
        else:
            stream.writelines(f"{line}\n" for line in lines)
    if finished and not report.ok:  # type: ignore[union-attr]
        print("fervlm: the set fails its check.", file=sys.stderr)
        raise typer.Exit(1)


def _finished(folder: Path, page: str | None, card: str | None, limit: int | None) -> SetReport:
    from data_engine.inspect_set import inspect_set

    report = inspect_set(folder, limit=limit)
    if page is not None:
        from data_engine.page import write_page

        write_page(folder, Path(page))
    if card is not None:
        _write_card(folder, report, Path(card))
    return report


def _write_card(folder: Path, report: SetReport, target: Path) -> None:
    from data_engine.card import write_parts
    from data_engine.finished import stored
    from data_engine.made import Made

    made = stored(folder, "made.json")
    if made is None:
        raise FervlmError("the set does not tell how it was made (card/made.json)", file=folder)
    write_parts(report.numbers, Made.model_validate(made), target)


def set_lines(report: SetReport) -> Iterator[str]:
    """The report on a finished set, line by line."""
    numbers = report.numbers
    total = sum(numbers.samples.values())
    yield f"{total:,} samples: " + ", ".join(f"{n:,} {split}" for split, n in numbers.samples.items())
    talks = sum(sum(views.values()) for views in numbers.conversations.values())
    yield f"{talks:,} conversations of {len(numbers.conversations)} kinds"
    yield f"blind captions sound     {_of(report.sound, report.checked)}"
    claims = ", ".join(f"{report.verdicts.get(v, 0):,} {v}" for v in VERDICTS)
    yield f"claims                   {claims}; {report.sentences:,} sentences"
    yield f"emotion words among observations: {report.leaks:,}"
    yield f"texts read back          {_of(report.read_back, report.checked)}"
    yield f"anchored, body unchanged {_of(report.anchored_faithful, report.anchored)}"
    yield f"hard negatives false     {_of(report.negatives_false, report.negatives)}"
    agrees = {True: "agrees with the tables", False: "tells OTHER numbers than the tables", None: "is missing"}
    yield f"card                     {agrees[report.card_agrees]}"
    yield f"persons in two splits    {report.subjects_shared:,}"
    if report.pictures_missing:
        yield f"pictures not where the set says: {report.pictures_missing:,}"
    for fault in report.faults:
        yield f"  {fault.id}: {fault.what}"


def foreign_lines(report: ForeignReport) -> Iterator[str]:
    """The report on a foreign set, line by line."""
    texts = report.with_text
    yield f"{report.items:,} items ({report.format}), {texts:,} with a text of {report.words_median} words (median)"
    yield f"three parts in order       {_of(report.three_parts, texts)}"
    if report.observed:
        yield f"emotion named in observations {_of(report.leaking, report.observed)}; {report.leaked_words:,} words"
        yield f"  the item's own label        {_of(report.leaking_own_label, report.observed)}"
    yield f"emotion named anywhere     {_of(report.naming_emotion, texts)}"
    yield f"a side named               {_of(report.naming_side, texts)}; {report.side_claims:,} claims"
    yield f"about the person           {_of(report.naming_person, texts)}"
    if report.person_words:
        yield "  such as " + ", ".join(f"'{word}' ({n:,})" for word, n in report.person_words.items())
    yield f"AUs by number              {_of(report.unit_numbers, texts)}"
    yield f"no movement affirmed       {_of(report.without_movement, texts)}"
    most = sorted(report.units.items(), key=lambda item: -item[1])[:12]
    yield "AUs affirmed most          " + ", ".join(f"AU{au} {n:,}" for au, n in most)
    if report.listed is not None and report.listed_not_told is not None:
        yield f"listed AUs left out        {_of(report.listed_not_told, report.listed)}"
    found = report.against
    if found is None:
        yield "no AU evidence in it; --evidence FILE checks the texts against a detector's output"
        return
    yield f"against {found.source}: {found.checked:,} texts" + (
        f", {found.without:,} without evidence" if found.without else ""
    )
    yield f"  sound                    {_of(found.sound, found.checked)}"
    yield f"  contradicted at least once {_of(found.contradicted_items, found.checked)}"
    yield "  claims                   " + ", ".join(f"{found.verdicts.get(v, 0):,} {v}" for v in VERDICTS)
    yield f"  affirmed AUs present     {found.precision:.2f} (precision), present AUs told {found.recall:.2f} (recall)"
    if found.quiet:
        yield f"  faces at rest told as moving {_of(found.quiet_told, found.quiet)}"


def _of(part: int, whole: int) -> str:
    share = f" ({100 * part / whole:.1f} %)" if whole else ""
    return f"{part:,} of {whole:,}{share}"
