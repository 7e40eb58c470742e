"""`python -m fervlm`: the command line where the program itself is not on the path."""

from fervlm.cli.main import run

run()
