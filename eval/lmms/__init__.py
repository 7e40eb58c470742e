"""Our benchmarks as lmms-eval tasks, for those who run that harness: `python -m eval lmms --help`."""
