"""Markdown by hand: tables, shares, pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A pipe table; what a cell says cannot end it."""
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def percent(part: int, whole: int) -> str:
    """A share in per cent, a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def picture(plots: frozenset[str], name: str, alternative: str) -> str:
    """A plot below the text, where there is one."""
    return f"\n\n![{alternative}](card/{name})" if name in plots else ""


def percentile(counts: Mapping[int, int], share: float) -> int:
    """The smallest value at or below which at least `share` of a histogram lies; 0 of an empty one."""
    wanted, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted and seen > 0:
            return value
    return 0
