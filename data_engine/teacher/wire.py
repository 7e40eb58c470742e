"""HTTP to one server through aiohttp: kept connections, JSON in, bytes out, no redirects, no proxies.

aiohttp takes about a fifth of what a general client such as httpx takes of a core for each call, which a fast server
would have to wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from fervlm.errors import MissingExtraError

if TYPE_CHECKING:
    import aiohttp

_MOST_BYTES = 64 * 1024 * 1024


class WireError(Exception):
    """No whole answer came: refused, cut, timed out, or not HTTP."""


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Wire:
    """Connections to the server of `base` (http or https); made when first used, inside the running loop.

    Raises:
        ValueError: `base` is no such address, or a header cannot be sent.
        MissingExtraError: aiohttp is not installed.
    """

    def __init__(self, base: str, headers: dict[str, str], timeout_s: float) -> None:
        try:
            import aiohttp  # noqa: F401, PLC0415
        except ImportError as error:
            raise MissingExtraError("asking a teacher", "data") from error
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in base):
            raise ValueError("it begins with http:// or https:// and names a server")
        _ = parts.port  # raises where it is none
        parts.hostname.encode("idna")
        if any(not value.isprintable() or not value.isascii() for value in headers.values()):
            raise ValueError("the key holds a character that no header can bear")
        self._base, self._timeout_s = base.rstrip("/"), timeout_s
        self._headers = {"Accept": "application/json", "User-Agent": "fervlm", **headers}
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes) -> Reply:
        """The answer to a JSON body; `WireError` where none came in time."""
        return await self._ask("POST", path, self._timeout_s, body)

    async def get(self, path: str, timeout_s: float) -> Reply:
        """The answer to a GET; `WireError` where none came in time."""
        return await self._ask("GET", path, timeout_s, None)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, path: str, timeout_s: float, body: bytes | None) -> Reply:
        import aiohttp  # noqa: PLC0415

        if self._session is None:
            # The caller bounds how many requests are out; a limit here would only queue them twice.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(headers=self._headers, connector=connector, trust_env=False)
        headers = {} if body is None else {"Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._session.request(
                method, self._base + path, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, found, await _body(answer))
        except TimeoutError:
            raise WireError(f"no answer within {timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise WireError(f"nobody answers there ({error.strerror or error})") from None
        except aiohttp.ClientResponseError:
            raise WireError("the server does not speak HTTP") from None
        except aiohttp.ClientError:
            raise WireError("the connection was cut") from None


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    if (answer.content_length or 0) <= _MOST_BYTES:
        async for part in answer.content.iter_any():
            body += part
            if len(body) > _MOST_BYTES:
                break
        else:
            return bytes(body)
    raise WireError(f"an answer of more than {_MOST_BYTES >> 20} MiB is no caption")
