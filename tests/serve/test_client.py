"""`fervlm.Client` and `fervlm.AsyncClient` give records, and the server's sentence where something is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import fervlm
from fervlm.examples import photograph, recording
from fervlm.serve.client import ServerError


def test_the_client_gives_records(server: str, photo: bytes) -> None:
    with fervlm.Client(server) as client:
        [seen] = client.explain(photograph(), labels=["happy", "sad"])
        assert seen.label == "happy"
        [clip] = client.explain(evidence=recording())
        assert clip.label == "happiness" and clip.events
        records = list(fervlm.read(recording()))[50:55]
        frames = client.explain(evidence=records, per="frame")
        assert [one.evidence for one in frames] == records
        [told] = client.classify(photo, ["angry", "happy"])
        assert told.label == "happy"
        assert not client.verify("The brows are lowered.", records[4]).ok
        assert client.verify("The lip corners are pulled up.", records[4]).ok
        names = [name for name, _ in client.stream(photo)]
        assert names == ["begin", "face", *["section"] * 4, "prediction", "done"]
        lines = list(client.batch([photo, b"nothing", photograph()]))
        assert isinstance(lines[0], list) and isinstance(lines[2], list)
        assert isinstance(lines[1], ServerError) and lines[1].status == 415
        assert client.models()[0]["id"] == "fervlm-nano"


def test_what_goes_wrong_is_one_sentence(server: str, tmp_path: Path) -> None:
    with fervlm.Client(server) as client:
        with pytest.raises(ServerError, match="is not a picture") as told:
            client.explain(b"nothing")
        assert told.value.status == 415
        with pytest.raises(fervlm.FervlmError, match="either a picture or evidence"):
            client.explain()
        with pytest.raises(fervlm.FervlmError, match="cannot be read"):
            client.explain(tmp_path / "none.jpg")
        with pytest.raises(ServerError, match="colour"):
            list(client.stream(photograph(), colour="blue"))
    with fervlm.Client("http://127.0.0.1:1") as client, pytest.raises(ServerError, match="fervlm serve") as gone:
        client.explain(photograph())
    assert gone.value.status == 0


def test_the_async_client_does_the_same(server: str, photo: bytes) -> None:
    async def ask() -> None:
        async with fervlm.AsyncClient(server) as client:
            both = await asyncio.gather(client.explain(photo), client.classify(photo, ["angry", "happy"]))
            assert [one[0].label for one in both] == ["happiness", "happy"]
            assert [name async for name, _ in client.stream(photo)][-1] == "done"
            assert len([line async for line in client.batch([photo, photo])]) == 2
            record = next(iter(fervlm.read(recording())))
            assert (await client.verify("The face is not tracked.", record)).sentences
            with pytest.raises(ServerError, match="is not a picture"):
                await client.explain(b"nothing")

    asyncio.run(ask())
