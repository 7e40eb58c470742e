"""Pictures by URL, where a server allows some hosts: https only, no redirect, no private address, small and quick."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

import httpcore
import httpx

from fervlm.serve.problems import Problem
from fervlm.serve.settings import Remote


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that a name has at that moment, and only where all of them are public.

    The check and the connection use one resolution, so that a name cannot mean something else a moment later.
    """

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: object = None,
    ) -> httpcore.AsyncNetworkStream:
        """As httpcore asks for it; refuses private, loopback, link-local and reserved addresses."""
        address = await public_address(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address)

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Problem(422, "picture: only https URLs are fetched.")

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks for it."""
        await asyncio.sleep(seconds)


async def public_address(host: str, port: int) -> str:
    """An address of `host` to connect to.

    Raises:
        Problem: 422 where it has none, or one that is not public.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Problem(422, f"picture: the host '{host}' has no address.") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise Problem(422, f"picture: the host '{host}' has a private address.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is of the open internet; an IPv4 address inside an IPv6 one counts as itself."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def fetched(url: str, remote: Remote, transport: httpx.AsyncBaseTransport | None = None) -> bytes:
    """The picture at a URL.

    Args:
        url: https, port 443, of a host that `remote` lists.
        remote: hosts and limits.
        transport: in place of the network that is open to public addresses only; for tests.

    Raises:
        Problem: 413 too large, 422 not allowed or not to be had.
    """
    _allowed(url, remote)
    carrier = transport or _transport()
    client = httpx.AsyncClient(
        transport=carrier, follow_redirects=False, trust_env=False, headers={"user-agent": "fervlm"}
    )
    try:
        async with asyncio.timeout(remote.seconds), client, client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise Problem(422, f"picture: its host answered {answer.status_code}, and redirects are not followed.")
            found = bytearray()
            async for part in answer.aiter_bytes():
                found += part
                if len(found) > remote.most_bytes:
                    raise Problem(413, f"picture: more than {remote.most_bytes:,} bytes.")
            return bytes(found)
    except (TimeoutError, httpx.HTTPError, httpcore.NetworkError, ssl.SSLError):
        raise Problem(422, "picture: it could not be fetched in time.") from None


def _allowed(url: str, remote: Remote) -> None:
    if not remote.hosts:
        raise Problem(422, "picture: this server fetches no URLs; send the picture itself.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Problem(422, "picture: this is no URL.") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or port not in {None, 443} or parts.username is not None:
        raise Problem(422, "picture: only plain https URLs on port 443 are fetched.")
    if host not in remote.hosts:
        raise Problem(422, f"picture: the host '{host}' is not among those that this server fetches from.")


def _transport() -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport(trust_env=False)
    transport._pool = httpcore.AsyncConnectionPool(  # httpx has no other way to set how a connection is made
        ssl_context=ssl.create_default_context(), network_backend=PublicOnly()
    )
    return transport
