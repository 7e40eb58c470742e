"""Which pictures repeat an earlier one: against comparing all with all, and on pictures."""

from __future__ import annotations

import random
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_engine.duplicates import near_duplicates
from data_engine.finished import samples
from data_engine.pictures import facts
from data_engine.pipeline import annotate
from tests.data_engine.conftest import config_of
from tests.data_engine.small import make, picture, read_csv, write_csv


def by_hand(one: list[int], two: list[int], bits: int) -> list[int]:
    found = []
    for k in range(len(one)):
        close = (
            j for j in range(k) if (one[j] ^ one[k]).bit_count() <= bits and (two[j] ^ two[k]).bit_count() <= bits + 6
        )
        found.append(next(close, -1))
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 8), st.integers(2, 60))
def test_bands_miss_nothing(seed: int, bits: int, count: int) -> None:
    draw = random.Random(seed)
    roots = [(draw.getrandbits(64), draw.getrandbits(64)) for _ in range(3)]
    one, two = [], []
    for _ in range(count):
        a, b = draw.choice(roots)
        for _ in range(draw.randrange(bits + 3)):
            a ^= 1 << draw.randrange(64)
        for _ in range(draw.randrange(bits + 9)):
            b ^= 1 << draw.randrange(64)
        one.append(a)
        two.append(b)
    found = near_duplicates(np.array(one, np.uint64), np.array(two, np.uint64), bits)
    assert found.tolist() == by_hand(one, two, bits)


def test_off_finds_nothing() -> None:
    same = np.zeros(5, np.uint64)
    assert near_duplicates(same, same, -1).tolist() == [-1] * 5


def test_a_second_hash_tells_faces_apart() -> None:
    """Two pictures whose rows run alike and whose columns do not."""
    across = np.tile(np.linspace(60, 190, 48), (48, 1))
    one, two = ((across + tilt * np.linspace(0, 50, 48)[:, None]).astype(np.uint8) for tilt in (1, -1))
    seen = [facts(_png(Image.fromarray(pixels)), "x") for pixels in (one, two)]
    assert seen[0].dhash == seen[1].dhash
    hashes = [np.array([int(getattr(one, key), 16) for one in seen], np.uint64) for key in ("dhash", "vhash")]
    assert near_duplicates(*hashes, bits=2).tolist() == [-1, -1]


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_the_same_picture_saved_otherwise_is_found(tmp_path: Path, kind: str) -> None:
    picture(tmp_path / "a.png", 4, 96)
    image = Image.open(tmp_path / "a.png")
    buffer = BytesIO()
    image.resize((64, 64)).save(buffer, kind, **({} if kind == "PNG" else {"quality": 70}))
    first, second = facts((tmp_path / "a.png").read_bytes(), "a"), facts(buffer.getvalue(), "b")
    assert (int(first.dhash, 16) ^ int(second.dhash, 16)).bit_count() <= 2
    assert (int(first.vhash, 16) ^ int(second.vhash, 16)).bit_count() <= 8


def test_of_a_pair_across_splits_the_train_picture_leaves(tmp_path: Path) -> None:
    own = make(tmp_path / "own", 12)
    first, second = own.names[0], own.names[2]
    (own.pictures / second).write_bytes((own.pictures / first).read_bytes())
    marks = [{**row, "subject": row["file"], "split": "train"} for row in read_csv(own.labels)]
    marks[2]["split"] = "val"
    write_csv(own.labels, marks)
    annotate(config_of(own, gate={"frame_share": 1}), tmp_path / "set", quiet=True)
    kept = {sample.id: sample.split for sample in samples(tmp_path / "set")}
    assert kept[second] == "validation"
    assert first not in kept


def test_a_hundred_thousand_pictures_take_seconds_also_where_half_are_blank() -> None:
    draw = np.random.default_rng(1)
    across, down = (draw.integers(0, 2**63, 100_000, dtype=np.uint64) for _ in range(2))
    across[::2] = down[::2] = 0
    start = time.process_time()
    found = near_duplicates(across, down, 2)
    assert time.process_time() - start < 30
    assert found[0] == -1
    assert (found[2::2] >= 0).all()
    assert (found[1::2] == -1).all()
