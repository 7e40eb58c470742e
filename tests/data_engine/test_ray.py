"""A stage on a local Ray cluster of a head and two worker nodes gives the same rows, also when a node is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data_engine.faces import command, evidence_csv, files, run

pytest.importorskip("ray", reason="the extra 'scale' is not installed")

DRIVER = """
import json, sys
import ray
from ray.cluster_utils import Cluster
from pathlib import Path
from data_engine import scale
from data_engine.config import AnnotateConfig
from data_engine.pipeline import annotate

source, out = sys.argv[1], Path(sys.argv[2])
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
victim = cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
cluster.wait_for_nodes()
drafts = out / ".work" / "drafts"
write, lost = scale.write_bytes, []

def written(path, data):
    write(path, data)
    shards = len(list(drafts.glob("[0-9]*.jsonl")))
    if path.parent == drafts and shards == 3 and not lost:
        lost.append(shards)
        cluster.remove_node(victim, allow_graceful=False)  # the run goes on only when the node is gone

scale.write_bytes = written
published = annotate(AnnotateConfig(sources=(source,)), out, executor="ray", workers=3, quiet=True)
ray.shutdown()
cluster.shutdown()
print(json.dumps({"lost_after_shards": lost, "samples": published.samples}))
"""


@pytest.mark.timeout(600)
def test_a_lost_node_changes_nothing(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 4096)
    assert run(*command(source, tmp_path / "here", None)).returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(source), str(tmp_path / "cluster")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["lost_after_shards"] == [3], "of eight, while the drafts were made"
    assert files(tmp_path / "here") == files(tmp_path / "cluster")


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    source = evidence_csv(tmp_path / "faces.csv", 5)
    done = run(*command(source, tmp_path / "set", None, "--executor", "ray"))
    assert done.returncode == 2
    assert "Ray cluster cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
