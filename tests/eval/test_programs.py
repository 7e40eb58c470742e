"""The smaller programs: lmms-eval tasks, probe and retrieval, a judge's opinion, peers, renewing the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

import fervlm
from eval.__main__ import main
from eval.bertscore import Encoder, matched
from eval.catalogue import benchmark
from eval.embeddings import retrieval
from eval.item import Item
from eval.judge import opinions
from eval.lmms import utils
from eval.lmms.export import export
from eval.peers import PEERS, open_peer
from eval.peers.pictures import answered, in_benchmark_words
from eval.predictors.chat import Chat
from eval.renew import MULTIMODAL, PLAN, command_of, peer_runs, plan
from eval.run import Asked, run
from fervlm.errors import FervlmError
from fervlm.examples import photograph
from fervlm.mllm.manifest import SHIPPED
from tests.eval.miniature import png, text


def test_an_lmms_task_asks_what_we_ask(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra 'data'")
    one = benchmark("raf_db")
    items = [Item("a", picture=png(tmp_path / "a.png", 10), label="fear"), Item("b", label=None)]
    path = export(one, items, tmp_path / "task")
    task = yaml.safe_load(path.read_text(encoding="utf-8").replace("!function ", ""))
    assert task["task"] == "fervlm_raf_db" and {m["metric"] for m in task["metric_list"]} >= {"WAR", "UAR"}
    for name in ("doc_to_visual", "doc_to_text", "doc_to_target", "process_results"):
        module, _, function = task[name].partition(".")
        assert (path.parent / f"{module}.py").is_file() and hasattr(utils, function)
    (row,) = datasets.load_dataset(
        "parquet", data_files=task["dataset_kwargs"]["data_files"], cache_dir=str(tmp_path / "c")
    )["test"]
    assert utils.doc_to_visual(row)[0].size == (8, 8) and utils.doc_to_target(row) == "fear"
    assert "surprise, fear, disgust" in utils.doc_to_text(row, {"post_prompt": "!"})
    with pytest.raises(FervlmError, match="holds no picture with a label"):
        export(one, items[1:], tmp_path / "none")


def test_lmms_scores_are_strict() -> None:
    choices = ["anger", "fear"]
    told = ["anger", " Fear. ", "I feel fear", "fear"]
    truth = ["anger", "fear", "fear", "anger"]
    rows = [
        utils.process_results({"choices": choices, "answer": t}, [a])["WAR"] for t, a in zip(truth, told, strict=True)
    ]
    assert utils.war(rows) == 0.5 and utils.uar(rows) == 0.5 and utils.parse_rate(rows) == 0.75
    assert utils.strict("(B). Fear", ["A", "B"]) == "B"
    assert utils.strict("Because", ["A", "B"]) is None


def test_retrieval_counts_equal_texts_as_right(tmp_path: Path) -> None:
    path = photograph()
    reader = fervlm.load()
    items = [Item(str(k), picture=path, text="the lip corners are pulled up") for k in range(3)]
    found = retrieval(reader, items)
    assert found["texts"] == 1 and found["text to picture R@1"] == 1 == found["picture to text R@1"]
    with pytest.raises(FervlmError, match="no item has a text"):
        retrieval(reader, [Item("x", picture=path)])


def test_a_probe_needs_two_splits() -> None:
    assert main(["embeddings", "probe", "--benchmark", "jaffe", "--data", "."]) == 2


def test_bertscore_of_a_local_encoder(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    import fervlm.torchvision_fix  # noqa: F401

    # isort: split
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "brows", "rise", "mouth", "opens"]
    folder = tmp_path / "bert"
    folder.mkdir()
    text(folder / "vocab.txt", "\n".join(words) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder)
    encoder = Encoder(folder)
    one, other = encoder("the brows rise"), encoder("the mouth opens")
    assert one.shape == (3, 16), "special tokens are left out"
    assert matched(one, one) == pytest.approx((1, 1, 1))
    precision, recall, f1 = matched(one, other)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall)) and f1 < 0.999
    assert matched(one[:1], one)[:2] == pytest.approx((1, (one @ one[0]).mean()))
    assert matched(one[:0], one) == (0, 0, 0)
    with pytest.raises(FervlmError, match="there is no encoder here"):
        Encoder(tmp_path)


class OneOpinion(Chat):
    """Says 4 to texts that name a mouth and 2 to others."""

    def __init__(self) -> None:
        self.model = "opinionated"

    def ask(self, text: str, pictures: list[bytes], **_: object) -> str:
        assert not pictures and "AU12" in text
        return "4" if "mouth" in text.lower() or "lip" in text.lower() else "two"


def test_a_judge_is_told_apart_from_the_counts(tmp_path: Path) -> None:
    for k in range(3):
        png(tmp_path / "d" / f"{k}.png")
    text(tmp_path / "d" / "manifest.csv", "file,label\n0.png,happiness\n1.png,happiness\n2.png,sadness\n")
    text(tmp_path / "u.csv", "picture,AU04,AU12\n0.png,0,1\n1.png,0,1\n2.png,0,1\n")
    one = benchmark("manifest")
    more = {"evidence": str(tmp_path / "u.csv"), "input_format": "au_table:scale=presence"}
    out = run(Asked(one, str(tmp_path / "d"), "rules", tmp_path / "r", **more))
    found = opinions(out, OneOpinion(), None)
    assert found["judge"] == "opinionated" and found["texts"] == 3
    assert found["mean_opinion"] == 4 and found["parsed"] == 1
    assert not (out / "judge.json").exists(), "only the command writes it"


def test_peers_are_mapped_by_name_and_fail_alone(tmp_path: Path) -> None:
    one = replace(benchmark("raf_db"))
    shares = in_benchmark_words({"happy": 3.0, "joyful": 1.0, "Contempt": 4.0, "Anger": 4.0}, one)
    assert shares == {"happiness": 0.5, "anger": 0.5}, (
        "two words of one class add up; one that the set lacks is left out"
    )
    good, bad = Item("good", picture=png(tmp_path / "g.png")), Item("bad", picture=text(tmp_path / "b.png", "x"))

    def look(pixels: np.ndarray) -> dict[str, float]:
        assert pixels.shape == (8, 8, 3)
        return {"sad": 0.9, "angry": 0.1}

    answers = list(answered([bad, good], look, one))
    assert [(a.id, a.status, a.label) for a in answers] == [("bad", "failed", None), ("good", "ok", "sadness")]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    assert main(["list", "--peers"]) == 0
    yield capsys.readouterr().out


def test_a_peer_that_is_not_here_is_one_sentence(lines: str) -> None:
    assert all(f"peer:{name}" in lines for name in PEERS)
    with pytest.raises(FervlmError, match="there is no peer 'facebook'"):
        open_peer("facebook", benchmark("raf_db"))
    assert all(f"never run: {known.reason}" in lines for known in PEERS.values() if known.measured is None)
    assert all(known.measured or known.reason for known in PEERS.values())
    with pytest.raises(FervlmError, match=r"face-api is not installed there|Node is not installed"):
        open_peer("faceapi=/nowhere", benchmark("raf_db"))
    for name in PEERS:
        if "not installed" in next(line for line in lines.splitlines() if line.startswith(f"peer:{name} ")):
            with pytest.raises(FervlmError, match="is not installed here"):
                open_peer(name, benchmark("raf_db"))


def test_the_report_is_planned_for_every_shipped_predictor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {one.benchmark for one in PLAN} == {"pack_val", "faces_val", "human_codes"}
    assert {one.predictor for one in PLAN} == {"contrastive", "rules", "majority"}
    assert command_of(PLAN[0]).startswith("python -m eval run --benchmark pack_val --predictor contrastive --evidence")
    sampled = command_of(MULTIMODAL[1], None, 300)
    assert "--predictor mllm#reason_first" in sampled and sampled.endswith(
        "--limit 300 --out runs/pack_val-mllm-reason_first"
    )
    assert (MULTIMODAL[0] in plan()) is (SHIPPED / "fervlm.json").is_file()
    with pytest.raises(FervlmError, match="holds no run of a peer"):
        peer_runs(tmp_path)
    assert main(["renew", "--data", str(tmp_path / "no"), "--work", str(tmp_path / "w")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_open_clip_models_are_a_peer(tmp_path: Path) -> None:
    if find_spec("open_clip") is None:
        pytest.skip("needs the extra 'train'")
    one = replace(benchmark("raf_db"), labels=("happiness", "sadness"))
    with pytest.raises(FervlmError, match="open_clip needs a model"):
        open_peer("open_clip", one)
    from tests.contrastive import tiny

    folder = tiny.model_folder(tmp_path / "vit", ["an expression of happiness", "a face that shows sadness"])
    peer = open_peer(f"open_clip={folder}", one)
    faces = [Item(str(k), picture=png(tmp_path / f"{k}.png", 50 * k, 32), crop=True) for k in range(3)]
    answers = list(peer.answers(faces))
    assert [a.status for a in answers] == ["ok"] * 3
    assert all(set(a.probabilities or {}) == set(one.labels) and a.text is None for a in answers)
