"""`fervlm formats` and `fervlm summary`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fervlm.readers import FORMATS

Run = Callable[..., tuple[int, str, str]]


def test_every_format_is_listed_with_what_it_was_checked_on(fervlm: Run) -> None:
    code, out, _ = fervlm("formats")
    assert code == 0
    for info in FORMATS.values():
        line = next(line for line in out.splitlines() if line.startswith(f"{info.name} "))
        assert line.endswith("real file" if info.checked_on else "header only")


def test_one_format_is_told_in_full(fervlm: Run) -> None:
    _, out, _ = fervlm("formats", "openface2")
    assert FORMATS["openface2"].note in out
    assert "facsvatar_demo_raw.csv" in out
    assert "min_confidence" in out
    code, _, err = fervlm("formats", "openface9")
    assert code == 2
    assert "openface2" in err


def test_json_and_markdown_say_the_same(fervlm: Run) -> None:
    found = json.loads(fervlm("formats", "--format", "json")[1])
    table = fervlm("formats", "--format", "markdown")[1]
    assert [entry["name"] for entry in found] == list(FORMATS)
    for entry in found:
        assert f"| `{entry['name']}` | {entry['tool']} |" in table
        assert entry["may_say"] in table
    assert "how strong" in next(entry["may_say"] for entry in found if entry["scale"] == "intensity_0_5")
    assert all("not how strong" in entry["may_say"] for entry in found if entry["scale"] in {"score", "probability"})


def test_a_recording_is_summed_up_as_text_and_as_json(fervlm: Run) -> None:
    from fervlm.examples import recording

    code, out, _ = fervlm("summary", recording())
    assert code == 0
    assert "AU12 lip corner puller: once" in out
    _, out, _ = fervlm("summary", recording(), "--format", "jsonl")
    (face,) = json.loads(out)["faces"]
    assert {12: 1, 6: 1, 45: 2}.items() <= {m["au"]: m["times"] for m in face["movements"]}.items()


def test_bad_recordings_are_listed_and_the_others_summed_up(fervlm: Run, tmp_path: Path) -> None:
    from fervlm.examples import recording

    (tmp_path / "a.csv").write_text("not,evidence\n1,2\n", encoding="utf-8")
    (tmp_path / "b.csv").write_bytes(recording().read_bytes())
    code, out, err = fervlm("summary", tmp_path)
    assert code == 1
    assert "b.csv" in out
    assert "a.csv" in err
    assert fervlm("summary", tmp_path / "a.csv")[0] == 2
