"""What is asked about a face this time: label, caption, units or dialogue, in shares that may change along the run."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from fervlm.errors import FervlmError
from fervlm.mllm.settings import Mixture, TalkSettings
from fervlm.mllm.talks import Talk
from fervlm.reasoning.answers import parse, render

Turn = tuple[str, str, str]
"""Kind, question, answer."""


GROUPS = ("label", "caption", "units", "dialogue")
_UNIT = re.compile(r"\bAU\d")


def group_of(kind: str) -> str:
    """`label`, `caption`, `units`, or `dialogue` for every other kind."""
    return kind if kind in GROUPS else "dialogue"


def mixture_at(settings: TalkSettings, share: float) -> Mixture:
    """The mixture at a share (0 to 1) of the run: that of the first step of the curriculum not yet over."""
    for until, mixture in settings.curriculum:
        if share < until:
            return mixture
    return settings.mixture


def compose(talks: Sequence[Talk], settings: TalkSettings, share: float, draw: random.Random) -> list[Turn]:
    """The turns of one conversation about one face, drawn from all that the set says of it.

    Up to `settings.talks` different conversations follow each other, in any order: the picture is paid for once, and
    labels are asked for before and after the movements were told.
    """
    open_: list[tuple[float, Talk]] = []
    mixture = mixture_at(settings, share)
    chosen = [talk for talk in talks if talk.view == _view(talk, talks, settings)]
    sizes = {group: sum(group_of(t.kind) == group for t in chosen) for group in GROUPS}
    more = _moving(chosen) ** settings.moving
    for talk in chosen:
        group = group_of(talk.kind)
        weight = getattr(mixture, group) / sizes[group] * (more if group in {"caption", "units"} else 1.0)
        if weight > 0:
            open_.append((weight, talk))
    turns: list[Turn] = []
    for _ in range(settings.talks):
        if not open_:
            break
        place = draw.choices(range(len(open_)), [weight for weight, _ in open_])[0]
        _, talk = open_.pop(place)
        turns += _turns(talk, settings)
    return turns


def _moving(talks: Sequence[Talk]) -> float:
    """A third for a face at rest, 1 for two present units; 1 too in a set that does not list them."""
    told = [talk.messages[1]["content"] for talk in talks if talk.kind == "units"]
    return (1 + len(_UNIT.findall(told[0]))) / 3 if told else 1.0


def _view(talk: Talk, talks: Sequence[Talk], settings: TalkSettings) -> str:
    """The view wanted of this kind, or the one that there is."""
    wanted = settings.views.label if talk.kind == "label" else settings.views.caption
    return wanted if any(t.kind == talk.kind and t.view == wanted for t in talks) else talk.view


def _turns(talk: Talk, settings: TalkSettings) -> list[Turn]:
    pairs = zip(talk.messages[::2], talk.messages[1::2], strict=True)
    return [(talk.kind, q["content"], _answer(talk.kind, a["content"], settings)) for q, a in pairs]


def _answer(kind: str, text: str, settings: TalkSettings) -> str:
    if kind != "caption" or settings.details:
        return text.strip()
    try:
        return render(parse(text), details=False).strip()
    except FervlmError as error:
        raise FervlmError(f"a caption of the set cannot be read ({error})") from None
