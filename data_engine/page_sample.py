"""One sample as HTML: picture, evidence, captions, hard negatives, conversations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, Unit, observe
from fervlm.records import Caption, Chat, HardNegative, Sample
from fervlm.vision import palette
from fervlm.vision.lettering import escape


def sample_html(sample: Sample, label: str, picture: str | None, chats: Sequence[Chat]) -> str:
    """One article of the page; `label` is what the page filters by, `picture` a data URL."""
    evidence = observe(sample.evidence)
    return (
        f'<article class="sample" data-label="{escape(label)}">'
        f'<div class="side">{_picture(picture)}{_facts(sample)}</div>'
        f'<div class="body"><div class="id">{escape(sample.id)}</div>{_units(evidence)}'
        f"{_caption(sample.caption)}{_anchored(sample)}{_negatives(sample.contrastive.negatives)}{_chats(chats)}"
        "</div></article>\n"
    )


def _picture(url: str | None) -> str:
    if url is None:
        return '<div class="without">evidence without a picture</div>'
    return f'<img class="picture" src="{url}" alt="" loading="lazy">'


def _facts(sample: Sample) -> str:
    conclusion = sample.caption.conclusion
    said = conclusion.label or f"open ({conclusion.abstain or 'no label'})"
    facts = [
        ("annotators", escape(sample.human_label or "-")),
        ("from the units", escape(f"{said}, {conclusion.confidence}")),
    ]
    if sample.support is not None:
        bar = f'<span class="meter"><i style="width:{100 * sample.support:.0f}%"></i></span>'
        facts.append(("support", f"{sample.support:.2f}{bar}"))
    where = [sample.split, sample.source, sample.subject and f"person {sample.subject}", sample.flipped and "mirrored"]
    facts.append(("where", escape(", ".join(str(part) for part in where if part))))
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts) + "</dl>"


def _units(evidence: Evidence) -> str:
    chips = "".join(_chip(unit) for unit in evidence.active) or "<li>none of the measured units is present</li>"
    absent = ", ".join(f"AU{unit.au}" for unit in evidence.units.values() if not unit.present)
    told = f"Absent: {absent or 'none'}. Anything else was not measured."
    return f'<ul class="units">{chips}</ul><p class="unseen">{told}</p>'


def _chip(unit: Unit) -> str:
    words = [f"AU{unit.au} {action_unit(unit.au).name.lower()}"]
    if unit.level:
        words.append(LEVEL_LETTERS[unit.level - 1])
    if unit.side in {"left", "right"}:
        words.append(f"{unit.side} only")
    elif unit.stronger:
        words.append(f"more on the {unit.stronger}")
    if unit.uncertain:
        words.append("disputed")
    style = ""
    if unit.level:
        fill, ink = palette.LEVELS[unit.level - 1], palette.LEVEL_INK[unit.level - 1]
        style = f' data-level="{unit.level}" style="background:{fill};color:{ink}"'
    return f'<li class="on"{style}>{escape(" · ".join(words))}</li>'


def _caption(caption: Caption) -> str:
    seen = "".join(f"<li><b>{escape(o.region)}</b>: {escape(o.text)}</li>" for o in caption.observations)
    return (
        f'<div class="caption"><h3>Blind caption</h3><p>{escape(caption.overview)}</p><ul>{seen}</ul>'
        f"<p>{escape(caption.interpretation)}</p><p>{escape(caption.conclusion.text)}</p></div>"
    )


def _anchored(sample: Sample) -> str:
    if sample.anchored is None:
        return ""
    return (
        '<div class="caption"><h3>Anchored: overview and conclusion with the annotators\' label</h3>'
        f"<p>{escape(sample.anchored.overview)}</p><p>{escape(sample.anchored.conclusion.text)}</p></div>"
    )


def _negatives(negatives: Iterable[HardNegative]) -> str:
    rows = [
        f"<li>{escape(n.text)}<br><small>{escape(n.edit.replace('_', ' '))}, {escape(n.of)}</small></li>"
        for n in negatives
    ]
    if not rows:
        return ""
    told = f"{len(rows)} hard negatives (false here)"
    return f'<details><summary>{told}</summary><ul class="wrong">{"".join(rows)}</ul></details>'


def _chats(chats: Sequence[Chat]) -> str:
    if not chats:
        return ""
    told = "".join(
        f'<p class="kind">{escape(chat.kind.replace("_", " "))}, {chat.view}</p><ul class="turns">'
        + "".join(f'<li class="{turn.role}">{escape(turn.content)}</li>' for turn in chat.messages)
        + "</ul>"
        for chat in chats
    )
    return f"<details><summary>{len(chats)} conversations</summary>{told}</details>"
