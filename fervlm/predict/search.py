"""Faces by description: a text and many faces in one space, the nearest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fervlm.contrastive.zero_shot import ask
from fervlm.errors import FervlmError
from fervlm.predict.picture_model import FaceModel
from fervlm.predict.unit_record import FacePlace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A face and how near it is: cosine, -1 to 1; `rank` from 1."""

    rank: int
    place: FacePlace
    similarity: float


@dataclass(frozen=True, slots=True)
class Query:
    """A text as the model sees it.

    Attributes:
        feature: [D], unit length.
        notes: what the user should know, a sentence each.
    """

    feature: Array
    notes: tuple[str, ...]

    @classmethod
    def of(cls, text: str, model: FaceModel) -> Query:
        """The text by its own words where the model knows all, else by the class or the movements it names.

        Raises:
            FervlmError: the model knows nothing of it.
        """
        plain = " ".join(text.split())
        asked = ask(plain, model.unknown_words, ("names",))
        if not asked.texts:
            asked = ask("the query", model.unknown_words, ("names",), plain)
        if not asked.texts:
            missing = ", ".join(f"'{word}'" for word in model.unknown_words(plain.lower()))
            raise FervlmError(
                f"the model does not know {missing}", hint="Say what is seen: --query 'raised brows, open mouth'."
            )
        mean = model.texts(asked.texts).mean(axis=0)
        feature = mean / max(float((mean**2).sum()) ** 0.5, 1e-12)
        return cls(feature, (f"{asked.note}.",) if asked.note else ())


def nearest(faces: Iterable[tuple[FacePlace, Array]], query: Query, top: int) -> tuple[list[Hit], int]:
    """The `top` faces nearest to a query, ties in the order given, and how many faces were looked at.

    Memory does not grow with the number of faces.
    """
    kept: list[tuple[float, int, FacePlace]] = []
    count = 0
    for place, feature in faces:
        entry = (float(feature @ query.feature), -count, place)
        count += 1
        if len(kept) < top:
            heapq.heappush(kept, entry)
        elif entry[:2] > kept[0][:2]:
            heapq.heapreplace(kept, entry)
    ranked = sorted(kept, key=lambda entry: (-entry[0], -entry[1]))
    return [Hit(rank, place, similarity) for rank, (similarity, _, place) in enumerate(ranked, start=1)], count
