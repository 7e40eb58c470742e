"""The benchmark of planted faults, its own half held to its targets and every text it uses held to its form."""

from __future__ import annotations

import json
from pathlib import Path

from eval.benchmarks.planted_faults import FAULTS, TEXTS, foreign_half, item_record, own_half
from fervlm.reasoning.observe import observe

HELD_OUT = "foreign_heldout.jsonl"


def test_our_own_captions_are_clean_and_their_plants_are_caught() -> None:
    half = own_half(1500, 750)
    assert set(half.plants) == set(FAULTS)
    assert half.plants.total() == 1500
    assert half.caught_share >= 0.99, half.missed[:5]
    assert half.alarm_share <= 0.01, half.missed[:5]


def test_the_first_tuning_texts_are_read_right() -> None:
    half = foreign_half([TEXTS / "foreign_tuning.jsonl"])
    assert half.caught_share >= 0.99, half.missed
    assert half.alarm_share <= 0.01, half.missed


def test_the_latest_tuning_texts_stay_read() -> None:
    """Contrasts, exceptions and ellipses; not all of them are read yet, but none that is may be lost."""
    half = foreign_half([TEXTS / "foreign_tuning_r.jsonl"])
    assert half.caught_share >= 0.945, half.missed
    assert half.alarm_share <= 0.015, half.missed


def test_no_validation_text_is_a_tuning_text() -> None:
    texts = {path.name: {item["text"] for item in _items(path)} for path in TEXTS.glob("foreign_*.jsonl")}
    validation = texts.pop("foreign_validation.jsonl")
    assert validation.isdisjoint(set().union(*texts.values()))


def test_the_texts_are_what_their_notes_say() -> None:
    """Held-out texts are many enough, differ from the tuning texts, and clean ones affirm what is present."""
    texts = {path.name: _items(path) for path in sorted(TEXTS.glob("foreign_*.jsonl"))}
    held = texts.pop(HELD_OUT)
    assert sum(item["kind"] == "plant" for item in held) >= 500
    tuned_on = {item["text"] for items in texts.values() for item in items}
    assert not tuned_on & {item["text"] for item in held}
    for item in held:
        if item["kind"] == "clean":
            present = {unit.au for unit in observe(item_record(item)).active}
            assert set(item["mentions"]) <= present, item["id"]


def _items(path: Path) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
