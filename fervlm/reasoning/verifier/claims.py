"""One sentence to its claims, without evidence."""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

from fervlm.reasoning.verifier.clauses import ClauseReader
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.elements import elements
from fervlm.reasoning.verifier.kinds import Kind
from fervlm.reasoning.verifier.persons import Offence, offences
from fervlm.records import Section


class Reading(NamedTuple):
    """All that one sentence says, and what it may not say."""

    drafts: list[Draft]
    offences: list[Offence]


_KIND = itemgetter(0)
_SENSITIVE = frozenset(
    (Kind.EMOTION, Kind.PERSON, Kind.POSSESSIVE, Kind.IDENTITY, Kind.SINCERITY, Kind.STATE, Kind.MENTAL)
)


def read_claims(sentence: str, section: Section = "text") -> Reading:
    """Read a sentence into claims.

    Args:
        sentence: one sentence; offsets in what comes back count its characters.
        section: where it stands; emotion words are forbidden in `overview` and `observation`.
    """
    found = elements(sentence)
    bad = offences(sentence, found, section) if not _SENSITIVE.isdisjoint(map(_KIND, found)) else []
    return Reading(ClauseReader(sentence, found).run(), bad)
