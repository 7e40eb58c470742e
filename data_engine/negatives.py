"""Hard negatives: a true sentence made false by one minimal edit, each proved false by the verifier.

An edit exchanges the words for one unit for the words the lexicon has for another (the neighbour that is absent, the
other side, another level) or denies it; the rest of the sentence stays letter for letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from zlib import crc32

from fervlm.facs.units import excluded_by
from fervlm.reasoning.observe import Evidence, Level, Unit
from fervlm.reasoning.verify import Judge, verify
from fervlm.reasoning.wording.choice import unit_code
from fervlm.reasoning.wording.forms import Forms, Phrase, forms
from fervlm.reasoning.wording.regions import REGION_UNITS, region_of
from fervlm.records import Caption, HardNegative

_PER_SENTENCE = 3
_FIELDS = ("clauses", "absolutes", "nouns", "terse", "bare_clauses", "bare_absolutes", "bare_nouns")


def hard_negatives(caption: Caption, evidence: Evidence, judge: Judge) -> tuple[HardNegative, ...]:
    """At most three a sentence of the overview and the observations; every one contradicts `evidence`."""
    found: list[HardNegative] = []
    sentences = [("overview", caption.overview, evidence.active)]
    for k, observation in enumerate(caption.observations):
        told = {unit.au for unit in observation.units}
        sentences.append((f"region:{k}", observation.text, tuple(unit for unit in evidence.active if unit.au in told)))
    for name, text, units in sentences:
        kept = 0
        for edit, edited in _edits(text, units, evidence):
            if kept == _PER_SENTENCE:
                break
            if edited != text and _false(edited, evidence, judge):
                found.append(HardNegative(text=edited, of=name, edit=edit))
                kept += 1
    return tuple(found)


def _false(text: str, evidence: Evidence, judge: Judge) -> bool:
    """Whether the verifier finds a contradicted claim; what is merely unmeasured is no negative."""
    checked = verify(text, evidence, judge=judge)
    return any(claim.verdict == "contradicted" for check in checked.sentences for claim in check.claims)


def _edits(text: str, units: tuple[Unit, ...], evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(edit, edited text) of a sentence that tells `units`, the first one chosen by a hash of the sentence."""
    places = [(unit, place) for unit in units if (place := _find(text, unit)) is not None]
    if not places:
        return
    turn = crc32(text.encode()) % len(places)
    for unit, (start, (phrase, field, mode, k)) in places[turn:] + places[:turn]:
        before, after = text[:start], text[start + len(phrase.text) :]
        for edit, other in _others(unit, evidence):
            yield edit, f"{before}{_same_form(forms(other), field, mode, k).text}{after}"
        denied = _denied(phrase.text, field)
        if denied is not None:
            yield "negated", f"{before}{denied}{after}"


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
def _phrases(code: int, unit: Unit) -> tuple[_Place, ...]:
    """The lexicon's words for a unit, longest first."""
    words = forms(unit)
    found = [
        (phrase, field, mode, k)
        for field in _FIELDS
        for mode, phrases in enumerate(getattr(words, field))
        for k, phrase in enumerate(phrases)
    ]
    return tuple(sorted(found, key=lambda place: -len(place[0].text)))


def _find(text: str, unit: Unit) -> tuple[int, _Place] | None:
    """Where the lexicon's words for `unit` stand in `text` as whole words; the longest match."""
    for place in _phrases(unit_code(unit), unit):
        start = text.find(place[0].text)
        if start >= 0 and _whole(text, start, start + len(place[0].text)):
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
