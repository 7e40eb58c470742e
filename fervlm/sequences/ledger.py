"""What a reader of a course keeps while it reads: the scene, the place in the story, and the claims judged so far."""

from __future__ import annotations

from typing import Literal

from fervlm.records import Claim, Verdict
from fervlm.sequences.beats import Beat
from fervlm.sequences.mentions import Mention, Offence
from fervlm.sequences.moments import Amount, Sign
from fervlm.sequences.scene import Scene

Which = Literal["onset", "apex", "offset"]


class Ledger:
    """The last step told, the stretch the text has narrowed itself to, and the claims of the sentence being read."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.window = (float("-inf"), float("inf"))
        self.last: tuple[Beat, ...] = ()
        self.claims: list[Claim] = []

    def scope(self) -> list[Beat]:
        """The movements of the stretch, lid closures left out."""
        return [b for b in self.scene.moving if self.inside(b)]

    def inside(self, beat: Beat) -> bool:
        """Whether a movement lies in the stretch; one that begins at its edge and goes on beyond does not."""
        return self.window[0] <= beat.onset_s and beat.offset_s <= self.window[1]

    def value(self, beat: Beat, which: Which, amount: Amount) -> float | None:
        """The moment in the unit of `amount`; None where the recording does not tell it."""
        if amount.unit == "s":
            seconds: float = getattr(beat, f"{which}_s")
            return seconds if self.scene.clock == "time" else None
        frame: int | None = getattr(beat, f"{which}_frame")
        return frame

    def distance(self, beat: Beat, which: Which, amount: Amount) -> float:
        """How far a moment lies from what is written."""
        value = self.value(beat, which, amount)
        return float("inf") if value is None else abs(value - amount.value)

    def early(self, beat: Beat, which: Which, amount: Amount) -> bool:
        """Whether a moment lies clearly before what is written."""
        value = self.value(beat, which, amount)
        return value is not None and value < amount.value - self.tolerance(amount)

    def row(self, amount: Amount) -> float:
        """The distance of two rows."""
        return self.scene.step * 1.01 if amount.unit == "s" else 1.0

    def tolerance(self, amount: Amount) -> float:
        """Half of the last digit written and one row."""
        return amount.slack + self.row(amount) + 1e-6

    def upper(self, amount: Amount) -> float:
        """The latest moment that what is written allows."""
        return amount.value + self.tolerance(amount)

    def order_claim(self, sign: Sign, right: bool | None, reason: str | None, aus: tuple[int, ...] = ()) -> None:
        """A claim on time, order or number; `right` None where the recording cannot tell."""
        verdict: Verdict = "unmeasured" if right is None else "supported" if right else "contradicted"
        self.add(sign, aus, verdict, reason, kind="order")

    def offend(self, offence: Offence) -> None:
        """A wording that no evidence could allow."""
        self.claims.append(
            Claim(kind=offence.kind, text=offence.text, start=offence.start, verdict="forbidden", reason=offence.reason)
        )

    def add(
        self,
        at: Sign | Mention,
        aus: tuple[int, ...],
        verdict: Verdict,
        reason: str | None,
        kind: Literal["au", "side", "intensity", "order"] = "au",
    ) -> None:
        """Any claim, with the words it was read from."""
        mention = at if isinstance(at, Mention) else None
        self.claims.append(
            Claim(
                kind=kind,
                text=at.text,
                start=at.start,
                aus=aus,
                side=mention.side if mention is not None and kind == "side" else None,
                level=mention.level if mention is not None and kind == "intensity" else None,
                negated=mention is not None and mention.negated,
                verdict=verdict,
                reason=reason,
            )
        )
