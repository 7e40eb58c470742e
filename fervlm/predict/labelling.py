"""Labels held against encoded faces: probabilities, and whether a face fits any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fervlm.contrastive.class_prompts import PROMPT_SETS
from fervlm.contrastive.unknown import Looks, strangeness, unknown_score
from fervlm.contrastive.zero_shot import Asked, Averaging, LabelTexts, ask_all
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.predict.picture_model import Encoded, FaceModel, averaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Scored:
    """N faces against K labels.

    Attributes:
        labels: the K that could be scored.
        probabilities: [N, K], rows sum to 1.
        unknown: [N] score of fitting no label, or None where it was not asked for.
        fits: N: False where the score says that no label fits.
    """

    labels: tuple[str, ...]
    probabilities: Array
    unknown: Array | None
    fits: tuple[bool, ...]

    def likeliest(self, face: int) -> str:
        """Of a face, whether it fits or not."""
        return self.labels[int(self.probabilities[face].argmax())]

    def best(self, face: int) -> str | None:
        """The likeliest label of a face; None where none fits."""
        return self.likeliest(face) if self.fits[face] else None

    def by_label(self, face: int) -> dict[str, float]:
        """Probabilities of a face, likeliest first."""
        row = self.probabilities[face]
        return {self.labels[k]: round(float(row[k]), 4) for k in (-row).argsort(kind="stable")}


class Labelling:
    """A user's labels, ready to be held against faces.

    Args:
        model: encodes their texts.
        labels: in the user's words.
        prompts: prompt sets by name.
        averaging: over the texts of a label.
        descriptions: label -> what is seen, in the user's words.
        unknown: also tell which faces fit no label.

    Raises:
        FervlmError: a bad list, no label that can be scored, no such prompt set, or a model without a rule for
            unknowns.
    """

    def __init__(
        self,
        model: FaceModel,
        labels: Sequence[str],
        *,
        prompts: Sequence[str] = PROMPT_SETS,
        averaging: Averaging = "embeddings",
        descriptions: Mapping[str, str] | None = None,
        unknown: bool = False,
    ) -> None:
        self.manifest = model.manifest
        self.rule = model.manifest.unknown if unknown else None
        if unknown and self.rule is None:
            raise FervlmError(
                f"{self.manifest.name} was published without a rule for faces that fit no label",
                hint="Leave --unknown out, or use the model that ships with fervlm.",
            )
        self.asked: tuple[Asked, ...] = ask_all(labels, model.unknown_words, prompts, descriptions)
        self.texts = LabelTexts(self.asked, model.texts, averaging)
        self.calibration = self._calibration(tuple(prompts), averaging)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the labels, a sentence each."""
        return tuple(f"{one.note}." for one in self.asked if one.note is not None)

    def scored(self, faces: Encoded, mirror: Encoded | None = None) -> Scored:
        """The labels against N faces.

        Args:
            faces: as they are.
            mirror: the same faces in the mirror; the mean of both looks counts then. Needed for the unknown score.
        """
        embedding = faces.embedding if mirror is None else averaged(faces, mirror).embedding
        probabilities = self.texts.probabilities(embedding, self.manifest.labels.temperature)
        if self.rule is None or mirror is None:
            return Scored(self.texts.labels, probabilities, None, (True,) * len(embedding))
        first, second = (self.texts.similarities(look.embedding) for look in (faces, mirror))
        parts = strangeness(Looks(first, second, faces.looked, mirror.looked), self.manifest.labels.temperature)
        score = unknown_score(parts, self.rule)
        return Scored(self.texts.labels, probabilities, score, tuple(bool(s < self.rule.threshold) for s in score))

    def _calibration(self, prompts: tuple[str, ...], averaging: Averaging) -> str:
        """What the probabilities rest on."""
        fitted = self.manifest.labels
        told = f"softmax of similarity / {fitted.temperature:.4g}"
        if fitted.fitted_on is None:
            return f"{told}, the temperature of training, not fitted"
        usual = averaging == "embeddings" and set(prompts) == set(PROMPT_SETS)
        usual = usual and all(one.way == "words" and one.canonical in BASIC8 for one in self.asked)
        error = "" if fitted.ece is None else f", ECE {fitted.ece:.3f}"
        other = "" if usual else "; not checked for these labels and prompts"
        return f"{told}, fitted on {fitted.fitted_on}{error}{other}"
