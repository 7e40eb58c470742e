"""`fervlm eval`: the checkout's own program, and a plain sentence where there is no checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from fervlm.cli.main import main


def test_it_is_the_checkouts_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "list", "--predictors"]) == 0
    assert "majority" in capsys.readouterr().out
    assert main(["eval", "score", "nowhere"]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert main(["eval", "--help"]) == 0
    assert "compare" in capsys.readouterr().out


def test_elsewhere_it_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fervlm.__file__", str(tmp_path / "site" / "fervlm" / "__init__.py"))
    assert main(["eval", "list"]) == 2
    assert "runs from a checkout" in capsys.readouterr().err
