"""The course over time in words: what moves first, what follows, what comes last, when it has faded.

Every statement made here is one that `check_course` reads back from the text and holds against the events.
"""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.reasoning.wording.choice import Choice, key_of
from fervlm.sequences.beats import Beat, counts
from fervlm.sequences.clauses import beat_clause, beat_state, capital, joined
from fervlm.sequences.episodes import Episode
from fervlm.sequences.scene import Scene
from fervlm.sequences.timing import Timing, count_word

MOST_BEATS = 8
"""A scene with more movements is told by its fullest stretch, and then by counts."""
_STEPS_A_SENTENCE = 3
_MOST_REPEATS = 3
_MOST_HELD = 3
_PAUSE_S = 0.5
"""The face comes to rest at the end of a stretch only where nothing else moves for so long."""
_SLOT = 71


def write_course(scene: Scene, seed: int = 0, episode: Episode | None = None) -> str:
    """Two to eight sentences on the movements of a scene, free of emotion words; the same for the same seed.

    Args:
        scene: what is told of.
        seed: picks among equivalent wordings.
        episode: the stretch to tell of where the scene holds more than `MOST_BEATS` movements.

    Strength words appear only on a true intensity scale, sides only where one side alone moved, seconds only where
    the file has a clock (frame numbers otherwise).
    """
    numbers = (round(b.onset_s * 1000) * 100 + b.au for b in scene.beats)
    teller = _Teller(scene, Choice(key_of(numbers, seed, _SLOT)))
    return " ".join(teller.sentences(episode))


