"""Who stays and why the rest leaves: each reason alone, their order, and the splits."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from data_engine.config import AnnotateConfig, GateConfig
from data_engine.gate import Verdict, decide
from data_engine.measure import Measured, measure_shard, measurements
from data_engine.shards import read_rows, shard_path, shard_paths, write_rows
from data_engine.splits import split_name
from data_engine.support import Support

SHARD = 40


def pictured(n: int, name: str, digest: str, **changes: object) -> Measured:
    """A draft with a picture whose difference hashes are `digest`."""
    return row(n, picture=name, dhash=digest, vhash=digest, **changes)


def row(n: int, **changes: object) -> Measured:
    """A draft that passes: two captions of thirty words, each in frames of its own."""
    given = {"n": n, "id": f"face{n}", "group": f"face{n}", "words": (30, 30), "frames": ((2 * n,), (2 * n + 1,))}
    return Measured.model_validate({**given, **changes})


def verdicts(
    tmp_path: Path, rows: Iterable[Measured], val_share: float = 0.1, seed: int = 0, **gate: object
) -> list[Verdict]:
    """The gate's decisions on `rows`, in shards."""
    everything = list(rows)
    measured, target = tmp_path / "measured", tmp_path / "verdicts"
    for number, start in enumerate(range(0, len(everything), SHARD)):
        write_rows(shard_path(measured, number), everything[start : start + SHARD])
    config = AnnotateConfig(sources=("x",), val_share=val_share, seed=seed, gate=GateConfig.model_validate(gate))
    decide(config, measured, target, tmp_path / "support.json")
    assert [path.name for path in shard_paths(target)] == [path.name for path in shard_paths(measured)]
    found = [verdict for path in shard_paths(target) for verdict in read_rows(path, Verdict)]
    assert [verdict.n for verdict in found] == [one.n for one in everything]
    assert all(verdict.keep == (verdict.reason is None) for verdict in found)
    return found


def reasons(found: list[Verdict]) -> list[str | None]:
    return [verdict.reason for verdict in found]


def test_what_is_wrong_in_itself(tmp_path: Path) -> None:
    rows = [
        row(0),
        row(1, findings=("contradicted: 'AU4'", "forbidden: 'angry'")),
        row(2, words=(5, 11)),
        row(3, words=(300, 261)),
        row(4, words=(5, 30)),
        row(5, words=(), frames=()),
        row(6, words=(12, 12)),
        row(7, words=(260, 260)),
    ]
    found = verdicts(tmp_path, rows)
    assert reasons(found) == [None, "verifier_finding", "too_short", "too_long", None, "verifier_finding", None, None]
    assert found[1].detail == "contradicted: 'AU4'; forbidden: 'angry'"
    # The caption that is too short is not the one that stays.
    assert (found[4].caption, found[0].caption) == (1, 0)


def test_a_near_duplicate_names_the_earlier_one(tmp_path: Path) -> None:
    hashes = ["00ff00ff00ff00ff", "ffffffff00000000", "00ff00ff00ff00fe", "00ff00ff00ff0011"]
    found = verdicts(tmp_path, [pictured(n, f"{n}.png", h) for n, h in enumerate(hashes)])
    assert reasons(found) == [None, None, "near_duplicate", None]
    assert found[2].detail == "of the draft at place 0"
    off = verdicts(tmp_path / "off", [pictured(n, f"{n}.png", hashes[0]) for n in range(3)], duplicate_bits=-1)
    assert reasons(off) == [None] * 3


def test_what_left_the_set_repeats_nothing(tmp_path: Path) -> None:
    rows = [pictured(0, "a.png", "ff" * 8, findings=("bad",)), pictured(1, "b.png", "ff" * 8)]
    assert reasons(verdicts(tmp_path, rows)) == ["verifier_finding", None]


def test_faces_of_one_picture_do_not_repeat_each_other(tmp_path: Path) -> None:
    rows = [pictured(n, "group.png" if n < 3 else "copy.png", "0f" * 8) for n in range(6)]
    assert reasons(verdicts(tmp_path, rows)) == [None] * 3 + ["near_duplicate"] * 3


def test_evidence_alone_repeats_nothing(tmp_path: Path) -> None:
    rows = [row(0), row(1), pictured(2, "a.png", "00" * 8), row(3), pictured(4, "b.png", "00" * 8)]
    assert reasons(verdicts(tmp_path, rows)) == [None, None, None, None, "near_duplicate"]


def test_no_frame_above_its_share(tmp_path: Path) -> None:
    """A hundred faces of ten sentences; one frame is in each face and may make five of a hundred sentences."""
    rows = [row(n, words=(30,), frames=((7, *range(1000 + 9 * n, 1009 + 9 * n)),)) for n in range(100)]
    found = verdicts(tmp_path, rows)
    assert reasons(found) == [None] * 50 + ["frame_share"] * 50
    assert reasons(verdicts(tmp_path / "wide", rows, frame_share=1)) == [None] * 100


def test_another_wording_saves_a_face(tmp_path: Path) -> None:
    first = [(7, *range(1000 + 9 * n, 1009 + 9 * n)) for n in range(100)]
    second = [(8, *range(1000 + 9 * n, 1009 + 9 * n)) for n in range(100)]
    found = verdicts(tmp_path, [row(n, frames=(first[n], second[n])) for n in range(100)])
    assert reasons(found) == [None] * 100
    assert [verdict.caption for verdict in found] == [0] * 50 + [1] * 50


