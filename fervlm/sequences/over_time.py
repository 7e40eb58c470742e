"""What a step of a course says of its movements: moments, order, lengths, counts, strength."""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.records import Verdict
from fervlm.sequences.beats import BRIEF_S, Beat, counts
from fervlm.sequences.ledger import Ledger, Which
from fervlm.sequences.mentions import Mention
from fervlm.sequences.moments import Amount, Sign
from fervlm.sequences.steps import Step


def judge_movements(ledger: Ledger, step: Step, beats: tuple[Beat, ...]) -> None:
    """Judges all that one step says of the movements it names (`beats`, one for each mention that is not negated)."""
    onset = min(b.onset_s for b in beats)
    for mention, beat in zip((m for m in step.mentions if not m.negated), beats, strict=True):
        if mention.level is not None:
            _level(ledger, mention, beat)
    for sign in step.signs:
        _timed(ledger, sign, step, beats)
        _ordered(ledger, sign, beats, onset)
        _lasting(ledger, sign, beats)
        if sign.numbers is not None and sign.kind in {"count", "again"}:
            _count(ledger, sign, step)
    if step.relation is not None and step.relation_sign is not None and ledger.last:
        _related(ledger, step.relation, step.relation_sign, beats, onset)
    if not (step.of("count", "again") or step.has("still", "already", "fade", "last_to_fade")):
        ledger.last = beats


def _level(ledger: Ledger, mention: Mention, beat: Beat) -> None:
    assert mention.level is not None
    low, high = mention.level
    if beat.level is None:
        verdict: Verdict = "unmeasured"
        reason: str | None = "this scale measures no strength"
    else:
        verdict = "supported" if low <= beat.level <= high else "contradicted"
        reason = None if verdict == "supported" else f"its peak is level {'ABCDE'[beat.level - 1]}"
    ledger.add(mention, (beat.au,), verdict, reason, kind="intensity")


def _timed(ledger: Ledger, sign: Sign, step: Step, beats: Sequence[Beat]) -> None:
    if sign.kind in {"moment", "range"}:
        which: Which = "onset"
        if step.has("peak"):
            which = "apex"
        elif step.has("fade", "last_to_fade"):
            which = "offset"
        at_moment(ledger, sign, sign.amounts[0], beats, which)
        if sign.kind == "range":
            at_moment(ledger, sign, sign.amounts[1], beats, "offset")
    elif sign.kind == "until" or (sign.kind == "by" and step.has("fade", "last_to_fade")):
        at_moment(ledger, sign, sign.amounts[0], beats, "offset")
    elif sign.kind == "by":
        late = [b for b in beats if (ledger.value(b, "onset", sign.amounts[0]) or 0) > ledger.upper(sign.amounts[0])]
        ledger.order_claim(sign, not late, f"AU{late[0].au} begins later" if late else None)
    elif sign.kind == "gap" and ledger.last:
        _gap(ledger, sign, beats)


def at_moment(ledger: Ledger, sign: Sign, amount: Amount, beats: Sequence[Beat], which: Which) -> None:
    """Each movement's onset or apex lies at the moment; of several ends the latest does."""
    if which == "offset":
        if any(b.open_end for b in beats):
            ledger.order_claim(sign, False, "still under way when tracking ended")
            return
        beats = (max(beats, key=lambda b: b.offset_s),)
    earliest = min(b.onset_s for b in beats)
    for beat in beats:
        value = ledger.value(beat, which, amount)
        if value is None:
            ledger.order_claim(sign, None, f"the recording has no {'clock' if amount.unit == 's' else 'frame numbers'}")
            return
        # One moment for several movements is that of the first; the others begin with it.
        shared = which == "onset" and 0 < beat.onset_s - earliest <= ledger.scene.together_s + 1e-6
        if not shared and abs(value - amount.value) > ledger.tolerance(amount):
            ledger.order_claim(sign, False, f"the {which} of AU{beat.au} is at {value:g} {amount.unit}")
            return
    ledger.order_claim(sign, True, None)


def _apart(ledger: Ledger, sign: Sign, beats: Sequence[Beat]) -> None:
    """ "AU25 begins 0.5 s after AU1", whose order is right."""
    amount = sign.amounts[0]
    values = [
        [v for b in group if (v := ledger.value(b, "onset", amount)) is not None] for group in (ledger.last, beats)
    ]
    if not values[0] or not values[1]:
        ledger.order_claim(sign, None, "the recording has no such clock")
        return
    distance = abs(min(values[0]) - min(values[1]))
    right = abs(distance - amount.value) <= ledger.tolerance(amount)
    ledger.order_claim(sign, right, None if right else f"they lie {distance:g} {amount.unit} apart")


