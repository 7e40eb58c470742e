"""Our benchmarks as lmms-eval tasks, for those who run that harness: `python -m eval lmms --help`.

Tried in lmms-eval 0.7.3, with its dummy model and with a small random Qwen3-VL (`--model qwen3_vl`).
"""
