"""`python -m fervlm`: the command line where the `fervlm` program is not on the path."""

from __future__ import annotations

from fervlm.cli.main import run

if __name__ == "__main__":
    run()
