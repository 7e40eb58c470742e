"""Moments, distances and counts in words."""

from __future__ import annotations

from dataclasses import dataclass

from fervlm.reasoning.wording.choice import Choice
from fervlm.sequences.beats import Beat
from fervlm.sequences.scene import Scene

_COUNTS = ("no times", "once", "twice", "three times", "four times", "five times", "six times", "seven times")
_ROUND = ((0.5, "half a second"), (1.0, "a second"), (2.0, "two seconds"), (3.0, "three seconds"))
_SHORT_S = 0.4
_FINE_S = 3.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How moments are written in one scene."""

    timed: bool
    """Whether seconds may be named; frame numbers otherwise."""
    digits: int

    @classmethod
    def of(cls, scene: Scene) -> Timing:
        """Tenths of a second; hundredths in a scene shorter than three seconds, where tenths would tie."""
        return cls(scene.clock == "time", 2 if scene.end_s - scene.begin_s < _FINE_S else 1)

    def at(self, second: float, frame: int | None = None) -> str:
        """A moment: "0.4 s" or "frame 12"."""
        if self.timed or frame is None:
            return f"{second:.{self.digits}f} s"
        return f"frame {frame}"

    def later(self, before: Beat, after: Beat, choice: Choice) -> str:
        """The distance of two onsets: "half a second later", "0.7 s later", "13 frames later"."""
        if not self.timed:
            if before.onset_frame is None or after.onset_frame is None:
                return "later"
            frames = after.onset_frame - before.onset_frame
            return f"{frames} frame{'' if frames == 1 else 's'} later"
        distance = after.onset_s - before.onset_s
        words = [f"{distance:.{self.digits}f} s later"]
        words += [f"{word} later" for length, word in _ROUND if abs(distance - length) <= 0.1 * length]
        if distance <= _SHORT_S:
            words.append("shortly after")
        return choice.of(words)


def count_word(number: int) -> str:
    """How often: "once", "twice", "three times", ... "12 times"."""
    return _COUNTS[number] if number < len(_COUNTS) else f"{number} times"
