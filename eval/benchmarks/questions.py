"""Multiple choice for language models: FaceXBench, Face-Human-Bench and FERBench (UniFER), expression parts only."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, need, plain
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC7, BASIC8

FACEX = ("rafdb_single_mcq_train", "rafdb_multiple_mcq_train", "affectnet_single_mcq", "affectnet_multiple_mcq")
HUMAN = (
    ("face_expression_basic", "original"),
    ("face_expression_basic", "cropped"),
    ("face_expression_compound", "cropped"),
)
FER = ("rafdb", "ferplus", "affectnet", "sfew_2.0")


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        return json.loads(need(path, "question file").read_text(encoding="utf-8"))
    except ValueError:
        raise FervlmError("is no JSON", file=path) from None


def facexbench(root: Path, _choice: Choice) -> list[Item]:
    """`benchmark/rafdb_single_mcq_train.json` and the like: question_text, options, correct_answer_option."""
    base = root / "benchmark" if (root / "benchmark").is_dir() else root
    items = []
    for name in FACEX:
        path = base / f"{name}.json"
        for number, entry in _json(path)["questions"].items():
            try:
                pictures = tuple(base / picture for picture in entry["image_paths"])
                choices = tuple(map(str, entry["options"]))
                label = str(entry["correct_answer_option"]).strip()
            except (KeyError, TypeError):
                raise FervlmError(f"question {number} lacks a field", file=path) from None
            one = pictures[0] if len(pictures) == 1 else None
            items.append(
                Item(
                    id=f"{name}/{number}",
                    picture=one,
                    pictures=pictures,
                    label=label,
                    question=entry["question_text"],
                    choices=choices,
                    subsets=(name.split("_mcq")[0],),
                )
            )
    return items


def face_human(root: Path, _choice: Choice) -> list[Item]:
    """`json/en/face_expression_basic.json`: data -> QA (question, options, answer from 0), image -> image_paths."""
    items = []
    for name, version in HUMAN:
        path = root / "json" / "en" / f"{name}.json"
        for number, entry in enumerate(_json(path)["data"]):
            try:
                choices = tuple(map(str, entry["QA"]["options"]))
                picture = root / "data" / entry["image"]["image_paths"][version]
                label = chr(ord("A") + int(entry["QA"]["answer"]))
            except (KeyError, TypeError, ValueError):
                raise FervlmError(f"entry {number} lacks a field", file=path) from None
            part = f"{name}, {version}"
            question = entry["QA"]["question"]
            items.append(
                Item(
                    id=f"{name}/{version}/{number}",
                    picture=picture,
                    label=label,
                    question=question,
                    choices=choices,
                    subsets=(part,),
                    crop=version == "cropped",
                )
            )
    return items


def ferbench(part: str, root: Path, _choice: Choice) -> list[Item]:
    """`eval_rafdb/data/rafdb_qa.json`: image_path, true_label, prompt, candidate_labels; pictures below `dataset`."""
    file = f"{part}_qa.json"
    path = first_there("question file", root / f"eval_{part}" / "data" / file, root / "data" / file)
    items = []
    for number, entry in enumerate(_json(path), start=1):
        try:
            name, label = str(entry["image_path"]).lstrip("/"), plain(str(entry["true_label"]))
        except (KeyError, TypeError):
            raise FervlmError("an entry lacks image_path or true_label", file=path, row=number) from None
        if label not in BASIC8:
            raise FervlmError(f"'{entry['true_label']}' is no label of FERBench", file=path, row=number)
        items.append(Item(id=name, picture=root / "dataset" / name, label=label, crop="aligned" in name))
    return items


def _fer(part: str, anchor: str | None) -> Benchmark:
    return Benchmark(
        name=f"ferbench_{part.replace('.', '_').replace('_2_0', '')}",
        title=f"FERBench (UniFER), {part} part",
        task="expression",
        labels=BASIC8 if part in {"ferplus", "affectnet"} else BASIC7,
        load=partial(ferbench, part),
        layout=f"DIR/eval_{part}/data/{part}_qa.json and DIR/dataset/RAF-DB/aligned/...",
        seen="seen in published code: zfkarl/UniFER's evaluation scripts and data README (fields, folders)",
        terms="questions open; pictures under each set's own terms",
        access="https://github.com/zfkarl/UniFER",
        anchor=anchor,
        probe=f"eval_{part}/data",
        note="asked here with this project's prompts, not with theirs; their prompt stands in the file. FERBench's "
        "published accuracy is over all four parts",
    )


LETTERS = ("A", "B", "C", "D", "E", "F")
BENCHMARKS = (
    Benchmark(
        name="facexbench_expression",
        title="FaceXBench, expression questions",
        task="questions",
        labels=LETTERS[:4],
        load=facexbench,
        layout="DIR/benchmark/rafdb_single_mcq_train.json, affectnet_single_mcq.json, ... and benchmark/images/",
        seen="seen in published code: Kartik-3004/facexbench benchmark/*.json (data read)",
        terms="questions as the repository; pictures under each set's own terms",
        access="https://github.com/Kartik-3004/facexbench",
        probe="benchmark/rafdb_single_mcq_train.json",
        note="four options, so chance is 0.25; some questions show several pictures",
    ),
    Benchmark(
        name="face_human_bench_expression",
        title="Face-Human-Bench, expression questions (English)",
        task="questions",
        labels=LETTERS[:4],
        load=face_human,
        layout="DIR/json/en/face_expression_basic.json, face_expression_compound.json and DIR/data/",
        seen="seen in published code: lxq1000/Face-Human-Bench code/evaluation/eval.py (fields, versions)",
        terms="research only",
        access="https://github.com/lxq1000/Face-Human-Bench",
        probe="json/en/face_expression_basic.json",
        note="the authors turn the options by a random number; here they stand as in the file",
    ),
    *(_fer(part, "FERBench" if part == "rafdb" else None) for part in FER),
)
