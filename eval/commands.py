"""The verbs of `python -m eval` that take benchmarks and predictors: list, run, score, report, compare, audit."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from eval.catalogue import benchmark, benchmarks
from eval.compare import audited, compared
from eval.folder import read_folder
from eval.item import Benchmark
from eval.predictors import KINDS, Settings
from eval.report import report
from eval.run import Asked, run
from eval.score import Scores, score
from fervlm.errors import FervlmError


def add(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs to the program's."""
    _add_list(what)
    _add_run(what)
    one = what.add_parser("score", help="numbers of a run: scores.json and a summary")
    one.add_argument("folder", metavar="DIR")
    one.add_argument("--missing-are-failures", action="store_true", help="score a run that was cut")
    one.add_argument("--json", action="store_true", help="all numbers as JSON on standard output")
    one.set_defaults(do=_score)
    one = what.add_parser("report", help="Markdown with SVG plots, and an HTML page with pictures of failures")
    one.add_argument("folders", nargs="+", metavar="DIR", help="runs, of one or several predictors and benchmarks")
    one.add_argument("--out", required=True, metavar="PATH", help="PATH.md, PATH_plots/ and PATH.html are written")
    one.add_argument("--title", default="Evaluation")
    one.add_argument("--no-page", action="store_true", help="Markdown only")
    one.set_defaults(do=_report)
    one = what.add_parser("compare", help="whether the difference of two runs is real")
    one.add_argument("first", metavar="A")
    one.add_argument("second", metavar="B")
    one.add_argument("--draws", type=int, default=2000)
    one.set_defaults(do=_compare)
    one = what.add_parser("audit", help="error by user-given groups, with a permutation test and a least size")
    one.add_argument("folder", metavar="DIR")
    one.add_argument("--by", required=True, metavar="GROUP", help="a group of the items, such as a manifest's column")
    one.add_argument("--least", type=int, default=30, help="items a group must have to be judged")
    one.set_defaults(do=_audit)


