"""Reads the text of a course back and holds every statement against the events."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fervlm.records import AUEvent, SentenceCheck, Verdict
from fervlm.sequences.beats import BRIEF_S, Beat, counts
from fervlm.sequences.ledger import Ledger, Which
from fervlm.sequences.mentions import Mention, read_mentions
from fervlm.sequences.moments import Sign, read_signs
from fervlm.sequences.over_time import at_moment, judge_movements
from fervlm.sequences.scene import Scene, scene_of_events
from fervlm.sequences.steps import Step, read_steps

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")


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
        self.ledger = Ledger(scene)

    def sentence(self, sentence: str) -> SentenceCheck:
        self.ledger.claims = []
        signs = read_signs(sentence)
        mentions, offences = read_mentions(sentence, signs)
        for offence in offences:
            self.ledger.offend(offence)
        for sign in signs:
            if sign.cue == "micro":
                self.ledger.add(sign, (), "forbidden", "no event tells a micro-expression", kind="order")
        for step in read_steps(sentence, mentions, signs):
            self._step(step)
        claims = tuple(sorted(self.ledger.claims, key=lambda claim: claim.start))
        ok = all(claim.verdict == "supported" for claim in claims)
        return SentenceCheck(section="course", text=sentence, claims=claims, ok=ok)

    # ---- one step

    def _step(self, step: Step) -> None:
        if step.mismatch is not None:
            words, number = step.mismatch
            self.ledger.add(
                number, number.aus, "contradicted", f"the words beside it ({words.text}) name another movement"
            )
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
            judge_movements(self.ledger, step, tuple(chosen))

    def _mention(self, mention: Mention, step: Step) -> Beat | None:
        """Judges that the AU moves (or does not), and returns the movement that is meant."""
        measured = [au for au in mention.aus if au in self.scene.measured]
        if not measured:
            self.ledger.add(mention, mention.aus, "unmeasured", "the detector does not measure it")
            return None
        beats = [b for b in self.scene.beats if b.au in measured]
        if mention.negated:
            here = [b for b in beats if self.ledger.inside(b)]
            reason = f"AU{here[0].au} moves at {here[0].onset_s:.2f} s" if here else None
            self.ledger.add(mention, mention.aus, "contradicted" if here else "supported", reason)
            return None
        if not beats:
            self.ledger.add(mention, mention.aus, "contradicted", "no such movement in these events")
            return None
        self.ledger.add(mention, mention.aus, "supported", None)
        sided = self._side(mention, beats)
        return self._choose(step, sided or beats)

    def _side(self, mention: Mention, beats: list[Beat]) -> list[Beat]:
        sided = any(b.au in self.scene.sided for b in beats)
        if mention.side is None or (mention.loose and not sided):
            return []
        wanted = None if mention.side == "both" else mention.side
        found = [b for b in beats if b.side == wanted]
        verdict: Verdict = "supported"
        reason = None
        if not sided:
            verdict, reason = "unmeasured", "the detector does not measure it by side"
        elif not found:
            moved = beats[0].side or "both sides"
            verdict, reason = "contradicted", f"measured on {moved}"
        self.ledger.add(mention, mention.aus, verdict, reason, kind="side")
        return found

    def _choose(self, step: Step, beats: list[Beat]) -> Beat:
        """The one of several movements of an AU that a step speaks of."""
        beats = [b for b in beats if self.ledger.inside(b)] or beats
        timed = step.of("moment", "range", "until", "by")
        if timed:
            which: Which = "offset" if timed[0].kind in {"until", "by"} or step.has("last_to_fade") else "onset"
            which = "apex" if step.has("peak") else which
            amount = timed[0].amounts[0]
            # A moment shared by several movements is that of the first, so a later one is meant before an earlier.
            return min(
                beats, key=lambda b: (self.ledger.early(b, which, amount), self.ledger.distance(b, which, amount))
            )
        if step.has("already"):
            return next((b for b in beats if b.open_start), beats[0])
        if step.has("still"):
            return next((b for b in reversed(beats) if b.open_end), beats[-1])
        if step.has("brief"):
            beats = [b for b in beats if b.offset_s - b.onset_s <= BRIEF_S + self.scene.step] or beats
        if self.ledger.last and (step.has("then") or step.of("gap") or step.relation == "before"):
            since = min(b.onset_s for b in self.ledger.last) - self.scene.step
            return next((b for b in beats if b.onset_s >= since), beats[0])
        return beats[0]

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
                if (self.ledger.value(b, "offset", low) or 0) >= low.value - low.slack
                and (self.ledger.value(b, "onset", high) or 0) <= high.value + high.slack
            ]
        self.ledger.order_claim(
            sign, not beats, f"AU{beats[0].au} moves at {beats[0].onset_s:.2f} s" if beats else None
        )

    def _total(self, sign: Sign) -> None:
        assert sign.numbers is not None
        found = counts(self.scene.moving).values()
        least, most = sum(low for low, _ in found), sum(high for _, high in found)
        right = least <= sign.numbers[0] <= most
        self.ledger.order_claim(sign, right, None if right else f"there are {least}")

    def _whole(self, step: Step) -> None:
        """A step without a movement of its own: the stretch told of, the apex, the end of everything."""
        for sign in step.of("range"):
            self._stretch(sign)
        for sign in step.of("moment", "by", "until"):
            amount = sign.amounts[0]
            if step.has("peak"):
                value = self.scene.apex_s if amount.unit == "s" else self.scene.apex_frame
                if value is None or (amount.unit == "s" and self.scene.clock != "time"):
                    self.ledger.order_claim(sign, None, "no apex is known")
                    continue
                right = abs(value - amount.value) <= self.ledger.tolerance(amount)
                self.ledger.order_claim(sign, right, None if right else f"the apex is at {value:g} {amount.unit}")
            elif step.has("fade", "everything", "these"):
                scope = self.ledger.scope() if step.has("these") else self._under_way()
                if scope:
                    at_moment(self.ledger, sign, amount, scope, "offset")

    def _under_way(self) -> list[Beat]:
        """All that moves until the stretch ends, whether or not it ends with it."""
        return [
            b for b in self.scene.moving if b.onset_s <= self.ledger.window[1] and b.offset_s >= self.ledger.window[0]
        ]

    def _stretch(self, sign: Sign) -> None:
        """A stretch named without a movement holds for what follows; it must begin and end with movements."""
        low, high = sign.amounts
        first = min(self.scene.moving, key=lambda b: self.ledger.distance(b, "onset", low), default=None)
        final = min(self.scene.moving, key=lambda b: self.ledger.distance(b, "offset", high), default=None)
        right = first is not None and self.ledger.distance(first, "onset", low) <= self.ledger.tolerance(low)
        right = (
            right and final is not None and self.ledger.distance(final, "offset", high) <= self.ledger.tolerance(high)
        )
        self.ledger.order_claim(sign, right, None if right else "no movement begins or ends there")
        if right and first is not None and final is not None:
            edges = [amount.slack if amount.unit == "s" else 0.0 for amount in sign.amounts]
            self.ledger.window = (first.onset_s - edges[0], final.offset_s + edges[1])
