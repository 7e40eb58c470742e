"""The first lines of a report: what a reader must not miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.blocks import MAJORITY, PEER, Scores, number
from eval.compare import Compared
from eval.goals import goals_for
from eval.item import Benchmark


def first_lines(benchmark: Benchmark, scores: Mapping[str, Scores], pairs: Sequence[Compared]) -> list[str]:
    """What a reader must not miss: who is behind whom, missed goals, alarms, failures, incomplete sets."""
    lines = [line for one in _worth(pairs) for line in _behind(one)]
    for name, found in scores.items():
        lines += _goals(benchmark, name, found)
        classes = found.get("classes") or {}
        if name == MAJORITY or name.startswith(PEER):
            continue
        if classes.get("majority_alarm"):
            lines.append(f"Majority alarm for {name}: {classes['majority_alarm']}.")
        never = (classes.get("histogram") or {}).get("never_answered")
        if never and len(never) < len(classes["per_class"]) - 1:
            lines.append(f"{name} never answers {', '.join(never)}.")
        lines += _rationalising(name, found.get("explanations") or {})
        if found["failed"]:
            told = f"{found['failed']:,} of {found['items']:,} items failed and count as wrong"
            lines.append(f"{name}: {told}{_missing(found)}.")
        expected = found["run"]["expected"]
        if expected is not None and expected != found["items"]:
            lines.append(f"{name} was measured on {found['items']:,} of the {expected:,} items that were published.")
    return list(dict.fromkeys(lines))


def _worth(pairs: Sequence[Compared]) -> list[Compared]:
    """All pairs; those of parts only where ours is not already behind, beyond chance, on the whole set."""
    clear = {
        (one.first, one.second)
        for one in pairs
        if not one.part and all(d.change.value > 0 and one.adjusted[m] < 0.05 for m, d in one.differences.items())
    }
    return [one for one in pairs if not one.part or (one.first, one.second) not in clear]


def _behind(one: Compared) -> list[str]:
    """Which of two predictors is behind, measure by measure; not told of the majority and of peers.

    Behind one of ours only beyond chance, behind a peer in any case.
    """
    told: dict[tuple[str, str, bool], list[str]] = {}
    for measure, d in one.differences.items():
        if measure == "macro-F1":
            continue
        behind, ahead = (one.first, one.second) if d.change.value > 0 else (one.second, one.first)
        sure = one.adjusted[measure] < 0.05 and not d.change.low <= 0 <= d.change.high
        worse, better = sorted((d.a, d.b))
        ours = behind != MAJORITY and not behind.startswith(PEER)
        if ours and d.change.value and (sure or ahead.startswith(PEER)):
            told.setdefault((behind, ahead, sure), []).append(f"{measure} {worse:.3f} against {better:.3f}")
        elif not sure and MAJORITY in (behind, ahead):
            other = behind if ahead == MAJORITY else ahead
            told.setdefault((other, "", sure), []).append(
                f"{measure} is not better than always answering the largest class"
            )
    where = f" on {one.part}" if one.part else ""
    return [
        f"{behind} is below {ahead}{where}, {'beyond' if sure else 'within'} chance: {', '.join(parts)}."
        if ahead
        else f"{behind}: {', '.join(parts)}."
        for (behind, ahead, sure), parts in told.items()
    ]


UNFAITHFUL, UNREASONED = 0.2, 0.75
"""From which share of contradicting texts, and up to which P(explanation right | answer right), a line is due."""


def _rationalising(name: str, told: Scores) -> list[str]:
    lines = []
    faithful, consistent = told.get("faithfulness"), told.get("consistency")
    if faithful and faithful["contradiction_rate"] >= UNFAITHFUL:
        share, precision = faithful["contradiction_rate"], faithful["precision"]
        against = f"the evidence of {faithful['against']} contradicts {share:.0%} of its texts"
        lines.append(f"{name}: {against} (AU precision {number(precision, '.2f')}).")
    if consistent and consistent["right_reason"] is not None and consistent["right_reason"] <= UNREASONED:
        share = 1 - consistent["right_reason"]
        lines.append(f"{name}: {share:.0%} of its right answers do not follow from the AUs that its own texts name.")
    return lines


def _missing(found: Scores) -> str:
    return f" ({found['missing']} were never answered)" if found["missing"] else ""


def _goals(benchmark: Benchmark, name: str, found: Scores) -> list[str]:
    lines = []
    classes = found.get("classes") or {}
    for (subset, measure), goal in goals_for(benchmark.name, found["run"]["predictor"]).items():
        part = (classes.get("subsets") or {}).get(subset) if subset else classes
        if part is None or measure not in part:
            continue
        value = part[measure][0]
        where = f" on {subset}" if subset else ""
        if value < goal:
            lines.append(f"{name} misses its goal{where}: {measure} {value:.3f}, wanted {goal:.2f}.")
        else:
            lines.append(f"{name} reaches its goal{where}: {measure} {value:.3f}, wanted {goal:.2f}.")
    return lines
