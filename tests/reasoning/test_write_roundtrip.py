"""What the engine writes, its own verifier reads back: every present unit, and no finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from fervlm.facs import LabelSet, label_set, label_set_from_words
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import Judge, verify
from fervlm.reasoning.write import write
from fervlm.records import AURecord, Verification

Faces = Callable[..., Iterator[AURecord]]
BASIC8 = label_set("basic8")


def checked(record: AURecord, seed: int, labels: LabelSet, judge: Judge, observe_only: bool = False) -> Verification:
    evidence = observe(record)
    interpretation = interpret(evidence, labels, record)
    decision = conclude(evidence, interpretation, labels)
    caption = write(record, evidence, interpretation, decision, labels=labels, seed=seed, observe_only=observe_only)
    return verify(caption, record, labels=labels, judge=judge)


def faults(made: Verification) -> list[str]:
    found = [
        f"{sentence.text} | {claim.text!r} {claim.verdict}: {claim.reason}"
        for sentence in made.sentences
        for claim in sentence.claims
        if claim.verdict != "supported"
    ]
    scores = made.scores
    if scores.f1 != 1 or scores.omitted_strong or scores.leaks or scores.label_consistent is False or not made.ok:
        found.append(f"ok {made.ok}, {scores!r}: {' '.join(sentence.text for sentence in made.sentences)}")
    return found


@pytest.mark.parametrize("part", range(4))
def test_captions_on_random_evidence_hold(faces: Faces, part: int) -> None:
    judge = Judge(cache_size=10_000)
    found = [
        fault
        for number, record in enumerate(faces(650, 100 + part, most=12))
        for fault in faults(checked(record, number, BASIC8, judge))
    ]
    assert not found, "\n".join(found[:20])


def test_the_writer_is_read_with_all_its_strengths_and_sides(faces: Faces) -> None:
    # Guards against a verifier that finds nothing to check: on sided intensities most claims carry a side or a level.
    judge = Judge(cache_size=10_000)
    kinds: dict[str, int] = {}
    for number, record in enumerate(faces(200, 120, scale="intensity_0_5", sided=True)):
        for sentence in checked(record, number, BASIC8, judge).sentences:
            for claim in sentence.claims:
                kinds[claim.kind] = kinds.get(claim.kind, 0) + 1
                kinds["sided"] = kinds.get("sided", 0) + (claim.side is not None)
                kinds["level"] = kinds.get("level", 0) + (claim.level is not None)
                kinds["negated"] = kinds.get("negated", 0) + claim.negated
    assert kinds["au"] > 3000
    assert kinds["sided"] > 500 and kinds["level"] > 1000 and kinds["negated"] > 200, kinds
    assert kinds["label"] > 200


@pytest.mark.parametrize("name", ["basic7", "compound", "affectnet8", "raer", "raf_db_compound"])
def test_captions_with_other_label_sets_hold(faces: Faces, name: str) -> None:
    judge = Judge(cache_size=10_000)
    found = [
        fault
        for number, record in enumerate(faces(150, 130))
        for fault in faults(checked(record, number, label_set(name), judge))
    ]
    assert not found, "\n".join(found[:20])


def test_captions_with_the_users_own_words_hold(faces: Faces) -> None:
    judge = Judge(cache_size=10_000)
    labels = label_set_from_words(("happy", "bored", "in pain", "confused", "furious"))
    found = [
        fault
        for number, record in enumerate(faces(150, 140))
        for fault in faults(checked(record, number, labels, judge))
    ]
    assert not found, "\n".join(found[:20])


def test_movements_alone_hold(faces: Faces) -> None:
    judge = Judge(cache_size=10_000)
    found = [
        fault
        for number, record in enumerate(faces(300, 150))
        for fault in faults(checked(record, number, BASIC8, judge, observe_only=True))
    ]
    assert not found, "\n".join(found[:20])


def test_a_wrong_record_is_found_out(faces: Faces) -> None:
    # The same words held against another face must not hold.
    judge = Judge(cache_size=10_000)
    records = [record for record in faces(60, 160, sided=False) if len(observe(record).active) >= 2]
    caught = 0
    for number, (record, other) in enumerate(pairwise(records)):
        evidence = observe(record)
        interpretation = interpret(evidence, BASIC8, record)
        decision = conclude(evidence, interpretation, BASIC8)
        caption = write(record, evidence, interpretation, decision, labels=BASIC8, seed=number)
        caught += not verify(caption, other, labels=BASIC8, judge=judge).ok
    assert caught >= 0.95 * (len(records) - 1)
