"""A sentence under reading: its elements, the state of the clause at hand, and what can be seen by looking ahead.

State that matters, reset where a clause ends (but, while, ;, ...):

* `subject`: the parts named so far that a movement may take ("the brows and lids ... are raised");
* `pending`: movements still waiting for their part ("raised and knitted brows", "tension in the lids");
* `group`: the drafts a coming predicate or denial applies to ("AU4, AU7 and AU23 ... are not active");
* `denying`: a negation whose scope is open; `_continues` decides at each comma or "and" whether it goes on.
"""

from __future__ import annotations

from operator import itemgetter

from fervlm.reasoning.verifier.drafts import Draft, DraftSide, Pending, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import AUSet, Kind
from fervlm.reasoning.verifier.lexicon import Lexicon, lexicon

_KIND = itemgetter(0)
SEPARATING = frozenset((Kind.COMMA, Kind.AND, Kind.OR, Kind.BREAK, Kind.CLOSE, Kind.RELATIVE))
BETWEEN = frozenset(
    (
        Kind.QUAL, Kind.SIDE, Kind.LEVEL, Kind.OF, Kind.PAIRED, Kind.ALL, Kind.MORE, Kind.HEDGE, Kind.NOISE,
        Kind.POSSESSIVE, Kind.PERSON, Kind.EMOTION, Kind.AND, Kind.OR, Kind.NOR, Kind.COMMA, Kind.MOVE,
    )
)  # fmt: skip
"""What may stand between a movement and the part it is of."""
CLAIMING = frozenset((Kind.PART, Kind.AU, Kind.UNIT))
FAR = 5
"""Tokens between a movement and the part it stands before."""

NONE: frozenset[Kind] = frozenset()


