"""What there is to say about one input format: the table behind `fervlm formats`."""

from __future__ import annotations

from dataclasses import dataclass

from fervlm.records import Scale, Trust


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """One tool's file format."""

    name: str
    """As `--input-format` takes it, and as `Detector.name` says it."""
    tool: str
    title: str
    """What the file looks like, in a few words."""
    extensions: tuple[str, ...]
    """Usual endings, lower case, with dot."""
    checked_on: str | None
    """A real file this reader was checked on; None: only on files written by us from the tool's documented header."""
    measures: tuple[int, ...]
    """AUs it can say something about, ascending; of all others nothing may be said."""
    scale: Scale
    """Of its main numbers."""
    sided: bool
    """Whether left and right are measured apart, for some AUs at least."""
    trust: Trust
    note: str
    """The quirk to know, in one sentence."""
    options: tuple[tuple[str, str], ...] = ()
    """Reader options beyond `landmarks` and `cache`: name and meaning."""
