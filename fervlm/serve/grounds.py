"""What an answer about a face is held against, made ready while a language model still writes it."""

from __future__ import annotations

from dataclasses import dataclass

from fervlm.facs.labels import label_set
from fervlm.reasoning.findings import Interpretation
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.verify import verify
from fervlm.records import Caption, Prediction, Verification

LABELS = "basic8"
"""Labels that compete where a text names one; `verify`'s own choice."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """A face that the engine explained, with its evidence as `verify` wants it.

    Attributes:
        prediction: of the face.
        evidence: its evidence, observed.
        standing: how that evidence ranks the labels.
    """

    prediction: Prediction
    evidence: Evidence
    standing: Interpretation

    def check(self, told: Caption | str) -> Verification:
        """A caption or any text held against them: what `verify` of the same record says, in two thirds of the time."""
        record = self.prediction.evidence
        against = f"{record.detector.name} in {record.source.file}"
        return verify(told, self.evidence, against=against, interpretation=self.standing)


def grounds_of(prediction: Prediction) -> Grounds:
    """The grounds of one face."""
    evidence = observe(prediction.evidence)
    return Grounds(prediction, evidence, interpret(evidence, label_set(LABELS)))
