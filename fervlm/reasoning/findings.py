"""What reasoning hands from stage to stage, before it becomes words."""

from __future__ import annotations

from dataclasses import dataclass

from fervlm.records import Confidence


@dataclass(frozen=True, slots=True)
class Cue:
    """An AU combination that means more, or something else, than its parts (a fired row of `au_interactions.csv`)."""

    id: str
    """Row id, `I01` to `I64`."""
    units: tuple[int, ...]
    """The present AUs it rests on."""
    kind: str
    """`synergy`, `differs_from_parts`, `masking`, `ambiguous`, `dominance`, `detector_confusion`, ..."""
    leans: tuple[str, ...] = ()
    """Canonical labels it leans towards."""


@dataclass(frozen=True, slots=True)
class Candidate:
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
