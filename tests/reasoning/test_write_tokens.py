"""Region sentences fit 40 CLIP tokens. `clip_counts.json` was made once with the real byte-pair vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fervlm.facs import label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.wording.tokens import SENTENCE_LIMIT, WORD_TOKENS, clip_cost
from fervlm.reasoning.write import write
from fervlm.records import AURecord

Faces = Callable[..., Iterator[AURecord]]

COUNTS: dict[str, int] = json.loads(Path(__file__).with_name("clip_counts.json").read_text(encoding="utf-8"))
PIECE = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")
START_AND_END = 2


def clip_tokens(text: str) -> int:
    """As CLIP's tokenizer counts; `KeyError` names a piece the table does not know."""
    return sum(COUNTS[piece] for piece in PIECE.findall(text.lower())) + START_AND_END


def test_the_table_holds_known_counts() -> None:
    assert COUNTS["lip"] == COUNTS["au"] == COUNTS["),"] == 1
    assert COUNTS["nasolabial"] == 4
    assert clip_tokens("The lips part (AU25).") == 2 + 8


def test_the_writer_counts_no_word_too_low() -> None:
    assert not {word for word, count in COUNTS.items() if word.isalpha() and WORD_TOKENS.get(word, 1) < count}


@pytest.mark.parametrize("seed", [0, 1])
def test_overview_and_region_sentences_fit(faces: Faces, seed: int) -> None:
    labels = label_set("basic8")
    longest = 0
    for number, record in enumerate(faces(4000, 40 + seed, most=18)):
        evidence = observe(record)
        interpretation = interpret(evidence, labels, record)
        decision = conclude(evidence, interpretation, labels)
        caption = write(record, evidence, interpretation, decision, labels=labels, seed=number * seed)
        for text in (caption.overview, *(observation.text for observation in caption.observations)):
            count = clip_tokens(text)
            assert count <= SENTENCE_LIMIT == 40, (count, text)
            assert clip_cost(text) + START_AND_END >= count, text
            longest = max(longest, count)
    assert longest > 35
