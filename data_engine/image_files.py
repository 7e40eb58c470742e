"""Pictures without a file of their own (rows of a table, mirror images), written out for trainers that want files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

FOLDER = "images"
_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"II*\0", ".tif"))
_LONGEST = 120
"""Bytes of a file name; longer ones are replaced by a digest, since file systems end at 255."""


class ImageFolder:
    """`OUT/images`; the same name with the same bytes is written once."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def add(self, name: str, data: bytes) -> str:
        """Write the picture and return its path relative to the set's folder."""
        relative = f"{FOLDER}/{file_name(name, data)}"
        path = self._out / relative
        # The chat formats are made anew from the start after a cut, so a complete file of a cut run is the same file.
        if not (path.exists() and path.stat().st_size == len(data)):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.part")
            temporary.write_bytes(data)
            temporary.replace(path)
        return relative


def file_name(name: str, data: bytes) -> str:
    """A name that stays inside the folder and fits every file system, with the ending of what `data` is."""
    parts = [
        re.sub(r"[\x00-\x1f:*?\"<>|\\]", "_", part) for part in PurePosixPath(name).parts if part not in {"/", ".."}
    ]
    stem = "/".join(parts).replace("#", ".") or "picture"
    ending = _ending(data)
    known = PurePosixPath(stem)
    if known.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}:
        same = known.suffix.lower() == ending or {known.suffix.lower(), ending} <= {".jpg", ".jpeg"}
        stem = stem if same else f"{stem}{ending}"
    else:
        stem = f"{stem}{ending}"
    if any(len(part.encode()) > _LONGEST for part in stem.split("/")):
        stem = hashlib.blake2b(name.encode(), digest_size=12).hexdigest() + ending
    return stem


def _ending(data: bytes) -> str:
    if data[8:12] == b"WEBP":
        return ".webp"
    return next((ending for start, ending in _ENDINGS if data.startswith(start)), ".img")
