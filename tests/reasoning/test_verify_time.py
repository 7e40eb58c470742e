"""Texts that no caption looks like are read in time that grows with their length, as some are sent to do harm."""

from __future__ import annotations

import time

import pytest

from fervlm.reasoning.verifier.sections import headings, passages

LONGEST = 20_000


@pytest.mark.parametrize("part", ["\n", "\n ", "- \n", "\n*", "1. ", "Overview\n", "Overview \n\n", ". \n"])
def test_blank_lines_without_end_are_read_at_once(part: str) -> None:
    began = time.process_time()
    passages((part * LONGEST)[:LONGEST])
    assert time.process_time() - began < 2  # hours, were it to try every way of reading them


def test_headings_are_found_behind_them() -> None:
    text = "\n" * 300 + "Overview: The brows rise.\n\n\n## 2. **Conclusion**\nNone."
    assert headings(text) == ["overview", "conclusion"]
