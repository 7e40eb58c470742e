"""Clips with something to tell over time: FEC-Bench (captions) and SDFE-LV (spotted expressions)."""

from __future__ import annotations

import json
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import cells_in, need
from fervlm.errors import FervlmError
from fervlm.metrics.events import Span


def fec_bench(root: Path, _choice: Choice) -> list[Item]:
    """JSON lines of `video`, `caption`."""
    path = need(root / "captions.jsonl", "file of captions")
    items = []
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            name, text = entry["video"], entry["caption"]
        except (ValueError, KeyError, TypeError):
            raise FervlmError("the line holds no video and caption", file=path, row=row) from None
        items.append(Item(id=name, video=root / "videos" / name, text=text))
    return items


def sdfe_lv(root: Path, _choice: Choice) -> list[Item]:
    """CSV of `video,start,end,label` in seconds; one row per expression."""
    path = need(root / "spans.csv", "file of spans")
    spans: dict[str, list[Span]] = {}
    for row, cells in cells_in(path, "file of spans", ("video", "start", "end")):
        try:
            start, end = float(cells["start"]), float(cells["end"])
        except ValueError:
            raise FervlmError("a time is no number", file=path, row=row) from None
        if end <= start:
            raise FervlmError("the span ends before it begins", file=path, row=row)
        spans.setdefault(cells["video"], []).append(Span(start, end))
    return [Item(id=name, video=root / "videos" / name, spans=tuple(found)) for name, found in spans.items()]


BENCHMARKS = (
    Benchmark(
        name="fec_bench",
        title="FEC-Bench, captions of facial dynamics",
        task="captions",
        load=fec_bench,
        layout="DIR/captions.jsonl (video, caption) and DIR/videos/",
        seen="recalled: the release was not seen; bring it into this form",
        terms="see its page",
        access="arXiv 2501.07978",
        anchor="FEC-Bench",
        probe="captions.jsonl",
        note="event order here is read by the verifier, not by a language model: numbers do not compare with TEM",
    ),
    Benchmark(
        name="sdfe_lv",
        title="SDFE-LV, spotting expressions in long videos",
        task="spotting",
        load=sdfe_lv,
        layout="DIR/spans.csv (video, start, end in seconds) and DIR/videos/",
        seen="recalled: the release was not seen; bring it into this form",
        terms="see its page",
        access="the authors, on request",
        probe="spans.csv",
        note="F1 at IoU 0.5; `rules` spots with --evidence FOLDER, a detector's file for each video",
    ),
)
