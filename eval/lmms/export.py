"""`python -m eval lmms`: a benchmark as a task folder for lmms-eval (YAML, Parquet, its functions)."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from eval.catalogue import benchmark
from eval.folder import write_text
from eval.item import Benchmark, Choice, Item
from eval.predictors.chat import picture_bytes
from eval.predictors.endpoint import LABEL_PROMPTS
from eval.run import some
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.prompts import prompt

TASK = """# {title}. Terms: {terms}
# Run: lmms_eval --model MODEL --tasks {name} --include_path {folder}
task: {name}
dataset_path: parquet
dataset_kwargs:
  data_files:
    test: {parquet}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: !function utils.doc_to_target
process_results: !function utils.process_results
generation_kwargs:
  max_new_tokens: 24
  temperature: 0
  do_sample: false
metric_list:
  - metric: WAR
    aggregation: !function utils.war
    higher_is_better: true
  - metric: UAR
    aggregation: !function utils.uar
    higher_is_better: true
  - metric: strict_parse_rate
    aggregation: !function utils.parse_rate
    higher_is_better: true
metadata:
  version: 1.0
"""


def export(one: Benchmark, items: Sequence[Item], out: Path) -> Path:
    """Write the task folder; returns the YAML's path.

    Args:
        one: the benchmark, for its labels.
        items: pictures with a label, or multiple-choice questions.
        out: a folder.

    Raises:
        FervlmError: no item of a kind that the harness can ask.
        MissingExtraError: no datasets, no pyarrow.
    """
    try:
        sets: Any = import_module("datasets")  # some seconds
    except ImportError:
        raise MissingExtraError("writing an lmms-eval task", "data") from None
    rows = [_row(one, item) for item in items if item.label is not None and not item.is_clip]
    if not rows:
        raise FervlmError(f"{one.name} holds no picture with a label or question")
    out.mkdir(parents=True, exist_ok=True)
    text = sets.Value("string")
    columns = {"id": text, "images": [sets.Image()], "question": text, "choices": [text], "answer": text}
    parquet = out / f"fervlm_{one.name}.parquet"
    sets.Dataset.from_list(rows, features=sets.Features(columns)).to_parquet(str(parquet))
    shutil.copy(Path(__file__).parent / "utils.py", out / "utils.py")
    path = out / f"fervlm_{one.name}.yaml"
    task = TASK.format(
        title=one.title, terms=one.terms, name=f"fervlm_{one.name}", folder=out.resolve(), parquet=parquet.resolve()
    )
    write_text(path, task)
    return path


def _row(one: Benchmark, item: Item) -> dict[str, object]:
    pictures = item.pictures or (item.image(),)
    images = [{"bytes": picture_bytes(picture), "path": None} for picture in pictures]
    if item.question is None:
        question, choices = prompt(LABEL_PROMPTS[0]).fill(labels=", ".join(one.labels)), list(one.labels)
    else:
        choices = [chr(ord("A") + k) for k in range(len(item.choices))]
        listed = "\n".join(f"{letter}. {text}" for letter, text in zip(choices, item.choices, strict=True))
        question = prompt("eval_choice").fill(question=item.question, choices=listed)
    return {"id": item.id, "images": images, "question": question, "choices": choices, "answer": item.label}


def main(argv: Sequence[str] | None = None) -> int:
    """Export one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m eval lmms", description=__doc__)
    data = os.environ.get("FERVLM_DATA")
    parser.add_argument("--benchmark", required=True, metavar="B")
    parser.add_argument("--data", default=data, required=data is None, metavar="DIR", help="the set's folder")
    parser.add_argument("--out", required=True, metavar="DIR", help="the task's folder, for --include_path")
    parser.add_argument("--split")
    parser.add_argument("--limit", type=int, metavar="N")
    options = parser.parse_args(argv)
    one = benchmark(options.benchmark).fitted(options.data)
    items = one.items(options.data, Choice(options.split or one.splits[0], 1 if one.folds else None))
    print(export(one, some([item for item in items if item.label in one.labels], options.limit), Path(options.out)))
    return 0
