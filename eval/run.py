"""`run`: a predictor answers a benchmark's items, line by line, so that a cut run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

from eval.answer import Answer
from eval.evidence import with_evidence
from eval.folder import PREDICTIONS, Run, answers_in, begin, cut_last_line, digest_of, labels_offered
from eval.item import Benchmark, Choice, Item
from eval.parallel import spread_out
from eval.predictors import Predictor, Settings, open_predictor
from fervlm.errors import FervlmError

FIRST_FAULTS = 20
"""A predictor that fails on this many items from the start is not tried on the rest."""
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """One run as the user asks for it."""

    benchmark: Benchmark
    data: str
    predictor: str
    out: Path
    split: str | None = None
    fold: int | None = None
    limit: int | None = None
    held_out: tuple[str, ...] = ()
    evidence: str | None = None
    input_format: str | None = None
    settings: Settings = field(default_factory=Settings)
    workers: int = 1
    ray: bool = False


def some(items: Sequence[Item], limit: int | None) -> list[Item]:
    """Every k-th item, so that a sorted set is not cut to its first class."""
    if limit is None or limit >= len(items):
        return list(items)
    if limit < 1:
        raise FervlmError("a limit is at least 1 item")
    return [items[int(k * len(items) / limit)] for k in range(limit)]


def run(asked: Asked, say: Callable[[str], None] = lambda _: None) -> Path:
    """Answer every item that has no answer yet; returns the run's folder.

    Raises:
        FervlmError: data or predictor at fault, a folder with another run, or a predictor that died: what it had
            answered is kept, and the same call goes on.
    """
    asked = replace(asked, benchmark=asked.benchmark.fitted(asked.data))
    choice = Choice(asked.split or asked.benchmark.splits[0], asked.fold or (1 if asked.benchmark.folds else None))
    items = some(asked.benchmark.items(asked.data, choice), asked.limit)
    if asked.evidence is not None:
        items = with_evidence(items, asked.evidence, asked.input_format)
    offered = replace(asked.benchmark, labels=labels_offered(asked.benchmark, asked.held_out))
    truth = [item.label for item in items if item.label is not None]
    predictor = open_predictor(asked.predictor, offered, asked.settings, truth)
    _remark(asked, items, choice, say)
    begin(asked.out, _described(asked, offered, predictor, items, choice), items)
    cut_last_line(asked.out)
    done = answers_in(asked.out, {item.id: item for item in items})
    waiting = [item for item in items if item.id not in done]
    say(f"{len(done)} of {len(items)} items were answered before" if done else f"{len(items)} items")
    if waiting:
        _answer(asked, offered, predictor, waiting, truth, say)
    return asked.out


def _remark(asked: Asked, items: list[Item], choice: Choice, say: Callable[[str], None]) -> None:
    expected = asked.benchmark.expected(choice)
    if expected is not None and asked.limit is None and expected != len(items):
        say(f"the published {choice.split} part holds {expected:,} items, this copy {len(items):,}")


def _described(asked: Asked, offered: Benchmark, predictor: Predictor, items: list[Item], choice: Choice) -> Run:
    usual = asdict(Settings())
    free = {"concurrency", "timeout_s", "key"}  # change no answer
    told = {k: v for k, v in asdict(asked.settings).items() if k not in free and v != usual[k]}
    return Run(
        benchmark=asked.benchmark.name,
        split=choice.split,
        fold=choice.fold,
        data=asked.data,
        labels=offered.labels,
        held_out=asked.held_out,
        limit=asked.limit,
        predictor=predictor.name,
        predictor_version=predictor.version,
        settings=told,
        evidence=" as ".join(filter(None, (asked.evidence, asked.input_format))) or None,
        items=len(items),
        expected=asked.benchmark.expected(choice),
        digest=digest_of(items),
    )


def _answer(
    asked: Asked,
    offered: Benchmark,
    predictor: Predictor,
    waiting: list[Item],
    truth: Sequence[str],
    say: Callable[[str], None],
) -> None:
    if asked.workers > 1 or asked.ray:
        job = (asked.predictor, offered, asked.settings, tuple(truth))
        answers = spread_out(job, waiting, asked.workers, ray=asked.ray)
    else:
        answers = predictor.answers(waiting)
    written = faults = 0
    with (asked.out / PREDICTIONS).open("a", encoding="utf-8") as out:
        for answer in _guarded(answers, len(waiting)):
            out.write(answer.model_dump_json(exclude_defaults=True) + "\n")
            written += 1
            faults += answer.status == "failed"
            if written % CHUNK == 0:
                out.flush()
            if faults == written == FIRST_FAULTS < len(waiting):
                raise FervlmError(
                    f"{predictor.name} failed on each of the first {FIRST_FAULTS} items ({answer.reason})",
                    hint="The same command goes on after it is mended; remove the folder to begin anew.",
                )
            if written % 500 == 0:
                say(f"{written:,} of {len(waiting):,}")
    say(f"{written:,} answers written, {faults:,} of them failures")


def _guarded(answers: Iterator[Answer], wanted: int) -> Iterator[Answer]:
    """Turns the death of a predictor into a sentence."""
    given = 0
    try:
        for answer in islice(answers, wanted):
            yield answer
            given += 1
    except FervlmError:
        raise
    except Exception as error:  # whatever other people's packages raise
        told = (str(error).splitlines() or ["no message"])[0]
        raise FervlmError(
            f"the predictor died after {given} items ({type(error).__name__}: {told})",
            hint="Its answers are kept; the same command goes on from there.",
        ) from error
