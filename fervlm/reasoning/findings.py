"""What reasoning hands from stage to stage, before it becomes words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fervlm.records import Confidence


class Cue(NamedTuple):
    """An AU combination that means more, or something else, than its parts (a fired row of `au_interactions.csv`)."""

    id: str
    """Row id, `I01` to `I64`."""
    units: tuple[int, ...]
    """The present AUs it rests on."""
    kind: str
    """`synergy`, `differs_from_parts`, `masking`, `ambiguous`, `dominance`, `detector_confusion`, ..."""
    leans: tuple[str, ...] = ()
    """Canonical labels it leans towards."""


class Candidate(NamedTuple):
    """One label of the chosen set, scored from the prototypes."""

    label: str
    """As written in the label set."""
    canonical: str
    """Key of the prototype tables."""
    score: float
    """0 to 1; not a probability."""
    units_for: tuple[int, ...] = ()
    units_against: tuple[int, ...] = ()
    core_not_measured: tuple[int, ...] = ()
    """Core AUs of the prototype that the detector cannot see."""
    core_absent: tuple[int, ...] = ()
    """Core AUs of the prototype that were measured and are absent."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Ranked candidates, the combinations that fired, and what lowers trust."""

    candidates: tuple[Candidate, ...]
    """Best first; every label of the set that the tables know."""
    cues: tuple[Cue, ...] = ()
    """Most telling first."""
    blend: tuple[str, str] | None = None
    """Two written labels whose scores are within the margin and whose core AUs do not overlap."""
    masking: Cue | None = None
    caveats: tuple[str, ...] = ()
    """Codes: `low_trust`, `core_not_measured`, `conflict`, `uncertain`, `pose`, `occlusion`, `speech`, `asymmetry`."""
    upper: str | None = None
    """Best canonical label from brow, eye and cheek AUs alone, where upper and lower face disagree."""
    lower: str | None = None
    """The same for nose, mouth, chin and jaw."""
    unknown_labels: tuple[str, ...] = ()
    """Labels of the set that no prototype stands for: not scored, which is not the same as scored low."""
    firm: tuple[int, ...] = ()
    """Present AUs at B or above, or without a level and undisputed; AU43 and AU45 are not interpreted in a still."""
    complete: tuple[str, ...] = ()
    """Written labels one of whose published combinations is there in full; filled where only ambiguous AUs are."""
    unsided_contempt: bool = False
    """AU14 or AU12 speaks for contempt, but its sides were not measured: confidence is capped at low."""
    affect: tuple[float, float] | None = None
    """Valence and arousal estimated from the basic expressions, whatever the label set."""
    pain: float | None = None
    """PSPI, where true intensities allow it."""
    pain_ceiling: float | None = None
    pain_missing: tuple[int, ...] = ()
    """AUs of the PSPI that could not be used (43: the score then ends at 15)."""
    pain_smile: bool = False
    """AU12 at D or E without AU4: the PSPI then counts a laughing face's 6, 7 and 10 and does not speak of pain."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The conclusion without its words."""

    label: str | None
    """As written in the label set; None on abstention."""
    confidence: Confidence
    abstain: str | None = None
    """Code: `not_tracked`, `nothing_measured`, `ambiguous`, `tie`, `no_core`, `no_label_fits`."""
    alternatives: tuple[Candidate, ...] = ()
    """Ranked, the label's own candidate first."""
    valence: float | None = None
    """-1 to 1."""
    arousal: float | None = None
    """-1 to 1."""
    affect_source: str | None = None
    pain: float | None = None
    """PSPI, 0 to 16."""
    pain_ceiling: float | None = None
    """Largest PSPI this detector could reach (15 without AU43)."""
    pain_missing: tuple[int, ...] = ()
    """AUs of the PSPI that could not be used."""
    pain_smile: bool = False
    """The score comes from a strong smile without a lowered brow, not from a pain configuration."""
    lowered_by: tuple[str, ...] = ()
    """Why the confidence is lower than the AUs alone would give: caveat codes, `sides`, `blend`, `engineering`."""
    unknown_labels: tuple[str, ...] = ()
    """Labels of the set that the tables do not know; they were not considered."""
