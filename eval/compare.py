"""`compare A B`: is the difference of two runs on the same items real?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.folder import Finished
from eval.score import pairs_of
from fervlm.errors import FervlmError
from fervlm.metrics.differences import Difference, compare, holm
from fervlm.metrics.resampling import MEASURES


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs on the items both were asked about."""

    first: str
    second: str
    items: int
    over: str
    """What was swapped and drawn: rows, or whole persons."""
    differences: dict[str, Difference]
    adjusted: dict[str, float]
    """Holm's correction over the measures."""
    part: str = ""
    """A subset that alone was compared; empty for all items."""

    def lines(self) -> list[str]:
        """A sentence per measure."""
        told = [f"{self.items:,} items both answered; B minus A, 95 % interval, paired permutation over {self.over}"]
        told += [f"A: {self.first}", f"B: {self.second}"]
        for name, one in self.differences.items():
            p = self.adjusted[name]
            sure = p < 0.05 and not one.change.low <= 0 <= one.change.high
            verdict = f"B is {'better' if one.change.value > 0 else 'worse'}" if sure else "no difference beyond chance"
            change = f"{one.change.value:+.4f} [{one.change.low:+.4f}, {one.change.high:+.4f}]"
            told.append(f"{name:<9} A {one.a:.4f}  B {one.b:.4f}  {change}  p {p:.4f}: {verdict}")
        return told


def compared(a: Finished, b: Finished, *, draws: int = 2000, seed: int = 0, part: str = "") -> Compared:
    """The classes of two runs, of all items or of a subset of them.

    Raises:
        FervlmError: runs of different benchmarks, of different truth, or without common labelled items.
    """
    if a.run.benchmark != b.run.benchmark or a.run.labels != b.run.labels:
        told = f"{a.run.benchmark} with {len(a.run.labels)} labels and {b.run.benchmark} with {len(b.run.labels)}"
        raise FervlmError(f"the runs are of different questions: {told}", hint="Compare runs of one benchmark.")
    first, second = ({t.id: (t, answer) for t, answer in pairs_of(run)} for run in (a, b))
    shared = [name for name in first if name in second and first[name][0].label in a.run.labels]
    shared = [name for name in shared if not part or part in first[name][0].subsets]
    if not shared:
        raise FervlmError("the runs share no labelled item", hint="Were they made with different --limit or --fold?")
    odd = next((name for name in shared if first[name][0].label != second[name][0].label), None)
    if odd is not None:
        raise FervlmError(f"the runs disagree on the true label of '{odd}'", hint="Were they made from different data?")
    truths = [first[name][0] for name in shared]
    persons = [t.subject or t.id for t in truths] if any(t.subject for t in truths) else None
    found = {
        str(measure): compare(
            measure,
            [str(t.label) for t in truths],
            [first[name][1].label for name in shared],
            [second[name][1].label for name in shared],
            groups=persons,
            draws=draws,
            seed=seed,
        )
        for measure in MEASURES
    }
    adjusted = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    names = [f"{run.run.predictor} ({run.run.predictor_version})" for run in (a, b)]
    return Compared(names[0], names[1], len(shared), "persons" if persons else "rows", found, adjusted, part)


def audited(done: Finished, name: str, least: int) -> Sequence[str]:
    """The group audit of a run as lines; `name` is a group of its items, such as `source`.

    Raises:
        FervlmError: no item has such a group.
    """
    from fervlm.metrics.groups import audit  # noqa: PLC0415

    pairs = [(t, a) for t, a in pairs_of(done) if t.label in done.run.labels]
    groups = [t.groups.get(name, "") for t, _ in pairs]
    if not any(groups):
        known = sorted({group for t, _ in pairs for group in t.groups})
        told = f"The items have: {', '.join(known)}." if known else "Give groups as columns of a manifest."
        raise FervlmError(f"no item has the group '{name}'", hint=told)
    persons = [t.subject or t.id for t, _ in pairs]
    found = audit([str(t.label) for t, _ in pairs], [a.label for _, a in pairs], groups, least=least, persons=persons)
    lines = [f"error by {name}, at least {least} items; permutation within labels, Holm's correction"]
    for one in found.judged:
        verdict = "differs" if one.p < 0.05 else "no difference beyond chance"
        lines.append(
            f"{one.group:<16} n {one.rows:>6}  error {one.error}  rest {one.rest:.3f}  p {one.p:.4f}: {verdict}"
        )
    lines += [f"{group:<16} n {count:>6}  too few to judge" for group, count in found.too_small.items()]
    if found.gap is not None:
        lines.append(f"gap between the worst and the best group: {found.gap:.3f}")
    return lines
