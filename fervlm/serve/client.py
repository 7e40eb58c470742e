"""`fervlm.Client` and `fervlm.AsyncClient`: the server's answers as records, its errors as one sentence.

with fervlm.Client("http://127.0.0.1:8000") as client:
    for prediction in client.explain("photo.jpg"):
        print(prediction.label, prediction.caption.overview)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from fervlm.errors import FervlmError, MissingExtraError
from fervlm.records import AURecord, Caption, Prediction, Verification

try:
    import httpx
except ImportError:
    raise MissingExtraError("The client", "serve") from None

Picture = bytes | str | Path
"""An encoded picture, or its path."""
Event = tuple[str, dict[str, Any]]
"""Name and data of a server-sent event."""
ADDRESS = "http://127.0.0.1:8000"


class ServerError(FervlmError):
    """What the server answered instead.

    Attributes:
        status: HTTP status; 0 where it was not reached.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail.rstrip("."))
        self.status = status


def _form(picture: Picture | None, evidence: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a request: files as a form, records as JSON."""
    given = {name: value for name, value in options.items() if value is not None}
    if (picture is None) == (evidence is None):
        raise FervlmError("give either a picture or evidence")
    if picture is not None:
        return {"files": {"picture": _file(picture)}, "data": _flat(given)}
    if isinstance(evidence, bytes | str | Path):
        return {"files": {"evidence": _file(evidence)}, "data": _flat(given)}
    rows = [evidence] if isinstance(evidence, AURecord) else list(evidence)  # type: ignore[call-overload]
    return {"json": {**given, "evidence": [row.model_dump(mode="json") for row in rows]}}


def _file(source: Picture) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        return "picture", source
    path = Path(source)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise FervlmError(f"cannot be read ({error.strerror or error})", file=path) from None


def _flat(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as form fields."""
    found = {}
    for name, value in options.items():
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        else:
            found[name] = ",".join(value) if isinstance(value, list | tuple) else str(value)
    return found


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer; `ServerError` where it is none."""
    if answer.is_success:
        return answer
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the server answered {answer.status_code}"
    raise ServerError(answer.status_code, detail)


def _unreached(error: httpx.HTTPError, address: str) -> ServerError:
    reason = str(error) or type(error).__name__
    return ServerError(0, f"{address} does not answer ({reason.lower()}); start it with: fervlm serve")


def _predictions(answer: httpx.Response) -> list[Prediction]:
    return [Prediction.model_validate(one) for one in _checked(answer).json()["predictions"]]


def _text_body(text: str | Caption, evidence: AURecord | str) -> dict[str, Any]:
    said = text if isinstance(text, str) else text.model_dump(mode="json")
    return {"text": said, "evidence": evidence if isinstance(evidence, str) else evidence.model_dump(mode="json")}


class _Events:
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


class Client:
    """A server of `fervlm serve`, asked synchronously.

    Args:
        address: where it listens.
        key: an API key, where it wants one.
        timeout: seconds for an answer.
        transport: how requests travel; httpx's own by default.

    Every method raises `ServerError` (a `FervlmError`) with the server's sentence.
    """

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        key: str | None = None,
        timeout: float = 60,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout, transport=transport)
        self._address = address

    def explain(
        self, picture: Picture | None = None, *, evidence: object = None, **options: object
    ) -> list[Prediction]:
        """Faces of a picture, or AU evidence (a file or records), explained; options as /v1/explain names them."""
        return _predictions(self._post("/v1/explain", **_form(picture, evidence, options)))

    def stream(self, picture: Picture | None = None, *, evidence: object = None, **options: object) -> Iterator[Event]:
        """The events of an explanation as they come: `begin`, `face`, `section`, `prediction`, `done`."""
        sent = _form(picture, evidence, {**options, "stream": True})
        reader = _Events()
        try:
            with self._http.stream("POST", "/v1/explain", **sent) as answer:
                if not answer.is_success:
                    answer.read()
                _checked(answer)
                for line in answer.iter_lines():
                    found = reader.line(line)
                    if found is not None:
                        yield found
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None

    def classify(self, picture: Picture, labels: Sequence[str] | None = None, **options: object) -> list[Prediction]:
        """Faces of a picture held against labels."""
        chosen = None if labels is None else list(labels)
        return _predictions(self._post("/v1/classify", **_form(picture, None, {**options, "labels": chosen})))

    def verify(self, text: str | Caption, evidence: AURecord | str) -> Verification:
        """A text held against a record, or against the first row of a detector's file given as text."""
        answer = self._post("/v1/verify", json=_text_body(text, evidence))
        return Verification.model_validate(_checked(answer).json())

    def batch(self, pictures: Iterable[Picture], **options: object) -> Iterator[list[Prediction] | ServerError]:
        """Many pictures, answered in order; what is wrong with one comes in its place."""
        files = [("pictures", _file(one)) for one in pictures]
        try:
            with self._http.stream("POST", "/v1/batch", files=files, data=_flat(options)) as answer:
                if not answer.is_success:
                    answer.read()
                _checked(answer)
                for line in answer.iter_lines():
                    yield _batch_line(line)
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None

    def models(self) -> list[dict[str, Any]]:
        """What the server answers with."""
        try:
            answer = self._http.get("/v1/models")
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None
        found: list[dict[str, Any]] = _checked(answer).json()["data"]
        return found

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _post(self, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
        try:
            return self._http.post(path, **sent)
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None


def _batch_line(line: str) -> list[Prediction] | ServerError:
    found = json.loads(line)
    if found["error"] is not None:
        return ServerError(int(found["error"]["status"]), str(found["error"]["detail"]))
    return [Prediction.model_validate(one) for one in found["predictions"]]


class AsyncClient:
    """The same, asynchronously; arguments and errors as for `Client`."""

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        key: str | None = None,
        timeout: float = 60,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=address, headers=headers, timeout=timeout, transport=transport)
        self._address = address

    async def explain(
        self, picture: Picture | None = None, *, evidence: object = None, **options: object
    ) -> list[Prediction]:
        """As `Client.explain`."""
        return _predictions(await self._post("/v1/explain", **_form(picture, evidence, options)))

    async def stream(
        self, picture: Picture | None = None, *, evidence: object = None, **options: object
    ) -> AsyncIterator[Event]:
        """As `Client.stream`."""
        sent = _form(picture, evidence, {**options, "stream": True})
        reader = _Events()
        try:
            async with self._http.stream("POST", "/v1/explain", **sent) as answer:
                if not answer.is_success:
                    await answer.aread()
                _checked(answer)
                async for line in answer.aiter_lines():
                    found = reader.line(line)
                    if found is not None:
                        yield found
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None

    async def classify(
        self, picture: Picture, labels: Sequence[str] | None = None, **options: object
    ) -> list[Prediction]:
        """As `Client.classify`."""
        chosen = None if labels is None else list(labels)
        return _predictions(await self._post("/v1/classify", **_form(picture, None, {**options, "labels": chosen})))

    async def verify(self, text: str | Caption, evidence: AURecord | str) -> Verification:
        """As `Client.verify`."""
        answer = await self._post("/v1/verify", json=_text_body(text, evidence))
        return Verification.model_validate(_checked(answer).json())

    async def batch(
        self, pictures: Iterable[Picture], **options: object
    ) -> AsyncIterator[list[Prediction] | ServerError]:
        """As `Client.batch`."""
        files = [("pictures", _file(one)) for one in pictures]
        try:
            async with self._http.stream("POST", "/v1/batch", files=files, data=_flat(options)) as answer:
                if not answer.is_success:
                    await answer.aread()
                _checked(answer)
                async for line in answer.aiter_lines():
                    yield _batch_line(line)
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _post(self, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
        try:
            return await self._http.post(path, **sent)
        except httpx.HTTPError as error:
            raise _unreached(error, self._address) from None
