"""AU detectors' files in, `AURecord`s out: one file per tool, found by the look of the file's beginning.

for record in fervlm.readers.read("processed/clip.csv"):
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import (
    affectiva,
    au_table,
    expllm,
    facetorch,
    facs_codes,
    facs_table,
    imotions,
    libreface,
    mediapipe,
    megraphau,
    openface2,
    openface3,
    opengraphau,
    pyfeat,
)
from fervlm.readers.formats import FormatInfo
from fervlm.readers.mirror import mirrored
from fervlm.readers.sample import Sample, take
from fervlm.readers.source import Origin
from fervlm.records import AURecord

__all__ = ["FORMATS", "FormatInfo", "detect_format", "mirrored", "read"]

Reader = Callable[..., Iterator[AURecord]]

_KNOWN: tuple[tuple[FormatInfo, Callable[[Sample], bool], Reader], ...] = (
    (openface2.INFO, openface2.matches, openface2.read),
    (openface2.FACSCSV, openface2.matches_facsvatar, openface2.read_facsvatar),
    (openface3.INFO, openface3.matches, openface3.read),
    (pyfeat.INFO, pyfeat.matches, pyfeat.read),
    (pyfeat.INFO_V2, pyfeat.matches_v2, pyfeat.read_v2),
    (libreface.INFO, libreface.matches, libreface.read),
    (mediapipe.INFO, mediapipe.matches, mediapipe.read),
    (megraphau.INFO, megraphau.matches, megraphau.read),
    (opengraphau.INFO, opengraphau.matches, opengraphau.read),
    (facetorch.INFO, facetorch.matches, facetorch.read),
    (imotions.INFO, imotions.matches, imotions.read),
    (affectiva.INFO, affectiva.matches, affectiva.read),
    (facs_codes.INFO, facs_codes.matches, facs_codes.read),
    (facs_table.INFO, facs_table.matches, facs_table.read),
    (expllm.INFO, expllm.matches, expllm.read),
)
_LAST = (au_table.INFO, au_table.matches, au_table.read)
"""Takes any table with AU columns, so it is asked when nobody else wants the file."""

FORMATS: dict[str, FormatInfo] = {info.name: info for info, _, _ in (*_KNOWN, _LAST)}
_READERS: dict[str, Reader] = {info.name: reader for info, _, reader in (*_KNOWN, _LAST)}


def read(
    path: str | Path, input_format: str | None = None, *, landmarks: bool = False, cache: bool = True, **options: object
) -> Iterator[AURecord]:
    """Records of a file, streamed in its order; memory stays flat however long it is.

    Args:
        path: a file, or `-` for standard input.
        input_format: a name of `FORMATS`, to overrule detection; options may follow it, as in
            `au_table:scale=probability,fps=25`.
        landmarks: whether to keep facial points, where the file has any.
        cache: whether equal readings are one shared object; slower without, and the same records.
        options: the format's own, as `FORMATS[...].options` lists them.

    Raises (while iterating):
        ReadError: the file cannot be read as what it is taken for; names file, row and column.
        MissingExtraError: Parquet without pyarrow.
        FervlmError: no such format or option.
    """
    origin = Origin(path)
    name, given = _parsed(input_format)
    name = name or _detected(origin)
    options = {**given, **options}
    _check_options(name, options)
    try:
        yield from _READERS[name](origin, landmarks=landmarks, cache=cache, **options)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        raise ReadError(f"a value cannot be right ({first['msg']})", file=origin.label, column=column) from None


def detect_format(path: str | Path) -> str:
    """The name in `FORMATS` of the tool that wrote a file, from its first bytes.

    Raises:
        ReadError: no tool, or more than one, writes files that begin like this.
    """
    return _detected(Origin(path))


def _detected(origin: Origin) -> str:
    sample = take(origin)
    found = [info.name for info, matches, _ in _KNOWN if matches(sample)]
    if not found and _LAST[1](sample):
        found = [au_table.INFO.name]
    if len(found) == 1:
        return found[0]
    if found:
        raise ReadError(
            f"this may be {' or '.join(found)}", file=origin.label, hint=f"Say which: --input-format {found[0]}."
        )
    raise ReadError(
        f"this is no AU file that is known (tried {', '.join(FORMATS)})",
        file=origin.label,
        hint="If it is one of these, say which: --input-format NAME; see `fervlm formats`.",
    )


def _parsed(input_format: str | None) -> tuple[str | None, dict[str, object]]:
    """`name:option=value,option=value` taken apart."""
    if input_format is None:
        return None, {}
    name, _, rest = input_format.partition(":")
    if name not in FORMATS:
        raise FervlmError(f"there is no input format '{name}'", hint=f"Known formats: {', '.join(FORMATS)}.")
    options: dict[str, object] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise FervlmError(f"'{part}' is no option", hint="Write options as name=value, such as fps=25.")
        options[key.strip()] = _value(value.strip())
    return name, options


def _value(text: str) -> object:
    try:
        return float(text) if not text.isdigit() else int(text)
    except ValueError:
        return text


def _check_options(name: str, options: dict[str, object]) -> None:
    known = [option for option, _ in FORMATS[name].options]
    for option in options:
        if option not in known:
            hint = f"Its options: {', '.join(known)}." if known else "It has none."
            raise FervlmError(f"the format {name} has no option '{option}'", hint=hint)
