"""Measured, wrapped and escaped text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fervlm.vision.lettering import Run, escape, runs_at, shorten, text_at, width, wrap, wrap_runs


@given(st.text(max_size=200))
def test_any_text_becomes_well_formed_xml(text: str) -> None:
    parsed = ET.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert parsed.get("b") is not None
    ET.fromstring(text_at(0, 0, text, 12))


@given(st.text(max_size=300), st.floats(30, 400))
def test_wrapped_text_is_whole_and_fits(text: str, limit: float) -> None:
    lines = wrap(text, 12, limit)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width(line, 12) <= limit + 14 or len(line) == 1 for line in lines)


@given(st.lists(st.tuples(st.text("ab \n", max_size=30), st.sampled_from([None, "#f00"])), max_size=8))
def test_coloured_runs_are_whole_and_keep_their_colour(runs: list[Run]) -> None:
    lines = wrap_runs(runs, 12, 60)
    for mark in (None, "#f00"):
        meant = "".join(text for text, colour in runs if colour == mark)
        found = "".join(text for line in lines for text, colour in line if colour == mark)
        assert "".join(found.split()) == "".join(meant.split())
    for line in lines:
        ET.fromstring(runs_at(0, 0, line, 12, fill="#000"))


def test_a_mark_inside_a_word_does_not_part_it() -> None:
    (line,) = wrap_runs([("a smile", "#f00"), ("s.", None)], 12, 400)
    assert "".join(text for text, _ in line) == "a smiles."


def test_width_grows_with_size_and_letters() -> None:
    assert width("iiii", 12) < width("WWWW", 12)
    assert width("brow", 24) == pytest.approx(2 * width("brow", 12))
    assert width("\u5e78\u798f", 10) > 19


def test_shorten_says_that_something_is_missing() -> None:
    assert shorten("short", 12, 100) == "short"
    cut = shorten("a rather long label that does not fit", 12, 100)
    assert cut.endswith("...") and width(cut, 12) <= 100
