"""Contrasts, ellipses and attachments in foreign prose: each is borne out by one face and contradicted by another."""

from __future__ import annotations

import pytest

from fervlm.records import AURecord, Section
from tests.reasoning.test_verify_prose import MEASURED, face, objections

ALL = (*MEASURED, 27, 43, 45)


def seen(codes: str) -> AURecord:
    return face(codes, measured=ALL)


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("The corners of the mouth sweep clearly upward and push the cheeks up a little.", "6B 12C", "6C 12B"),
        ("What is missing from the smile is the lift of the cheeks.", "12C", "6C 12C"),
        ("Missing from this smile are all signs of a lowered brow.", "12C", "4C 12C"),
        ("Gone is the frown, gone the squint; what one sees is a smile.", "12C", "7C 12C"),
        ("The mouth, however, has not turned down.", "4C", "15C"),
        ("A strong, toothy smile.", "12D", "12B"),
        ("Cheeks and lip corners rise.", "6C 12C", "12C"),
        ("The corners tighten, they do not lift.", "14C", "12C 14C"),
        ("The corners slip sideways; they don't curl up.", "20C", "12C 20C"),
        ("The left corner is raised, the right corner tucked in.", "L12C R14C", "R12C L14C"),
        ("The inner brows are raised and pinched, their tails are not raised.", "1C 4C", "1C 2C 4C"),
        ("Only the inner part of the brow goes up.", "1C", "1C 2C"),
        ("The lids show neither widening nor tightening.", "12C", "7C"),
        ("Nothing has changed about the nose or the upper lip.", "4C", "10C"),
        ("The smile involves the cheeks, though not the lids.", "6C 12C", "6C 7C 12C"),
        ("Dimples there are, a smile and raised cheeks there are not.", "14C", "12C 14C"),
        ("A smile, unspoilt by frown or wrinkled nose.", "12C", "9C 12C"),
        ("The lip corners have moved neither up nor down.", "17C", "15C 17C"),
        ("The mouth turns down with no push from the chin.", "15C", "15C 17C"),
        ("The upper lids have gone up and left the brows behind.", "5C", "1C 2C 5C"),
        ("A pressed smile that keeps the lips from parting.", "12C 24C", "12C 24C 25C"),
        ("The lips have vanished.", "28C", "25C"),
        ("The brows stay down, the eyes are wide.", "5C", "1C 5C"),
        ("The mouth is closed.", "12C", "26C"),
        ("The lips remain as they were.", "4C", "24C"),
        ("Of the smile there is no doubt, and of a frown there is no trace.", "12C", "4C 12C"),
        (
            "The chin is up and the mouth droops at its left corner, staying level at the right one.",
            "L15C 17C",
            "R15C 17C",
        ),
        ("AU6 and AU12, both at C.", "6C 12C", "6E 12C"),
        ("The chin boss bulges under a mouth whose corners droop.", "15C 17C", "4C 17C"),
        ("Nothing beyond brow lowering and lid tightening was found.", "4C 7C", "4C 7C 12C"),
        ("Eyes no wider than usual.", "4C", "5C"),
        ("The only thing that moves is the mouth, whose corners rise.", "12C", "4C 12C"),
        ("Raised brows wrinkle the forehead, and there is no frown, let alone a squint.", "1C 2C", "1C 2C 7C"),
    ],
)
def test_each_turn_is_read(text: str, true: str, false: str) -> None:
    assert objections(text, seen(true)) == []
    assert objections(text, seen(false)) != []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Clear pressure holds the lips shut.", "24C"),
        ("The upper lip is raised, and the jaw is relaxed and dropped.", "10C 26C"),
        ("One clear blink, nothing lasting.", "45C"),
        ("Everything above the lower lip is quiet, the lip itself is sucked in.", "28C"),
        ("A smile with dimples and closed lips.", "12C 14C"),
        ("The lids are narrowed rather than by the cheeks, and they remain open.", "7C"),
        ("Raised brows, as they are, do not widen the eyes.", "1C 2C"),
        ("Mild mentalis strain under a lip seal.", "17B"),
    ],
)
def test_what_only_sounds_like_a_claim_is_none(text: str, codes: str) -> None:
    assert objections(text, seen(codes)) == []


@pytest.mark.parametrize(
    ("text", "codes", "right"),
    [
        ("Disgust, alternatively anger.", "9C 10C", True),
        ("Disgust, alternatively anger.", "6C 12C", False),
        ("Anger stands first, with disgust a distant second.", "4C 5C 7C 23C", True),
        ("Anger stands first, with disgust a distant second.", "1C 2C 5C 26C", False),
        ("Happiness (first), disgust (second).", "9C 10C", False),
        ("I call it happiness, and I would be surprised if many disagreed.", "6C 12C", True),
        ("The expression is angry, not as fearful.", "4C 5C 7C 23C", True),
    ],
)
def test_an_alternative_is_the_label_named_as_one(text: str, codes: str, right: bool) -> None:
    section: Section = "conclusion"
    assert (objections(text, seen(codes), section) == []) is right


def test_what_merely_follows_the_nose_moves_by_itself() -> None:
    """ "Follow" with nothing to follow names the part's own movement."""
    text = "The mouth spreads into a smile, and the cheeks follow."
    assert objections(text, seen("6C 12C")) == []
    assert objections(text, seen("12C")) != []
