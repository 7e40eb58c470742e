"""People are counted once a split, however often they come, in memory that grows with people and not with faces."""

from __future__ import annotations

import tracemalloc

from data_engine.people import People


def test_each_person_counts_once_in_each_split() -> None:
    people = People()
    for split, names in (("train", "abcab"), ("validation", "cdd"), ("test", "ac")):
        for name in names:
            people.add(split, name)
    assert [people.count(split) for split in ("train", "validation", "test", "other")] == [3, 2, 2, 0]
    assert people.shared() == 2
    assert People().shared() == 0


def test_many_faces_of_a_thousand_people_stay_small() -> None:
    people = People()
    tracemalloc.start()
    for k in range(300_000):
        people.add("train", str(k % 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert people.count("train") == 1000
    assert peak < 3_000_000
    for k in range(100_000):
        people.add("validation", f"v{k}")
    assert people.count("validation") == 100_000
    assert people.shared() == 0
