"""`fervlm.Client` and `fervlm.AsyncClient`: the server's answers as records, its errors as one sentence.

with fervlm.Client("http://127.0.0.1:8000") as client:
    for prediction in client.explain("photo.jpg"):
        print(prediction.label, prediction.caption.overview)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from fervlm.records import AURecord, Caption, Prediction, Verification
from fervlm.serve.client_wire import (
    Event,
    Events,
    Picture,
    ServerError,
    batch_line,
    checked,
    file_of,
    flat,
    form_of,
    predictions_of,
    text_body,
    unreached,
)

# isort: split
import httpx  # after the module that says which extra brings it

ADDRESS = "http://127.0.0.1:8000"


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
        return predictions_of(self._post("/v1/explain", **form_of(picture, evidence, options)))

    def stream(self, picture: Picture | None = None, *, evidence: object = None, **options: object) -> Iterator[Event]:
        """The events of an explanation as they come: `begin`, `face`, `section`, `prediction`, `done`."""
        sent = form_of(picture, evidence, {**options, "stream": True})
        reader = Events()
        try:
            with self._http.stream("POST", "/v1/explain", **sent) as answer:
                if not answer.is_success:
                    answer.read()
                checked(answer)
                for line in answer.iter_lines():
                    found = reader.line(line)
                    if found is not None:
                        yield found
        except httpx.HTTPError as error:
            raise unreached(error, self._address) from None

    def classify(self, picture: Picture, labels: Sequence[str] | None = None, **options: object) -> list[Prediction]:
        """Faces of a picture held against labels."""
        chosen = None if labels is None else list(labels)
        return predictions_of(self._post("/v1/classify", **form_of(picture, None, {**options, "labels": chosen})))

    def verify(self, text: str | Caption, evidence: AURecord | str) -> Verification:
        """A text held against a record, or against the first row of a detector's file given as text."""
        answer = self._post("/v1/verify", json=text_body(text, evidence))
        return Verification.model_validate(checked(answer).json())

    def batch(self, pictures: Iterable[Picture], **options: object) -> Iterator[list[Prediction] | ServerError]:
        """Many pictures, answered in order; what is wrong with one comes in its place."""
        files = [("pictures", file_of(one)) for one in pictures]
        try:
            with self._http.stream("POST", "/v1/batch", files=files, data=flat(options)) as answer:
                if not answer.is_success:
                    answer.read()
                checked(answer)
                for line in answer.iter_lines():
                    yield batch_line(line)
        except httpx.HTTPError as error:
            raise unreached(error, self._address) from None

    def models(self) -> list[dict[str, Any]]:
        """What the server answers with."""
        try:
            answer = self._http.get("/v1/models")
        except httpx.HTTPError as error:
            raise unreached(error, self._address) from None
        found: list[dict[str, Any]] = checked(answer).json()["data"]
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
            raise unreached(error, self._address) from None


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
        return predictions_of(await self._post("/v1/explain", **form_of(picture, evidence, options)))

    async def stream(
        self, picture: Picture | None = None, *, evidence: object = None, **options: object
    ) -> AsyncIterator[Event]:
        """As `Client.stream`."""
        sent = form_of(picture, evidence, {**options, "stream": True})
        reader = Events()
        try:
            async with self._http.stream("POST", "/v1/explain", **sent) as answer:
                if not answer.is_success:
                    await answer.aread()
                checked(answer)
                async for line in answer.aiter_lines():
                    found = reader.line(line)
                    if found is not None:
                        yield found
        except httpx.HTTPError as error:
            raise unreached(error, self._address) from None

    async def classify(
        self, picture: Picture, labels: Sequence[str] | None = None, **options: object
    ) -> list[Prediction]:
        """As `Client.classify`."""
        chosen = None if labels is None else list(labels)
        return predictions_of(await self._post("/v1/classify", **form_of(picture, None, {**options, "labels": chosen})))

    async def verify(self, text: str | Caption, evidence: AURecord | str) -> Verification:
        """As `Client.verify`."""
        answer = await self._post("/v1/verify", json=text_body(text, evidence))
        return Verification.model_validate(checked(answer).json())

    async def batch(
        self, pictures: Iterable[Picture], **options: object
    ) -> AsyncIterator[list[Prediction] | ServerError]:
        """As `Client.batch`."""
        files = [("pictures", file_of(one)) for one in pictures]
        try:
            async with self._http.stream("POST", "/v1/batch", files=files, data=flat(options)) as answer:
                if not answer.is_success:
                    await answer.aread()
                checked(answer)
                async for line in answer.aiter_lines():
                    yield batch_line(line)
        except httpx.HTTPError as error:
            raise unreached(error, self._address) from None

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
            raise unreached(error, self._address) from None


__all__ = ["ADDRESS", "AsyncClient", "Client", "ServerError"]
