"""Records and predictions to draw, made by hand, and ways to look into a drawing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping

import pytest

from fervlm.records import (
    Alternative,
    AUReading,
    AURecord,
    Caption,
    Claim,
    Conclusion,
    Detector,
    Observation,
    Prediction,
    Quality,
    Scores,
    SentenceCheck,
    Source,
    UnitMention,
    Verification,
    Versions,
)

SVG = "{http://www.w3.org/2000/svg}"
VALUE = {0: 0.2, 1: 1.2, 2: 2.0, 3: 3.0, 4: 4.0, 5: 4.9}
"""A value on the 0-5 scale for each level, A = 1; 0 is absent."""

Given = int | tuple[int, int]
MakeRecord = Callable[..., AURecord]
MakePrediction = Callable[..., Prediction]


def _readings(units: Mapping[int, Given], scale: str) -> list[AUReading]:
    found = []
    for au, given in units.items():
        sides = (("left", given[0]), ("right", given[1])) if isinstance(given, tuple) else ((None, given),)
        for side, level in sides:
            value = VALUE[level] if scale == "intensity_0_5" else 0.9 if level else 0.1
            found.append(
                AUReading.model_validate(
                    {
                        "au": au,
                        "side": side,
                        "state": "present" if level else "absent",
                        "value": value,
                        "scale": scale,
                        "threshold": 1.0 if scale == "intensity_0_5" else 0.5,
                    }
                )
            )
    return found


@pytest.fixture
def record() -> MakeRecord:
    """`record({12: 4, 14: (0, 3)})`: AU 12 at level D, AU 14 on the right only (left, right); 0 is absent."""

    def make(units: Mapping[int, Given], scale: str = "intensity_0_5", **more: object) -> AURecord:
        values: dict[str, object] = {
            "id": "r1",
            "source": Source(file="rows.csv", row=2),
            "detector": Detector(name="openface2", trust="high"),
            "readings": tuple(_readings(units, scale)),
        }
        return AURecord.model_validate(values | more)

    return make


@pytest.fixture
def untracked(record: MakeRecord) -> AURecord:
    """A row without a face."""
    return record({}, quality=Quality(tracking="no_face"))


def _check(section: str, text: str, *claims: tuple[str, str, int]) -> SentenceCheck:
    """A checked sentence; each claim is (words, verdict, AU)."""
    found = tuple(
        Claim.model_validate(
            {
                "kind": "au",
                "text": words,
                "start": text.index(words),
                "aus": (au,),
                "verdict": verdict,
                "reason": None if verdict == "supported" else f"AU{au} says otherwise",
            }
        )
        for words, verdict, au in claims
    )
    ok = all(claim.verdict == "supported" for claim in found)
    return SentenceCheck.model_validate({"section": section, "text": text, "claims": found, "ok": ok})


OVERVIEW = "The lip corners are pulled up and the cheeks are raised."
CHEEKS = "The cheeks are raised, which narrows the eyes from below."
BROWS = "The brows are lowered."
REASON = "Raised cheeks with pulled lip corners are read together."
ENDING = "The expression shown is most consistent with happiness."


@pytest.fixture
def prediction(record: MakeRecord) -> MakePrediction:
    """A whole prediction whose third sentence is false; `evidence`, `label`, `verified` and any field may be given."""

    def make(
        evidence: AURecord | None = None, label: str | None = "happiness", verified: bool = True, **more: object
    ) -> Prediction:
        conclusion = Conclusion(
            label=label,
            confidence="high",
            alternatives=(
                Alternative(label=label or "happiness", score=0.91, units_for=(6, 12)),
                Alternative(label="contempt", score=0.25, units_for=(12,), units_against=(6,), not_measured=(14,)),
            ),
            abstain=None if label else "ambiguous",
            text=ENDING,
        )
        observations = (
            Observation(region="cheeks", text=CHEEKS, units=(UnitMention(au=6),)),
            Observation(region="brow", text=BROWS, units=(UnitMention(au=4),)),
        )
        caption = Caption(overview=OVERVIEW, observations=observations, interpretation=REASON, conclusion=conclusion)
        sentences = (
            _check("overview", OVERVIEW, ("lip corners are pulled up", "supported", 12)),
            _check("observation", CHEEKS, ("cheeks are raised", "supported", 6)),
            _check("observation", BROWS, ("brows are lowered", "contradicted", 4)),
            _check("interpretation", REASON),
            _check("conclusion", ENDING),
        )
        scores = Scores(precision=1, recall=1, f1=1, contradicted=1)
        checked = Verification(sentences=sentences, scores=scores, ok=False, against="openface2 (rows.csv, row 2)")
        values: dict[str, object] = {
            "id": "r1",
            "source": Source(file="rows.csv", row=2),
            "label": label,
            "caption": caption,
            "evidence": evidence if evidence is not None else record({6: 3, 12: 4, 4: 0}),
            "verification": checked if verified else None,
            "backend": "rules",
            "versions": Versions(engine="fervlm 0"),
        }
        return Prediction.model_validate(values | more)

    return make


class Drawing:
    """An SVG document to be asked about."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        return float(self.root.attrib["width"]), float(self.root.attrib["height"])

    @property
    def text(self) -> str:
        """All words drawn, in order."""
        return " ".join("".join(node.itertext()) for node in self.root.iter(f"{SVG}text"))

    def groups(self, css: str) -> list[ET.Element]:
        """The groups of a class."""
        return [g for g in self.root.iter(f"{SVG}g") if g.get("class") == css]

    def all(self, kind: str) -> list[ET.Element]:
        """Every element of a kind, such as `path`."""
        return list(self.root.iter(f"{SVG}{kind}"))

    def muscles(self, au: int) -> list[ET.Element]:
        """The muscle groups of an action unit."""
        return [g for g in self.groups("fv-muscle") if str(au) in (g.get("data-au") or "").split()]

    def middle(self, muscle: ET.Element) -> tuple[float, float]:
        """Mean x and y of a muscle's outline."""
        xs, ys = points(muscle.find(f"{SVG}path").attrib["d"])  # type: ignore[union-attr]
        return sum(xs) / len(xs), sum(ys) / len(ys)


def points(data: str) -> tuple[list[float], list[float]]:
    """The coordinates in absolute path data made of M, L and C."""
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", data)]
    return numbers[0::2], numbers[1::2]


@pytest.fixture
def look() -> Callable[[str], Drawing]:
    """`look(svg)`: parse a drawing, which fails where it is not well-formed XML."""
    return Drawing