def _gap(ledger: Ledger, sign: Sign, beats: Sequence[Beat]) -> None:
    amount = sign.amounts[0]
    values = [ledger.value(b, "onset", amount) for b in (*ledger.last, *beats)]
    if any(value is None for value in values):
        ledger.order_claim(sign, None, "the recording has no such clock")
        return
    known = [value for value in values if value is not None]
    distance = min(known[len(ledger.last) :]) - min(known[: len(ledger.last)])
    right = abs(distance - amount.value) <= ledger.tolerance(amount)
    ledger.order_claim(sign, right, None if right else f"it is {distance:g} {amount.unit} later")


def _ordered(ledger: Ledger, sign: Sign, beats: Sequence[Beat], onset: float) -> None:
    scope = ledger.scope()
    near = ledger.scene.together_s + 1e-6
    if sign.cue == "first":
        earlier = [b for b in scope if not b.open_start and b.onset_s < onset - near]
        ledger.order_claim(sign, not earlier, f"AU{earlier[0].au} begins before it" if earlier else None)
    elif sign.cue == "last":
        later = [b for b in scope if b.onset_s > onset + near]
        ledger.order_claim(sign, not later, f"AU{later[-1].au} begins after it" if later else None)
    elif sign.cue == "then" and ledger.last:
        right = onset >= min(b.onset_s for b in ledger.last) - ledger.scene.step * 1.01
        ledger.order_claim(sign, right, None if right else f"AU{ledger.last[0].au} begins after it")
    elif sign.cue == "together":
        onsets = [b.onset_s for b in (beats if len(beats) > 1 else (*ledger.last, *beats))]
        right = max(onsets) - min(onsets) <= near
        ledger.order_claim(sign, right, None if right else f"their onsets lie {max(onsets) - min(onsets):.2f} s apart")
    elif sign.cue == "last_to_fade":
        latest = max(scope, key=lambda b: b.offset_s, default=beats[0])
        right = max(b.offset_s for b in beats) >= latest.offset_s - near
        ledger.order_claim(sign, right, None if right else f"AU{latest.au} ends later")


def _lasting(ledger: Ledger, sign: Sign, beats: Sequence[Beat]) -> None:
    if sign.kind == "lasting":
        amount = sign.amounts[0]
        for beat in beats:
            begin, end = ledger.value(beat, "onset", amount), ledger.value(beat, "offset", amount)
            if begin is None or end is None:
                ledger.order_claim(sign, None, "the recording has no such clock")
                return
            if abs(end - begin - amount.value) > ledger.tolerance(amount) + ledger.row(amount):
                ledger.order_claim(sign, False, f"AU{beat.au} lasts {end - begin:g} {amount.unit}")
                return
        ledger.order_claim(sign, True, None)
    elif sign.cue == "brief":
        open_ = any(b.open_start or b.open_end for b in beats)
        long = [b for b in beats if b.offset_s - b.onset_s > BRIEF_S + ledger.scene.step]
        if ledger.scene.clock != "time" or (open_ and not long):
            ledger.order_claim(sign, None, "its length is not known")
        else:
            ledger.order_claim(sign, not long, f"AU{long[0].au} lasts longer" if long else None)
    elif sign.cue == "already":
        right = all(b.open_start for b in beats)
        ledger.order_claim(sign, right, None if right else "its onset was seen")
    elif sign.cue == "still":
        right = all(b.open_end for b in beats)
        ledger.order_claim(sign, right, None if right else "its end was seen")
    elif sign.cue == "longest":
        most = max((b.offset_s - b.onset_s for b in ledger.scope()), default=0.0)
        right = max(b.offset_s - b.onset_s for b in beats) >= most - ledger.scene.step
        ledger.order_claim(sign, right, None if right else "another movement lasts longer")


def _count(ledger: Ledger, sign: Sign, step: Step) -> None:
    assert sign.numbers is not None
    for mention in step.mentions:
        beats = [b for b in ledger.scene.beats if b.au in mention.aus and (mention.side in {None, "both", b.side})]
        found = counts(beats).values()
        least, most = sum(low for low, _ in found), sum(high for _, high in found)
        right = sign.numbers[0] <= most and sign.numbers[1] >= least
        ledger.order_claim(sign, right, None if right else f"it moves {least} times", mention.aus)


def _related(ledger: Ledger, relation: str, sign: Sign, beats: Sequence[Beat], onset: float) -> None:
    before = min(b.onset_s for b in ledger.last)
    slack = ledger.scene.step * 1.01
    if relation == "while":
        right = any(a.onset_s <= b.offset_s and b.onset_s <= a.offset_s for a in ledger.last for b in beats)
        reason = "they do not overlap"
    elif relation == "before":
        right, reason = before <= onset + slack, f"AU{beats[0].au} begins first"
    else:
        right, reason = before >= onset - slack, f"AU{ledger.last[0].au} begins first"
    if right and sign.amounts:
        _apart(ledger, sign, beats)
        return
    ledger.order_claim(sign, right, None if right else reason)
