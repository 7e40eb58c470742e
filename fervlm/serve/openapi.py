"""The OpenAPI document: FastAPI's, with the bodies that the routes read themselves and the errors that they answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fervlm.facs.units import action_units
from fervlm.serve.problems import MEDIA_TYPE, ProblemBody

REF = "#/components/schemas/{model}"
PROBLEM, INPUT = "Problem", "Input"
_BODIES: list[type[BaseModel]] = []
"""Models that routes read themselves."""
_TOLD = {
    401: "A key is wanted.",
    404: "No such thing.",
    409: "The model that is served cannot do this.",
    408: "The body came too slowly.",
    413: "Too large: the body, the picture, or the rows.",
    415: "Another content type, or no picture.",
    422: "Does not fit: the sentence says what.",
    429: "Too many requests; `Retry-After` says when.",
    500: "Something broke.",
    501: "Not installed here.",
    502: "The language model answered what cannot be read.",
    503: "The backend does not answer now; `Retry-After` says when.",
}
_READ = (401, 404, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses of a route that are problems; those of a route that reads a body by default."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=PROBLEM)}}}
    return {status: {"description": _TOLD[status], "content": content} for status in statuses or _READ}


EVENTS = {"schema": {"type": "object"}}
"""Of a stream: each event's data is JSON, of the kind that its name says."""
_MEDIA = {"picture": "image/png, image/jpeg, image/webp", "pictures": "image/png, image/jpeg, image/webp"}
_AU_HOLDERS = ("AUReading", "AUEvent", "UnitMention")


def body(model: type[BaseModel], *files: str, many: str | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route that reads `model` as JSON, or as a form where `files` (or `many`) are uploads."""
    _BODIES.append(model)
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": REF.format(model=INPUT + model.__name__)}}}
    if files or many is not None:
        content["multipart/form-data"] = _form(model, files, many)
    return {"requestBody": {"required": True, "content": content}}


def _form(model: type[BaseModel], files: tuple[str, ...], many: str | None) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    properties: dict[str, Any] = dict.fromkeys(files, binary)
    if many is not None:
        properties[many] = {"type": "array", "items": binary, "minItems": 1, "maxItems": 256}
    for name, field in model.model_json_schema()["properties"].items():
        if name == "labels":
            properties[name] = {"type": "string", "format": "expressions", "description": "Words, with commas."}
        elif name == "text":
            properties[name] = next(one for one in field["anyOf"] if one.get("type") == "string")
        elif name not in properties and field.get("type") in {"string", "boolean", "integer"}:
            properties[name] = field
    wanted = [{"required": [name]} for name in files] if len(files) > 1 else []
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name, field in model.model_fields.items() if field.is_required() and name in properties]
    if wanted:
        schema["oneOf"] = wanted
    else:
        required += [name for name in (*files, many) if name is not None and name not in required]
    if {"labels", "label_set"} <= properties.keys():
        schema["not"] = {"required": ["labels", "label_set"]}
    uploads = [name for name in (*files, many) if name is not None]
    coding = {name: {"contentType": _MEDIA.get(name, "text/csv")} for name in uploads}
    return {"schema": {**schema, "required": required}, "encoding": coding}


def document(app: FastAPI, *, keyed: bool) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    found = get_openapi(
        title="fervlm",
        version=app.version,
        description="Expressions shown on faces, explained, every sentence checked against the evidence.",
        routes=app.routes,
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    # What a record's defaults fill in is required in an answer and not in a request: two schemas of each.
    given = REF.format(model=INPUT + "{model}")
    _, told = models_json_schema([(model, "validation") for model in dict.fromkeys(_BODIES)], ref_template=given)
    schemas.update({INPUT + name: schema for name, schema in told["$defs"].items()})
    for name in _AU_HOLDERS:  # what FACS does not have is refused
        schemas[INPUT + name]["properties"]["au"] = {"type": "integer", "enum": list(action_units())}
    _, told = models_json_schema([(ProblemBody, "serialization")], ref_template=REF)
    schemas.update({PROBLEM if name == "ProblemBody" else name: schema for name, schema in told["$defs"].items()})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    if keyed:
        _keyed(found)
    app.openapi_schema = found
    return found


def _keyed(found: dict[str, Any]) -> None:
    from fervlm.serve.gate import OPEN_FOLDER, OPEN_PATHS  # noqa: PLC0415 - for this document only

    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in found["paths"].items():
        if path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER):
            for operation in operations.values():
                operation["security"] = [{"key": []}]
