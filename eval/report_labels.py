"""The part of a report's section on labels: measures with intervals, folds, parts, prompt sets, peers, plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from eval import plots
from eval.blocks import PEER, Block, Bullets, Heading, Paragraph, Plot, Scores, Table, number, plain
from eval.peers import PEERS


def _span(value: Sequence[float] | None) -> str:
    return "" if value is None else f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def label_blocks(scores: Mapping[str, Scores]) -> list[Block]:
    """`scores` by predictor; nothing where none of them was asked for labels."""
    found = {name: one["classes"] for name, one in scores.items() if one.get("classes")}
    if not found:
        return []
    over = next(iter(found.values()))["intervals_over"]
    head = ("predictor", "WAR", "UAR", "macro-F1", "abstained", "parsed", "ms an item")
    rows = [
        (
            name,
            *(_span(one[m]) for m in ("WAR", "UAR", "macro-F1")),
            f"{one['abstain_rate']:.1%}",
            f"{one['strict_parse_rate']:.1%}",
            number(scores[name].get("ms"), ".1f"),
        )
        for name, one in found.items()
    ]
    blocks: list[Block] = [
        Heading(3, "Labels"),
        Paragraph(f"95 % bootstrap intervals over {over}; abstentions and failures are wrong; time on this machine."),
        Table(head, tuple(rows)),
    ]
    blocks += _peer_notes(found)
    blocks += _fold_table(found, scores)
    blocks += _subset_table(found)
    blocks += _prompt_table(found)
    shown = {label for one in found.values() for label in one["per_class"]}
    recalls = {
        label: {name: (one["per_class"].get(label) or {}).get("recall") for name, one in found.items()}
        for label in next(iter(scores.values()))["run"]["labels"]
        if label in shown
    }
    blocks.append(Plot("recall", plots.bars(recalls, "recall of each class")))
    blocks += [
        Plot(f"confusion_{plain(name)}", plots.confusion(one["confusion"], f"{name}: rows true, shares of a row"))
        for name, one in found.items()
        if not _one_answer(one)
    ]
    return blocks


def _peer_notes(found: Mapping[str, Scores]) -> list[Block]:
    """What a reader of other people's numbers must know."""
    names = [name for name in found if name.startswith(PEER)]
    lines = [
        f"{name}: {known.told}; note: {known.note}."
        for name in names
        if (known := PEERS.get(name.removeprefix(PEER).split()[0])) is not None
    ]
    return [Bullets(tuple(lines))] if lines else []


def _fold_table(found: Mapping[str, Scores], scores: Mapping[str, Scores]) -> list[Block]:
    """Mean and deviation over the folds of a predictor, as papers report them; all folds or it says how many."""
    folds: dict[str, list[Scores]] = {}
    for name, one in found.items():
        if scores[name]["run"]["fold"] is not None:
            folds.setdefault(scores[name]["run"]["predictor"], []).append(one)
    rows = [
        (name, str(len(runs)), *(_mean_over([one[m][0] for one in runs]) for m in ("WAR", "UAR", "macro-F1")))
        for name, runs in folds.items()
        if len(runs) > 1
    ]
    return [Table(("predictor", "folds", "WAR", "UAR", "macro-F1"), tuple(rows))] if rows else []


def _mean_over(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f} ± {stdev(values):.3f}"


def _one_answer(classes: Scores) -> bool:
    return len(classes["histogram"]["answered"]) < 2


def _subset_table(found: Mapping[str, Scores]) -> list[Block]:
    names = list(dict.fromkeys(part for one in found.values() for part in one.get("subsets") or {}))
    if not names:
        return []
    rows = []
    for part in names:
        for name, one in found.items():
            subset = (one["subsets"] or {}).get(part)
            if subset is not None:
                spans = (_span(subset[m]) for m in ("WAR", "UAR", "macro-F1"))
                rows.append((part, name, f"{subset['items']:,}", *spans, f"{subset['majority_share']:.3f}"))
    return [Table(("part", "predictor", "items", "WAR", "UAR", "macro-F1", "largest class"), tuple(rows))]


def _prompt_table(found: Mapping[str, Scores]) -> list[Block]:
    rows = []
    for name, one in found.items():
        sets = one.get("prompt_sets")
        if sets:
            for measure in ("WAR", "UAR"):
                m = sets[measure]
                each = ", ".join(f"{s} {v[measure]:.3f}" for s, v in sets["sets"].items())
                rows.append((name, measure, f"{m['mean']:.3f}", f"{m['lowest']:.3f} to {m['highest']:.3f}", each))
    if not rows:
        return []
    return [Table(("predictor", "measure", "mean of prompt sets", "range", "each"), tuple(rows))]
