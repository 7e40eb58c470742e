"""One file per benchmark (or family): `BENCHMARKS`, each with a loader of its official layout, terms, counts and traps.

A new one is a file here: a function `load(root, choice) -> list[Item]` that reads the layout as it is distributed and
raises `FervlmError` where something is missing, a `Benchmark` that says where the layout was seen, and a miniature of
the layout in `tests/eval`. Files with a `main` have a command of their own: `python -m eval benchmark NAME`.
"""
