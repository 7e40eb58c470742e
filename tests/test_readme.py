"""The README tells the truth: every command in it is run, and what it prints is what stands there.

`python tests/test_readme.py` writes the README anew with the present outputs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(bash|console|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DETECTORS = re.compile(r"^(TABLE|\| format \| detector \|.*?)\n\n", re.MULTILINE | re.DOTALL)
WIDTH = "100"
INSTALL = "pip install -c .ci/constraints.txt . && "
TEST = "pip install -c .ci/constraints.txt -e '.[dev]' && pytest"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A folder that looks like the checkout to the README's commands; what they write stays in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield prepared(Path(folder))


def prepared(folder: Path) -> Path:
    """The examples at their place, `fervlm` and `python` on the path."""
    shutil.copytree(ROOT / "fervlm" / "examples", folder / "fervlm" / "examples")
    program = folder / "bin" / "fervlm"
    program.parent.mkdir()
    code = "from fervlm.cli.main import run; run()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    python = program.with_name("python")  # no link: a linked interpreter would not find its own environment
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return folder


def shell(command: str, folder: Path) -> str:
    """What a shell prints for `command`, both streams, at the README's width."""
    environment = {**os.environ, "COLUMNS": WIDTH, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{folder}/bin{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return "".join(f"{line}\n" for line in done.stdout.decode("utf-8").strip("\n").splitlines())


def session(block: str, folder: Path) -> str:
    """A console block with every command's present output."""
    commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    assert commands, f"a console block without a command: {block!r}"
    return "\n".join(f"$ {command}\n{shell(command, folder)}" for command in commands)


def renewed(text: str, folder: Path) -> str:
    """The README with every output made anew; a text block after a bash or python block is the output of that."""
    pending: str | None = None

    def block(found: re.Match[str]) -> str:
        nonlocal pending
        kind, body = found.groups()
        if kind == "console":
            return f"```console\n{session(body, folder)}```"
        if kind == "text" and pending is not None:
            body, pending = pending, None
        elif kind == "python":
            (folder / "example.py").write_text(body, encoding="utf-8")
            pending = shell("python example.py", folder)
        elif kind == "bash" and body.startswith(INSTALL):
            pending = shell(body.removeprefix(INSTALL).strip(), folder)
        return f"```{kind}\n{body}```"

    return DETECTORS.sub(lambda _: f"{detectors()}\n\n", BLOCK.sub(block, text))


def detectors() -> str:
    """The table of detectors, from the readers themselves."""
    from fervlm.cli.formats import markdown
    from fervlm.readers import FORMATS

    return markdown(list(FORMATS.values()))


def test_every_command_prints_what_is_shown_and_the_table_is_the_codes_own(checkout: Path) -> None:
    text = README.read_text(encoding="utf-8")
    assert text == renewed(text, checkout), "renew it: python tests/test_readme.py"


def test_the_first_screen_installs_and_runs_the_main_job_and_the_tests() -> None:
    first, second = [body for kind, body in BLOCK.findall(README.read_text(encoding="utf-8")) if kind == "bash"][:2]
    assert first.strip() == f"{INSTALL}fervlm explain --example"
    assert second.strip() == TEST


def test_no_command_in_it_fails() -> None:
    text = README.read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert "Usage:" not in text
    assert "No such" not in text


def test_every_verb_is_told() -> None:
    from typer.main import get_command

    from fervlm.cli.main import app

    text = README.read_text(encoding="utf-8")
    for verb in getattr(get_command(app), "commands"):  # noqa: B009 (typer's own type does not name it)
        assert f"fervlm {verb}" in text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        README.write_text(renewed(README.read_text(encoding="utf-8"), prepared(Path(place))), encoding="utf-8")