class _Teller:
    def __init__(self, scene: Scene, choice: Choice) -> None:
        self.scene = scene
        self.choice = choice
        self.timing = Timing.of(scene)

    def sentences(self, episode: Episode | None) -> list[str]:
        scene = self.scene
        if not scene.moving:
            return [self._stillness(), *self._blinks()]
        told = scene.moving
        opening: list[str] = []
        if len(told) > MOST_BEATS and episode is not None:
            opening = self._overview(episode)
            told = tuple(_inside(told, episode)) or told
        peak = self._peak(told)
        return [*opening, *self._held_before(told), *self._order(told), *peak, *self._ending(told), *self._totals()]

    def _stillness(self) -> str:
        if not self.timing.timed or self.scene.end_s <= self.scene.begin_s:
            return "No movement is detected in this recording."
        begin, end = self.timing.at(self.scene.begin_s), self.timing.at(self.scene.end_s)
        return f"No movement is detected between {begin} and {end}."

    def _overview(self, episode: Episode) -> list[str]:
        """How much there is in all, and which stretch of it is told."""
        moving = self.scene.moving
        inside = _inside(moving, episode)
        lowest, highest = _total(self.scene)
        total = f"{len(moving)} movements are found in all" if lowest == highest else ""
        if not inside or len(inside) == len(moving):
            return [f"{total}."] if total else []
        latest = max(inside, key=lambda b: b.offset_s)
        begin = self.timing.at(inside[0].onset_s, inside[0].onset_frame)
        end = self.timing.at(latest.offset_s, latest.offset_frame)
        stretch = f"the fullest stretch runs from {begin} to {end}"
        return [f"{total}; {stretch}." if total else f"{capital(stretch)}."]

    def _held_before(self, told: Sequence[Beat]) -> list[str]:
        """What was under way when tracking began."""
        held = [b for b in told if b.open_start and b.onset_s <= told[0].onset_s][:_MOST_HELD]
        if not held:
            return []
        states = joined([beat_state(b, "already", self.choice) for b in held])
        begins = held[0].onset_s <= self.scene.begin_s + 1.5 * self.scene.step
        return [f"{capital(states)} when tracking {'begins' if begins else 'resumes'}."]

    def _order(self, told: Sequence[Beat]) -> list[str]:
        steps = self._steps(told)
        if not steps:
            return []
        pieces = [self._piece(steps, i, told) for i in range(len(steps))]
        mark = "; " if any(len(step) > 1 for step in steps) else ", "
        sentences = []
        for i in range(0, len(pieces), _STEPS_A_SENTENCE):
            part = pieces[i : i + _STEPS_A_SENTENCE]
            sentences.append(capital(mark.join(part) if mark == "; " else joined(part)) + ".")
        return sentences

    def _steps(self, told: Sequence[Beat]) -> list[list[Beat]]:
        """The first movement of each AU, those with a common onset together; the clearest ones where there are many."""
        first: dict[int, Beat] = {}
        for beat in told:
            if not beat.open_start:
                first.setdefault(beat.au, beat)
        clearest = sorted(first.values(), key=lambda b: (b.level or 0, b.offset_s - b.onset_s), reverse=True)
        chosen = sorted(clearest[:MOST_BEATS], key=lambda b: (b.onset_s, b.au))
        steps: list[list[Beat]] = []
        for beat in chosen:
            if steps and beat.onset_s - steps[-1][0].onset_s <= self.scene.together_s:
                steps[-1].append(beat)
            else:
                steps.append([beat])
        return steps

    def _piece(self, steps: list[list[Beat]], i: int, told: Sequence[Beat]) -> str:
        """One step: its movements, when, and its place in the order."""
        step, scene = steps[i], self.scene
        fresh = [b.onset_s for b in told if not b.open_start]
        is_first = step[0].onset_s <= min(fresh) and len(fresh) > len(step)
        is_last = i > 0 and step[0].onset_s >= max(b.onset_s for b in told) - scene.together_s
        when = self.timing.at(step[0].onset_s, step[0].onset_frame)
        strongest = max((b for s in steps for b in s), key=lambda b: (b.level or 0, b.apex_s))
        brief = self.timing.timed
        if len(step) == 1:
            clause = beat_clause(step[0], self.choice, strength=step[0] is strongest, brief=brief)
            code = f"(AU{step[0].au}, {when})"
        else:
            words = [
                f"{beat_clause(b, self.choice, strength=b is strongest)} (AU{b.au})" for b in step[: MOST_BEATS // 2]
            ]
            clause, code = f"{joined(words)} together", f"at {when}"
        if is_first:
            return self.choice.of((f"{clause} first {code}", f"first {clause} {code}"))
        if is_last:
            return self.choice.of((f"{clause} last {code}", f"finally {clause} {code}", f"last of all {clause} {code}"))
        if i == 0:
            return f"{clause} {code}"
        gap = self.timing.later(steps[i - 1][0], step[0], self.choice)
        return self.choice.of((f"then {clause} {code}", f"{gap} {clause} {code}", f"{clause} {gap} {code}"))

    def _peak(self, told: Sequence[Beat]) -> list[str]:
        apex = self.scene.apex_s
        if apex is None or len(told) < 2 or not told[0].onset_s <= apex <= max(b.offset_s for b in told):
            return []
        when = self.timing.at(apex, self.scene.apex_frame)
        forms = (f"The fullest moment comes at {when}.", f"The whole is fullest at {when}.")
        return [self.choice.of(forms)]

    def _ending(self, told: Sequence[Beat]) -> list[str]:
        last = max(told, key=lambda b: b.offset_s)
        held = [b for b in told if b.open_end and b.offset_s >= last.offset_s - 1.5 * self.scene.step][:_MOST_HELD]
        if held:
            states = joined([beat_state(b, "still", self.choice) for b in held])
            ends = held[0].offset_s >= self.scene.end_s - 1.5 * self.scene.step
            return [f"{capital(states)} when tracking {'ends' if ends else 'breaks off'}."]
        if any(b.open_end for b in told):
            return []
        when = self.timing.at(last.offset_s, last.offset_frame)
        soon = last.offset_s + _PAUSE_S
        beyond = any(b.onset_s <= soon and b.offset_s > last.offset_s for b in self.scene.moving)
        if beyond or not self.scene.whole:
            return [
                self.choice.of((f"These movements have faded by {when}.", f"By {when} these movements have faded."))
            ]
        forms = (f"Everything has faded by {when}.", f"By {when} all of it has faded.", f"It all fades by {when}.")
        return [self.choice.of(forms)]

    def _totals(self) -> list[str]:
        """How often the movements that came back came, and the blinks."""
        sure = {au: least for au, (least, most) in counts(self.scene.moving).items() if least == most}
        often = sorted((au for au, n in sure.items() if n > 1), key=lambda au: (-sure[au], au))[:_MOST_REPEATS]
        pieces = []
        for au in often:
            beat = next(b for b in self.scene.moving if b.au == au)
            sides = {b.side for b in self.scene.moving if b.au == au}
            clause = beat_clause(beat, self.choice, side=len(sides) == 1)
            pieces.append(f"{clause} {count_word(sure[au])} (AU{au})")
        told = [f"In all, {joined(pieces)}."] if pieces else []
        return told + self._blinks()

    def _blinks(self) -> list[str]:
        found = {au: n for au, (n, most) in counts(b for b in self.scene.beats if b.quick).items() if n == most}
        sentences = []
        for au, number in sorted(found.items()):
            beat = next(b for b in self.scene.beats if b.au == au)
            sentences.append(f"{capital(beat_clause(beat, self.choice, side=False))} {count_word(number)} (AU{au}).")
        return sentences


def _inside(told: Sequence[Beat], episode: Episode) -> list[Beat]:
    """The beats that lie in a stretch whole."""
    return [b for b in told if episode.begin_s <= b.onset_s and b.offset_s <= episode.end_s]


def _total(scene: Scene) -> tuple[int, int]:
    both = counts(scene.moving).values()
    return sum(least for least, _ in both), sum(most for _, most in both)
