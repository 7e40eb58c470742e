"""The data set card: README.md with Hugging Face's front matter, its numbers as JSON, its plots as SVG.

Everything comes from the finished tables and the settings, without times and paths: equal runs give equal bytes.
"""

from __future__ import annotations

from pathlib import Path

from data_engine.card_text import card
from data_engine.config import AnnotateConfig
from data_engine.made import Made, made
from data_engine.numbers import Numbers, count
from data_engine.plots import draw_all
from data_engine.publish import Published
from data_engine.shards import write_bytes


def write_card(config: AnnotateConfig, published: Published, work: Path, out: Path) -> None:
    """Write `out/README.md` and `out/card/` from the finished tables and the run's stages."""
    numbers, how = count(out), made(config, work, out)
    if numbers.samples != published.samples:
        raise AssertionError(f"the tables hold {numbers.samples}, published were {published.samples}")
    write_bytes(out / "card" / "numbers.json", (numbers.model_dump_json(indent=1) + "\n").encode())
    write_bytes(out / "card" / "made.json", (how.model_dump_json(indent=1) + "\n").encode())
    write_parts(numbers, how, out)


def write_parts(numbers: Numbers, how: Made, out: Path) -> None:
    """The card's text and plots into `out`."""
    plots = draw_all(numbers)
    for name, svg in plots.items():
        write_bytes(out / "card" / name, svg.encode())
    write_bytes(out / "README.md", card(numbers, how, frozenset(plots)).encode())