def test_balance_is_by_the_median_group_and_not_by_position(tmp_path: Path) -> None:
    sizes = {"anger": 10, "fear": 12, "happiness": 90}
    labels = [label for label, size in sizes.items() for _ in range(size)]
    rows = [row(n, label=label) for n, label in enumerate(labels)]
    found = verdicts(tmp_path, rows, balance={"label": 2})
    kept = Counter(label for label, verdict in zip(labels, found, strict=True) if verdict.keep)
    assert kept == {"anger": 10, "fear": 12, "happiness": 24}
    assert set(reasons(found)) == {None, "balance"}
    places = [n for n, verdict in enumerate(found) if verdict.keep and labels[n] == "happiness"]
    assert places != list(range(22, 46))
    order = list(range(len(rows)))
    random.Random(2).shuffle(order)
    again = verdicts(tmp_path / "shuffled", [rows[n] for n in order], balance={"label": 2})
    assert {v.n for v in again if v.keep} == {v.n for v in found if v.keep}


def test_balance_by_person(tmp_path: Path) -> None:
    rows = [row(n, subject=f"s{n % 5 if n < 25 else 0}", group=f"subject s{n % 5 if n < 25 else 0}") for n in range(60)]
    found = verdicts(tmp_path, rows, balance={"subject": 1})
    kept = Counter(rows[v.n].subject for v in found if v.keep)
    assert set(kept.values()) == {5}


def labelled(n: int, label: str, present: tuple[int, ...]) -> Measured:
    return row(n, label=label, present=present, absent=tuple(au for au in (4, 6, 12, 15) if au not in present))


def test_support_is_noted_and_may_turn_away(tmp_path: Path) -> None:
    rows = [labelled(n, "happiness" if n % 2 else "sadness", (6, 12) if n % 2 else (15,)) for n in range(80)]
    rows += [labelled(80, "sadness", (6, 12)), row(81, present=(12,), absent=(4,))]
    found = verdicts(tmp_path, rows, min_support=0.2)
    assert [n for n, reason in enumerate(reasons(found)) if reason] == [80]
    assert found[80].reason == "label_unsupported"
    assert found[81].support is None
    assert all(v.support is not None and v.support > 0.8 for v in found[:80])
    model = Support.model_validate_json((tmp_path / "support.json").read_bytes())
    assert model.labels == ("happiness", "sadness")
    assert model.n == sum(v.split == "train" for v in found[:81])


def test_without_labels_there_is_no_support(tmp_path: Path) -> None:
    found = verdicts(tmp_path, [row(0), row(1)], min_support=0.5)
    assert [v.support for v in found] == [None, None]
    assert (tmp_path / "support.json").read_bytes() == b"null\n"


def test_a_person_stands_in_one_split(tmp_path: Path) -> None:
    rows = [row(n, group=f"subject {n % 50}") for n in range(400)]
    found = verdicts(tmp_path, rows, val_share=0.3)
    homes: dict[str, set[str]] = defaultdict(set)
    for one, verdict in zip(rows, found, strict=True):
        homes[one.group].add(verdict.split)
    assert all(len(splits) == 1 for splits in homes.values())
    assert 5 <= sum(splits == {"validation"} for splits in homes.values()) <= 25
    other = verdicts(tmp_path / "seed", rows, val_share=0.3, seed=1)
    assert [v.split for v in other] != [v.split for v in found]


def test_a_person_goes_where_the_input_first_put_it(tmp_path: Path) -> None:
    """Also its faces that stand before the first split given, and those that the input puts elsewhere."""
    given = [None, "val", "train", "test set", None, "Dev", None]
    people = ["a", "a", "a", "b", "b", "c", "d"]
    rows = [row(n, group=f"subject {p}", split=s) for n, (p, s) in enumerate(zip(people, given, strict=True))]
    found = [verdict.split for verdict in verdicts(tmp_path, rows, val_share=0)]
    assert found == ["validation", "validation", "validation", "test_set", "test_set", "validation", "train"]


def test_one_recording_is_for_training(tmp_path: Path) -> None:
    for seed in range(20):
        found = verdicts(tmp_path / str(seed), [row(n, group="recording a.csv None") for n in range(5)], 0.9, seed)
        assert {verdict.split for verdict in found} == {"train"}


@pytest.mark.parametrize(("given", "name"), [("train", "train"), ("fold 1/2", "fold_1_2"), ("テスト", "other")])
def test_split_names(given: str, name: str) -> None:
    assert split_name(given) == name


def test_what_is_measured_of_a_draft(tmp_path: Path) -> None:
    import json

    caption = {
        "overview": "The brows lower.",
        "observations": [{"region": "brow", "text": "The brows lower (AU4).", "units": [{"au": 4}]}],
        "interpretation": "This is consistent with anger. It is not certain.",
        "conclusion": {"label": "anger", "confidence": "low", "text": "Anger, with low confidence."},
    }
    evidence = {
        "id": "v#3", "source": {"file": "v.csv", "row": 3}, "frame": 3, "detector": {"name": "d", "trust": "high"},
    }  # fmt: skip
    joined = {"n": 5, "id": "v#3", "picture": None, "evidence": evidence}
    draft = {"joined": joined, "present": [4], "absent": [12], "captions": [caption, caption]}
    rows, away = measure_shard(json.dumps(draft).encode() + b"\n")
    assert away == b""
    shard_path(tmp_path, 0).write_bytes(rows)
    (found,) = measurements(shard_path(tmp_path, 0))
    assert (found.n, found.present, found.absent, found.words) == (5, [4], [12], [20, 20])
    assert len(found.frames[0]) == 5
    # "The brows lower." and "The brows lower (AU4)." tell the same in the same frame, up to the code.
    assert found.frames[0] == found.frames[1]
    assert found.group == "recording v.csv None"
    joined["subject"] = "p7"
    shard_path(tmp_path, 1).write_bytes(measure_shard(json.dumps(draft).encode() + b"\n")[0])
    assert next(measurements(shard_path(tmp_path, 1))).group == "subject p7"
