"""One page to look at a set: some faces of every label with their evidence and every text made of them."""

from __future__ import annotations

import base64
import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from data_engine.card_counts import REASONS
from data_engine.finished import Part, batches, parts, rejects, rows_at
from data_engine.items import Reject
from data_engine.page_sample import sample_html
from data_engine.pictures import decode
from data_engine.shards import write_stream
from fervlm.errors import FervlmError
from fervlm.records import Chat, Sample
from fervlm.vision.lettering import escape

SHOWN = 200
_LARGEST = 150
"""Pixels of a thumbnail's longer side."""
_REJECTS = 4
"""Examples of each reject reason."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_SCRIPT = (
    "const b=[...document.querySelectorAll('.tools button')],s=[...document.querySelectorAll('.sample')];"
    "document.querySelector('.tools').hidden=false;"
    "b.forEach(x=>x.onclick=()=>{b.forEach(y=>y.setAttribute('aria-pressed',y===x));"
    "s.forEach(e=>e.hidden=x.dataset.label!==''&&e.dataset.label!==x.dataset.label)});"
)


class Place(NamedTuple):
    """A sample to be shown."""

    part: Part
    row: int
    label: str


def write_page(out: Path, target: Path | None = None) -> None:
    """Write the page of the finished set `out` (to `out/page.html` unless told otherwise)."""
    write_stream(target or out / "page.html", (piece.encode() for piece in page(out)))


def page(folder: Path, shown: int = SHOWN) -> Iterator[str]:
    """The page in pieces; at most `shown` samples, the same ones for the same set."""
    places, totals = choose(folder, shown)
    talks = _conversations(folder, places)
    yield _head(totals, len(places))
    for part in parts(folder, "data"):
        here = sorted(place.row for place in places if place.part == part)
        for row in rows_at(part, here, ["id", "image", "label", "engine_label", "sample"]) if here else ():
            sample = Sample.model_validate_json(row["sample"])
            label = row["label"] or row["engine_label"] or "open"
            yield sample_html(sample, label, thumbnail(row["image"]), talks.get(sample.id, ()))
    yield _turned_away(rejects(folder))
    yield "</main>\n<footer class='end'><p>An expression shown is not what a person feels.</p></footer>\n"
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def choose(folder: Path, shown: int) -> tuple[list[Place], Counter[str]]:
    """About equally many samples of every label, those whose id has the smallest digest; and all labels counted."""
    heaps: dict[str, list[tuple[int, Place]]] = {}
    totals: Counter[str] = Counter()
    for part in parts(folder, "data"):
        row = 0
        for batch in batches(part, ["id", "label", "engine_label"]):
            for key, human, engine in zip(*(batch.column(k).to_pylist() for k in range(3)), strict=True):
                label = human or engine or "open"
                totals[label] += 1
                rank = -int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
                heap = heaps.setdefault(label, [])
                entry = (rank, Place(part, row, label))
                if len(heap) < shown:
                    heapq.heappush(heap, entry)
                else:
                    heapq.heappushpop(heap, entry)
                row += 1
    return _shared_out({label: sorted(heap, reverse=True) for label, heap in sorted(heaps.items())}, shown), totals


def _shared_out(ranked: dict[str, list[tuple[int, Place]]], shown: int) -> list[Place]:
    """One of each label in turn, until enough are chosen or none is left."""
    chosen: list[Place] = []
    depth = 0
    while len(chosen) < shown and any(depth < len(found) for found in ranked.values()):
        chosen.extend(found[depth][1] for found in ranked.values() if depth < len(found))
        depth += 1
    return chosen[:shown]


def _conversations(folder: Path, places: list[Place]) -> dict[str, list[Chat]]:
    """The conversations of the chosen samples; only ids are read of all others."""
    wanted: set[str] = set()
    for part in {place.part for place in places}:
        rows = sorted(place.row for place in places if place.part == part)
        wanted.update(row["id"] for row in rows_at(part, rows, ["id"]))
    found: dict[str, list[Chat]] = {}
    for part in parts(folder, "chat"):
        places_here, row = [], 0
        for batch in batches(part, ["id"]):
            for key in batch.column(0).to_pylist():
                if key in wanted:
                    places_here.append(row)
                row += 1
        for line in rows_at(part, places_here, ["id", "kind", "view", "messages"]):
            chat = Chat.model_validate({key: line[key] for key in ("kind", "view", "messages")})
            found.setdefault(line["id"], []).append(chat)
    return found


def thumbnail(image: dict[str, Any] | None) -> str | None:
    """A data URL of the picture, small; None where there is no picture or it is gone."""
    if image is None:
        return None
    try:
        data = image["bytes"] or Path(image["path"]).read_bytes()
        picture = decode(data, image["path"] or "picture")
    except (OSError, FervlmError):
        return None
    picture.thumbnail((_LARGEST, _LARGEST))
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=72)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _head(totals: Counter[str], shown: int) -> str:
    style = resources.files("data_engine").joinpath("page.css").read_text(encoding="utf-8")
    labels = sorted(totals, key=lambda label: (-totals[label], label))
    buttons = "".join(
        f'<button type="button" data-label="{escape(label)}" aria-pressed="false">'
        f"{escape(label)} ({totals[label]:,})</button>"
        for label in labels
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Explained faces of the set</title>'
        f"<style>{style}</style></head><body>\n<header class='top'><h1>Explained faces of the set</h1>"
        f"<p>{shown:,} of {sum(totals.values()):,} samples, about equally many of every label. Coloured: action units "
        "the evidence calls present. The texts were made from these alone, and every sentence was checked against "
        "them. Sides are the subject's.</p><div class='tools' hidden role='group' aria-label='Show one label'>"
        f'<button type="button" data-label="" aria-pressed="true">all</button>{buttons}</div></header>\n<main>\n'
    )


def _turned_away(found: Iterable[Reject]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[Reject]] = {}
    for reject in found:
        key = (reject.stage, reject.code)
        counts[key] += 1
        if counts[key] <= _REJECTS:
            examples.setdefault(key, []).append(reject)
    if not counts:
        return "<h2>Turned away</h2><p class='lead'>Nothing.</p>\n"
    rows = []
    for stage, code in sorted(counts):
        shown = "<br>".join(escape(r.id + (f": {r.detail}" if r.detail else "")) for r in examples[stage, code])
        rows.append(
            f"<tr><td>{stage}</td><td>{REASONS[code]}</td><td>{counts[stage, code]:,}</td><td>{shown}</td></tr>"
        )
    head = "<tr><th>stage</th><th>why</th><th>count</th><th>for example</th></tr>"
    return f"<h2>Turned away</h2><div class='scroll'><table>{head}{''.join(rows)}</table></div>\n"
