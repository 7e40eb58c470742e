"""From a request's body to typed settings, picture bytes and AU records."""

from __future__ import annotations

import base64
import binascii
import json
import re
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from fervlm.errors import FervlmError
from fervlm.facs.units import action_unit
from fervlm.readers import read
from fervlm.records import AURecord, Source
from fervlm.serve.problems import Problem, from_error
from fervlm.vision.picture import opened

Model = TypeVar("Model", bound=BaseModel)
_DATA_URL = re.compile(r"data:[\w.+/-]*(?:;[\w=.+-]+)*,", re.ASCII)
_UNSAFE = re.compile(r"[^\w.() -]+")
_PICTURES = frozenset({"picture", "pictures"})
_LISTS = frozenset({"labels"})
_FIELDS, _FILES = 32, 257
MultiPartParser.spool_max_size = 1 << 30  # uploads stay in memory: the gate has bounded them, and no disk sees them


async def parsed(request: Request, model: type[Model]) -> tuple[Model, dict[str, list[bytes]]]:
    """The body as `model`, and the files uploaded beside it by field name.

    JSON is taken as it is; of `multipart/form-data`, fields are the settings and files stay bytes.

    Raises:
        Problem: 415 another content type, 422 a body that does not fit.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return _fitted(model, await request.body()), {}
    if kind == "multipart/form-data":
        return await _form(request, model)
    raise Problem(415, "The body must be application/json or multipart/form-data.")


def _fitted(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] != "int_type":
            raise Problem(422, _first(error)) from None
    try:  # to JSON Schema 4.0 is an integer too
        return model.model_validate_json(json.dumps(json.loads(body, parse_float=_number)), strict=True)
    except (ValidationError, ValueError, RecursionError) as error:
        raise Problem(422, _first(error) if isinstance(error, ValidationError) else "No JSON.") from None


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"][:6])
    message = first["msg"].rstrip(".")
    return f"{where}: {message}." if where else f"{message}."


async def _form(request: Request, model: type[Model]) -> tuple[Model, dict[str, list[bytes]]]:
    try:
        form = await request.form(max_files=_FILES, max_fields=_FIELDS, max_part_size=1 << 22)
    except (MultiPartException, ValueError, KeyError) as error:
        raise Problem(422, f"The form cannot be read ({str(error)[:80] or 'damaged'}).") from None
    try:
        fields, files = await _sorted(form, model)
    finally:
        await form.close()
    for name in files:
        if name in fields:
            raise Problem(422, f"{name}: stands twice in the form.")
        if name in model.model_fields:
            fields[name] = "-"  # stands for the bytes beside it
    if "name" not in model.model_fields:
        fields.pop("name", None)
    try:
        return model.model_validate(fields, strict=False), files
    except ValidationError as error:
        raise Problem(422, _first(error)) from None


async def _sorted(form: FormData, model: type[Model]) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
    """Fields and files by name."""
    fields: dict[str, Any] = {}
    files: dict[str, list[bytes]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(await value.read())
            if name in model.model_fields and value.filename:
                fields.setdefault("name", plain_name(value.filename))
        elif name in _PICTURES and not value.isascii():  # sent without a file name
            files.setdefault(name, []).append(value.encode("latin-1", "replace"))
        elif name in fields and name != "name":
            raise Problem(422, f"{name}: stands twice in the form.")
        else:
            fields[name] = _spread(name, value)
    return fields, files


def _spread(name: str, value: str) -> Any:  # noqa: ANN401
    return [part.strip() for part in value.split(",")] if name in _LISTS else value


def plain_name(given: str) -> str:
    """A file's name without folders and signs that could mean something elsewhere."""
    last = re.split(r"[\\/]", given)[-1]
    return _UNSAFE.sub("_", last).strip("_. ")[:120]


def picture_bytes(text: str) -> bytes:
    """The picture inside a data URL or plain base64.

    Raises:
        Problem: 422 where it is neither.
    """
    if text.startswith("data:"):
        head = _DATA_URL.match(text)
        if head is None or ";base64" not in head[0]:
            raise Problem(422, "picture: the data URL is not base64 (write data:image/jpeg;base64,...).")
        text = text[head.end() :]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Problem(422, "picture: this is neither base64, a data URL nor an https URL.") from None


def checked_picture(data: bytes, name: str, most_pixels: int) -> bytes:
    """The picture, whose header was understood and is not too large.

    Raises:
        Problem: 413 too many pixels, 415 no picture, 422 damaged.
    """
    try:
        wide, high = opened(data, name).size
    except FervlmError as error:
        raise from_error(error) from None
    if wide * high > most_pixels:
        most = most_pixels / 1_000_000
        raise Problem(413, f"{name}: the picture has {wide}x{high} pixels, over the limit of {most:g} million.")
    return data


def records_of(given: AURecord | list[AURecord] | str | bytes, name: str, form: str, most_rows: int) -> list[AURecord]:
    """AU records as given, or read from the text of a detector's file.

    The file stands in a temporary folder while it is read, since readers stream from files.

    Raises:
        Problem: 413 too many rows, 422 not readable, without a row, or with numbers that FACS does not have.
    """
    if isinstance(given, AURecord | list):
        records = [given] if isinstance(given, AURecord) else given
        _limit(records, most_rows)
        _known(records)
        return records
    data = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    called = name or "evidence.csv"
    with tempfile.TemporaryDirectory(prefix="fervlm-") as folder:
        path = Path(folder, plain_name(called) or "evidence.csv")
        path.write_bytes(data)
        try:
            found = list(islice(read(path, form or None), most_rows + 1))
        except FervlmError as error:
            error.file = called if error.file is not None else None
            raise from_error(error) from None
    if not found:
        raise Problem(422, f"{called}: there is no row in it.")
    _limit(found, most_rows)
    return [_renamed(record, called) for record in found]


def _limit(records: list[AURecord], most_rows: int) -> None:
    if not records:
        raise Problem(422, "evidence: there is no record in it.")
    if len(records) > most_rows:
        raise Problem(413, f"evidence: more than {most_rows:,} rows; send a shorter part.")


def _known(records: list[AURecord]) -> None:
    known(reading.au for record in records for reading in record.readings)


def known(units: Iterable[int]) -> None:
    """Raises `Problem` 422 for a number that FACS does not have."""
    for au in units:
        try:
            action_unit(au)
        except FervlmError as error:
            raise Problem(422, f"evidence: {error}") from None


def _renamed(record: AURecord, name: str) -> AURecord:
    return record.model_copy(update={"source": Source(file=name, row=record.source.row)})
