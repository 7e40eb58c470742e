"""What is to be explained: files, folders and standard input, and pictures joined to their evidence by name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.readers import FormatInfo
    from fervlm.records import AURecord

STDIN = "-"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif"})
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"})

MOST_FACES = 1000
"""Records without a name beyond which they cannot be the faces of one picture."""


@dataclass(slots=True)
class Found:
    """What the given sources hold, in order, each file once."""

    evidence: list[str] = field(default_factory=list)
    """Files an AU detector may have written; `-` is standard input."""
    pictures: list[Path] = field(default_factory=list)
    unreadable: list[FervlmError] = field(default_factory=list)
    """Folder entries that could not be looked at."""
    walked: bool = False
    """Whether a folder was among the sources: then a bad file does not end the run."""

    @property
    def many(self) -> bool:
        """Whether a bad file is listed at the end instead of ending the run."""
        return self.walked or len(self.evidence) + len(self.pictures) > 1


def find(sources: Sequence[str], extensions: Iterable[str], skip: Path | None = None) -> Found:
    """Sort `sources` into evidence and pictures; folders are walked by name, hidden entries left out.

    Args:
        sources: files, folders, or `-`.
        extensions: endings (with dot, lower case) that a file in a folder must have to count as evidence.
        skip: a file not to be read (the one being written).

    Raises:
        FervlmError: a source does not exist, or is a video.
    """
    found = Found()
    seen: set[str] = set()
    wanted = frozenset(extensions)
    for source in sources:
        if source == STDIN:
            _add(found, STDIN, seen)
            continue
        path = Path(source)
        if path.is_dir():
            found.walked = True
            for entry in _walk(path, found.unreadable):
                if entry.suffix.lower() in wanted | PICTURES and not _same(entry, skip):
                    _add(found, str(entry), seen)
        elif not path.exists():
            raise FervlmError("there is no such file or folder", file=source)
        elif path.suffix.lower() in VIDEOS:
            raise FervlmError(
                "this is a video, and fervlm reads what an AU detector wrote about it",
                file=source,
                hint="Run a detector (OpenFace, py-feat, ...) on it and give its output; see `fervlm formats`.",
            )
        else:
            _add(found, source, seen)
    return found


def _add(found: Found, source: str, seen: set[str]) -> None:
    key = source if source == STDIN else os.path.realpath(source)
    if key in seen:
        return
    seen.add(key)
    if Path(source).suffix.lower() in PICTURES:
        found.pictures.append(Path(source))
    else:
        found.evidence.append(source)


def _same(entry: Path, other: Path | None) -> bool:
    return other is not None and os.path.realpath(entry) == os.path.realpath(other)


def _walk(folder: Path, unreadable: list[FervlmError]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        unreadable.append(FervlmError(f"cannot be opened ({error.strerror})", file=error.filename))

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            entry = Path(here, name)
            if name.startswith("."):
                continue
            if entry.is_file():
                yield entry
            elif entry.is_symlink():
                unreadable.append(FervlmError("is a link to nothing", file=entry))


def join(pictures: Sequence[Path], records: Iterable[AURecord], evidence: str) -> list[tuple[Path, list[AURecord]]]:
    """Give each picture the records measured on it; a picture without any gets an empty list.

    A record belongs to the picture it names (its `picture`, else its `id`, else the name of the file it stands in),
    by the longest common end of the two paths, with or without the ending. A single picture also takes records that
    name no picture at all, where they are of one frame.

    Raises:
        FervlmError: a record fits two pictures equally well.
    """
    index: dict[str, list[Path]] = {}
    for picture in pictures:
        index.setdefault(picture.stem.lower(), []).append(picture)
    joined: dict[Path, list[AURecord]] = {picture: [] for picture in pictures}
    unnamed: list[AURecord] = []
    for record in records:
        named = _picture_of(record, index, evidence)
        if named is not None:
            joined[named].append(record)
        elif len(pictures) == 1 and record.picture is None and len(unnamed) < MOST_FACES:
            unnamed.append(record)
    if unnamed and not joined[pictures[0]]:
        if len({record.frame for record in unnamed}) > 1 or len(unnamed) == MOST_FACES:
            raise FervlmError(
                f"holds several frames, and none of them names the picture {pictures[0].name}",
                file=evidence,
                hint="Give the detector's output for this picture alone.",
            )
        joined[pictures[0]] = unnamed
    return list(joined.items())


def _picture_of(record: AURecord, index: dict[str, list[Path]], evidence: str) -> Path | None:
    names = [record.picture] if record.picture else [record.id, record.source.file]
    for name in names:
        parts = re.split(r"[\\/]", name.lower())
        candidates = index.get(parts[-1]) or index.get(parts[-1].rpartition(".")[0]) or []
        scores = [_common_end(parts, picture) for picture in candidates]
        if not scores:
            continue
        best = [p for p, score in zip(candidates, scores, strict=True) if score == max(scores)]
        if len(best) > 1:
            raise FervlmError(
                f"'{name}' may be {best[0]} or {best[1]}",
                file=evidence,
                row=record.source.row,
                hint="Name the pictures with their folders in the evidence, or explain one folder at a time.",
            )
        return best[0]
    return None


def _common_end(parts: list[str], picture: Path) -> tuple[int, int]:
    """(equal folders counted from the end, 1 where the ending is equal too): larger fits better."""
    own = [part.lower() for part in picture.parts]
    folders = 0
    for mine, theirs in zip(reversed(own[:-1]), reversed(parts[:-1]), strict=False):
        if mine != theirs:
            break
        folders += 1
    return folders, int(own[-1] == parts[-1])


def evidence_in(given: Sequence[str], out: str | None = None) -> Found:
    """AU files in what the user gave; pictures in a folder are left out and counted on standard error.

    Args:
        given: files, folders, or `-`.
        out: the output, which is never read.

    Raises:
        FervlmError: there is no AU file, or a picture was named outright.
    """
    from fervlm.readers import FORMATS

    found = find(given, endings(FORMATS.values()), skip=Path(out) if out else None)
    if found.pictures and not found.walked:
        raise FervlmError(
            "a picture needs the evidence that an AU detector took from it",
            file=found.pictures[0],
            hint="Give it to `fervlm explain` with --au FILE.",
        )
    left_out = len(found.pictures)
    found.pictures.clear()
    if not found.evidence:
        hint = "See `fervlm formats` for the files that can be read."
        raise FervlmError(
            "there is no AU file in it" + (", only pictures" if left_out else ""),
            file=given[0],
            hint="Give what a detector measured on them: --au FILE." if left_out else hint,
        )
    if left_out:
        print(f"fervlm: {left_out:,} picture{'s' * (left_out != 1)} left out, without --au FILE.", file=sys.stderr)
    return found


def explained_in(given: Sequence[str], out: str | None = None) -> Found:
    """AU files and pictures in what the user gave.

    Pictures in a folder that also holds AU files are left out, as they mostly are what the detector looked at, and
    counted on standard error. A file named outright that begins like a picture is one, whatever its ending.

    Args:
        given: files, folders, or `-`.
        out: the output, which is never read.

    Raises:
        FervlmError: there is neither.
    """
    if all(Path(name).suffix.lower() in PICTURES for name in given):
        return find(given, ())
    from fervlm.readers import FORMATS

    found = find(given, endings(FORMATS.values()), skip=Path(out) if out else None)
    if not found.walked:
        odd = [name for name in found.evidence if _begins_like_a_picture(name)]
        found.evidence = [name for name in found.evidence if name not in odd]
        found.pictures += map(Path, odd)
    elif found.evidence and found.pictures:
        left_out = len(found.pictures)
        found.pictures.clear()
        many = f"{left_out:,} picture{'s' * (left_out != 1)}"
        print(f"fervlm: {many} left out, beside AU files; give them alone to have them looked at.", file=sys.stderr)
    if not found.evidence and not found.pictures:
        raise FervlmError(
            "there is no AU file and no picture in it",
            file=given[0],
            hint="See `fervlm formats` for the files that can be read.",
        )
    return found


def _begins_like_a_picture(name: str) -> bool:
    if name == STDIN:
        return False
    try:
        with Path(name).open("rb") as stream:
            head = stream.read(12)
    except OSError:
        return False  # whoever reads it says what is wrong
    begins = head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*"))
    return begins or (head[:4] == b"RIFF" and head[8:] == b"WEBP") or head[4:8] == b"ftyp"


def pictures_in(given: Sequence[str]) -> Found:
    """Pictures in what the user gave, to be joined to evidence.

    Raises:
        FervlmError: there is none.
    """
    found = find(given, ())
    if not found.pictures:
        raise FervlmError(
            "there is no picture, and --au gives the evidence for pictures",
            file=given[0],
            hint="Explain an AU file itself: fervlm explain FILE.",
        )
    return found


def evidence_files(given: str) -> list[str]:
    """The AU files that `given` (a file, a folder or `-`) stands for.

    Raises:
        FervlmError: there is none.
    """
    from fervlm.readers import FORMATS

    found = find([given], endings(FORMATS.values()))
    if not found.evidence:
        raise FervlmError("there is no AU file in it", file=given, hint="See `fervlm formats` for what can be read.")
    return found.evidence


def endings(formats: Iterable[FormatInfo]) -> set[str]:
    """File endings, with dot and lower case, that any of `formats` goes by."""
    return {ending for info in formats for ending in info.extensions}
