"""`python -m eval judge DIR`: a language model's opinion of explanations; never the headline.

A judge likes fluent texts and is itself unmeasured: its numbers go to `judge.json`, not into `scores.json`, and the
report does not show them. It sees the coded AUs and the text, not the picture.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

from eval.folder import read_folder, write_text
from eval.predictors.chat import Chat
from fervlm.errors import FervlmError
from fervlm.metrics.explanations import checked
from fervlm.prompts import prompt
from fervlm.records import AURecord

SCALE = ("1", "2", "3", "4", "5")
_ONE = re.compile(r"[1-5]")


def opinions(folder: Path, chat: Chat, limit: int | None, concurrency: int = 8) -> dict[str, object]:
    """Mean opinion (1 to 5), share of answers that were a number, and how it goes with the verifier's AU precision.

    Raises:
        FervlmError: the run has no explanation with evidence, or the judge does not answer.
    """
    done = read_folder(folder)
    answers = done.answers.values()
    rows = [(one.text, done.evidence[one.id]) for one in answers if one.text and one.id in done.evidence]
    if not rows:
        raise FervlmError("the run holds no explanation with evidence to judge by", file=folder)
    rows = rows[: limit or len(rows)]

    def ask(row: tuple[str, AURecord]) -> int | None:
        units = sorted({reading.au for reading in row[1].readings if reading.state == "present"})
        named = ", ".join(f"AU{au}" for au in units) or "none"
        told = chat.ask(prompt("eval_judge").fill(units=named, text=row[0]), [], max_tokens=4, choices=SCALE).strip()
        return int(told) if _ONE.fullmatch(told) else None

    with ThreadPoolExecutor(concurrency) as pool:
        told = list(pool.map(ask, rows))
    numbers = [value for value in told if value is not None]
    precise = [_precision(text, record) for text, record in rows]
    pairs = [(t, p) for t, p in zip(told, precise, strict=True) if t is not None and p is not None]
    return {
        "judge": chat.model,
        "texts": len(rows),
        "parsed": len(numbers) / len(rows),
        "mean_opinion": fmean(numbers) if numbers else None,
        "agreement_with_verifier": _rank_correlation(pairs),
        "note": "an opinion of an unmeasured model; see scores.json for what was counted",
    }


def _precision(text: str, record: AURecord) -> float | None:
    found = checked(text, record)
    told = found.right + found.wrong
    return found.right / told if told else None


def _rank_correlation(pairs: Sequence[tuple[int, float]]) -> float | None:
    """Spearman's, ties at their mean rank; None where one side does not vary."""
    if len(pairs) < 3:
        return None
    first, second = ([_rank(value, side) for value in side] for side in zip(*pairs, strict=True))
    a, b = fmean(first), fmean(second)
    top = sum((x - a) * (y - b) for x, y in zip(first, second, strict=True))
    below = (sum((x - a) ** 2 for x in first) * sum((y - b) ** 2 for y in second)) ** 0.5
    return top / below if below else None


def _rank(value: float, side: Sequence[float]) -> float:
    return sum(other < value for other in side) + (sum(other == value for other in side) + 1) / 2


def main(argv: Sequence[str] | None = None) -> int:
    """Judge a run's explanations and write `judge.json` into its folder."""
    parser = argparse.ArgumentParser(prog="python -m eval judge", description=__doc__)
    parser.add_argument("folder", metavar="DIR", help="a run with explanations and evidence")
    parser.add_argument("--judge", required=True, metavar="URL#MODEL", help="an OpenAI-compatible server")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--key-from", metavar="VARIABLE", help="environment variable that holds the server's key")
    options = parser.parse_args(argv)
    url, _, model = options.judge.partition("#")
    key = os.environ.get(options.key_from) if options.key_from else None
    found = opinions(Path(options.folder), Chat(url, model or None, key, 120.0), options.limit)
    told = json.dumps(found, indent=1)
    write_text(Path(options.folder) / "judge.json", told + "\n")
    print(told)
    return 0
