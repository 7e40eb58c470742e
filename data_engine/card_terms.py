"""The end of the card: persons, terms, limits."""

from __future__ import annotations

from data_engine.made import Made
from data_engine.markdown import table
from data_engine.numbers import Numbers
from fervlm.facs import tables
from fervlm.readers import FORMATS


def people(numbers: Numbers) -> str:
    """Persons, and whether any stands in two splits."""
    named, unnamed = sum(numbers.subjects.values()) - numbers.subjects_shared, sum(numbers.without_subject.values())
    shared = f"{numbers.subjects_shared:,} of them stand in more than one split"
    text = f"## Persons\n\n{named:,} persons are named by pseudonyms; {shared}."
    if unnamed:
        text += (
            f" For {unnamed:,} samples the person is not known, so that the same person may stand in two splits; "
            "only near duplicates of a picture were removed."
        )
    return text


def licences(numbers: Numbers, how: Made) -> str:
    """The terms of every part."""
    rows = [("pictures and human labels", str(how.settings["licence"]) or "unknown")]
    rows += [(f"evidence by {_tool(name)}", _terms(name)) for name in numbers.detectors]
    rows.append(("captions, conversations, negatives", f"written by {how.engine} (Apache-2.0) from the evidence"))
    rows += [
        (f"texts by {engine}", "the terms of that model on its output")
        for engine in numbers.engines
        if engine.startswith("teacher")
    ]
    return (
        "## Terms\n\n"
        + table(("part", "terms as stated"), rows)
        + "\n\nThe strictest of these governs the whole. Nothing here grants rights to a picture."
    )


def _tool(name: str) -> str:
    return FORMATS[name].tool if name in FORMATS else name


def _terms(name: str) -> str:
    if name in {"facs_codes", "facs_table"}:
        return "human codes: the terms of the set they were made for"
    notes = {row["licence_note"] for row in tables.rows("detectors") if _same_tool(row["detector_id"], name)}
    return "; ".join(sorted(notes)) or "see the tool's own licence"


def _same_tool(detector: str, name: str) -> bool:
    version = {"pyfeat": "pyfeat_v1", "pyfeat2": "pyfeat_v2"}.get(name, name)
    return detector.rstrip("0123456789").startswith(version.rstrip("0123456789")) and detector.startswith(version)


def limits(numbers: Numbers) -> str:
    """How far it carries, and what it must not be used for."""
    low = [_tool(name) for name in numbers.detectors if name in FORMATS and FORMATS[name].trust == "low"]
    notes = [f"- {_tool(name)}: {FORMATS[name].note}" for name in numbers.detectors if name in FORMATS]
    trust = (
        f" The evidence comes from {', '.join(low)}, whose numbers carry only so far: what it calls present may not "
        "be, and the texts are exactly as good as it is."
        if low
        else ""
    )
    return f"""
## Limits, and what it must not be used for

A caption repeats what its evidence says.{trust} Action units that were not measured are not spoken of, which is not the
same as their absence. Prototypes that link movements to emotion words are conventions from posed, mostly Western faces;
an expression shown does not tell what somebody feels. Human labels are what the sources give, with their noise.

{chr(10).join(notes)}

Not for judging a person's inner state, honesty, health, fitness or intent; not for hiring, policing, schooling, border
or workplace decisions (emotion recognition at work and in education is prohibited in the European Union); not for
identifying people or telling age, sex or race."""
