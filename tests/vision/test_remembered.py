"""A finder that remembers: the same faces, searched once, of places alone, and never those of another picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fervlm.examples import photograph
from fervlm.vision.find_faces import FoundFace
from fervlm.vision.haar import HaarFinder, _Search
from fervlm.vision.open_picture import open_picture
from fervlm.vision.remembered import Remembered


class Counted(HaarFinder):
    """Counts its searches."""

    searches = 0

    def _found(self, search: _Search) -> list[FoundFace]:
        self.searches += 1
        return super()._found(search)


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return open_picture(photograph().read_bytes()).pixels


def test_a_picture_that_comes_again_is_not_searched_again(photo: NDArray[np.uint8]) -> None:
    memory = Remembered()
    one, other = Counted(memory=memory), Counted(memory=memory)
    plain = HaarFinder().find(photo)
    assert plain and one.find(photo) == plain == one.find(photo.copy()) == other.find(photo)
    assert (one.searches, other.searches, len(memory)) == (1, 0, 1)
    empty = np.full((200, 200, 3), 90, dtype=np.uint8)
    assert one.find(empty) == [] == one.find(empty) and one.searches == 2  # no face is remembered as well


def test_what_is_given_out_cannot_be_changed_inside(photo: NDArray[np.uint8]) -> None:
    finder = HaarFinder(memory=Remembered())
    finder.find(photo).clear()
    assert len(finder.find(photo)) == 1


def test_a_picture_twice_as_large_has_faces_of_its_own(photo: NDArray[np.uint8]) -> None:
    """Shrunk for the search, both are the very same pixels."""
    finder = Counted(memory=Remembered())
    large = photo.repeat(2, axis=0).repeat(2, axis=1)
    [small_face], [large_face] = finder.find(photo), finder.find(large)
    assert large_face.square.side == pytest.approx(2 * small_face.square.side, rel=0.02)
    assert finder.searches == 2


def test_a_changed_pixel_is_another_picture(photo: NDArray[np.uint8]) -> None:
    finder = Counted(memory=Remembered())
    finder.find(photo)
    changed = photo.copy()
    changed[10:14, 10:14] ^= 255
    finder.find(changed)
    assert finder.searches == 2


def test_the_memory_is_bounded_and_the_least_used_go() -> None:
    memory = Remembered(most=3)
    digests = [memory.digest(np.full((4, 4), k, dtype=np.uint8), 1.0) for k in range(4)]
    for digest in digests[:3]:
        memory.put(digest, ())
    assert memory.get(digests[0]) == []
    memory.put(digests[3], ())
    assert len(memory) == 3 and memory.get(digests[1]) is None and memory.get(digests[0]) == []


def test_a_digest_tells_nothing_outside_its_process() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    one, other = Remembered(), Remembered()
    assert one.digest(grey, 1.0) == one.digest(grey.copy(), 1.0) != other.digest(grey, 1.0)
    assert one.digest(grey, 1.0) != one.digest(grey, 0.5)
    assert one.digest(grey, 1.0) != one.digest(grey.reshape(4, 16), 1.0)
    assert one.digest(grey.T, 1.0) == one.digest(np.ascontiguousarray(grey.T), 1.0) != one.digest(grey, 1.0)
