"""The text form of a caption and back: three parts under headings, as a model is taught to answer.

    Overview: ...

    Key observations
    - Brow: ...

    Interpretation
    ...

    Conclusion
    ...
    Label: anger
    Confidence: moderate
    Candidates: anger 0.82 (for AU4, AU7; not measured AU23) | disgust 0.4 (against AU12)
    Provenance: {"engine":"fervlm 0.1.0"}

`parse(render(caption)) == caption` for every caption that `write` makes. The units of an observation are not written
apart: they are read back from its sentence (`mentions_in`). An abstention is `Label: none (tie)`. With
`provenance=False`, as in a training target, the last line is left out and comes back as None; `details=False` leaves
the candidates out too and is for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeVar

from pydantic import ValidationError

from fervlm.errors import FervlmError
from fervlm.records import Alternative, Caption, Conclusion, Observation, Provenance, Side, UnitMention

T = TypeVar("T")

HEADINGS = ("Key observations", "Interpretation", "Conclusion")
SHAPE = "Write an overview, key observations, an interpretation and a conclusion, with a label and a confidence."

_SIMPLE = re.compile(r"[A-Za-z][A-Za-z '/_-]*")
_MARKUP = re.compile(r"^[\s>#]*(?:\d+[.)]\s+)?|[*`]{1,3}|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)")
_HEADING = re.compile(
    r"(overview|summary|(?:key |main )?observations?|(?:overall )?(?:emotional )?interpretation|conclusion)"
    r"\s*(?::|$)\s*(.*)",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(label|confidence|candidates|provenance)\s*:\s*(.*)", re.IGNORECASE)
_BULLET = re.compile(r"[-*•–]\s*(.*)")
_REGION = re.compile(r"([A-Za-z][A-Za-z +/&-]{0,40}?)\s*:\s*(.+)")
_CODE = re.compile(
    r"(?:\b(no|not|without|neither|nor)\s+)?\bAU\s?0*(\d{1,2})\b(?:(?:(?!\bAU\s?\d)[^()])*\))?", re.IGNORECASE
)
_DENIED = re.compile(r"\s*(?:is|are|was|were)\s+(?:not\b|absent|unmeasured)", re.IGNORECASE)
_SIDE = re.compile(r"\bmore on the (?:left|right)\b|\btwo-sided\b|\b(left|right|both)\b", re.IGNORECASE)
_CANDIDATE = re.compile(r'("(?:[^"\\]|\\.)*"|[^"|()]*?)(?:\s+([01](?:\.\d+)?))?(?:\s*\(([^()]*)\))?')
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^|"])+')
_UNITS = re.compile(r"(for|against|not measured)((?:,?\s*AU\d{1,2})+)", re.IGNORECASE)
_NONE = re.compile(r"none(?:\s*\((.*)\))?", re.IGNORECASE | re.DOTALL)


def render(caption: Caption, *, details: bool = True, provenance: bool = True) -> str:
    """The caption as text in three parts.

    Args:
        caption: any caption; runs of white space in its texts become one blank.
        details: with the ranked candidates.
        provenance: with the provenance (only together with `details`).
    """
    conclusion = caption.conclusion
    lines = [f"Overview: {_flat(caption.overview)}", "", HEADINGS[0]]
    lines += [f"- {_region(seen.region)}: {_flat(seen.text)}" for seen in caption.observations]
    lines += ["", HEADINGS[1], _flat(caption.interpretation), "", HEADINGS[2], _flat(conclusion.text)]
    if conclusion.label is not None:
        lines.append(f"Label: {_quoted(conclusion.label)}")
    else:
        lines.append(f"Label: none ({conclusion.abstain})" if conclusion.abstain is not None else "Label: none")
    lines.append(f"Confidence: {conclusion.confidence}")
    if details and conclusion.alternatives:
        lines.append(f"Candidates: {' | '.join(map(_candidate, conclusion.alternatives))}")
    if details and provenance and caption.provenance is not None:
        lines.append(f"Provenance: {caption.provenance.model_dump_json(exclude_defaults=True)}")
    return "\n".join(lines) + "\n"


def parse(text: str) -> Caption:
    """The caption that a text in three parts, or a caption's JSON, stands for.

    Markdown marks, upper and lower case, and a heading with its text on the same line do not matter. Fields that the
    text does not carry (candidates, provenance) come back empty.

    Raises:
        FervlmError: a part is missing, empty, twice or out of order; the label or confidence is missing; bad JSON.
    """
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if bare.startswith("{"):
        return _from_json(bare)
    parts, fields = _split(bare)
    overview = " ".join(parts["overview"])
    interpretation = " ".join(parts["interpretation"])
    concluded = " ".join(parts["conclusion"])
    observations = tuple(_observations(parts["observations"]))
    return Caption(
        overview=overview,
        observations=observations,
        interpretation=interpretation,
        conclusion=_conclusion(concluded, fields),
        provenance=_provenance(fields.get("provenance")),
    )


def mentions_in(sentence: str) -> tuple[UnitMention, ...]:
    """The AUs that a sentence affirms by number, each with the side named beside it.

    A number after "no", "not" or "without", or said to be absent or not measured, is not affirmed. The side words that
    count for a number stand between the number before and the end of its own parentheses.
    """
    found: dict[int, UnitMention] = {}
    start = 0
    for match in _CODE.finditer(sentence):
        words, start = sentence[start : match.end()], match.end()
        au = int(match[2])
        if match[1] or not au or _DENIED.match(sentence, match.end(2)):
            continue
        found.setdefault(au, UnitMention(au=au, side=_side(words)))
    return tuple(found.values())


def _side(words: str) -> Side | None:
    sides = {(match[1] or "both").lower() for match in _SIDE.finditer(words)}
    if not sides:
        return None
    if sides == {"left"}:
        return "left"
    return "right" if sides == {"right"} else "both"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _region(name: str) -> str:
    return name[:1].upper() + name[1:]


def _quoted(label: str) -> str:
    """A label as it is, or as a JSON string where it could be taken for something else."""
    simple = _SIMPLE.fullmatch(label) and label == _flat(label) and not _NONE.match(label)
    return label if simple else json.dumps(label, ensure_ascii=False)


def _candidate(row: Alternative) -> str:
    parts = [_quoted(row.label)]
    if row.score is not None:
        parts.append(f"{row.score:g}")
    named = {"for": row.units_for, "against": row.units_against, "not measured": row.not_measured}
    clauses = [f"{word} {', '.join([f'AU{au}' for au in aus])}" for word, aus in named.items() if aus]
    if clauses:
        parts.append(f"({'; '.join(clauses)})")
    return " ".join(parts)


def _from_json(text: str) -> Caption:
    try:
        return Caption.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or None
        raise FervlmError(f"the JSON is no caption ({first['msg'].lower()})", column=where) from None


def _split(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The lines of each part, and the fields below the conclusion."""
    parts: dict[str, list[str]] = {}
    fields: dict[str, str] = {}
    here: list[str] | None = None
    for line in text.splitlines():
        raw = line.strip()
        marked = _FIELD.fullmatch(raw)
        plain = raw if marked and "conclusion" in parts else _MARKUP.sub("", line).strip()
        if not plain:
            continue
        field = _FIELD.fullmatch(plain) if "conclusion" in parts else None
        heading = _HEADING.fullmatch(plain)
        if field is not None:
            _set_once(fields, field[1].lower(), field[2])
        elif heading is not None and not raw.startswith(("- ", "• ")):
            here = []
            _set_once(parts, _part(heading[1]), here)
            if heading[2]:
                here.append(heading[2])
        elif here is None:
            raise FervlmError(f"the text begins with '{plain[:40]}', not with a heading", hint=SHAPE)
        elif fields:
            raise FervlmError(f"'{plain[:40]}' stands after the label", hint=SHAPE)
        else:
            here.append(raw if _BULLET.fullmatch(raw) else plain)
    order = ["overview", "observations", "interpretation", "conclusion"]
    missing = [name for name in order if not parts.get(name)]
    if missing:
        raise FervlmError(f"the {missing[0]} is missing or empty", hint=SHAPE)
    if list(parts) != order:
        raise FervlmError(f"the parts stand in the order {', '.join(parts)}", hint=SHAPE)
    return parts, fields


