"""What `fervlm doctor` tells is what is installed."""

from __future__ import annotations

from importlib import metadata

import pytest

from fervlm.cli import doctor
from fervlm.cli.main import main


def test_core_packages_carry_their_installed_versions() -> None:
    found = doctor.core()
    assert {"pydantic", "typer", "numpy"} <= {name.lower() for name in found}
    assert found["pydantic"] == metadata.version("pydantic")
    assert "pytest" not in found


def test_extras_are_those_declared_and_nested_ones_are_counted() -> None:
    found = {extra.name: extra for extra in doctor.extras()}
    assert "pyarrow" in found["data"].installed + found["data"].missing
    assert "pyarrow" in found["dev"].installed + found["dev"].missing
    assert "pytest" in found["dev"].installed


def test_a_missing_package_names_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "pyarrow" else real(name))
    main(["doctor"])
    assert "pip install 'fervlm[data]'" in capsys.readouterr().out


def test_doctor_tries_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "none at fault" in printed
    assert "FAILS" not in printed


def test_a_failing_part_is_said_and_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(doctor, "_try_png", broken)
    assert main(["doctor"]) == 1
    assert "RuntimeError: no such thing" in capsys.readouterr().out
