"""The whole factory in order: ingest, draft, teacher, gate, export, card. Each stage resumes where it was cut."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from data_engine.card import write_card
from data_engine.config import AnnotateConfig, claim_folder, refuse_foreign
from data_engine.draft import chosen_labels, draft_shard
from data_engine.export import export_shard
from data_engine.gate import decide
from data_engine.ingest import ingest, split_sources
from data_engine.measure import measure_shard
from data_engine.page import write_page
from data_engine.publish import Published, publish
from data_engine.runlog import RunLog
from data_engine.scale import Executor, run_stage
from data_engine.shards import DISK_HINT, disk_reason, sweep, write_bytes
from data_engine.teacher.stage import teach
from fervlm.errors import FervlmError

DONE = "done.json"
"""In the work folder: the run is finished, and this is what it published."""
_KEPT = frozenset({"config.json", "lock", DONE})
_MADE = frozenset(
    {".work", "data", "chat", "card", "images", "messages", "sharegpt", "facial-r1", "README.md", "page.html"}
    | {"rejects.jsonl", "support.json", "run_log.jsonl", "dataset_info.json"}
)


def annotate(
    config: AnnotateConfig, out: Path, *, executor: Executor = "processes", workers: int = 1, quiet: bool = False
) -> Published:
    """Make, or finish making, the data set `out`; a finished one is left as it is.

    Same settings and seed (and the same teacher answers) give the same bytes, however often the run was cut and
    wherever the stages ran.

    Raises:
        FervlmError: bad input, a folder that holds something else, a full disk, a teacher that is gone.
    """
    chosen_labels(config)
    if not (out / ".work" / DONE).exists():
        pictures, _ = split_sources(config)
        if config.teacher is not None and config.teacher.mode == "see" and not pictures:
            raise FervlmError("a teacher that sees needs pictures", hint="Give pictures, or --teacher-mode rewrite.")
    with _disk_errors(out), _only_one(out):
        work = claim_folder(config, out)
        published = _finished(work)
        if published is None:
            sweep(out)
            try:
                with RunLog(out / "run_log.jsonl", quiet) as log:
                    published = _run(config, work, out, log, executor, workers)
            except BaseException:
                sweep(out)  # nothing half-written stays, and a full disk gets its space back
                raise
            write_bytes(work / DONE, published.model_dump_json().encode())
        _tidy(work)
        return published


def _run(config: AnnotateConfig, work: Path, out: Path, log: RunLog, executor: Executor, workers: int) -> Published:
    """All stages, top to bottom."""
    log.event("run", fingerprint=config.fingerprint(), executor=executor, workers=workers)
    settings = config.model_dump_json()
    scale = partial(run_stage, executor=executor, workers=workers)

    stage = log.stage("ingest", None)
    faces = ingest(config, chosen_labels(config), work, stage.add)
    stage.done()

    stage = log.stage("draft", faces)
    scale(partial(draft_shard, settings), [work / "joined"], work / "drafts", stage.add)
    stage.done()

    texts = work / "drafts"
    if config.teacher is not None:
        stage = log.stage("teacher", stage.passed)
        cost = teach(config, texts, work / "taught", work / "teacher.sqlite", stage.add)
        log.event(
            "teacher",
            answers=cost.answers,
            tokens=cost.tokens,
            repeated_after_a_cut=cost.repeats,
            retried=cost.retried,
        )
        stage.done()
        texts = work / "taught"

    stage = log.stage("gate", None)
    scale(measure_shard, [texts], work / "measured", stage.add)
    decide(config, work / "measured", work / "verdicts", out / "support.json")
    stage.done()

    stage = log.stage("export", stage.passed)
    scale(partial(export_shard, settings), [texts, work / "verdicts"], work / "exported", stage.add)
    stage.done()

    stage = log.stage("publish", None)
    published = publish(config, work, out)
    write_card(config, published, work, out)
    write_page(out)
    stage.done()
    return published


def _finished(work: Path) -> Published | None:
    """What an earlier run finished here, if it did."""
    done, out = work / DONE, work.parent
    if not done.exists():
        return None
    if not (out / "README.md").exists() or not any((out / "data").glob("*.parquet")):
        raise FervlmError("files of the finished set are gone", file=out, hint="Make it anew: --restart.")
    return Published.model_validate_json(done.read_bytes())


def _tidy(work: Path) -> None:
    """Only settings, the mark of a finished run and the teacher's answers (they were paid for) stay."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in _KEPT and not path.name.startswith("teacher.sqlite"):
            path.unlink()


def restart(out: Path) -> None:
    """Forget an earlier run in `out`, its stored teacher answers too; refuses a folder that holds none.

    Only what a run makes is removed; anything else in the folder stays and is named.
    """
    work = out / ".work"
    refuse_foreign(out)
    if not (work / "config.json").exists():
        return
    foreign = sorted(path.name for path in out.iterdir() if path.name not in _MADE)
    if foreign:
        raise FervlmError(
            f"the folder holds something that no run made ({foreign[0]})",
            file=out,
            hint="Move it away, or give another --out.",
        )
    with _disk_errors(out), _only_one(out):
        # The mark of a finished run goes first and the settings last, so that a restart cut short can be repeated.
        (work / DONE).unlink(missing_ok=True)
        for path in (*out.iterdir(), *work.iterdir()):
            if path != work and path.name not in {"config.json", "lock"}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (work / "config.json").unlink()


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    """A full or read-only disk is one sentence, wherever it shows."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        place = getattr(error, "filename", None) or out
        raise FervlmError(
            f"a file cannot be read or written ({disk_reason(error)})", file=place, hint=DISK_HINT
        ) from error


@contextmanager
def _only_one(out: Path) -> Iterator[None]:
    """Two runs on one folder would write over each other; the lock ends with the process, however it ends."""
    refuse_foreign(out)
    (out / ".work").mkdir(parents=True, exist_ok=True)
    with (out / ".work" / "lock").open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FervlmError(
                "another run is at work in this folder", file=out, hint="Wait for it, or give another --out."
            ) from error
        yield
