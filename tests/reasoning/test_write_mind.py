"""The words say nothing about anybody's mind: no emotion among movements, no state, no person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from fervlm.facs import label_set
from fervlm.facs.units import movement_units
from fervlm.reasoning.observe import Level, Unit
from fervlm.reasoning.wording.forms import forms
from fervlm.reasoning.wording.movements import in_lexicon
from fervlm.records import AURecord, Side
from tests.reasoning.writing import explained, moving, texts

# Ours and independent of the writer's tables: words that name, or lean on, an emotion or a state of mind.
EMOTION = (
    "admire affection afraid aggress agitat alarm amus anger angr anguish annoy anxi appal apprehens arous asham "
    "astonish aversion awe awkward bliss bored boredom calm cheer comfort compass concern confus contempt content "
    "cry crying curio dejec delight depress desire despair determin disappoint disapprov disdain disgust dislike "
    "dismay displeas distract distress doubt downcast dread ecsta elat embarras emotion empath enjoy enrag envy "
    "excit exhaust fatigu fear feel feeling felt flirt fright frustrat furio fury glad gloom grief griev guilt "
    "happ hate hatred helpless hope hostil humiliat hurt indignan interest irrita jealous jolly joy jubil laugh "
    "lonel love mad melanchol merr mirth misera mood mourn nervous offend outrag pain panic passion perplex pity "
    "plead pleas pout pride proud puzzl rage regret relax relief relieved remorse repress repuls resent reveng "
    "revuls sad satisf scare scorn scowl self-conscious serene shame shock shy smug sneer sorrow sorry startl "
    "stress suffer surpris sympath tear tender terrif terror thrill timid torment triumph uneas unhapp unpleas "
    "upset vengeful weary weep worr wrath yearn"
)
Faces = Callable[..., Iterator[AURecord]]
STEMS = tuple(EMOTION.split())
ALLOWED = {"tearing", "content"} | {"contents"}
PERSON = re.compile(
    r"\b(feels?|feeling|felt|he|she|him|her|his|hers|man|woman|boy|girl|male|female|genuine|sincere|honest|fake|lying|"
    r"pretend\w*|deceiv\w*|truly|really|person|subject|patient|years? old|young|elderly|thinks?|wants?|intend\w*)\b",
    re.IGNORECASE,
)

SIDES: tuple[Side | None, ...] = (None, "left", "both")
LEVELS: tuple[Level | None, ...] = (None, 1, 4)


def emotion_words(text: str) -> list[str]:
    words = [word for word in re.findall(r"[a-z]+", text.lower()) if word not in ALLOWED]
    return [word for word in words if word.startswith(STEMS)]


def test_overview_and_observations_are_free_of_emotion_words(faces: Faces) -> None:
    for number, record in enumerate(faces(1500, 11, most=14)):
        for text in moving(explained(record, number)):
            assert not emotion_words(text), (emotion_words(text), text)


@pytest.mark.parametrize("au", movement_units())
def test_every_wording_of_every_movement_is_free_of_emotion_words_and_well_formed(au: int) -> None:
    assert in_lexicon(au)
    for side in SIDES:
        for level in LEVELS:
            unit = Unit(au, "present", side, level)
            found = forms(unit)
            for modes in (found.clauses, found.absolutes, found.nouns, found.terse, found.bare_nouns):
                assert modes and all(modes)
                for phrase in (p for mode in modes for p in mode):
                    assert not emotion_words(phrase.text), phrase.text
                    assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  |\{|\}|~", phrase.text), phrase.text


def test_observe_only_names_no_expression_in_any_part(faces: Faces) -> None:
    for number, record in enumerate(faces(800, 12)):
        caption = explained(record, number, observe_only=True)
        assert caption.conclusion.label is None
        assert caption.conclusion.abstain == "observe-only"
        assert not caption.conclusion.alternatives
        for text in texts(caption):
            assert not emotion_words(text), (emotion_words(text), text)


def test_observe_only_changes_neither_overview_nor_observations(faces: Faces) -> None:
    for number, record in enumerate(faces(100, 13)):
        caption, bare = explained(record, number), explained(record, number, observe_only=True)
        assert (bare.overview, bare.observations) == (caption.overview, caption.observations)


@pytest.mark.parametrize("labels", ["basic8", "basic7", "compound", "affectnet8", "raer", "emotic"])
def test_nothing_is_said_about_the_person(faces: Faces, labels: str) -> None:
    for number, record in enumerate(faces(300, 14)):
        for text in texts(explained(record, number, label_set(labels))):
            assert not PERSON.search(text), text