class Cursor:
    """State and look-ahead; the readers built on it add what each kind of element does."""

    # Some hundred looks at this state a sentence: slots make each of them cheaper, and a new cursor as well.
    __slots__ = (
        "adjunct", "adjunct_at", "against", "attributed", "chunk", "clause", "clause_at", "clause_level", "clause_side",
        "clauses", "cleft", "closed", "colon", "copula", "copula_at", "count", "denied_chunk", "denied_first",
        "denied_group", "deny_at", "deny_verb", "deny_word", "denying", "earlier", "echo", "els", "excepted", "fresh",
        "generic", "group", "hedge", "here_only", "hyp_at", "hypothetical", "i", "kinds", "label_first", "last_move",
        "last_part", "last_part_token", "level", "lex", "likened", "listing", "located", "lower", "manner", "measured",
        "more", "naked", "no_side", "only_at", "out", "paren", "pending", "predicate_denied", "preferred", "prep",
        "prep_word", "quals", "rest", "rival", "rival_at", "separated", "shared", "side", "soft", "subject",
        "tentative", "text", "typical", "unknown", "weakened", "within",
    )  # fmt: skip

    group: list[Draft]
    subject: list[Subject]
    adjunct: list[Subject]
    """The part of the last place named ("over the cheeks")."""
    pending: list[Pending]
    shared: list[Pending]
    """Movements already given to a part, which the next of a list may share ("raised brows and lids")."""
    quals: list[str]
    denied_group: list[Draft]
    """What stood before a "no", for "AU12 shows no activity"."""

    denying: bool
    deny_verb: bool
    deny_at: int
    deny_word: str
    denied_first: Kind | None
    """Kind of the first thing denied in the open scope."""
    listing: bool
    """The denial heads a list ("not firing: lip suck, smile")."""
    denied_chunk: int
    predicate_denied: bool
    closed: bool
    """The group has its predicate; the next separator begins a new one."""
    soft: bool
    """The last movement was named as a thing, so that its predicate may still follow."""
    fresh: bool
    naked: bool
    """A part has been named since the last draft, so a predicate speaks of it."""
    copula: bool
    copula_at: int
    clause_level: tuple[int, int] | None
    """A strength that heads a list ("at E: AU12 and AU25")."""
    within: int
    """Where the group goes on after a "with"."""
    echo: bool | None
    """Whether what is echoed ("so is AU6") was denied."""
    paren: int
    """Where the group stood at an open parenthesis, or -1."""
    prep: bool
    prep_word: str
    separated: Kind | None
    colon: bool
    located: bool
    """The subject is a place ("in the brow region"), to be replaced by the next part."""
    likened: int
    """Where drafts begin that are only likened to ("as if for a kiss"), or -1."""
    level: tuple[int, int] | None
    lower: bool
    side: DraftSide | None
    clause_side: DraftSide | None
    more: int
    no_side: bool
    hedge: bool
    hypothetical: bool
    hyp_at: int
    only_at: int
    """Index of an "only" right before a part, or -1."""
    cleft: int
    """Index of the "is" after which what is missing comes, or -1."""
    generic: bool
    label_first: bool
    unknown: bool
    rest: bool
    """ "other", "else" was said."""
    here_only: bool
    tentative: Draft | None
    """A "nothing" that a place may still narrow."""
    against: bool
    preferred: bool
    """What is "against" only ranks one label above another."""
    rival: bool
    rival_at: int
    typical: bool
    weakened: bool
    attributed: bool
    manner: Element | None
    """An emotion adverb that may begin a compound label."""
    adjunct_at: int

    def _end_clause(self) -> None:
        """A clause ends here; `ClauseReader`, which sees the whole clause, says what that means."""

    def __init__(self, text: str, found: list[Element]) -> None:
        self.text = text
        self.els = found
        self.kinds: list[Kind] = list(map(_KIND, found))
        self.count = len(found)
        self.i = 0
        self.lex: Lexicon = lexicon()
        self.out: list[Draft] = []
        self.earlier: list[Subject] = []
        """Subjects of the clause before, for "... but not drawn together"."""
        self.clause = self.clauses = self.chunk = self.clause_at = 0
        self.excepted = False
        """The sentence leaves something aside ("apart from a smile")."""
        self.measured = False
        """The sentence speaks of what was measured only."""
        self.last_move: tuple[str, ...] = ()
        self.last_part_token = -9
        self.last_part: tuple[str, DraftSide | None, Element] | None = None
        self._reset()

    def _reset(self) -> None:
        """The state of a clause at its start."""
        self.denying = self.listing = self.deny_verb = self.predicate_denied = False
        self.closed = self.soft = self.fresh = self.naked = self.copula = False
        self.prep = self.colon = self.located = self.lower = self.no_side = False
        self.hedge = self.hypothetical = self.generic = self.label_first = False
        self.unknown = self.rest = self.here_only = False
        self.against = self.preferred = self.rival = self.typical = self.weakened = self.attributed = False
        self.denied_first = self.separated = self.clause_level = self.echo = self.level = None
        self.side = self.clause_side = self.tentative = self.manner = None
        self.deny_at = self.within = self.more = self.hyp_at = self.rival_at = 0
        self.denied_chunk = self.copula_at = self.paren = self.likened = self.cleft = self.only_at = -1
        self.adjunct_at = -1
        self.deny_word = self.prep_word = ""
        self.group, self.subject, self.adjunct, self.pending = [], [], [], []
        self.shared, self.quals, self.denied_group = [], [], []

    def _word(self, element: Element) -> str:
        return self.text[element.start : element.end].lower()

    def _next(self, skip: frozenset[Kind], start: int | None = None) -> tuple[Kind | None, int]:
        """The next element's kind and index, from `start` or after the one at hand, past those of the kinds `skip`."""
        k = self.i + 1 if start is None else start
        while k < self.count and self.kinds[k] in skip:
            k += 1
        return (self.kinds[k], k) if k < self.count else (None, k)

    def _pair(self, part: str, moves: tuple[str, ...]) -> AUSet | None:
        row = self.lex.pairs.get(part)
        if row is None:
            return None
        for move in moves:
            found = row.get(move)
            if found is not None:
                return found
        return None

    def _fits(self, part: str, moves: tuple[str, ...]) -> bool:
        if part == "face":
            return "any" in moves or "still" in moves or "neutral" in moves
        return self._pair(part, moves) is not None

    def _append(self, draft: Draft) -> Draft:
        if self.denying and self.denied_first is None:
            at = min(self.i, self.count - 1)  # at the end of the sentence there is no element
            self.denied_first, self.denied_chunk = self.kinds[at], self.chunk
        if self.echo is not None and draft.kind == "au":
            draft.negated, self.echo = self.echo, None
        if self.unknown:
            draft.kind, draft.negated = "quality", False
        if self.tentative is not None and draft.kind != "label":
            if self.tentative in self.out and not self.rest:
                self.out.remove(self.tentative)
            self.tentative = None
        draft.clause, draft.chunk = self.clauses, self.chunk
        draft.unreal = self.hypothetical
        self.naked = False
        self.out.append(draft)
        self.group.append(draft)
        return draft

    def _take_level(self, draft: Draft) -> None:
        if self.level is not None:
            draft.level, draft.lower = self.level, self.lower
            if self.lower:
                draft.negated = False
            self.level, self.lower = None, False

    def _start_group(self) -> None:
        self.group, self.closed, self.soft, self.fresh, self.copula = [], False, False, False, False
        self.predicate_denied = False
        self.within = 0
        self.paren = -1

    def _deny(self) -> None:
        """Open the scope of a negation."""
        self.denying, self.denied_first, self.deny_verb, self.deny_at = True, None, False, self.i

    def _flip(self) -> None:
        for draft in self._meant(self.group if self.copula else self.group[self.within :]):
            draft.negated = not draft.negated

    def _meant(self, drafts: list[Draft]) -> list[Draft]:
        """ "AU23, and AU9 is missing": a comma before the "and" of two makes the second a clause of its own."""
        if not drafts or drafts[0].chunk == drafts[-1].chunk or len({d.chunk for d in drafts}) > 2:
            return drafts
        last = [d for d in drafts if d.chunk == drafts[-1].chunk]
        k = last[0].at - 1
        while k > 0 and self.kinds[k] not in SEPARATING:
            k -= 1
        return last if k > 0 and self.kinds[k - 1 : k + 1] == [Kind.COMMA, Kind.AND] else drafts

    def _end_denial(self) -> None:
        """ "Without AU6 the smile ...": a second subject with nothing between ends the scope of the first."""
        if self.denying and self.denied_first is not None and self.denied_chunk == self.chunk and self.paren < 0:
            self.denying = False
            self._start_group()
            self.subject = []

    def _assert(self) -> None:
        """ "AU20 would be needed, which is absent": what is said last is real."""
        if self.hypothetical and any(self.kinds[k] in (Kind.RELATIVE, Kind.COMMA) for k in range(self.hyp_at, self.i)):
            for draft in self.group:
                draft.unreal = False
