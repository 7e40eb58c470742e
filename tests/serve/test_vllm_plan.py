"""What vLLM is started with, what is refused before it starts, and how a child is watched; no vLLM needed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fervlm.errors import FervlmError
from fervlm.serve.parity import judge, mean_gap
from fervlm.serve.probes import probes
from fervlm.serve.vllm_plan import command, is_multimodal, plan_of
from fervlm.serve.vllm_process import VllmProcess, free_port

LANGUAGE = "base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight"
VISION = "base_model.model.model.visual.blocks.0.attn.qkv.lora_A.weight"


def _adapter(folder: Path, *names: str, **config: object) -> Path:
    folder.mkdir()
    base = folder.parent / "base"
    base.mkdir(exist_ok=True)
    told = {"base_model_name_or_path": str(base), "r": 12, **config}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    save_file({name: np.zeros((8, 4), np.float32) for name in names}, folder / "adapter_model.safetensors")
    return folder


def test_the_command_follows_from_the_adapter(tmp_path: Path) -> None:
    folder = _adapter(tmp_path / "emo", LANGUAGE)
    assert is_multimodal(folder) and not is_multimodal(tmp_path)
    plan = plan_of(folder)
    told = command(plan, "vllm", 8123, ["--max-num-seqs", "4"])
    assert told[:3] == ["vllm", "serve", str(tmp_path / "base")] and told[-2:] == ["--max-num-seqs", "4"]
    assert "--enable-lora" in told and told[told.index("--max-lora-rank") + 1] == "16"
    assert told[told.index("--lora-modules") + 1] == f"emo={folder}"
    assert told[told.index("--lora-target-modules") + 1] == "q_proj"
    assert told[told.index("--host") + 1] == "127.0.0.1"


def test_what_vllm_would_ignore_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match=r"picture tower .*visual.* ignores silently.*Merge it first"):
        plan_of(_adapter(tmp_path / "vision", LANGUAGE, VISION))
    with pytest.raises(FervlmError, match="whole layers"):
        plan_of(_adapter(tmp_path / "whole", LANGUAGE, modules_to_save=["lm_head"]))
    with pytest.raises(FervlmError, match="rank 1024"):
        plan_of(_adapter(tmp_path / "large", LANGUAGE, r=1024))
    with pytest.raises(FervlmError, match=r"is not there.*--base"):
        plan_of(_adapter(tmp_path / "lost", LANGUAGE, base_model_name_or_path="/none"))


def test_parity_says_which_part_differs() -> None:
    good = {"gap_nats": 0.01, "base_gap_nats": 0.6, "prompt_tokens": [[50, 50]]}
    judge(good)
    judge({**good, "base_gap_nats": None})
    for change, words in (
        ({"prompt_tokens": [[50, 50], [50, 66]]}, "probe 2 as 66 tokens.*50"),
        ({"gap_nats": 0.06}, "0.060 nats"),
        ({"gap_nats": float("inf")}, "inf nats"),
        ({"gap_nats": float("nan")}, "nats"),
        ({"base_gap_nats": 0.2}, "not applied"),
    ):
        with pytest.raises(FervlmError, match=words):
            judge({**good, **change})
    assert mean_gap([0.0, -1.0], [-0.5, -0.5]) == 0.5
    assert mean_gap([0.0], [0.0, 0.0]) == mean_gap([], []) == float("inf")


def test_the_probes_are_three_pictures_always_the_same() -> None:
    first = probes(96)
    probes.cache_clear()
    assert first == probes(96) and len({probe.png for probe in first}) == 3
    assert all("Label: " in probe.answer for probe in first)


# A child that behaves like a server of models, with a child of its own.
CHILD = """
import http.server, os, subprocess, sys, time
port, mode = int(sys.argv[1]), sys.argv[2]
print("starting", flush=True)
if mode == "broken":
    sys.exit("no such model")
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[3], "w").write(str(inner.pid))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
time.sleep(0.3)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_child_is_watched_restarted_and_stopped_with_its_children(tmp_path: Path) -> None:
    lines: list[str] = []
    restarts: list[int] = []
    inner = tmp_path / "pid"

    async def live() -> None:
        port = free_port()
        told = [sys.executable, "-c", CHILD, str(port), "well", str(inner)]
        child = VllmProcess(told, port, tmp_path / "log", lines.append, lambda: restarts.append(1))
        await child.start()
        assert child.ready and child.pid is not None
        watching = asyncio.create_task(child.watch())
        first, below = child.pid, int(inner.read_text())
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (child.pid == first or not child.ready) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert child.ready and child.pid != first and restarts == [1]
        assert not _alive(below)
        below = int(inner.read_text())
        watching.cancel()
        await child.stop()
        assert not child.ready and not _alive(below) and not _alive(child.pid or 0)

    asyncio.run(live())
    assert any("signal 9" in line and "starts again in 1 s" in line for line in lines)


def test_a_child_that_ends_at_once_is_one_sentence(tmp_path: Path) -> None:
    async def live() -> None:
        port = free_port()
        told = [sys.executable, "-c", CHILD, str(port), "broken", str(tmp_path / "pid")]
        with pytest.raises(FervlmError, match=r"ended before it answered.*no such model"):
            await VllmProcess(told, port, tmp_path / "log", print).start()
        with pytest.raises(FervlmError, match=r"cannot be started.*fervlm\[vllm\]"):
            await VllmProcess(["/no/vllm"], port, tmp_path / "log", print).start()

    asyncio.run(live())


# Like vLLM's server, it ends its engine when it is asked to stop; nobody asks where its parent was killed.
POLITE = CHILD.replace(
    "time.sleep(0.3)",
    "import signal\nsignal.signal(signal.SIGTERM, lambda *_: (inner.kill(), os._exit(0)))\ntime.sleep(0.3)",
)
PARENT = """
import asyncio, json, sys, time
from pathlib import Path
from fervlm.serve.vllm_process import VllmProcess
told, port, log = json.loads(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
async def live():
    child = VllmProcess(told, port, log, print)
    await child.start()
    print("up", child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(live())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the kernel tells the child of its parent's death")
def test_a_killed_gateway_leaves_no_engine_behind(tmp_path: Path) -> None:
    port, inner = free_port(), tmp_path / "pid"
    told = [sys.executable, "-c", POLITE, str(port), "well", str(inner)]
    command = [sys.executable, "-c", PARENT, json.dumps(told), str(port), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(next(line for line in parent.stdout if line.startswith("up")).split()[1])
        below = int(inner.read_text())
        assert _alive(server) and _alive(below)
        parent.kill()
    deadline = time.monotonic() + 20
    while (_alive(server) or _alive(below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(server) and not _alive(below)
