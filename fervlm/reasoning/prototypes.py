"""The published AU prototypes, and how a face is held against them.

Named before the first run on human-coded faces; no number here was fitted to any labelled face.

**Sources** (ids of `facs/tables/SOURCES.md`). For the basic expressions:

* S21, the prediction table of the FACS Investigator's Guide 2002 (prototypes and major variants; anger's variants are
  "any prototype minus one of 4, 5, 7, 10"), and S20, the EMFACS short table: `likeness`. Neither has a full row for
  contempt without levels; it also takes the asymmetric 12+14 of S20 and S22.
* S22, the CK+ validation criteria of Lucey et al. 2010, as written in `emotion_rules.yaml`, or a whole S21 combination:
  `criterion`. These are the first two checks by which the authors of CK+ admitted a face to a class.
* DERIVED, our merge of S20 to S24 with weights and contradicting AUs, used by the formula in SOURCES.md: `coverage`.

The support of a basic expression is the mean of the three, each 0 to 1:

* coverage = (present core, common and optional weights - present contradicting weights) / (core + common weights),
  kept within 0 and 1;
* likeness = the best Dice coefficient 2m / (n + t) over its prototypes: m of its n clauses met, t expressive AUs on
  the face. An open mouth (25, 26, 27) has no valence (I45) and is counted in t only where the prototype names it. A
  major variant counts 0.9 of a prototype;
* criterion = the weakest AU of the best combination that is there in full, times 1 - the largest contradicting weight
  present (what Lucey et al. call spoilers).

It is halved where the class has one core AU, or one group of which any is enough (happiness 12, contempt 14, disgust 9
or 10: no published combination does without), and that was measured absent.

Compounds (S23, Du, Tao & Martinez 2014, with the published proportions as weights) and all other classes (S24 Cordaro
2018, S26 Keltner 2019, S27 PSPI, S28 to S33 smile types and learning states, S40, and engineering rows marked so) have
no criterion: their support is the harmonic mean of weighted coverage and of the share of the face's expressive AUs that
the pattern explains (an AU in proportion to its weight, a core AU fully), times 0.5 for each measured but absent core
clause, times 0.8 where the table calls the pattern disputed or engineering; the best pattern of a class counts.

**Evidence is graded and three-valued.** A present AU counts 1 without a level; 0.3, 0.7, 0.9, 1, 1 at levels A to E
(FACS: coders agree least at A; research counts an AU as present from B on); times 0.6 where the detector's own readings
disagree. An AU that is not measured counts 0.2, about the base rate of an AU, and only beside AUs that are present. A
condition on a level that was not measured counts the share of the five levels that it admits; an unmeasured side, 0.5
where a person coded and 0.2 where a machine did, whose 12 and 14 are easily confused (I44).
Numbers in this paragraph, the 0.9, the 0.5 and the 0.8 are engineering, chosen beforehand.

Rows of `au_interactions.csv` that adjust this: I10, I12, I23, I30, I46, I47, I63 (see `membership`); by I27, I36 and
I44, S22's contempt criterion (14, either side) counts 0.2 where a machine did not find 14 one-sided. S21's fear
variant 1+2+5 (whose level mark on 5 differs between copies) takes the level that S22 states for fear without 4: E.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache

from fervlm.facs import tables

BASIC = ("happiness", "sadness", "anger", "fear", "surprise", "disgust", "contempt")
"""The expressions with a weighted profile, prototypes and a criterion; `neutral` has the profile only."""

VARIANT_SHARE = 0.9
_ROLE_WEIGHT = {"core": 0.85, "common": 0.55, "optional": 0.3, "contradicting": 0.4}
"""Weights where a table gives roles only: the middles of the bands by which S23 and the tables define the roles."""
_LETTERS = " ABCDE"
_ANGER_MAY_LACK = ((4,), (5,), (7,), (10,))


@dataclass(frozen=True, slots=True)
class Clause:
    """One test on a face: any of `aus` present, at a level from `low` to `high`, on one side only if `one_sided`.

    With `limit` the test is "if present, then at most `high`", which an absent AU passes.
    """

    aus: tuple[int, ...]
    low: int = 1
    high: int = 5
    one_sided: bool = False
    limit: bool = False

    @property
    def plain(self) -> bool:
        """Whether it asks for nothing but the presence of one AU."""
        return len(self.aus) == 1 and self.low == 1 and self.high == 5 and not self.one_sided and not self.limit


@dataclass(frozen=True, slots=True)
class Prototype:
    """A published AU combination; all its clauses have the same weight."""

    name: str
    source: str
    clauses: tuple[Clause, ...]
    share: float = 1.0
    may_lack: tuple[int, ...] = ()
    """AUs any one of which a major variant does without (S21 on anger)."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A clause of a profile or pattern with its weight (negative: it contradicts) and role."""

    clause: Clause
    weight: float
    role: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A weighted combination of a class without a criterion."""

    name: str
    source: str
    clauses: tuple[Weighted, ...]
    disputed: bool


@dataclass(frozen=True, slots=True)
class Conjunct:
    """AUs that a criterion asks for together, and level limits that must not be broken."""

    needs: tuple[Clause, ...]
    limits: tuple[Clause, ...] = ()


def _level(letter: str, otherwise: int) -> int:
    return _LETTERS.index(letter) if letter else otherwise


def _clause(row: dict[str, str]) -> Clause:
    group = row["alt_group"]
    aus = tuple(int(part) for part in group.removeprefix("any_of:").split("|")) if group else (int(row["au"]),)
    # "right" stands in the short table's contempt row only, whose note says that either side counts.
    one_sided = row["side"] in {"unilateral", "right", "left"}
    return Clause(aus, _level(row["min_level"], 1), _level(row["max_level"], 5), one_sided)


@cache
def _grouped() -> dict[tuple[str, str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in tables.rows("au_emotion"):
        found.setdefault((row["canonical"], row["taxonomy"], row["variant"]), []).append(row)
    return found


def _combinations(canonical: str, sources: frozenset[str]) -> list[Prototype]:
    found = []
    for (label, _, variant), rows in _grouped().items():
        if label == canonical and rows[0]["source"] in sources and rows[0]["variant"] != "rule-1":
            clauses = tuple(dict.fromkeys(_clause(row) for row in rows))
            share = VARIANT_SHARE if variant.startswith("variant") else 1.0
            lacking = canonical == "anger" and rows[0]["source"] == "S21"
            may_lack = tuple(c.aus[0] for c in clauses if lacking and c.aus in _ANGER_MAY_LACK)
            found.append(Prototype(variant, rows[0]["source"], clauses, share, may_lack))
    return found


def _raised_lid(prototype: Prototype) -> Prototype:
    if {clause.aus for clause in prototype.clauses} != {(1,), (2,), (5,)}:
        return prototype
    clauses = tuple(Clause((5,), low=5) if clause.aus == (5,) else clause for clause in prototype.clauses)
    return Prototype(prototype.name, prototype.source, clauses, prototype.share)


@cache
def prototypes(canonical: str) -> tuple[Prototype, ...]:
    """The published combinations of a basic expression, longest first; none of another class."""
    if canonical not in BASIC:
        return ()
    sources = frozenset({"S20", "S21", "S20;S22"} if canonical == "contempt" else {"S20", "S21"})
    found = _combinations(canonical, sources)
    if canonical == "fear":
        found = [_raised_lid(prototype) for prototype in found]
    best: dict[frozenset[Clause], Prototype] = {}
    for prototype in found:
        key = frozenset(prototype.clauses)
        if key not in best or (prototype.share, prototype.may_lack) > (best[key].share, best[key].may_lack):
            best[key] = prototype
    return tuple(sorted(best.values(), key=lambda p: -len(p.clauses)))


@cache
def profile(canonical: str) -> tuple[Weighted, ...]:
    """The DERIVED weighted clauses of a basic expression or of `neutral`, contradicting ones negative."""
    rows = _grouped().get((canonical, "DERIVED consensus", "engine-default"), [])
    return tuple(
        Weighted(_clause(r), -float(r["weight"]) if r["role"] == "contradicting" else float(r["weight"]), r["role"])
        for r in rows
    )


@cache
def patterns(canonical: str) -> tuple[Pattern, ...]:
    """The weighted patterns of a class that is not basic: compounds, pain, confusion, and so on."""
    found = []
    for (label, taxonomy, variant), listed in _grouped().items():
        if label != canonical or canonical in (*BASIC, "neutral") or variant == "extended":
            continue
        # The AUs of pain that the PSPI leaves out (variant "extended") say nothing on their own.
        rows = listed + (_grouped()["pain", "Prkachin pain AUs", "extended"] if taxonomy == "PSPI" else [])
        clauses: dict[Clause, Weighted] = {}
        for row in rows:
            clause = _clause(row)
            weight = float(row["weight"]) if row["weight"] else _ROLE_WEIGHT[row["role"]]
            sign = -1.0 if row["role"] == "contradicting" else 1.0
            clauses.setdefault(clause, Weighted(clause, sign * weight, row["role"]))
        disputed = any(r["confidence"] == "disputed" or r["verified"] == "engineering" for r in rows)
        found.append(Pattern(variant, rows[0]["source"], tuple(clauses.values()), disputed))
    return tuple(found)


Terms = tuple[tuple[Clause, ...], ...]
"""A criterion as a choice (outer) of AUs needed together (inner)."""


def _read(node: ast.expr) -> Terms:
    """A boolean expression of `emotion_rules.yaml` as alternatives of clauses."""
    if isinstance(node, ast.Name):
        return ((Clause((int(node.id[2:]),)),),)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return tuple(term for value in node.values for term in _read(value))
    if isinstance(node, ast.BoolOp):
        terms: Terms = ((),)
        for value in node.values:
            terms = tuple(left + right for left in terms for right in _read(value))
        return terms
    if isinstance(node, ast.UnaryOp):  # not level(AU5) > 'B'
        au, _, letter = _comparison(node.operand)
        return ((Clause((au,), high=_LETTERS.index(letter), limit=True),),)
    au, exact, letter = _comparison(node)
    level = _LETTERS.index(letter)
    return ((Clause((au,), low=level, high=level if exact else 5),),)


def _comparison(node: ast.expr) -> tuple[int, bool, str]:
    """AU, whether the level is meant exactly, and the level's letter, of `level(AUn) == 'X'` or `> 'X'`."""
    found = re.fullmatch(r"level\(AU(\d+)\) (==|>) '([A-E])'", ast.unparse(node))
    if found is None:
        raise ValueError(f"no condition on an AU: {ast.unparse(node)}")
    return int(found[1]), found[2] == "==", found[3]


@cache
def _criteria() -> dict[str, tuple[Conjunct, ...]]:
    found = {}
    for rule in tables.document("emotion_rules")["rules"]:
        if rule.get("source") != "S22" or "when" not in rule:
            continue
        terms = _read(ast.parse(rule["when"], mode="eval").body)
        found[rule["emotion"]] = tuple(
            Conjunct(tuple(c for c in term if not c.limit), tuple(c for c in term if c.limit)) for term in terms
        )
    return found


@cache
def criterion(canonical: str) -> tuple[Conjunct, ...]:
    """S22's criterion as alternatives; empty for classes that S22 does not name."""
    return _criteria().get(canonical, ())


@cache
def known_classes() -> frozenset[str]:
    """Every class that can be scored."""
    return frozenset(row["canonical"] for row in tables.rows("au_emotion"))
