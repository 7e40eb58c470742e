"""The page of samples: which ones, what stands on it, and that a name cannot break it."""

from __future__ import annotations

import base64
import re
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from PIL import Image

from data_engine.finished import samples
from data_engine.page import choose, page, write_page
from data_engine.pipeline import annotate
from fervlm.vision.lettering import escape
from tests.data_engine.conftest import config_of
from tests.data_engine.small import Small, read_csv, write_csv

VOID = {"meta", "img", "br", "link", "input"}


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_the_page_shows_the_samples_with_all_their_texts(finished: Path) -> None:
    text = (finished / "page.html").read_text(encoding="utf-8")
    told = list(samples(finished))
    assert read(text).tags["article"] == len(told)
    for sample in told:
        assert escape(sample.id) in text
        assert escape(sample.caption.overview) in text
        assert sample.anchored is not None
        assert escape(sample.anchored.conclusion.text) in text
        assert all(escape(negative.text) in text for negative in sample.contrastive.negatives)


def test_pictures_are_inside_the_page(finished: Path) -> None:
    text = (finished / "page.html").read_text(encoding="utf-8")
    urls = re.findall(r'src="data:image/webp;base64,([^"]+)"', text)
    assert len(urls) == len(list(samples(finished)))
    with Image.open(BytesIO(base64.b64decode(urls[0]))) as picture:
        assert picture.size == (48, 48)
    assert "http" not in re.sub(r"base64,[^\"]+", "", text).replace('http-equiv="Content-Security-Policy"', "")


def test_labels_share_the_page(finished: Path) -> None:
    shown, totals = choose(finished, 10)
    assert len(shown) == 10
    per_label = Counter(place.label for place in shown)
    assert set(per_label) == set(totals)
    assert max(per_label.values()) - min(per_label.values()) <= 1
    assert choose(finished, 10) == (shown, totals)
    assert read("".join(page(finished, 10))).tags["article"] == 10


def test_what_was_turned_away_is_shown_with_examples(small: Small, tmp_path: Path) -> None:
    marks = [dict(row) for row in read_csv(small.labels)]
    for row in marks[:6]:
        row["label"] = "hangry"
    write_csv(tmp_path / "labels.csv", marks)
    annotate(config_of(small, labels=str(tmp_path / "labels.csv")), tmp_path / "set", quiet=True)
    text = (tmp_path / "set" / "page.html").read_text(encoding="utf-8")
    away = text[text.index("Turned away") :]
    assert "the label is not in the label set" in away
    assert "<td>6</td>" in away
    assert sum(name in away for name in small.names[:6]) == 4


def test_a_name_cannot_break_the_page(small: Small, tmp_path: Path) -> None:
    evil = '<img src=x onerror="alert(1)">.png'
    picture = small.pictures / evil
    picture.write_bytes((small.pictures / small.names[0]).read_bytes())
    try:
        rows = [dict(row) for row in read_csv(small.evidence)]
        write_csv(tmp_path / "aus.csv", [{**rows[1], "file": evil}, *rows[1:]])
        annotate(config_of(small, au=(str(tmp_path / "aus.csv"),), labels=None), tmp_path / "set", quiet=True)
    finally:
        picture.unlink()
    text = (tmp_path / "set" / "page.html").read_text(encoding="utf-8")
    parser = read(text)
    assert escape(evil) in text
    assert parser.handlers == []


def test_a_missing_picture_leaves_a_gap_not_an_error(small: Small, tmp_path: Path) -> None:
    from tests.data_engine.small import make

    own = make(tmp_path / "own", 10)
    annotate(config_of(own), tmp_path / "set", quiet=True)
    (own.pictures / own.names[0]).unlink()
    write_page(tmp_path / "set", tmp_path / "again.html")
    assert "evidence without a picture" in (tmp_path / "again.html").read_text(encoding="utf-8")
