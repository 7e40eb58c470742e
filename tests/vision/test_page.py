"""The HTML page: one file, nothing fetched, whatever a text holds stays text."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from fervlm.records import AUEvent, AURecord, Prediction
from fervlm.vision import page
from fervlm.vision.page import page_html, page_parts
from fervlm.vision.page_card import Exhibit

MakeRecord = Callable[..., AURecord]
MakePrediction = Callable[..., Prediction]
VOID = {"meta", "input", "path", "rect", "circle", "ellipse", "stop", "image", "br"}


class Reader(HTMLParser):
    """Tags balanced, attributes kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.nodes: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    def having(self, key: str) -> list[tuple[str, dict[str, str | None]]]:
        """Nodes with an attribute."""
        return [node for node in self.nodes if key in node[1]]


def test_a_page_is_well_formed_and_holds_every_sentence(prediction: MakePrediction) -> None:
    made = prediction()
    read = Reader(page_html([made], "My run"))
    text = "".join(read.words)
    for sentence in made.verification.sentences:  # type: ignore[union-attr]
        assert sentence.text in text
    assert "My run" in text and "0.91" in text and "AU4 says otherwise" in text


def test_nothing_is_fetched(prediction: MakePrediction) -> None:
    html = page_html([prediction(course="See http://example.org/x for more.")])
    addresses = re.findall(r"(?:https?:)?//[\w.-]+", html)
    assert set(addresses) <= {"http://www.w3.org", "http://example.org"}
    read = Reader(html)
    assert not [node for node in read.nodes if node[0] in {"link", "iframe", "object", "base", "form"}]
    assert all(str(attrs["src"]).startswith("data:") for _, attrs in read.having("src"))
    assert all(str(attrs["href"]).startswith(("data:", "#")) for _, attrs in read.having("href"))
    assert "url(" not in "".join(re.findall(r"<style>.*?</style>", html, re.S))
    assert "default-src 'none'" in html


@pytest.mark.parametrize(
    "nasty",
    ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "<!--", "a\x00b"],
)
def test_whatever_a_text_holds_it_stays_text(prediction: MakePrediction, record: MakeRecord, nasty: str) -> None:
    seen = record({12: 3}, picture=nasty, detector={"name": nasty, "trust": "low"})
    many = [prediction(seen, label=nasty, course=nasty, face_id=nasty)] * 2
    read, plain = Reader(page_html(many, nasty)), Reader(page_html([prediction(record({12: 3}), course="c")] * 2))
    assert sorted({tag for tag, _ in read.nodes}) == sorted({tag for tag, _ in plain.nodes})
    assert sum(tag == "script" for tag, _ in read.nodes) == 1
    assert not [key for _, attrs in read.nodes for key in attrs if key.startswith("on")]
    assert not [node for node in read.nodes if node[0] == "img"]


def test_sentence_and_muscle_share_their_unit(prediction: MakePrediction) -> None:
    read = Reader(page_html([prediction()]))
    said = {attrs["data-au"]: attrs for tag, attrs in read.having("data-au") if tag == "li" and "tabindex" in attrs}
    drawn = {attrs["data-au"] for _, attrs in read.having("data-au") if attrs.get("class") == "fv-muscle"}
    assert said.keys() >= {"12", "6", "4"}
    assert drawn == {"6", "12"}
    assert said["4"]["data-verdict"] == "contradicted"
    assert all(attrs["tabindex"] == "0" for attrs in said.values())


def test_ids_do_not_clash_between_cards(prediction: MakePrediction, record: MakeRecord) -> None:
    read = Reader(page_html([prediction(record({25: 3, 26: 3, 12: 4}))] * 3))
    ids = [attrs["id"] for _, attrs in read.having("id")]
    assert len(ids) == len(set(ids))


def test_long_runs_are_capped_and_say_so(prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST_DRAWN", 2), ("MOST_TOLD", 4), ("MOST_LISTED", 7)):
        monkeypatch.setattr(page, name, most)
    html = page_html([prediction()] * 10)
    read = Reader(html)
    assert sum(tag == "article" for tag, _ in read.nodes) == 4
    assert sum(attrs.get("class") == "brief" for _, attrs in read.nodes) == 3
    assert html.count("fv-muscle") == 2 * 4
    text = "".join(read.words)
    assert "10 predictions" in text
    assert "the first 2 are drawn, the first 4 told in full, the first 7 listed" in text


def test_a_page_is_made_as_the_predictions_come(prediction: MakePrediction) -> None:
    asked = []

    def endless() -> Iterator[Prediction]:
        for k in itertools.count():
            asked.append(k)
            yield prediction()

    parts = page_parts(endless())
    assert next(parts).startswith("<!doctype html>")
    assert asked == []
    assert "<article" in next(parts)
    assert asked == [0]


def test_an_empty_run_is_still_a_page() -> None:
    read = Reader(page_html([]))
    assert "There was nothing to explain." in "".join(read.words)


def test_a_clip_has_time_lines_and_a_photograph_is_embedded(prediction: MakePrediction) -> None:
    event = AUEvent(au=12, onset_s=1, apex_s=2, offset_s=3, peak=3, scale="intensity_0_5")
    clip = prediction(events=(event,), span_s=(0.0, 5.0), course="The lips move.")
    buffer = io.BytesIO()
    Image.new("RGB", (80, 80), "#778899").save(buffer, "PNG")
    read = Reader(page_html([clip, Exhibit(prediction(), picture=buffer.getvalue())]))
    assert "onset, apex, offset" in "".join(read.words)
    images = [attrs for tag, attrs in read.nodes if tag == "image"]
    assert len(images) == 1
    assert str(images[0]["href"]).startswith("data:image/jpeg;base64,")


def test_the_evidence_is_told_reading_by_reading(prediction: MakePrediction, record: MakeRecord) -> None:
    made = prediction(record({12: (4, 2), 4: 0}, not_measured=(9, 31)))
    words = " ".join(" ".join(Reader(page_html([made])).words).split())
    assert "AU 12 Lip corner puller left present 4 0\u20135 D" in words
    assert "AU 12 Lip corner puller right present 2 0\u20135 B" in words
    assert "AU 4 Brow lowerer \u2013 absent 0.2" in words
    assert "Not measured: AU 9, 31." in words


def test_a_mirrored_exhibit_is_drawn_mirrored(prediction: MakePrediction, record: MakeRecord) -> None:
    sided = prediction(record({12: (4, 0)}))
    plain, mirrored = (page_html([Exhibit(sided, mirrored=m)]) for m in (False, True))
    assert "mirrored picture" in mirrored and "mirrored picture" not in plain


def test_the_script_knows_every_control_of_the_page(prediction: MakePrediction) -> None:
    html = page_html([prediction()])
    read = Reader(html)
    ids: set[Any] = {attrs["id"] for _, attrs in read.having("id")}
    assert set(re.findall(r'getElementById\("(\w+)"\)', html)) <= ids
