"""How labels and lists of action units are written inside a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from fervlm.reasoning.wording.movements import in_lexicon, movement

ADJECTIVES = frozenset(
    {
        *("angry", "happy", "sad", "disgusted", "surprised", "fearful", "afraid", "contemptuous"),
        *("neutral", "calm", "appalled"),
    }
)
_NOUNS = frozenset(
    {
        *("anger", "contempt", "disgust", "fear", "happiness", "neutrality", "sadness", "surprise"),
        *("amusement", "anxiety", "awe", "boredom", "confusion", "contentment", "coyness", "desire"),
        *("disappointment", "distraction", "embarrassment", "enjoyment", "excitement", "fatigue", "frustration"),
        *("hatred", "helplessness", "interest", "joy", "pain", "pride", "repression", "shame", "sympathy"),
    }
)


@lru_cache(maxsize=1024)
def label_phrase(label: str, canonical: str | None = None) -> str:
    """A label as a noun phrase: "anger", "an angry expression", "a sadly angry expression", 'the label "bored"'."""
    plain = " ".join(label.replace("_", " ").split()).lower()
    if plain in _NOUNS:
        return plain
    if plain in ADJECTIVES or (canonical is not None and "_" in canonical and plain == canonical.replace("_", " ")):
        return f"an {plain} expression" if plain[0] in "aeiou" else f"a {plain} expression"
    return f'the label "{label}"'


@lru_cache(maxsize=4096)
def codes(aus: tuple[int, ...], link: str = "and") -> str:
    """ "AU4", "AU4 and AU7", "AU4, AU7 and AU23"."""
    return joined([f"AU{au}" for au in aus], link)


@lru_cache(maxsize=4096)
def names(aus: tuple[int, ...]) -> str:
    """The same with each unit's name: "brow lowering (AU4) and lid tightening (AU7)"."""
    return joined([f"{_name(au)} (AU{au})" for au in aus], "and")


def joined(parts: list[str], link: str) -> str:
    """An English list, without a comma before its last member."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def _name(au: int) -> str:
    if not in_lexicon(au):
        return "the movement coded"
    noun = movement(au).nouns[0]
    return noun[1:] if noun.startswith("~") else f"the {noun}"


def seen(aus: Iterable[int], known: Mapping[int, object]) -> tuple[int, ...]:
    """Those of `aus` that the evidence itself holds; head angles count as units without being AU readings."""
    return tuple(au for au in aus if au in known)


_ONE = {"s": "s", "is": "is", "they": "it", "them": "it"}
_SEVERAL = {"s": "", "is": "are", "they": "they", "them": "them"}


def agree(aus: tuple[int, ...]) -> dict[str, str]:
    """Endings that agree with a list of units."""
    return _ONE if len(aus) == 1 else _SEVERAL
