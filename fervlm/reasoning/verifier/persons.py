"""What a text may not say: feelings in an observation, and anything about the person.

Rule 4: overview and observations hold no emotion word. Rule 6: "expression shown", never what the person feels; never
sincerity, identity, age, sex or race. He, she, his and her are not taken as claims of sex: texts of others are full of
them and they assert nothing that could be checked. A disclaimer ("does not tell what the person feels") is no claim.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Kind
from fervlm.reasoning.verifier.tokens import lowered
from fervlm.records import Section


class Offence(NamedTuple):
    """A forbidden wording."""

    kind: Literal["emotion_word", "person"]
    start: int
    end: int
    reason: str


_DISCLAIMER = re.compile(
    r"\b(?:no|without(?: any)?) (?:statement|claim|inference|conclusion|judge?ment|information|word|assumption)s?\b"
    r"|\b(?:says?|said|tells?|states?|implies|reveals?|proves?) (?:nothing|little)\b|\bnothing (?:about|is said|can be)\b"  # noqa: E501
    r"|(?:\b(?:does|do|can|could|should|must|may|is|are)(?: not|n't)|\bcannot|\bcan't|\bnever)(?: be| used| to| meant| necessarily)*"  # noqa: E501
    r" (?:say|tell|mean|imply|show|prove|reveal|claim|infer|indicate|know|state|determine|decide|concern|describe"
    r"|inferred|told|known|read|judged|assessed|implied|claimed|evidence|proof|a (?:claim|statement|proof|measure|sign))\b"  # noqa: E501
    r"|^what (?=.*\b(?:not|cannot|nothing|unknown|open)\b)"
    r"|^whatever\b|\b(?:regardless|irrespective) of\b"
    r"|\bwhether\b|\bnot (?:what|how|who|why|a (?:claim|statement|proof|measure|judge?ment))\b|\brather than what\b"
)
"""What follows one of these in a sentence is disclaimed."""
_WORD = re.compile(r"[a-z]+")
_FACIAL = frozenset(
    (
        "show", "shows", "showing", "shown", "display", "displays", "displaying", "express", "expresses", "expressing",
        "exhibit", "exhibits", "appear", "appears", "look", "looks", "expression", "face", "label", "labelled", "labeled",  # noqa: E501
        "described", "called", "read", "classified", "coded", "neutral", "movement", "movements", "unit", "units",
    )
)  # fmt: skip
_CUT = frozenset((Kind.COMMA, Kind.BREAK, Kind.OPEN, Kind.CLOSE))
_STATING = frozenset((Kind.MENTAL, Kind.EMOTION, Kind.MOVE))
_MOVING = frozenset((Kind.PART, Kind.MOVE, Kind.UNIT, Kind.AU))
_OF_PERSON = {
    Kind.IDENTITY: "says who or what the person is",
    Kind.SINCERITY: "says how sincere the expression is",
    Kind.STATE: "says what the person feels or thinks",
}
_SEEN = frozenset(("look", "looks", "looked", "looking", "appear", "appears", "appeared", "appearing"))
_RESTFUL = frozenset(("calm", "serene", "peaceful", "tranquil"))
_DOUBLE = frozenset(("depressed", "tense", "relaxed"))
"""Words of movements that, said of a person, name a state."""
_BEING = ("is", "are", "was", "were")
_SHOWN = frozenset(("expression", "expressions", "face", "look", "display", "smile", "pattern", "gesture", "label"))


def offences(text: str, found: list[Element], section: Section) -> list[Offence]:
    """Every forbidden wording of a sentence."""
    kinds = [element.kind for element in found]
    told: list[Offence] = []
    # An overview may quote the annotators' label (the `anchored` view); an observation may not.
    quoted = section == "overview" and Kind.ATTRIBUTED in kinds
    observed = section in ("overview", "observation") and not quoted
    out: list[Offence] = []
    for index, element in enumerate(found):
        kind = kinds[index]
        if kind is Kind.EMOTION and _is_rest(text, found, kinds, index):
            continue
        if kind is Kind.EMOTION and observed:
            out.append(Offence("emotion_word", element.start, element.end, "an emotion word among the observations"))
        reason = _OF_PERSON.get(kind)
        if reason is None and kind in _STATING:
            reason = _stated(text, found, kinds, index)
        if reason is not None:
            told.append(Offence("person", element.start, element.end, reason))
    if (
        not told
        and section in ("interpretation", "conclusion")
        and Kind.EMOTION not in kinds
        and _is_about_person(text, found, kinds)
    ):
        told.append(Offence("person", found[0].start, found[0].end, "speaks of the person and not of the face"))
    if told and Kind.UNKNOWN not in kinds:
        disclaimer = _DISCLAIMER.search(lowered(text))
        disclaimed = disclaimer.end() if disclaimer else len(text)
        out += [offence for offence in told if offence.start < disclaimed]
    return out


def _is_rest(text: str, found: list[Element], kinds: list[Kind], index: int) -> bool:
    """ "the brow is calm": a word of feelings that here is none."""
    element = found[index]
    word = text[element.start : element.end].lower()
    if word == "cross" and text[element.end :].startswith((" the ", " her ", " his ")):
        return True  # "lines cross the forehead"
    if word in _RESTFUL and kinds[index + 1 : index + 3] == [Kind.OF, Kind.PART]:
        return True  # "the calm of the face"
    if word not in _RESTFUL or kinds[index - 1 : index] != [Kind.COP]:
        return False
    return index > 1 and kinds[index - 2] is Kind.PART and found[index - 2].entry.value != "face"


def _stated(text: str, found: list[Element], kinds: list[Kind], index: int) -> str | None:
    kind = kinds[index]
    if kind is Kind.MENTAL:
        if kinds[index + 1 : index + 2] in ([Kind.PART], [Kind.UNIT], [Kind.PAIRED], [Kind.SIDE]):
            return None  # "she hides both lips"
        return "says what the person feels or thinks" if _person_before(kinds, index) else None
    if kind is Kind.MOVE and kinds[index + 1 : index + 2] == [Kind.PERSON] and _is_double(text, found[index]):
        return "ascribes a feeling to the person"  # "this depressed patient"
    if kind is Kind.MOVE and text[found[index].start : found[index].end].lower() in _DOUBLE:
        return "ascribes a feeling to the person" if _is_ascribed(text, found, kinds, index) else None
    if kind is not Kind.EMOTION:
        return None
    form = found[index].entry.value[1]
    token = found[index].token
    after = found[index + 1] if index + 1 < len(found) else None
    before = found[index - 1] if index else None
    if form != "noun" and after is not None and after.kind in (Kind.PERSON, Kind.IDENTITY) and after.token - token <= 3:
        return "ascribes a feeling to the person"
    if form != "noun" and after is not None and after.kind is Kind.POSSESSIVE:
        if kinds[index + 2 : index + 3] in ([], [Kind.BREAK]):  # "frightens her"
            return "ascribes a feeling to the person"
    if before is None:
        return None
    if form == "noun" and before.kind is Kind.POSSESSIVE and token - before.token <= 3:
        rest = text[found[index].end :].lower().split()[:1]
        return None if rest and rest[0].strip(".,;") in _SHOWN else "ascribes a feeling to the person"
    if form != "noun" and before.kind is Kind.PERSON and token - before.token == 1:
        return "ascribes a feeling to the person"
    return "ascribes a feeling to the person" if _is_ascribed(text, found, kinds, index) else None


def _is_about_person(text: str, found: list[Element], kinds: list[Kind]) -> bool:
    """ "The speaker is an introvert.": begins with the person and says nothing of the face."""
    if not kinds or kinds[0] is not Kind.PERSON or found[0].token > 2 or not _MOVING.isdisjoint(kinds):
        return False
    words = set(_WORD.findall(text.lower()))
    return "they" not in words and _FACIAL.isdisjoint(words)


def _is_double(text: str, element: Element) -> bool:
    return text[element.start : element.end].lower() in _DOUBLE


def _is_ascribed(text: str, found: list[Element], kinds: list[Kind], index: int) -> bool:
    """ "she is sad", "the subject seems to be afraid", "they must be glad"; not "she looks sad"."""
    linked = False
    noun = kinds[index] is Kind.EMOTION and found[index].entry.value[1] == "noun"
    for k in range(index - 1, -1, -1):
        kind = kinds[k]
        if kind is Kind.PERSON:
            if noun and text[found[k].start : found[k].end].lower() == "they":
                return False  # the movements
            return linked and found[index].token - found[k].token <= 8
        if kind is Kind.NOT:
            linked = linked or text[found[k].start : found[k].end].lower().startswith(_BEING)
        elif kind in (Kind.COP, Kind.HEDGE):
            word = text[found[k].start : found[k].end].lower().split()[0]
            if word in _SEEN or (noun and word not in ("is", "are", "was", "were", "be", "been")):
                return False
            linked = True
        elif kind in _CUT or kind in _MOVING or kind in (Kind.PRED, Kind.AGAINST, Kind.OF, Kind.NO):
            return False
    return False


def _person_before(kinds: list[Kind], index: int) -> bool:
    for k in range(index - 1, -1, -1):
        kind = kinds[k]
        if kind is Kind.PERSON or kind is Kind.IDENTITY:
            return True
        if kind in (Kind.BREAK, Kind.UNIT, Kind.AU, Kind.PART):
            return False
    return False
