"""The README tells the truth: every command in it is run, and what it prints is what stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELISION = "..."


def blocks(kind: str) -> list[str]:
    """Bodies of the fenced blocks of one language."""
    return [body for language, body in BLOCK.findall(README) if language == kind]


def session(block: str) -> list[tuple[str, str]]:
    """(command, expected output) pairs of a console block."""
    parts = re.split(r"^\$ (.*)$", block, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console block begins with a command, not with: {parts[0]!r}"
    return [(command, output.strip("\n")) for command, output in zip(parts[1::2], parts[2::2], strict=True)]


def agrees(shown: str, printed: str) -> bool:
    """Whether `printed` is what is shown; a line of three dots stands for any lines."""
    pattern = "\n".join(r"(?:.*\n)*?.*" if line == ELISION else re.escape(line) for line in shown.splitlines())
    return re.fullmatch(pattern, printed.strip("\n")) is not None


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout to the README's commands; what they write stays in it."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "fervlm").mkdir()
    shutil.copytree(ROOT / "fervlm" / "examples", folder / "fervlm" / "examples")
    return folder


def run(command: str, folder: Path) -> str:
    """What a shell prints for `command`, both streams in order, at the README's width."""
    environment = {**os.environ, "COLUMNS": "100", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{folder}/bin{os.pathsep}{environment['PATH']}"
    program = folder / "bin" / "fervlm"
    if not program.exists():
        program.parent.mkdir()
        code = "from fervlm.cli.main import run; run()"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        (program.parent / "python").symlink_to(sys.executable)
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout.decode("utf-8")


def test_the_first_screen_holds_both_commands_and_the_real_output(shell: Path) -> None:
    first, second = blocks("bash")[:2]
    install, _, job = first.strip().partition(" && ")
    assert install == "pip install -c .ci/constraints.txt ."
    assert job == "fervlm explain --example"
    assert second.strip() == "pip install -c .ci/constraints.txt -e '.[dev]' && pytest"
    shown = blocks("text")[1]
    assert run(job, shell).strip("\n") == shown.strip("\n")


def test_every_session_prints_what_is_shown(shell: Path) -> None:
    sessions = [pair for block in blocks("console") for pair in session(block)]
    assert sessions
    for command, shown in sessions:
        printed = run(command, shell)
        assert agrees(shown, printed), f"$ {command}\n{printed}"


def test_the_python_examples_run(shell: Path) -> None:
    examples = blocks("python")
    assert examples
    for number, example in enumerate(examples):
        script = shell / f"example_{number}.py"
        script.write_text(example, encoding="utf-8")
        printed = run(f"python {script.name}", shell)
        shown = "\n".join(m.group(1) for m in re.finditer(r"^# -> (.*)$", example, re.MULTILINE))
        assert agrees(shown, printed), f"{example}\n{printed}"


def test_the_table_of_detectors_is_the_codes_own() -> None:
    from fervlm.cli.formats import markdown
    from fervlm.readers import FORMATS

    assert markdown(list(FORMATS.values())) in README


def test_every_verb_and_every_label_set_is_named() -> None:
    from typer.main import get_command

    from fervlm.cli.main import app

    for verb in getattr(get_command(app), "commands"):  # noqa: B009 (typer's own type does not name it)
        assert f"fervlm {verb}" in README
