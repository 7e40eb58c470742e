"""The OpenAPI document is true: schemathesis sends what it allows and what it forbids, and finds nothing amiss."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serve.conftest import ROOT

PROGRAM = Path(sys.executable).with_name("schemathesis")


def _run(server: str, folder: Path, *options: str) -> None:
    told = {**os.environ, "SCHEMATHESIS_HOOKS": "schema_formats", "PYTHONPATH": f"{ROOT / 'tests' / 'serve'}:{ROOT}"}
    command = [str(PROGRAM), "run", f"{server}/openapi.json", "--seed", "1", "--generation-database", "none"]
    done = subprocess.run(
        [*command, "--continue-on-failure", *options],
        env=told,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: " in done.stdout, done.stdout


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs the extra 'dev'")
def test_schemathesis_finds_nothing_amiss(server: str, tmp_path: Path) -> None:
    _run(server, tmp_path, "--phases", "fuzzing", "--max-examples", "8")


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs the extra 'dev'")
def test_every_boundary_of_the_requests(server: str, tmp_path: Path) -> None:
    paths = ["/v1/classify", "/v1/models", "/v1/label-sets", "/v1/notice", "/healthz", "/readyz", "/metrics"]
    chosen = [option for path in paths for option in ("--include-path", path)]
    _run(server, tmp_path, "--phases", "coverage", *chosen)


def test_the_document_names_every_route(server: str) -> None:
    paths = set(httpx.get(f"{server}/openapi.json").json()["paths"])
    wanted = {"explain", "classify", "caption", "verify", "batch", "draw", "models", "label-sets", "notice"}
    assert {f"/v1/{name}" for name in wanted} | {"/v1/chat/completions", "/healthz", "/readyz", "/metrics"} == paths
