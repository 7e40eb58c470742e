"""What the two clients share: requests as the server reads them, its answers as records, its errors as one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fervlm.errors import FervlmError, MissingExtraError
from fervlm.records import AURecord, Caption, Prediction

try:
    import httpx
except ImportError:
    raise MissingExtraError("The client", "serve") from None

Picture = bytes | str | Path
"""An encoded picture, or its path."""
Event = tuple[str, dict[str, Any]]
"""Name and data of a server-sent event."""


class ServerError(FervlmError):
    """What the server answered instead.

    Attributes:
        status: HTTP status; 0 where it was not reached.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail.rstrip("."))
        self.status = status


def form_of(picture: Picture | None, evidence: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a request: files as a form, records as JSON."""
    given = {name: value for name, value in options.items() if value is not None}
    if (picture is None) == (evidence is None):
        raise FervlmError("give either a picture or evidence")
    if picture is not None:
        return {"files": {"picture": file_of(picture)}, "data": flat(given)}
    if isinstance(evidence, bytes | str | Path):
        return {"files": {"evidence": file_of(evidence)}, "data": flat(given)}
    rows = [evidence] if isinstance(evidence, AURecord) else list(evidence)  # type: ignore[call-overload]
    return {"json": {**given, "evidence": [row.model_dump(mode="json") for row in rows]}}


def file_of(source: Picture) -> tuple[str, bytes]:
    """An upload: its name and its bytes."""
    if isinstance(source, bytes):
        return "picture", source
    path = Path(source)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise FervlmError(f"cannot be read ({error.strerror or error})", file=path) from None


def flat(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as form fields."""
    found = {}
    for name, value in options.items():
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        else:
            found[name] = ",".join(value) if isinstance(value, list | tuple) else str(value)
    return found


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer; `ServerError` where it is none."""
    if answer.is_success:
        return answer
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the server answered {answer.status_code}"
    raise ServerError(answer.status_code, detail)


def unreached(error: httpx.HTTPError, address: str) -> ServerError:
    """The error of a server that is not there."""
    reason = str(error) or type(error).__name__
    return ServerError(0, f"{address} does not answer ({reason.lower()}); start it with: fervlm serve")


def predictions_of(answer: httpx.Response) -> list[Prediction]:
    """The predictions of an answer."""
    return [Prediction.model_validate(one) for one in checked(answer).json()["predictions"]]


def text_body(text: str | Caption, evidence: AURecord | str) -> dict[str, Any]:
    """A request to /v1/verify."""
    said = text if isinstance(text, str) else text.model_dump(mode="json")
    return {"text": said, "evidence": evidence if isinstance(evidence, str) else evidence.model_dump(mode="json")}


class Events:
    """Lines of a stream put together to events."""

    def __init__(self) -> None:
        self._name, self._data = "message", ""

    def line(self, line: str) -> Event | None:
        """The event that this line ends, if it ends one; an `error` event becomes the error."""
        if line.startswith("event: "):
            self._name = line[7:]
        elif line.startswith("data: "):
            self._data += line[6:]
        elif not line and self._data:
            name, data = self._name, json.loads(self._data)
            self._name, self._data = "message", ""
            if name == "error":
                raise ServerError(int(data["status"]), str(data["detail"]))
            return name, data
        return None


def batch_line(line: str) -> list[Prediction] | ServerError:
    """One line of /v1/batch: predictions, or what is wrong with that picture."""
    found = json.loads(line)
    if found["error"] is not None:
        return ServerError(int(found["error"]["status"]), str(found["error"]["detail"]))
    return [Prediction.model_validate(one) for one in found["predictions"]]
