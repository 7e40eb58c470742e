"""The whole factory in order: ingest, draft, teacher, gate, export, card. Each stage resumes where it was cut."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from data_engine.card import write_card
from data_engine.config import AnnotateConfig, claim_folder
from data_engine.draft import chosen_labels, draft_shard
from data_engine.export import export_shard
from data_engine.gate import decide
from data_engine.ingest import ingest
from data_engine.measure import measure_shard
from data_engine.publish import Published, publish
from data_engine.runlog import RunLog
from data_engine.scale import Executor, run_stage
from data_engine.shards import sweep, write_bytes
from data_engine.teacher.stage import teach
from fervlm.errors import FervlmError


def annotate(
    config: AnnotateConfig, out: Path, *, executor: Executor = "processes", workers: int = 1, quiet: bool = False
) -> Published:
    """Make, or finish making, the data set `out`; a finished one is left as it is.

    Same settings and seed (and the same teacher answers) give the same bytes, however often the run was cut and
    wherever the stages ran.

    Raises:
        FervlmError: bad input, a folder that holds something else, a full disk, a teacher that is gone.
    """
    work = claim_folder(config, out)
    with _only_one(work), RunLog(out / "run_log.jsonl", quiet) as log:
        sweep(out)
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
            answers, tokens, repeats = teach(config, texts, work / "taught", work / "teacher.sqlite", stage.add)
            log.event("teacher", answers=answers, tokens=tokens, repeated_after_a_cut=repeats)
            stage.done()
            texts = work / "taught"

        stage = log.stage("gate", None)
        scale(measure_shard, [texts], work / "measured", stage.add)
        decide(config, work / "measured", work / "verdicts", out / "support.json")
        stage.done()

        stage = log.stage("export", stage.passed)
        scale(partial(export_shard, settings), [texts, work / "verdicts"], work / "exported", stage.add)
        published = publish(config, work, out)
        write_card(config, published, work, out)
        stage.done()
        return published


def restart(out: Path) -> None:
    """Forget an earlier run in `out`; refuses a folder that holds none.

    Stored teacher answers are forgotten too.
    """
    if not (out / ".work" / "config.json").exists():
        raise FervlmError("the folder holds no run to restart", file=out, hint="Give a new folder to --out.")
    shutil.rmtree(out)


@contextmanager
def _only_one(work: Path) -> Iterator[None]:
    """Two runs on one folder would write over each other."""
    lock = work / "lock"
    if not lock.exists():
        write_bytes(lock, b"")
    with lock.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FervlmError(
                "another run is at work in this folder", file=work.parent, hint="Wait for it, or give another --out."
            ) from error
        yield
