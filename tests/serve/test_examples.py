"""The curl examples of the READMEs do what they are there for, against a running server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from tests.serve.conftest import ROOT

PLACE = "http://127.0.0.1:8000"
FILES = (ROOT / "README.md", ROOT / "fervlm" / "serve" / "README.md")
LINES = [line for file in FILES for line in re.findall(r"^curl .*$", file.read_text(encoding="utf-8"), re.MULTILINE)]


def test_there_are_examples() -> None:
    assert len(LINES) >= 9


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("line", dict.fromkeys(LINES))
def test_the_example_works(line: str, server: str) -> None:
    command = line.replace(PLACE, server).replace("curl ", "curl --fail-with-body ", 1)
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    if "stream=true" in line:
        assert "event: done" in done.stdout
    elif "/v1/batch" in line:
        assert [json.loads(row)["error"] for row in done.stdout.splitlines()] == [None, None]
    elif "/metrics" in line:
        assert "fervlm_requests_total" in done.stdout
    else:
        assert json.loads(done.stdout)
