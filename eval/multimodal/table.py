"""The numbers as Markdown, each target beside what was reached."""

from __future__ import annotations

from typing import Any

NAMES = {
    "majority": "majority class",
    "engine": "engine on AU evidence",
    "contrastive": "contrastive nano",
    "direct": "nano-VLM, direct",
    "reason_first": "nano-VLM, reason then label",
    "free": "nano-VLM, free",
    "held": "nano-VLM, held to the form",
    "label_first": "nano-VLM, label then reason, held",
    "repaired": "nano-VLM, held, one repair",
}


def targets(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each goal of the project: what, least or most, reached, met."""
    labels, captions = found["labels"], found["captions"]
    rows: list[tuple[str, float, float]] = []
    if "direct" in labels:
        rows.append(("direct UAR minus the contrastive nano's", -0.05, found["apart"]["direct"]["UAR"][0]))
        rows.append(("reason-then-label UAR minus direct", -0.03, found["apart"]["reason_first"]["UAR"][0]))
    for name in (name for name in ("free", "held") if name in captions):
        one = captions[name]
        rows += [
            (f"{name}: strict parse rate", 0.99, one["strict_parse_rate"][0]),
            (f"{name}: AU mention F1", 0.70, one["mention_F1"][0]),
            (f"{name}: F1 above the best constant caption", 0.15, one["over_constant"][0]),
            (f"{name}: leak rate, at most", -0.01, -one["leak_rate"][0]),
        ]
    return [{"what": what, "least": least, "reached": got, "met": got >= least} for what, least, got in rows]


def markdown(found: dict[str, Any]) -> str:
    """A page of tables; every number comes from `found`."""
    run = found["run"]
    parts = [
        "# A multimodal model beside the others",
        f"`{run['model']}` on {run['faces']:,} validation faces of `{run['set']}` ({', '.join(run['labels'])}), "
        f"captions of {run['captions']:,} of them; faces that served tuning are left out; 95 % intervals by bootstrap "
        f"over faces, seed {run['seed']}.",
        "## Labels\n\n" + _labels(found["labels"]),
    ]
    if found["captions"]:
        parts += ["## Captions, from pixels alone\n\n" + _captions(found["captions"])]
    parts += ["## Targets\n\n" + _targets(targets(found)), _words()]
    return "\n\n".join(parts) + "\n"


def _labels(rows: dict[str, Any]) -> str:
    head = ["who", "WAR", "UAR", "macro-F1", "ECE", "abstained", "ms a face"]
    return _table(
        head,
        [
            [
                NAMES[name],
                *(_interval(one[m]) for m in ("WAR", "UAR", "macro-F1")),
                _number(one.get("ECE")),
                f"{one['abstained']:.1%}",
                _number(one["ms"], 0),
            ]
            for name, one in rows.items()
        ],
    )


def _captions(rows: dict[str, Any]) -> str:
    head = [
        "who",
        "parsed",
        "AU mention F1",
        "above constant",
        "leaks",
        "agreement",
        "as direct",
        "passes",
        "ms a face",
    ]
    return _table(
        head,
        [
            [
                NAMES[name],
                _interval(one["strict_parse_rate"]),
                _interval(one["mention_F1"]),
                _interval(one["over_constant"]),
                _interval(one["leak_rate"]),
                _number(one["agreement"]),
                _number(one["as_direct"]),
                _interval(one["pass_rate"]),
                _number(one["ms"], 0),
            ]
            for name, one in rows.items()
        ],
    )


def _targets(rows: list[dict[str, Any]]) -> str:
    told = [
        [row["what"], f"{abs(row['least']) if 'at most' in row['what'] else row['least']:.2f}", "", ""] for row in rows
    ]
    for line, row in zip(told, rows, strict=True):
        line[2] = f"{abs(row['reached']) if 'at most' in row['what'] else row['reached']:.3f}"
        line[3] = "yes" if row["met"] else "no"
    return _table(["goal", "value", "reached", "met"], told)


def _words() -> str:
    return (
        "Mentions are held against the set's evidence (a detector's, of low trust), which no model sees here but the "
        "engine, whose captions are made from it. The constant caption names the same units on every face, those that "
        "do best on these very faces. Agreement: the label that a caption's own units imply by published prototypes "
        "is its conclusion's. Passes: the verifier finds nothing wrong. Time is that of one process's CPU."
    )


def _interval(values: list[float]) -> str:
    return f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
