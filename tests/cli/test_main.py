"""What every verb shares: exit codes, one sentence for a mistake, quick help."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

import fervlm
from fervlm.cli.main import main
from fervlm.records import SCHEMAS

HEAVY = (
    "pydantic",
    "numpy",
    "PIL",
    "yaml",
    "pyarrow",
    "resvg_py",
    "fervlm.records",
    "fervlm.reasoning",
    "fervlm.readers",
)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fervlm {fervlm.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["verify", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    avoided = HEAVY if arguments == ["--help"] else tuple(m for m in HEAVY if m != "pydantic")  # typer's own use of it
    code = (
        "import sys\nfrom fervlm.cli.main import main\n"
        f"main({arguments!r})\nprint([m for m in {avoided!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Usage" in done.stdout


def test_import_fervlm_loads_nothing_heavy() -> None:
    code = f"import sys, fervlm\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [["explian"], ["explain", "--per", "year", "x.csv"], ["explain", "--format", "doc", "x.csv"], ["verify"]],
)
def test_a_wrong_command_line_is_exit_code_2_without_a_traceback(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    caught = capsys.readouterr()
    assert "Traceback" not in caught.err
    assert caught.err


def test_the_public_surface_is_what_it_says() -> None:
    for name in fervlm.__all__:
        assert getattr(fervlm, name) is not None
    assert set(fervlm.__all__) <= set(dir(fervlm))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = fervlm.nonsense  # type: ignore[attr-defined]


def test_schema_prints_valid_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(SCHEMAS)
    for noun in found.values():
        jsonschema.Draft202012Validator.check_schema(noun)
        assert noun["additionalProperties"] is False


def test_schema_of_one_record_by_name_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "caption"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Caption"
    assert main(["schema", "Novel"]) == 2
    assert "Known records: AURecord" in capsys.readouterr().err
