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

from eval.catalogue import benchmark
from eval.counterfactual_report import Numbers, counterfactual_blocks, counterfactual_numbers
from eval.folder import write_text
from eval.predictors import Settings, open_predictor
from eval.report import report
from eval.run import Asked, run
from fervlm.errors import FervlmError

REPORT = Path(__file__).parent / "REPORT"
TITLE = "The predictors that ship with fervlm, measured"
PACK = Path("au") / "mediapipe" / "blendshapes_faces_pack.parquet"
DEV = Path("au") / "mediapipe" / "blendshapes_dev_faces.csv"


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of the report."""

    benchmark: str
    predictor: str
    evidence: Path | None = None


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


def command_of(one: Planned, model: str | None = None) -> str:
    """The command that makes this run alone."""
    predictor = f"contrastive:{model}" if model and one.predictor == "contrastive" else one.predictor
    evidence = "" if one.evidence is None else f" --evidence $FERVLM_DATA/{one.evidence.as_posix()}"
    told = f"python -m eval run --benchmark {one.benchmark} --predictor {predictor}{evidence}"
    return f"{told} --out runs/{one.benchmark}-{one.predictor}"


def _made(one: Planned, data: Path, work: Path, model: str | None, limit: int | None) -> Path:
    spec = f"contrastive:{model}" if model and one.predictor == "contrastive" else one.predictor
    chosen = benchmark(one.benchmark)
    version = open_predictor(spec, chosen, Settings(), chosen.labels).version
    out = work / f"{one.benchmark}-{one.predictor}-{''.join(c if c.isalnum() else '_' for c in version)}"
    evidence = None if one.evidence is None else str(data / one.evidence)
    asked = Asked(chosen, str(data), spec, out, limit=limit, evidence=evidence)
    return run(asked, lambda text: print(f"{one.benchmark}, {one.predictor}: {text}", file=sys.stderr, flush=True))


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
    options = parser.parse_args(argv)
    root, work = Path(options.data), Path(options.work)
    if not root.is_dir():
        raise FervlmError("there is no such folder", file=root, hint="Give --data DIR, or set FERVLM_DATA.")
    folders = [_made(one, root, work, options.model, options.limit) for one in PLAN]
    commands = ["python -m eval renew --work runs"]
    commands += [command_of(one, options.model) for one in PLAN]
    commands += ["python -m eval counterfactual evidence", "python -m eval counterfactual masked"]
    commands += ["python -m eval counterfactual rendered"]
    extra = counterfactual_blocks(_changed(folders[0], root, options.model, options.limit))
    paths = report(folders, options.out, title=TITLE, commands=commands, page=options.page, more=extra)
    for path in paths:
        print(path)
    return 0
