"""The section of one benchmark in a report, as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval import plots
from eval.anchors import anchors_for
from eval.blocks import Block, Failures, Heading, Paragraph, Plot, Row, Scores, Table, number, plain
from eval.compare import Compared
from eval.item import Benchmark
from eval.report_labels import label_blocks


def benchmark_blocks(
    benchmark: Benchmark, scores: Mapping[str, Scores], pairs: Sequence[Compared], wrong: Sequence[Failures]
) -> list[Block]:
    """The section of one benchmark; `scores` by predictor."""
    blocks: list[Block] = [Heading(2, benchmark.title)]
    blocks.append(Paragraph(_about(benchmark, scores)))
    for part in (label_blocks, _calibration_blocks, _unit_blocks, _explanation_blocks):
        blocks += part(scores)
    blocks += _comparison_blocks(pairs)
    blocks += _published_blocks(benchmark, scores)
    blocks += [one for one in wrong if one.wrong]
    return blocks


def _about(benchmark: Benchmark, scores: Mapping[str, Scores]) -> str:
    run = next(iter(scores.values()))["run"]
    told = f"Benchmark `{benchmark.name}`, {run['items']:,} items of split {run['split']}"
    if run["fold"]:
        told += f", fold {run['fold']}"
    if run["held_out"]:
        told += f"; held out as unknown: {', '.join(run['held_out'])}"
    layout = f" Layout: {benchmark.seen}. Terms: {benchmark.terms}."
    return told + "." + (f" Note: {benchmark.note}." if benchmark.note else "") + layout


def _calibration_blocks(scores: Mapping[str, Scores]) -> list[Block]:
    found = {name: one["classes"]["calibration"] for name, one in scores.items() if _calibrated(one)}
    blocks: list[Block] = []
    if found:
        rows = [
            (name, *(f"{one[k]:.3f}" for k in ("ECE", "Brier", "AURC")), *(f"{v:.3f}" for v in one["risk_at"].values()))
            for name, one in found.items()
        ]
        head: Row = ("predictor", "ECE", "Brier", "AURC", "risk at 50 %", "at 80 %", "at 100 %")
        blocks += [Heading(3, "Probabilities"), Table(head, tuple(rows))]
        blocks.append(Plot("risk_coverage", plots.risk_coverage({n: one["risk_coverage"] for n, one in found.items()})))
        blocks += [
            Plot(f"reliability_{plain(name)}", plots.reliability(one["reliability"], one["ECE"]))
            for name, one in found.items()
            if len(one["reliability"]) > 1
        ]
    open_rows = [
        (name, str(o["known"]), str(o["unknown"]), number(o["AUROC"]), number(o["FPR95"]))
        for name, one in scores.items()
        if (o := one.get("open_set"))
    ]
    if open_rows:
        head = ("predictor", "known", "unknown", "AUROC", "FPR95")
        blocks += [Heading(3, "Faces that fit no label"), Table(head, tuple(open_rows))]
    return blocks


def _calibrated(one: Scores) -> bool:
    return bool((one.get("classes") or {}).get("calibration"))


def _unit_blocks(scores: Mapping[str, Scores]) -> list[Block]:
    blocks: list[Block] = []
    found = {name: one["units"] for name, one in scores.items() if one.get("units")}
    if found:
        rows = [
            (
                name,
                f"{one['items']:,}",
                number(one["mean_F1"]),
                ", ".join(f"AU{a}" for a in one["never_told"]) or "none",
            )
            for name, one in found.items()
        ]
        blocks += [
            Heading(3, "Action units"),
            Table(("predictor", "items", "mean F1", "coded but never told"), tuple(rows)),
        ]
        units = next(iter(found.values()))["per_unit"]
        f1 = {f"AU{au}": {n: one["per_unit"][au]["f1"] for n, one in found.items()} for au in units}
        blocks.append(Plot("units_f1", plots.bars(f1, "F1 of each action unit")))
    levels = [
        (name, f"{one['items']:,}", number(one["mean_ICC"]), number(one["mean_MAE"]))
        for name, scored in scores.items()
        if (one := scored.get("intensity"))
    ]
    if levels:
        blocks.append(Table(("predictor", "items", "ICC(3,1)", "MAE"), tuple(levels)))
    affect = [
        (name, dim, number(one[dim]["CCC"]), number(one[dim]["RMSE"]), number(one[dim]["SAGR"]))
        for name, scored in scores.items()
        if (one := scored.get("affect"))
        for dim in ("valence", "arousal")
        if dim in one
    ]
    if affect:
        head = ("predictor", "dimension", "CCC", "RMSE", "same sign")
        blocks += [Heading(3, "Valence and arousal"), Table(head, tuple(affect))]
    return blocks


def _explanation_blocks(scores: Mapping[str, Scores]) -> list[Block]:
    found = {name: one["explanations"] for name, one in scores.items() if one.get("explanations")}
    if not found:
        return []
    blocks: list[Block] = [Heading(3, "Explanations")]
    faithful = {name: one["faithfulness"] for name, one in found.items() if one.get("faithfulness")}
    if faithful:
        keys: Row = ("precision", "recall", "f1", "side_agreement", "level_agreement", "leak_rate", "omission_rate")
        keys += ("contradiction_rate", "unmeasured_rate")
        head: Row = ("predictor", "texts", "against", "AU precision", "recall", "F1", "side", "level", "leaks", "omits")
        head += ("contradicts", "beyond evidence")
        rows = [(n, f"{f['texts']:,}", f["against"], *(number(f[k]) for k in keys)) for n, f in faithful.items()]
        note = "Held against the AU evidence of each item: a detector's output is not the truth about a face, and a "
        note += "predictor that writes from that very evidence is faithful to it by construction."
        blocks += [Paragraph(note), Table(head, tuple(rows))]
    consistent = {name: one["consistency"] for name, one in found.items() if one.get("consistency")}
    if consistent:
        keys = ("explanation_accuracy", "explanation_answer", "both_right", "right_reason", "open")
        head = (
            "predictor",
            "EEA",
            "EPC",
            "both right",
            "P(explanation right given answer right)",
            "AUs imply no label",
        )
        rows = [(n, *(number(c[k]) for k in keys)) for n, c in consistent.items()]
        blocks.append(Table(head, tuple(rows)))
    references = [
        (name, number(r["ROUGE-L"]), number(r.get("REGE"), ".1f"), number(r["event_order_F1"]))
        for name, one in found.items()
        if (r := one.get("references"))
    ]
    if references:
        blocks.append(Table(("predictor", "ROUGE-L (legacy)", "REGE (legacy)", "event order F1"), tuple(references)))
    return blocks


def _comparison_blocks(pairs: Sequence[Compared]) -> list[Block]:
    if not pairs:
        return []
    rows = []
    for one in pairs:
        for name, d in one.differences.items():
            change = f"{d.change.value:+.3f} [{d.change.low:+.3f}, {d.change.high:+.3f}]"
            rows.append((f"{one.second} minus {one.first}", name, change, f"{one.adjusted[name]:.4f}"))
    over = pairs[0].over
    note = f"Paired bootstrap and paired permutation over {over}; p after Holm's correction within a pair."
    return [Heading(3, "Differences"), Paragraph(note), Table(("pair", "measure", "difference", "p"), tuple(rows))]


def _published_blocks(benchmark: Benchmark, scores: Mapping[str, Scores]) -> list[Block]:
    if benchmark.anchor is None:
        return []
    ours = []
    for name, one in scores.items():
        for metric in ("WAR", "UAR"):
            if one.get("classes"):
                value = f"{100 * one['classes'][metric][0]:.1f}"
                ours.append((name, metric, value, "", "measured here", one["run"]["predictor_version"]))
        if one.get("units") and one["units"]["mean_F1"] is not None:
            ours.append((name, "AU F1", f"{100 * one['units']['mean_F1']:.1f}", "", "measured here", ""))
    theirs = [
        (a.model, a.metric, f"{a.value:g}{' (off a chart)' if a.off_a_chart else ''}", a.setting, "published", a.source)
        for a in anchors_for(benchmark.anchor)
    ]
    head = ("model", "metric", "value, %", "setting", "from", "source")
    return [Heading(3, "Beside published numbers"), Table(head, tuple(ours + theirs))]