def _part(heading: str) -> str:
    last = heading.lower().split()[-1]
    return {"summary": "overview", "observation": "observations"}.get(last, last)


def _set_once(table: dict[str, T], key: str, value: T) -> None:
    if key in table:
        raise FervlmError(f"the {key} stands twice", hint=SHAPE)
    table[key] = value


def _observations(lines: list[str]) -> Iterator[Observation]:
    for line in lines:
        bullet = _BULLET.fullmatch(line)
        plain = _flat(_MARKUP.sub("", bullet[1] if bullet else line))
        found = _REGION.fullmatch(plain)
        if found is None:
            raise FervlmError(f"the observation '{plain[:40]}' names no region", hint="Write '- Brow: ...'.")
        yield Observation(region=found[1].lower(), text=found[2], units=mentions_in(found[2]))


def _conclusion(text: str, fields: dict[str, str]) -> Conclusion:
    for name in ("label", "confidence"):
        if not fields.get(name):
            raise FervlmError(f"the {name} is missing", hint=SHAPE)
    word = fields["confidence"].strip(" .").lower()
    if word not in {"low", "moderate", "high"}:
        raise FervlmError(f"the confidence '{word}' is unknown", hint="Use low, moderate or high.")
    label = fields["label"].strip()
    none = _NONE.fullmatch(label)
    return Conclusion(
        label=None if none else _label(label),
        confidence=word,
        alternatives=tuple(_candidates(fields.get("candidates", ""))),
        abstain=none[1] if none else None,
        text=text,
    )


def _label(text: str) -> str:
    if not text.startswith('"'):
        return text.rstrip(" .")
    try:
        found = json.loads(text)
    except ValueError:
        raise FervlmError(f"the label {text[:40]} is not a complete string") from None
    return str(found)


def _candidates(text: str) -> Iterator[Alternative]:
    for item in _ITEM.findall(text):
        found = _CANDIDATE.fullmatch(item.strip())
        if found is None or not found[1]:
            raise FervlmError(
                f"the candidate '{item.strip()[:40]}' cannot be read", hint="Write 'anger 0.8 (for AU4)'."
            )
        units = {word.lower(): tuple(map(int, re.findall(r"\d+", aus))) for word, aus in _UNITS.findall(found[3] or "")}
        yield Alternative(
            label=_label(found[1]),
            score=float(found[2]) if found[2] else None,
            units_for=units.get("for", ()),
            units_against=units.get("against", ()),
            not_measured=units.get("not measured", ()),
        )


def _provenance(text: str | None) -> Provenance | None:
    if not text:
        return None
    try:
        return Provenance.model_validate_json(text)
    except ValidationError:
        raise FervlmError("the provenance is not the JSON of one") from None
