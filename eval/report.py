"""`report`: runs to one Markdown file with SVG plots beside it, and one HTML page with pictures of wrong answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from eval.blocks import MAJORITY, PEER, Block, Bullets, Failures, Heading, Paragraph, Plot, Scores, Table, Wrong
from eval.catalogue import benchmark
from eval.compare import Compared, compared
from eval.first_lines import first_lines
from eval.folder import Finished, read_folder, write_text
from eval.item import Choice, Item
from eval.report_blocks import benchmark_blocks
from eval.report_page import as_page
from eval.score import pairs_of, scores_of
from fervlm.errors import FervlmError

MARK = "<!-- written by python -m eval report -->"
SHOWN = 24
"""Wrong answers with pictures on the page, for each predictor."""


def blocks_of(folders: Sequence[str | Path], *, title: str, commands: Sequence[str] = ()) -> list[Block]:
    """The whole report.

    Raises:
        FervlmError: a folder without a run, or two runs of one predictor on one benchmark.
    """
    runs = [read_folder(folder) for folder in folders]
    if not runs:
        raise FervlmError("there is no run to report on", hint="Name the folders of runs.")
    by_benchmark: dict[str, list[Finished]] = {}
    for done in runs:
        by_benchmark.setdefault(done.run.benchmark, []).append(done)
    told: list[str] = []
    sections: list[Block] = []
    for name, mine in by_benchmark.items():
        scores = _named_scores(mine)
        pairs = _pairs(mine)
        one = benchmark(name)
        told += [f"{one.title}: {line}" for line in first_lines(one, scores, [*pairs, *_parts(mine)])]
        wrong = [_failures(done) for done in mine if done.run.predictor != MAJORITY]
        sections += benchmark_blocks(one, scores, pairs, wrong)
    blocks: list[Block] = [Heading(1, title)]
    if told:
        blocks.append(Bullets(tuple(told)))
    if commands:
        blocks += [Paragraph("Made by:"), Bullets(tuple(f"`{command}`" for command in commands))]
    return blocks + sections


def _named_scores(runs: Sequence[Finished]) -> dict[str, Scores]:
    found: dict[str, Scores] = {}
    for done in runs:
        name = _called(done)
        if name in found:
            raise FervlmError(f"two runs of '{name}' on {done.run.benchmark}", file=done.folder)
        found[name] = scores_of(done)
    return found


def _called(done: Finished) -> str:
    name = done.run.predictor
    if name.startswith(PEER):
        name = f"{name} {done.run.predictor_version}"
    return name if done.run.fold is None else f"{name}, fold {done.run.fold}"


def _pairs(runs: Sequence[Finished]) -> list[Compared]:
    """All pairs that can be compared; runs of other labels or items stand beside each other without a test.

    Peers are held against our predictors, not against each other or against the majority.
    """
    made = []
    for k, first in enumerate(runs):
        for second in runs[k + 1 :]:
            names = {first.run.predictor, second.run.predictor}
            others = {name for name in names if name == MAJORITY or name.startswith(PEER)}
            if len(others) > 1 and others != {MAJORITY}:
                continue
            try:
                made.append(_plain_names(compared(first, second), first, second))
            except FervlmError:
                continue
    return made


def _parts(runs: Sequence[Finished]) -> list[Compared]:
    """Ours against each peer on the parts of a set, since a lead on the whole may hide one that is behind."""
    made = []
    for ours in runs:
        for peer in runs:
            if ours.run.predictor == MAJORITY or ours.run.predictor.startswith(PEER):
                continue
            if not peer.run.predictor.startswith(PEER):
                continue
            for part in sorted({name for truth in peer.truth.values() for name in truth.subsets}):
                with suppress(FervlmError):
                    made.append(_plain_names(compared(ours, peer, part=part), ours, peer))
    return made


def _plain_names(found: Compared, a: Finished, b: Finished) -> Compared:
    return replace(found, first=_called(a), second=_called(b))


def _failures(done: Finished) -> Failures:
    """The surest wrong answers, one class after the other, so that no class fills the page."""
    wrong: dict[str, list[tuple[float, Wrong]]] = {}
    for truth, answer in pairs_of(done):
        if truth.label is None or truth.label not in done.run.labels or truth.label == answer.label:
            continue
        sure = max((answer.probabilities or {"": 0.0}).values())
        told = answer.label or f"{answer.status}: {answer.reason or 'no label'}"
        one = Wrong(truth.id, truth.label, told, answer.text or "")
        wrong.setdefault(truth.label, []).append((-sure, one))
    queues = [[w for _, w in sorted(rows, key=lambda r: (r[0], r[1].id))] for rows in wrong.values()]
    chosen = [row[k] for k in range(max(map(len, queues), default=0)) for row in queues if k < len(row)]
    return Failures(_called(done), tuple(chosen[:SHOWN]))


def report(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    title: str = "Evaluation",
    commands: Sequence[str] = (),
    page: bool = True,
    more: Sequence[Block] = (),
) -> list[Path]:
    """Writes `OUT.md` with `OUT_plots/*.svg`, and `OUT.html`; returns the paths.

    Args:
        folders: of runs.
        out: without or with the suffix `.md`.
        title: of the report.
        commands: told as what made it.
        page: also the HTML page, with pictures where the data are still where they were.
        more: further blocks, for the end.

    Raises:
        FervlmError: as `blocks_of`, and where a file that no report made would be overwritten.
    """
    base = Path(out)
    base = base.with_suffix("") if base.suffix in {".md", ".html"} else base
    targets = [base.with_suffix(".md"), *([base.with_suffix(".html")] if page else [])]
    for path in targets:
        if path.exists() and MARK not in path.read_text(encoding="utf-8"):
            raise FervlmError("is no report of ours and would be overwritten", file=path, hint="Give another --out.")
    base.parent.mkdir(parents=True, exist_ok=True)
    blocks = [*blocks_of(folders, title=title, commands=commands), *more]
    write_text(targets[0], f"{as_markdown(blocks, base)}\n{MARK}\n")
    if page:
        pictures: dict[str, Item] = {}
        for folder in folders:
            pictures |= _pictures(read_folder(folder))
        write_text(targets[1], f"{as_page(blocks, pictures)}{MARK}\n")
    return targets


def _pictures(done: Finished) -> dict[str, Item]:
    """Items by id where the data are still there."""
    try:
        items = benchmark(done.run.benchmark).items(done.run.data, Choice(done.run.split, done.run.fold))
    except FervlmError:
        return {}
    return {item.id: item for item in items}


def as_markdown(blocks: Sequence[Block], base: Path) -> str:
    """Markdown; plots go to files in `BASE_plots`."""
    folder = base.with_name(f"{base.name}_plots")
    lines: list[str] = []
    section = ""
    for block in blocks:
        if isinstance(block, Heading):
            section = block.text if block.level == 2 else section
            lines += [f"{'#' * block.level} {block.text}", ""]
        elif isinstance(block, Paragraph):
            lines += [block.text, ""]
        elif isinstance(block, Bullets):
            lines += [*(f"- {line}" for line in block.lines), ""]
        elif isinstance(block, Table):
            lines += [_row(block.head), _row(["---"] * len(block.head)), *map(_row, block.rows), ""]
        elif isinstance(block, Plot):
            folder.mkdir(exist_ok=True)
            name = f"{_plain(section)}_{block.name}.svg"
            write_text(folder / name, block.svg + "\n")
            lines += [f"![{block.name.replace('_', ' ')}]({folder.name}/{name})", ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _plain(text: str) -> str:
    return "_".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
