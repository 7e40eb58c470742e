"""Human FACS codes of CK+ peak frames to one of seven labels: `python -m eval.benchmarks.ckplus_facs --data DIR`.

174 of the 327 emotion-labelled sequences (Lucey et al. 2010; codes as distributed with the NetFACS package), of 61
persons; presence of 23 AUs without sides or levels. Labels: seven with contempt, no neutral. An abstention counts as
wrong. The method and the prototypes are those of `fervlm.reasoning.prototypes`, committed there with their sources
before the first run on these rows; nothing was fitted to them, and no other method was tried on them.

What the number does not show: CK+ admitted a sequence to a class partly by S22's criteria on these very codes, so it
measures how faithfully published rules are carried out, on posed faces and human codes. It says little of faces in the
wild or of a detector's output.

Targets: WAR >= 0.88 and UAR >= 0.85. Intervals are bootstraps over persons.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fervlm import metrics
from fervlm.errors import FervlmError
from fervlm.facs import label_set
from fervlm.readers import read
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.prototypes import BASIC, prototypes

WHERE = Path("au") / "ckplus_facs_human" / "facs_codes.csv"
WAR_TARGET = 0.88
UAR_TARGET = 0.85
LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


@dataclass(frozen=True, slots=True)
class Result:
    """Every row's true and predicted label, with the figures."""

    truth: tuple[str, ...]
    predicted: tuple[str | None, ...]
    persons: tuple[str, ...]
    abstained: dict[str, int]
    """Reason code -> rows."""
    wrong: tuple[str, ...]
    """One line per wrong row: AUs, true label, answer."""
    war: metrics.Interval
    uar: metrics.Interval

    @property
    def met(self) -> bool:
        """Whether both targets are reached."""
        return self.war.value >= WAR_TARGET and self.uar.value >= UAR_TARGET


def run(data: Path) -> Result:
    """Label every row; `data` is the folder that holds `au/`. `FervlmError` where the file is not there."""
    labels = label_set("ck_plus7")
    truth: list[str] = []
    predicted: list[str | None] = []
    persons: list[str] = []
    wrong: list[str] = []
    reasons: Counter[str] = Counter()
    for record in read(data / WHERE):
        evidence = observe(record)
        decision = conclude(evidence, interpret(evidence, labels, record), labels)
        truth.append(record.dataset_label or "")
        predicted.append(decision.label)
        persons.append(record.subject or record.id)
        if decision.abstain is not None:
            reasons[decision.abstain] += 1
        if decision.label != record.dataset_label:
            codes = "+".join(str(unit.au) for unit in evidence.active)
            wrong.append(
                f"{record.id}: {codes} is {record.dataset_label}, answered {decision.label or decision.abstain}"
            )
    figures = [metrics.bootstrap(m, truth, predicted, groups=persons) for m in (metrics.war, metrics.uar)]
    return Result(tuple(truth), tuple(predicted), tuple(persons), dict(reasons), tuple(wrong), *figures)


def _named_prototypes() -> list[str]:
    lines = []
    for label in BASIC:
        by_source: dict[str, list[str]] = {}
        for prototype in prototypes(label):
            parts = "+".join("/".join(map(str, clause.aus)) for clause in prototype.clauses)
            by_source.setdefault(prototype.source, []).append(parts)
        listed = "; ".join(f"{source}: {', '.join(found)}" for source, found in sorted(by_source.items()))
        lines.append(f"  {label}: {listed}")
    return lines


def as_text(result: Result) -> str:
    """The report: figures, classes, confusion matrix, contempt apart, wrong rows, prototypes."""
    scores = metrics.per_class(result.truth, result.predicted)
    contempt = scores["contempt"]
    others = [i for i, label in enumerate(result.truth) if label != "contempt"]
    rest = [[r[i] for i in others] for r in (result.truth, result.predicted)]
    war, uar = metrics.war(*rest), metrics.uar(*rest)  # type: ignore[arg-type]
    verdict = "met" if result.met else "MISSED"
    rows = [
        f"  {label:<10} {score.support:>3} rows  recall {score.recall:.3f}  precision {score.precision:.3f}"
        for label, score in scores.items()
    ]
    lines = [
        f"CK+ human FACS codes, {len(result.truth)} rows of {len(set(result.persons))} persons, abstentions are wrong",
        f"WAR {result.war} (target {WAR_TARGET}), UAR {result.uar} (target {UAR_TARGET}): {verdict}",
        f"macro-F1 {metrics.macro_f1(result.truth, result.predicted):.3f}; abstained: {result.abstained or 'never'}",
        "",
        *rows,
        "",
        str(metrics.confusion(result.truth, result.predicted, LABELS)),
        "",
        f"Contempt apart: {contempt.support} rows, recall {contempt.recall:.3f}, precision {contempt.precision:.3f}; "
        f"the other six classes: WAR {war:.3f}, UAR {uar:.3f}",
        "",
        "Wrong rows:",
        *(f"  {line}" for line in result.wrong),
        "",
        "Prototypes (ids of fervlm/facs/tables/SOURCES.md); besides, S22 criteria and DERIVED consensus weights:",
        *_named_prototypes(),
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m eval.benchmarks.ckplus_facs", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("FERVLM_DATA"), help="folder with au/ [FERVLM_DATA]"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args(argv)
    if options.data is None:
        parser.error("give --data DIR, or set FERVLM_DATA to the folder that holds au/")
    try:
        result = run(Path(options.data))
    except FervlmError as error:
        parser.error(str(error))
    if options.json:
        figures = {name: [i.value, i.low, i.high] for name, i in (("war", result.war), ("uar", result.uar))}
        print(json.dumps({**figures, "met": result.met, "rows": len(result.truth)}))
    else:
        print(as_text(result))
    return 0 if result.met else 1


if __name__ == "__main__":
    sys.exit(main())
