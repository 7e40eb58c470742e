"""A chat-completions client of the standard library: pictures in, one text out."""

from __future__ import annotations

import base64
import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from fervlm.errors import FervlmError

RETRIES = 3
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp", b"GIF8": "gif"}


class Chat:
    """One server and model. Safe for concurrent use: every call has its own connection.

    Args:
        url: base address up to and with `/v1`.
        model: the server's first model where None.
        key: sent as a bearer token.
        timeout_s: of one request.

    Raises:
        FervlmError: the address is none, the server does not answer or names no model.
    """

    def __init__(self, url: str, model: str | None, key: str | None, timeout_s: float) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise FervlmError(f"'{url}' is no address of a server", hint="Write http://HOST:PORT/v1#MODEL.")
        self._parts, self._timeout = parts, timeout_s
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self.model = model or self._first_model()

    def _first_model(self) -> str:
        found = self._call("GET", "/models", None).get("data") or []
        if not found:
            raise FervlmError("the server names no model", file=self._parts.geturl(), hint="Write URL#MODEL.")
        return str(found[0]["id"])

    def about(self) -> dict[str, Any]:
        """What the server's list says of the model; nothing where it does not list it or has no list."""
        try:
            found = self._call("GET", "/models", None).get("data") or []
        except FervlmError:
            return {}
        return next((one for one in found if isinstance(one, dict) and one.get("id") == self.model), {})

    def ask(
        self,
        text: str,
        pictures: list[bytes],
        *,
        max_tokens: int = 600,
        choices: tuple[str, ...] = (),
        schema: type[BaseModel] | None = None,
    ) -> str:
        """The answer's text at temperature 0.

        Args:
            text: the question, after the pictures.
            pictures: encoded files.
            max_tokens: of the answer.
            choices: where given, vLLM and compatible servers are asked to answer one of them; others ignore it.
            schema: where given, the answer shall be its JSON.

        Raises:
            FervlmError: no answer after three tries, or an error of the server that tries cannot mend.
        """
        parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": _data_url(p)}} for p in pictures]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}],
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        if choices:
            body["structured_outputs"] = {"choice": list(choices)}
        if schema is not None:
            form = {"name": schema.__name__, "schema": schema.model_json_schema()}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        told = self._call("POST", "/chat/completions", body)
        try:
            return str(told["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError):
            raise FervlmError("the server's answer holds no message", file=self._parts.geturl()) from None

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        reason = ""
        for attempt in range(RETRIES):
            if attempt:
                time.sleep(0.5 * 2**attempt)
            try:
                status, data = self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if status == 200:
                return _parsed(data)
            reason = f"status {status}: {data[:200].decode(errors='replace')}"
            if status not in {408, 429} and status < 500:
                break
        raise FervlmError(f"the server gave no answer ({reason})", file=self._parts.geturl())

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=self._timeout)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, self._parts.path.rstrip("/") + path, sent, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(data)
    except ValueError:
        raise FervlmError("the server's answer is no JSON") from None
    return found


def _data_url(picture: bytes) -> str:
    kind = next((name for start, name in _KINDS.items() if picture.startswith(start)), "jpeg")
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def picture_bytes(image: bytes | Path) -> bytes:
    """The encoded picture."""
    return image if isinstance(image, bytes) else image.read_bytes()