def _add_list(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = what.add_parser("list", help="benchmarks: layout, terms, counts, and which are present below DIR")
    one.add_argument("--data", action="append", default=[], metavar="NAME=DIR", help="where a set lies, or DIR for all")
    one.add_argument("--name", metavar="NAME", help="everything about one benchmark")
    one.add_argument("--predictors", action="store_true", help="the predictors instead")
    one.add_argument("--peers", action="store_true", help="other people's packages, and which are installed")
    one.set_defaults(do=_list)


def _add_run(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    told = "; ".join(f"{name}: {meaning}" for name, meaning in KINDS.items())
    one = what.add_parser("run", help="a predictor answers a benchmark, resumable", epilog=f"Predictors: {told}.")
    one.add_argument("--benchmark", required=True, metavar="B", help="a name of `list`")
    one.add_argument("--predictor", required=True, metavar="P", help="majority, rules, contrastive[:MODEL], ...")
    one.add_argument("--out", required=True, metavar="DIR", help="the run's folder; a cut run goes on there")
    data = os.environ.get("FERVLM_DATA")
    one.add_argument(
        "--data", default=data, required=data is None, metavar="DIR", help="the set's folder [FERVLM_DATA]"
    )
    one.add_argument("--split")
    one.add_argument("--fold", metavar="K", help="from 1, or `all`: one run a fold, in OUT/foldK")
    one.add_argument("--limit", type=int, metavar="N", help="N items, spread evenly over the set")
    one.add_argument("--evidence", metavar="FILE", help="AU detector output, joined by picture name")
    one.add_argument("--input-format", metavar="NAME", help="of --evidence; see `fervlm formats`")
    one.add_argument("--hold-out", action="append", default=[], metavar="LABEL", help="not offered: must be unknown")
    one.add_argument("--no-explain", action="store_true", help="labels only")
    one.add_argument("--no-variants", action="store_true", help="one prompt set instead of all")
    one.add_argument("--finder", default="haar", help="haar or none: how faces are found in pictures that are no crops")
    one.add_argument("--frames", type=int, default=16, help="looked at in a clip")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--workers", type=int, default=1, help="processes")
    one.add_argument("--ray", action="store_true", help="workers on a Ray cluster (extra: scale)")
    one.add_argument("--concurrency", type=int, default=8, help="requests at a time to an endpoint")
    one.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    one.add_argument("--key-from", metavar="VARIABLE", help="environment variable that holds the endpoint's key")
    form = (
        "how an endpoint is asked: text with its form, json by schema, short for trained models; by default as fits it"
    )
    one.add_argument("--form", choices=("auto", "text", "json", "short"), default="auto", help=form)
    one.set_defaults(do=_run)


def _say(text: str) -> None:
    print(f"fervlm: {text}", file=sys.stderr, flush=True)


def _run(options: argparse.Namespace) -> int:
    settings = Settings(
        explain=not options.no_explain,
        variants=not options.no_variants,
        finder=options.finder,
        frames=options.frames,
        seed=options.seed,
        concurrency=options.concurrency,
        timeout_s=options.timeout,
        key=os.environ.get(options.key_from) if options.key_from else None,
        form=options.form,
    )
    first = Asked(
        benchmark=benchmark(options.benchmark),
        data=options.data,
        predictor=options.predictor,
        out=Path(options.out),
        split=options.split,
        fold=None,
        limit=options.limit,
        held_out=tuple(options.hold_out),
        evidence=options.evidence,
        input_format=options.input_format,
        settings=settings,
        workers=options.workers,
        ray=options.ray,
    )
    for asked in _by_fold(first, options.fold):
        run(asked, _say)
    return 0


def _by_fold(asked: Asked, fold: str | None) -> list[Asked]:
    """The run of a fold, or of every fold in a folder of its own."""
    if fold == "all":
        if not asked.benchmark.folds:
            raise FervlmError(f"{asked.benchmark.name} has no folds", hint="Leave --fold out.")
        every = range(1, asked.benchmark.folds + 1)
        return [replace(asked, fold=k, out=asked.out / f"fold{k}") for k in every]
    if fold is not None and not fold.isdigit():
        raise FervlmError(f"'{fold}' is no fold", hint="Give a number from 1, or all.")
    return [replace(asked, fold=None if fold is None else int(fold))]


def _score(options: argparse.Namespace) -> int:
    found = score(options.folder, missing_are_failures=options.missing_are_failures)
    print(json.dumps(found, indent=1, ensure_ascii=False) if options.json else "\n".join(summary(found)))
    return 0


def summary(found: Scores) -> list[str]:
    """The main numbers of a run, a line each."""
    run = found["run"]
    lines = [f"{run['predictor']} on {run['benchmark']} ({run['split']}): {found['items']:,} items"]
    lines[0] += f", {found['failed']:,} failed" if found["failed"] else ""
    classes = found.get("classes")
    if classes:
        lines += [
            f"{m:<9} {v[0]:.3f} [{v[1]:.3f}, {v[2]:.3f}]" for m in ("WAR", "UAR", "macro-F1") if (v := classes[m])
        ]
        lines.append(f"abstained {classes['abstain_rate']:.1%}, parsed {classes['strict_parse_rate']:.1%}")
        if classes["majority_alarm"]:
            lines.append(f"majority alarm: {classes['majority_alarm']}")
        if classes["calibration"]:
            lines.append(f"ECE {classes['calibration']['ECE']:.3f}, Brier {classes['calibration']['Brier']:.3f}")
    if found.get("units"):
        lines.append(f"AU mean F1 {found['units']['mean_F1']:.3f}" if found["units"]["mean_F1"] is not None else "")
    told = (found.get("explanations") or {}).get("faithfulness")
    if told:
        precision, recall = (("none" if told[k] is None else f"{told[k]:.3f}") for k in ("precision", "recall"))
        lines.append(f"explanations against {told['against']}: AU precision {precision}, recall {recall}")
    return [line for line in lines if line]


def _report(options: argparse.Namespace) -> int:
    for path in report(options.folders, options.out, title=options.title, page=not options.no_page):
        print(path)
    return 0


def _compare(options: argparse.Namespace) -> int:
    found = compared(read_folder(options.first), read_folder(options.second), draws=options.draws)
    print("\n".join(found.lines()))
    return 0


def _audit(options: argparse.Namespace) -> int:
    print("\n".join(audited(read_folder(options.folder), options.by, options.least)))
    return 0


def _list(options: argparse.Namespace) -> int:
    if options.predictors:
        print("\n".join(f"{name:<22} {meaning}" for name, meaning in KINDS.items()))
        return 0
    if options.peers:
        from eval.peers import peer_lines  # noqa: PLC0415

        print("\n".join(peer_lines()))
        return 0
    places = _places(options.data)
    if options.name:
        print("\n".join(_all_about(benchmark(options.name), places)))
        return 0
    for one in benchmarks().values():
        here = "present" if _present(one, places) else ""
        print(f"{one.name:<22} {one.task:<11} {len(one.labels) or '':>2}  {here:<8} {one.title}")
    print("\nEverything about one: python -m eval list --name NAME", file=sys.stderr)
    return 0


def _places(given: list[str]) -> dict[str, Path]:
    """Benchmark -> folder; `*` for all."""
    found = {}
    for one in given or ([os.environ["FERVLM_DATA"]] if os.environ.get("FERVLM_DATA") else []):
        name, equals, place = one.partition("=")
        found.update({name: Path(place)} if equals else {"*": Path(name)})
    return found


def _present(one: Benchmark, places: dict[str, Path]) -> bool:
    root = places.get(one.name, places.get("*"))
    return root is not None and bool(one.probe) and any(root.glob(one.probe))


def _all_about(one: Benchmark, places: dict[str, Path]) -> list[str]:
    counts = ", ".join(f"{split} {count:,}" for split, count in one.counts.items()) or "not known"
    lines = [
        f"{one.name}: {one.title}",
        f"task      {one.task}" + (f", {len(one.labels)} labels: {', '.join(one.labels)}" if one.labels else ""),
        f"layout    {one.layout}",
        f"layout    {one.seen}",
        f"splits    {', '.join(one.splits)}" + (f", {one.folds} folds" if one.folds else ""),
        f"items     {counts} (published)",
        f"terms     {one.terms}",
        f"access    {one.access}",
    ]
    if one.units:
        lines.append(f"AUs       {', '.join(map(str, one.units))}")
    if one.note:
        lines.append(f"note      {one.note}")
    return [*lines, f"present   {'yes' if _present(one, places) else 'not in the folders given'}"]
