"""`python -m eval renew`: every predictor that ships, on every set at hand, to `eval/REPORT.md` in one command.

Runs that are finished and unchanged are not run again; a new checkpoint is another version and gets a new folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.blocks import PEER
from eval.catalogue import benchmark
from eval.counterfactual_report import Numbers, counterfactual_blocks, counterfactual_numbers
from eval.folder import RUN, read_run, write_text
from eval.peers import PEERS
from eval.predictors import Settings, open_predictor
from eval.report import report
from eval.run import Asked, run
from fervlm.checkpoint import MANIFEST
from fervlm.errors import FervlmError
from fervlm.mllm.manifest import SHIPPED

REPORT = Path(__file__).parent / "REPORT"
TITLE = "The predictors that ship with fervlm, measured"
PACK = Path("au") / "mediapipe" / "blendshapes_faces_pack.parquet"
DEV = Path("au") / "mediapipe" / "blendshapes_dev_faces.csv"


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of the report; `sample` where it is too slow for the whole set."""

    benchmark: str
    predictor: str
    evidence: Path | None = None
    sample: bool = False


PLAN = (
    Planned("pack_val", "contrastive", PACK),
    Planned("pack_val", "rules", PACK),
    Planned("pack_val", "majority"),
    Planned("faces_val", "contrastive", DEV),
    Planned("faces_val", "rules", DEV),
    Planned("faces_val", "majority"),
    Planned("human_codes", "rules"),
    Planned("human_codes", "majority"),
)
MULTIMODAL = tuple(
    Planned(name, f"mllm{way}", evidence, sample=True)
    for name, evidence in (("pack_val", PACK), ("faces_val", DEV))
    for way in ("", "#reason_first", "#label_first")
)
"""Run where the multimodal model lies beside the others (it is slow: a sample of each set)."""


def plan() -> tuple[Planned, ...]:
    """The runs of the predictors that are here."""
    return PLAN + (MULTIMODAL if (SHIPPED / MANIFEST).is_file() else ())


def command_of(one: Planned, model: str | None = None, sample: int | None = None) -> str:
    """The command that makes this run alone."""
    predictor = f"contrastive:{model}" if model and one.predictor == "contrastive" else one.predictor
    evidence = "" if one.evidence is None else f" --evidence $FERVLM_DATA/{one.evidence.as_posix()}"
    limit = f" --limit {sample}" if one.sample and sample else ""
    told = f"python -m eval run --benchmark {one.benchmark} --predictor {predictor}{evidence}{limit}"
    return f"{told} --out runs/{one.benchmark}-{one.predictor.replace('#', '-')}"


def _made(one: Planned, data: Path, work: Path, model: str | None, limit: int | None) -> Path:
    spec = f"contrastive:{model}" if model and one.predictor == "contrastive" else one.predictor
    chosen = benchmark(one.benchmark)
    version = open_predictor(spec, chosen, Settings(), chosen.labels).version
    name = f"{one.benchmark}-{one.predictor.replace('#', '-')}"
    out = work / f"{name}-{''.join(c if c.isalnum() else '_' for c in version)}"
    evidence = None if one.evidence is None else str(data / one.evidence)
    asked = Asked(chosen, str(data), spec, out, limit=limit, evidence=evidence)
    return run(asked, lambda text: print(f"{one.benchmark}, {one.predictor}: {text}", file=sys.stderr, flush=True))


def peer_runs(folder: Path) -> list[Path]:
    """Finished runs of peers below a folder.

    Raises:
        FervlmError: there is none.
    """
    runs = [path.parent for path in sorted(folder.glob(f"*/{RUN}"))]
    found = [path for path in runs if read_run(path).predictor.startswith(PEER)]
    if not found:
        raise FervlmError(
            "holds no run of a peer", file=folder, hint="python -m eval list --peers tells how to make one."
        )
    return found


def peer_command(folder: Path) -> str:
    """The command that made a peer's run, in that peer's environment."""
    asked = read_run(folder)
    name = asked.predictor.removeprefix(PEER).split()[0]
    limit = f" --limit {asked.limit}" if asked.limit else ""
    told = f"peer/bin/python -m eval run --benchmark {asked.benchmark} --predictor peer:{name}{PEERS[name].setting}"
    return f"{told}{limit} --out peers/{asked.benchmark}-{name}"


def _changed(run_folder: Path, data: Path, model: str | None, limit: int | None) -> Numbers:
    """The counterfactuals of the checkpoint that a run is of, kept beside that run."""
    path = run_folder.with_name(f"{run_folder.name}-counterfactual-{limit or 'all'}.json")
    if not path.is_file():
        write_text(path, json.dumps(counterfactual_numbers(data, model, limit), indent=1) + "\n")
    found: Numbers = json.loads(path.read_text(encoding="utf-8"))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing and write the report."""
    parser = argparse.ArgumentParser(prog="python -m eval renew", description=__doc__)
    data = os.environ.get("FERVLM_DATA")
    parser.add_argument("--data", default=data, required=data is None, metavar="DIR", help="shared sets [FERVLM_DATA]")
    parser.add_argument("--work", required=True, metavar="DIR", help="folder of the runs (some MB; kept between calls)")
    parser.add_argument("--out", default=str(REPORT), metavar="PATH", help="report, by default eval/REPORT")
    parser.add_argument("--model", metavar="MODEL", help="another checkpoint instead of the one that ships")
    parser.add_argument("--limit", type=int, metavar="N", help="N items of each set, for a look")
    parser.add_argument("--page", action="store_true", help="also the HTML page with pictures of wrong answers")
    told = "faces of each set that the multimodal model is asked about, where it is there (seconds a face)"
    parser.add_argument("--sample", type=int, default=300, metavar="N", help=f"{told} [300]")
    parser.add_argument("--peers", metavar="DIR", help="folder of runs of peers, made in their own environments")
    options = parser.parse_args(argv)
    root, work = Path(options.data), Path(options.work)
    if not root.is_dir():
        raise FervlmError("there is no such folder", file=root, hint="Give --data DIR, or set FERVLM_DATA.")
    peers = peer_runs(Path(options.peers)) if options.peers else []
    sample = min(options.sample, options.limit or options.sample)
    wanted = plan()
    folders = [_made(one, root, work, options.model, sample if one.sample else options.limit) for one in wanted]
    commands = ["python -m eval renew --work runs" + (" --peers peers" if peers else "")]
    commands += [command_of(one, options.model, sample) for one in wanted]
    commands += [peer_command(path) for path in peers]
    commands += ["python -m eval counterfactual evidence", "python -m eval counterfactual masked"]
    commands += ["python -m eval counterfactual rendered"]
    extra = counterfactual_blocks(_changed(folders[0], root, options.model, options.limit))
    every = [*folders, *peers]
    for path in report(every, options.out, title=TITLE, commands=commands, page=options.page, more=extra):
        print(path)
    return 0
