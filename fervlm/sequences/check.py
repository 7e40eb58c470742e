"""Reads the text of a course back and holds every statement against the events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from fervlm.records import AUEvent, Claim, SentenceCheck, Verdict
from fervlm.sequences.beats import BRIEF_S, Beat, counts
from fervlm.sequences.mentions import Mention, numbered_mentions
from fervlm.sequences.moments import Amount, Sign, read_signs
from fervlm.sequences.scene import Scene, scene_of_events
from fervlm.sequences.steps import Step, read_steps

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
Which = Literal["onset", "apex", "offset"]


def check_course(text: str, scene: Scene | Iterable[AUEvent]) -> tuple[SentenceCheck, ...]:
    """One check per sentence of `text`, with every claim found in it.

    Read back are: which AUs move, by number or in words, side and strength; order ("first", "then", "0.5 s later",
    "before", "after", "together", "while", "last"); moments of onset, apex and end; lengths; counts ("twice", "23
    movements"); what was under way before or after tracking; and what may not be said. Moments may differ by half of
    the last digit written and one row of the recording.

    Args:
        text: plain sentences, by whomever.
        scene: what happened (`scene_of(track)`), or events alone, whose AUs then are the measured ones.
    """
    told = scene if isinstance(scene, Scene) else scene_of_events(scene)
    reader = _Reader(told)
    return tuple(reader.sentence(sentence) for sentence in _SENTENCE_END.split(text.strip()) if sentence)


class _Reader:
    """Keeps, from sentence to sentence, the last step told and the stretch the text has narrowed itself to."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.window = (float("-inf"), float("inf"))
        self.last: tuple[Beat, ...] = ()
        self.claims: list[Claim] = []

    def sentence(self, sentence: str) -> SentenceCheck:
        self.claims = []
        mentions = numbered_mentions(sentence)
        for step in read_steps(sentence, mentions, read_signs(sentence)):
            self._step(step)
        claims = tuple(sorted(self.claims, key=lambda claim: claim.start))
        ok = all(claim.verdict == "supported" for claim in claims)
        return SentenceCheck(section="course", text=sentence, claims=claims, ok=ok)

    # ---- one step

    def _step(self, step: Step) -> None:
        if step.mismatch is not None:
            words, number = step.mismatch
            self._add(number, number.aus, "contradicted", f"the words beside it ({words.text}) name another movement")
        chosen: list[Beat] = []
        for mention in step.mentions:
            beat = self._mention(mention, step)
            if beat is not None:
                chosen.append(beat)
        if step.of("none"):
            self._nothing(step)
            return
        for sign in step.of("total"):
            self._total(sign)
        if not step.mentions:
            self._whole(step)
            return
        if len(chosen) == len([m for m in step.mentions if not m.negated]) and chosen:
            self._beats(step, tuple(chosen))

    def _mention(self, mention: Mention, step: Step) -> Beat | None:
        """Judges that the AU moves (or does not), and returns the movement that is meant."""
        measured = [au for au in mention.aus if au in self.scene.measured]
        if not measured:
            self._add(mention, mention.aus, "unmeasured", "the detector does not measure it")
            return None
        beats = [b for b in self.scene.beats if b.au in measured]
        if mention.negated:
            here = [b for b in beats if self._inside(b)]
            reason = f"AU{here[0].au} moves at {here[0].onset_s:.2f} s" if here else None
            self._add(mention, mention.aus, "contradicted" if here else "supported", reason)
            return None
        if not beats:
            self._add(mention, mention.aus, "contradicted", "no such movement in these events")
            return None
        self._add(mention, mention.aus, "supported", None)
        sided = self._side(mention, beats)
        return self._choose(step, sided or beats)

    def _side(self, mention: Mention, beats: list[Beat]) -> list[Beat]:
        if mention.side is None:
            return []
        wanted = None if mention.side == "both" else mention.side
        found = [b for b in beats if b.side == wanted]
        verdict: Verdict = "supported"
        reason = None
        if not any(b.au in self.scene.sided for b in beats):
            verdict, reason = "unmeasured", "the detector does not measure it by side"
        elif not found:
            moved = beats[0].side or "both sides"
            verdict, reason = "contradicted", f"measured on {moved}"
        self._add(mention, mention.aus, verdict, reason, kind="side")
        return found

    def _choose(self, step: Step, beats: list[Beat]) -> Beat:
        """The one of several movements of an AU that a step speaks of."""
        beats = [b for b in beats if self._inside(b)] or beats
        timed = step.of("moment", "range", "until", "by")
        if timed:
            which: Which = "offset" if timed[0].kind in {"until", "by"} or step.has("last_to_fade") else "onset"
            which = "apex" if step.has("peak") else which
            amount = timed[0].amounts[0]
            # A moment shared by several movements is that of the first, so a later one is meant before an earlier.
            return min(beats, key=lambda b: (self._early(b, which, amount), self._distance(b, which, amount)))
        if step.has("already"):
            return next((b for b in beats if b.open_start), beats[0])
        if step.has("still"):
            return next((b for b in reversed(beats) if b.open_end), beats[-1])
        if step.has("brief"):
            beats = [b for b in beats if b.offset_s - b.onset_s <= BRIEF_S + self.scene.step] or beats
        if self.last and (step.has("then") or step.of("gap") or step.relation == "before"):
            since = min(b.onset_s for b in self.last) - self.scene.step
            return next((b for b in beats if b.onset_s >= since), beats[0])
        return beats[0]

    # ---- what is said of the movements of a step

    def _beats(self, step: Step, beats: tuple[Beat, ...]) -> None:
        onset = min(b.onset_s for b in beats)
        for mention, beat in zip((m for m in step.mentions if not m.negated), beats, strict=True):
            if mention.level is not None:
                self._level(mention, beat)
        for sign in step.signs:
            self._timed(sign, step, beats)
            self._ordered(sign, beats, onset)
            self._lasting(sign, beats)
            if sign.numbers is not None and sign.kind in {"count", "again"}:
                self._count(sign, step)
        if step.relation is not None and step.relation_sign is not None and self.last:
            self._related(step.relation, step.relation_sign, beats, onset)
        if not (step.of("count", "again") or step.has("still", "already", "fade", "last_to_fade")):
            self.last = beats

    def _level(self, mention: Mention, beat: Beat) -> None:
        assert mention.level is not None
        low, high = mention.level
        if beat.level is None:
            verdict: Verdict = "unmeasured"
            reason: str | None = "this scale measures no strength"
        else:
            verdict = "supported" if low <= beat.level <= high else "contradicted"
            reason = None if verdict == "supported" else f"its peak is level {'ABCDE'[beat.level - 1]}"
        self._add(mention, (beat.au,), verdict, reason, kind="intensity")

    def _timed(self, sign: Sign, step: Step, beats: Sequence[Beat]) -> None:
        if sign.kind in {"moment", "range"}:
            which: Which = "onset"
            if step.has("peak"):
                which = "apex"
            elif step.has("fade", "last_to_fade"):
                which = "offset"
            self._at(sign, sign.amounts[0], beats, which)
            if sign.kind == "range":
                self._at(sign, sign.amounts[1], beats, "offset")
        elif sign.kind == "until" or (sign.kind == "by" and step.has("fade", "last_to_fade")):
            self._at(sign, sign.amounts[0], beats, "offset")
        elif sign.kind == "by":
            late = [b for b in beats if (self._value(b, "onset", sign.amounts[0]) or 0) > self._upper(sign.amounts[0])]
            self._order_claim(sign, not late, f"AU{late[0].au} begins later" if late else None)
        elif sign.kind == "gap" and self.last:
            self._gap(sign, beats)

    def _at(self, sign: Sign, amount: Amount, beats: Sequence[Beat], which: Which) -> None:
        """Each movement's onset or apex lies at the moment; of several ends the latest does."""
        if which == "offset":
            if any(b.open_end for b in beats):
                self._order_claim(sign, False, "still under way when tracking ended")
                return
            beats = (max(beats, key=lambda b: b.offset_s),)
        earliest = min(b.onset_s for b in beats)
        for beat in beats:
            value = self._value(beat, which, amount)
            if value is None:
                self._order_claim(
                    sign, None, f"the recording has no {'clock' if amount.unit == 's' else 'frame numbers'}"
                )
                return
            # One moment for several movements is that of the first; the others begin with it.
            shared = which == "onset" and 0 < beat.onset_s - earliest <= self.scene.together_s + 1e-6
            if not shared and abs(value - amount.value) > self._tolerance(amount):
                self._order_claim(sign, False, f"the {which} of AU{beat.au} is at {value:g} {amount.unit}")
                return
        self._order_claim(sign, True, None)

    def _gap(self, sign: Sign, beats: Sequence[Beat]) -> None:
        amount = sign.amounts[0]
        values = [self._value(b, "onset", amount) for b in (*self.last, *beats)]
        if any(value is None for value in values):
            self._order_claim(sign, None, "the recording has no such clock")
            return
        known = [value for value in values if value is not None]
        distance = min(known[len(self.last) :]) - min(known[: len(self.last)])
        right = abs(distance - amount.value) <= self._tolerance(amount)
        self._order_claim(sign, right, None if right else f"it is {distance:g} {amount.unit} later")

    def _ordered(self, sign: Sign, beats: Sequence[Beat], onset: float) -> None:
        scope = [b for b in self.scene.moving if self._inside(b)]
        near = self.scene.together_s + 1e-6
        if sign.cue == "first":
            earlier = [b for b in scope if not b.open_start and b.onset_s < onset - near]
            self._order_claim(sign, not earlier, f"AU{earlier[0].au} begins before it" if earlier else None)
        elif sign.cue == "last":
            later = [b for b in scope if b.onset_s > onset + near]
            self._order_claim(sign, not later, f"AU{later[-1].au} begins after it" if later else None)
        elif sign.cue == "then" and self.last:
            right = onset >= min(b.onset_s for b in self.last) - self.scene.step * 1.01
            self._order_claim(sign, right, None if right else f"AU{self.last[0].au} begins after it")
        elif sign.cue == "together":
            onsets = [b.onset_s for b in (beats if len(beats) > 1 else (*self.last, *beats))]
            right = max(onsets) - min(onsets) <= near
            self._order_claim(
                sign, right, None if right else f"their onsets lie {max(onsets) - min(onsets):.2f} s apart"
            )
        elif sign.cue == "last_to_fade":
            latest = max(scope, key=lambda b: b.offset_s, default=beats[0])
            right = max(b.offset_s for b in beats) >= latest.offset_s - near
            self._order_claim(sign, right, None if right else f"AU{latest.au} ends later")

    def _lasting(self, sign: Sign, beats: Sequence[Beat]) -> None:
        if sign.kind == "lasting":
            amount = sign.amounts[0]
            for beat in beats:
                begin, end = self._value(beat, "onset", amount), self._value(beat, "offset", amount)
                if begin is None or end is None:
                    self._order_claim(sign, None, "the recording has no such clock")
                    return
                if abs(end - begin - amount.value) > self._tolerance(amount) + self._row(amount):
                    self._order_claim(sign, False, f"AU{beat.au} lasts {end - begin:g} {amount.unit}")
                    return
            self._order_claim(sign, True, None)
        elif sign.cue == "brief":
            open_ = any(b.open_start or b.open_end for b in beats)
            long = [b for b in beats if b.offset_s - b.onset_s > BRIEF_S + self.scene.step]
            if self.scene.clock != "time" or (open_ and not long):
                self._order_claim(sign, None, "its length is not known")
            else:
                self._order_claim(sign, not long, f"AU{long[0].au} lasts longer" if long else None)
        elif sign.cue == "micro":
            self._add(sign, (), "forbidden", "a micro-expression cannot be told from these events", kind="order")
        elif sign.cue == "already":
            right = all(b.open_start for b in beats)
            self._order_claim(sign, right, None if right else "its onset was seen")
        elif sign.cue == "still":
            right = all(b.open_end for b in beats)
            self._order_claim(sign, right, None if right else "its end was seen")
        elif sign.cue == "longest":
            most = max((b.offset_s - b.onset_s for b in self.scene.moving if self._inside(b)), default=0.0)
            right = max(b.offset_s - b.onset_s for b in beats) >= most - self.scene.step
            self._order_claim(sign, right, None if right else "another movement lasts longer")

    def _count(self, sign: Sign, step: Step) -> None:
        assert sign.numbers is not None
        for mention in step.mentions:
            beats = [b for b in self.scene.beats if b.au in mention.aus and (mention.side in {None, "both", b.side})]
            found = counts(beats).values()
            least, most = sum(low for low, _ in found), sum(high for _, high in found)
            right = sign.numbers[0] <= most and sign.numbers[1] >= least
            self._order_claim(sign, right, None if right else f"it moves {least} times", mention.aus)

    def _related(self, relation: str, sign: Sign, beats: Sequence[Beat], onset: float) -> None:
        before = min(b.onset_s for b in self.last)
        slack = self.scene.step * 1.01
        if relation == "while":
            right = any(a.onset_s <= b.offset_s and b.onset_s <= a.offset_s for a in self.last for b in beats)
            reason = "they do not overlap"
        elif relation == "before":
            right, reason = before <= onset + slack, f"AU{beats[0].au} begins first"
        else:
            right, reason = before >= onset - slack, f"AU{self.last[0].au} begins first"
        self._order_claim(sign, right, None if right else reason)

    # ---- what is said of the whole

    def _nothing(self, step: Step) -> None:
        sign = step.of("none")[0]
        ranges = step.of("range")
        beats: list[Beat] = list(self.scene.moving)
        if ranges:
            low, high = ranges[0].amounts
            beats = [
                b
                for b in beats
                if (self._value(b, "offset", low) or 0) >= low.value - low.slack
                and (self._value(b, "onset", high) or 0) <= high.value + high.slack
            ]
        self._order_claim(sign, not beats, f"AU{beats[0].au} moves at {beats[0].onset_s:.2f} s" if beats else None)

    def _total(self, sign: Sign) -> None:
        assert sign.numbers is not None
        found = counts(self.scene.moving).values()
        least, most = sum(low for low, _ in found), sum(high for _, high in found)
        right = least <= sign.numbers[0] <= most
        self._order_claim(sign, right, None if right else f"there are {least}")

    def _whole(self, step: Step) -> None:
        """A step without a movement of its own: the stretch told of, the apex, the end of everything."""
        for sign in step.of("range"):
            self._stretch(sign)
        for sign in step.of("moment", "by", "until"):
            amount = sign.amounts[0]
            if step.has("peak"):
                value = self.scene.apex_s if amount.unit == "s" else self.scene.apex_frame
                if value is None or (amount.unit == "s" and self.scene.clock != "time"):
                    self._order_claim(sign, None, "no apex is known")
                    continue
                right = abs(value - amount.value) <= self._tolerance(amount)
                self._order_claim(sign, right, None if right else f"the apex is at {value:g} {amount.unit}")
            elif step.has("fade", "everything"):
                scope = [b for b in self.scene.moving if self._inside(b)]
                if scope:
                    self._at(sign, amount, scope, "offset")

    def _stretch(self, sign: Sign) -> None:
        """A stretch named without a movement holds for what follows; it must begin and end with movements."""
        low, high = sign.amounts
        first = min(self.scene.moving, key=lambda b: self._distance(b, "onset", low), default=None)
        final = min(self.scene.moving, key=lambda b: self._distance(b, "offset", high), default=None)
        right = first is not None and self._distance(first, "onset", low) <= self._tolerance(low)
        right = right and final is not None and self._distance(final, "offset", high) <= self._tolerance(high)
        self._order_claim(sign, right, None if right else "no movement begins or ends there")
        if right and first is not None and final is not None:
            edges = [amount.slack if amount.unit == "s" else 0.0 for amount in sign.amounts]
            self.window = (first.onset_s - edges[0], final.offset_s + edges[1])

    # ---- measuring

    def _inside(self, beat: Beat) -> bool:
        """Whether a movement lies in the stretch; one that begins at its edge and goes on beyond does not."""
        return self.window[0] <= beat.onset_s and beat.offset_s <= self.window[1]

    def _value(self, beat: Beat, which: Which, amount: Amount) -> float | None:
        if amount.unit == "s":
            seconds: float = getattr(beat, f"{which}_s")
            return seconds if self.scene.clock == "time" else None
        frame: int | None = getattr(beat, f"{which}_frame")
        return frame

    def _distance(self, beat: Beat, which: Which, amount: Amount) -> float:
        value = self._value(beat, which, amount)
        return float("inf") if value is None else abs(value - amount.value)

    def _early(self, beat: Beat, which: Which, amount: Amount) -> bool:
        value = self._value(beat, which, amount)
        return value is not None and value < amount.value - self._tolerance(amount)

    def _row(self, amount: Amount) -> float:
        return self.scene.step * 1.01 if amount.unit == "s" else 1.0

    def _tolerance(self, amount: Amount) -> float:
        return amount.slack + self._row(amount) + 1e-6

    def _upper(self, amount: Amount) -> float:
        return amount.value + self._tolerance(amount)

    # ---- writing down

    def _order_claim(self, sign: Sign, right: bool | None, reason: str | None, aus: tuple[int, ...] = ()) -> None:
        verdict: Verdict = "unmeasured" if right is None else "supported" if right else "contradicted"
        self._add(sign, aus, verdict, reason, kind="order")

    def _add(
        self,
        at: Sign | Mention,
        aus: tuple[int, ...],
        verdict: Verdict,
        reason: str | None,
        kind: Literal["au", "side", "intensity", "order"] = "au",
    ) -> None:
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
