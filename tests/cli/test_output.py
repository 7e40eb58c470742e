"""Output appears whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fervlm.cli.output import binary_target, refuse_overwriting, text_target
from fervlm.errors import FervlmError


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with text_target(str(target)) as stream:
        stream.write("one\n")
        stream.flush()
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("fault", [FervlmError("bad row"), KeyboardInterrupt(), SystemExit(143)])
def test_a_fault_midway_leaves_the_earlier_file_and_no_rest(tmp_path: Path, fault: BaseException) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("earlier\n", encoding="utf-8")
    with pytest.raises(type(fault)), text_target(str(target)) as stream:
        stream.write("half")
        raise fault
    assert target.read_text(encoding="utf-8") == "earlier\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_permissions_are_those_of_any_new_file_or_of_the_one_replaced(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    kept.touch(mode=0o640)
    kept.chmod(0o640)
    for target in (fresh, kept):
        with binary_target(target) as stream:
            stream.write(b"x")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(fresh.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with binary_target(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = Path(os.devnull).stat().st_mode
    with text_target(os.devnull) as stream:
        stream.write("gone\n")
    assert Path(os.devnull).stat().st_mode == before


def test_a_folder_and_a_missing_folder_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="is a folder"), text_target(str(tmp_path)):
        pass
    with pytest.raises(FervlmError, match="cannot be written"), text_target(str(tmp_path / "none" / "out")):
        pass


def test_the_output_never_replaces_a_source(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.touch()
    with pytest.raises(FervlmError, match="overwrite"):
        refuse_overwriting(str(tmp_path / "." / "in.csv"), [str(source)])
    refuse_overwriting(str(tmp_path / "out.csv"), [str(source), "-"])
    refuse_overwriting(None, [str(source)])
