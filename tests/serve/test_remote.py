"""Pictures by URL: only listed hosts, only public addresses, no redirects, small and in time."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from fervlm.serve.problems import Problem
from fervlm.serve.remote import fetched, is_public
from fervlm.serve.settings import Remote

ALLOWED = Remote(hosts=("pictures.example", "localhost", "10.0.0.7"), seconds=1, most_bytes=1000)


def _refused(url: str, remote: Remote = ALLOWED, answer: httpx.Response | None = None) -> str:
    transport = None if answer is None else httpx.MockTransport(lambda _: answer)
    with pytest.raises(Problem) as told:
        asyncio.run(fetched(url, remote, transport))
    return f"{told.value.status} {told.value.detail}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://pictures.example/a.jpg", "only plain https"),
        ("https://pictures.example:8443/a.jpg", "only plain https"),
        ("https://user@pictures.example/a.jpg", "only plain https"),
        ("https://pictures.example.evil.example/a.jpg", "not among those"),
        ("https://evil.example/?pictures.example", "not among those"),
        ("https://pictures.example:port/a.jpg", "no URL"),
        ("https://[::1/a", "no URL"),
        ("file:///etc/passwd", "only plain https"),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_asked(url: str, words: str) -> None:
    assert words in _refused(url)


def test_a_listed_host_with_a_private_address_is_refused_when_it_is_connected_to() -> None:
    for host in ("localhost", "10.0.0.7"):
        assert "422 picture: the host" in _refused(f"https://{host}/a.jpg") and "private" in _refused(
            f"https://{host}/"
        )


def test_redirects_large_and_broken_answers() -> None:
    url = "https://pictures.example/a.jpg"
    assert "302" in _refused(url, answer=httpx.Response(302, headers={"location": "http://169.254.169.254/"}))
    assert _refused(url, answer=httpx.Response(200, content=b"x" * 2000)).startswith("413")
    assert "404" in _refused(url, answer=httpx.Response(404))
    good = httpx.MockTransport(lambda _: httpx.Response(200, content=b"picture"))
    assert asyncio.run(fetched(url, ALLOWED, good)) == b"picture"

    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200)

    with pytest.raises(Problem, match="in time"):
        asyncio.run(fetched(url, ALLOWED, httpx.MockTransport(slow)))


def test_only_public_addresses_are_public() -> None:
    inside = (
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2002:a9fe:a9fe::", "fec0::1", "198.18.0.1", "192.0.0.1",
    )  # fmt: skip
    assert [address for address in inside if is_public(address)] == []
    assert all(is_public(address) for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"))
