"""Hard negatives: a true sentence made false by one minimal edit, each proved false by the verifier.

An edit exchanges the words for one unit for the words the lexicon has for another (the neighbour that is absent, the
other side, another level) or denies it; the rest of the sentence stays letter for letter.

The proof: in a sentence of the engine's own the words affirm a unit, and so do those that take their place; where these
by themselves name an absent unit, the sentence is false whatever it says of side and strength. There are few such
words, so each is read once. Every other edit, and any sentence that a model wrote, is read whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from zlib import crc32

from fervlm.facs.units import excluded_by
from fervlm.reasoning.observe import Evidence, Level, Unit
from fervlm.reasoning.verifier.judge import judge_units
from fervlm.reasoning.verifier.sections import passages
from fervlm.reasoning.verify import Judge, verify
from fervlm.reasoning.wording.choice import unit_code
from fervlm.reasoning.wording.forms import Forms, Phrase, forms
from fervlm.reasoning.wording.regions import REGION_UNITS, region_of
from fervlm.records import Caption, HardNegative, Section

_PER_SENTENCE = 3
_OF_UNITS = frozenset(("au", "quality"))
_FIELDS = ("clauses", "absolutes", "nouns", "terse", "bare_clauses", "bare_absolutes", "bare_nouns")


def hard_negatives(caption: Caption, evidence: Evidence, judge: Judge) -> tuple[HardNegative, ...]:
    """At most three a sentence of the overview and the observations; every one contradicts `evidence`."""
    found: list[HardNegative] = []
    own = caption.provenance is not None and caption.provenance.model is None
    sentences = [("overview", caption.overview, evidence.active)]
    for k, observation in enumerate(caption.observations):
        told = {unit.au for unit in observation.units}
        sentences.append((f"region:{k}", observation.text, tuple(unit for unit in evidence.active if unit.au in told)))
    for name, text, units in sentences:
        kept = 0
        for edit, words, edited in _edits(text, units, evidence):
            if kept == _PER_SENTENCE:
                break
            if edited == text:
                continue
            swapped = own and edit == "au_swapped"
            if (swapped and _contradicts(words, evidence, judge)) or _false(edited, evidence, judge):
                found.append(HardNegative(text=edited, of=name, edit=edit))
                kept += 1
    return tuple(found)


def _contradicts(text: str, evidence: Evidence, judge: Judge, section: Section = "text") -> bool:
    """Whether some words or one sentence say of units what the evidence contradicts."""
    drafts = judge.read(text, section).drafts
    return any(d.kind in _OF_UNITS and judge_units(d, evidence)[1] == "contradicted" for d in drafts)


def _false(text: str, evidence: Evidence, judge: Judge) -> bool:
    """Whether the verifier finds a contradicted claim; what is merely unmeasured is no negative."""
    if any(_contradicts(told.text, evidence, judge, told.section) for told in passages(text)):
        return True
    checked = verify(text, evidence, judge=judge)
    return any(claim.verdict == "contradicted" for check in checked.sentences for claim in check.claims)


def _edits(text: str, units: tuple[Unit, ...], evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """(edit, its words, edited text) of a sentence that tells `units`, the first chosen by a hash of the sentence."""
    places = [(unit, place) for unit in units if (place := _find(text, unit)) is not None]
    if not places:
        return
    turn = crc32(text.encode()) % len(places)
    for unit, (start, (phrase, field, mode, k)) in places[turn:] + places[:turn]:
        before, after = text[:start], text[start + len(phrase.text) :]
        for edit, other in _others(unit, evidence):
            words = _same_form(forms(other), field, mode, k).text
            yield edit, words, f"{before}{words}{after}"
        denied = _denied(phrase.text, field)
        if denied is not None:
            yield "negated", denied, f"{before}{denied}{after}"


def _others(unit: Unit, evidence: Evidence) -> Iterator[tuple[str, Unit]]:
    """Units that the evidence contradicts, each one step away from `unit`."""
    swap = _neighbour(unit.au, evidence)
    if swap is not None:
        yield "au_swapped", replace(unit, au=swap, stronger=None)
    if unit.side in {"left", "right"}:
        yield "side_flipped", replace(unit, side="right" if unit.side == "left" else "left")
    if unit.level is not None:
        level: Level = 5 if unit.level <= 2 else 1 if unit.level >= 4 else (5 if unit.au % 2 else 1)
        yield "strength_changed", replace(unit, level=level, stronger=None)


def _neighbour(au: int, evidence: Evidence) -> int | None:
    """An absent AU of the same region, first one that FACS opposes to `au`; None where none was measured absent."""
    region = REGION_UNITS.get(region_of(au), ())
    absent = [other for other in (*excluded_by(au), *region) if other != au and evidence.absent(other)]
    return absent[0] if absent else None


_Place = tuple[Phrase, str, int, int]
"""Words of a unit, and where the lexicon has them."""


@lru_cache(maxsize=16384)
def _phrases(code: int, unit: Unit) -> tuple[tuple[str, _Place], ...]:
    """The lexicon's words for a unit with where it has them, longest first."""
    words = forms(unit)
    found = [
        (phrase, field, mode, k)
        for field in _FIELDS
        for mode, phrases in enumerate(getattr(words, field))
        for k, phrase in enumerate(phrases)
    ]
    found.sort(key=lambda place: -len(place[0].text))
    return tuple((place[0].text, place) for place in found)


def _find(text: str, unit: Unit) -> tuple[int, _Place] | None:
    """Where the lexicon's words for `unit` stand in `text` as whole words; the longest match."""
    for place in [place for words, place in _phrases(unit_code(unit), unit) if words in text]:
        start = text.find(place[0].text)
        if _whole(text, start, start + len(place[0].text)):
            return start, place
    return None


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut: "lid tightening" does not stand in "Eyelid tightening"."""
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _same_form(words: Forms, field: str, mode: int, k: int) -> Phrase:
    modes = getattr(words, field)
    phrases = modes[mode % len(modes)] or words.clauses[0]
    found: Phrase = phrases[k % len(phrases)]
    return found


_ARTICLES = ("a ", "an ")


def _denied(phrase: str, field: str) -> str | None:
    """The phrase with its movement denied, or None where the form has no plain denial."""
    if "nouns" in field or field == "terse":
        bare = next((phrase[len(a) :] for a in _ARTICLES if phrase.startswith(a)), phrase)
        return f"no {bare}"
    for be in (" are ", " is "):
        if be in phrase and "clauses" in field:
            return phrase.replace(be, f"{be}not ", 1)
    return None


def negated_class(label: str) -> HardNegative:
    """A class description that denies the class it names; false beside a picture of that class."""
    return HardNegative(text=f"an expression that is anything but {label}", of="summary", edit="class_negated")
