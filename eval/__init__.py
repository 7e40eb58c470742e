"""Benchmarks and measurements; runs from a checkout (`python -m eval`), not part of the wheel."""
