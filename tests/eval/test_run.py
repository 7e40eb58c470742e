"""Runs: resumed where they were cut, nothing overwritten, failures counted, other people's mistakes in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import eval.parallel
from eval import run as run_module
from eval.__main__ import main
from eval.answer import Answer
from eval.catalogue import benchmark
from eval.folder import PREDICTIONS, RUN, answers_in, read_folder
from eval.item import Item
from eval.run import Asked, run, some
from eval.score import score
from fervlm.errors import FervlmError
from fervlm.examples import recording
from tests.eval.miniature import png, text

FACES = 24


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """24 faces of three labels with an AU file: smiles, frowns, faces at rest."""
    rows, units = [], ["picture,AU04,AU06,AU12,AU15,AU25"]
    for k in range(FACES):
        label = ("happiness", "sadness", "neutral")[k % 3]
        png(tmp_path / "d" / f"{k:02d}.png", 10 * k)
        rows.append(f"f{k:02d},{k:02d}.png,{label},p{k // 2},{'left' if k % 2 else 'right'}")
        bits = {"happiness": "0,1,1,0,0", "sadness": "1,0,0,1,0", "neutral": "0,0,0,0,0"}[label]
        units.append(f"{k:02d}.png,{bits}")
    text(tmp_path / "d" / "manifest.csv", "id,file,label,subject,group:side\n" + "\n".join(rows) + "\n")
    text(tmp_path / "units.csv", "\n".join(units) + "\n")
    return tmp_path


def asked(data: Path, predictor: str, **more: Any) -> Asked:  # noqa: ANN401
    name = predictor.split(":", maxsplit=1)[0]
    base: dict[str, Any] = {
        "benchmark": benchmark("manifest"), "data": str(data / "d"), "predictor": predictor, "out": data / name,
    }  # fmt: skip
    return Asked(**{**base, **more})


def evidence(data: Path) -> dict[str, str]:
    return {"evidence": str(data / "units.csv"), "input_format": "au_table:scale=presence"}


def lines(folder: Path) -> list[str]:
    return (folder / PREDICTIONS).read_text(encoding="utf-8").splitlines()


def test_rules_explain_from_the_evidence_file(data: Path) -> None:
    out = run(asked(data, "rules", **evidence(data)))
    found = score(out)
    assert found["classes"]["WAR"][0] > 0.9
    assert found["explanations"]["faithfulness"]["against"] == "au_table"
    assert found["explanations"]["faithfulness"]["precision"] == 1
    assert found["classes"]["intervals_over"] == "persons"
    told = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert told["classes"]["WAR"] == pytest.approx(list(found["classes"]["WAR"]))


def test_rules_without_evidence_stop_at_once(data: Path) -> None:
    with pytest.raises(FervlmError, match=r"failed on each of the first 20 items \(no AU evidence"):
        run(asked(data, "rules"))
    assert len(lines(data / "rules")) == 20
    with pytest.raises(FervlmError, match="4 of 24 answers are missing"):
        score(data / "rules")
    found = score(data / "rules", missing_are_failures=True)
    assert found["classes"]["WAR"][0] == 0 and found["failed"] == 24 and found["missing"] == 4


def test_evidence_of_other_pictures_is_noticed(data: Path) -> None:
    text(data / "other.csv", "picture,AU04,AU12\nx.png,0,1\n")
    with pytest.raises(FervlmError, match="holds none of the 24 items"):
        run(asked(data, "rules", **(evidence(data) | {"evidence": str(data / "other.csv")})))


class Dying:
    """Answers five items, then dies as other people's packages do."""

    name, version = "dying", "1"
    dead = True

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        for k, item in enumerate(items):
            if k == 5 and Dying.dead:
                raise RuntimeError("out of memory\nmore")
            yield Answer(id=item.id, label="neutral")


def test_a_run_that_died_goes_on_where_it_was(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "open_predictor", lambda *_: Dying())
    with pytest.raises(FervlmError, match=r"died after 5 items \(RuntimeError: out of memory\)"):
        run(asked(data, "dying"))
    first = lines(data / "dying")
    assert len(first) == 5
    with (data / "dying" / PREDICTIONS).open("a", encoding="utf-8") as file:
        file.write('{"id":"f05","lab')  # what a killed process leaves
    monkeypatch.setattr(Dying, "dead", False)
    run(asked(data, "dying"))
    assert lines(data / "dying")[:5] == first
    assert [json.loads(line)["id"] for line in lines(data / "dying")] == [f"f{k:02d}" for k in range(FACES)]
    before = (data / "dying" / PREDICTIONS).read_bytes()
    run(asked(data, "dying"))
    assert (data / "dying" / PREDICTIONS).read_bytes() == before


def test_another_run_is_not_overwritten(data: Path) -> None:
    run(asked(data, "majority"))
    before = {path.name: path.read_bytes() for path in (data / "majority").iterdir()}
    with pytest.raises(FervlmError, match=r"holds another run \(limit: None"):
        run(asked(data, "majority", limit=3))
    text(data / "file.csv", "id,label\nf00,happiness\n")
    with pytest.raises(FervlmError, match="holds another run"):
        run(asked(data, f"file:{data / 'file.csv'}", out=data / "majority"))
    assert {path.name: path.read_bytes() for path in (data / "majority").iterdir()} == before
    text(data / "notes" / "mine.txt", "keep")
    with pytest.raises(FervlmError, match="is not empty and holds no run"):
        run(asked(data, "majority", out=data / "notes"))
    assert (data / "notes" / "mine.txt").read_text(encoding="utf-8") == "keep"


def test_the_majority_is_told_as_such(data: Path) -> None:
    found = score(run(asked(data, "majority")))
    assert found["classes"]["WAR"][0] == pytest.approx(1 / 3)
    assert found["classes"]["UAR"][0] == pytest.approx(1 / 3)
    assert found["classes"]["majority_alarm"] == "every answer is 'happiness'"
    assert found["classes"]["calibration"]["ECE"] == pytest.approx(0, abs=1e-6)


def test_answers_from_a_file(data: Path) -> None:
    rows = [f"f{k:02d},{('happiness', 'sadness', 'neutral')[k % 3]},0.5,0.25,0.25" for k in range(FACES - 2)]
    text(data / "a.csv", "id,label,happiness,neutral,sadness\n" + "\n".join(rows) + "\n")
    found = score(run(asked(data, f"file:{data / 'a.csv'}")))
    assert found["failed"] == 2 and found["classes"]["WAR"][0] == pytest.approx(22 / 24)
    assert found["classes"]["strict_parse_rate"] == pytest.approx(22 / 24)
    text(data / "b.jsonl", '{"id":"f00","label":"sadness","text":"x"}\n{"id":"f01","label":null}\n')
    told = read_folder(run(asked(data, f"file:{data / 'b.jsonl'}", out=data / "b")))
    assert told.answers["f01"].status == "abstained" and told.answers["f02"].status == "failed"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,label\nf00,sadness\nf00,anger\n", r"row 3: the id 'f00' comes twice"),
        ("a.csv", "name,label\nf00,sadness\n", r"columns 'id' and 'label' are missing"),
        ("a.csv", "id,label\nother,sadness\n", r"answers none of these items"),
        ("a.csv", "id,label,happiness,sadness\nf00,sadness,x,0\n", r"row 2: a probability is no number"),
        ("a.jsonl", '{"id":"f00","label":"sad"}\nnonsense\n', r"row 2: the line is no answer"),
    ],
)
def test_bad_files_of_answers(data: Path, name: str, content: str, said: str) -> None:
    text(data / name, content)
    with pytest.raises(FervlmError, match=said):
        run(asked(data, f"file:{data / name}"))


def test_predictions_of_another_benchmark(data: Path) -> None:
    run(asked(data, "majority"))
    path = data / "majority" / PREDICTIONS
    path.write_text(path.read_text(encoding="utf-8") + '{"id":"raf_1","label":"fear"}\n', encoding="utf-8")
    with pytest.raises(FervlmError, match=r"row 25: 'raf_1' is no item of this benchmark"):
        score(data / "majority")
    with pytest.raises(FervlmError, match="holds no run"):
        score(data)
    (data / "majority" / RUN).write_text("{}", encoding="utf-8")
    with pytest.raises(FervlmError, match="damaged"):
        score(data / "majority")


def test_a_held_out_label_is_an_unknown(data: Path) -> None:
    rows = [json.dumps({"id": f"f{k:02d}", "label": "happiness", "unknown_score": k % 3}) for k in range(FACES)]
    text(data / "u.jsonl", "\n".join(rows) + "\n")
    out = run(asked(data, f"file:{data / 'u.jsonl'}", held_out=("neutral",)))
    found = score(out)
    assert found["run"]["labels"] == ["happiness", "sadness"]
    assert found["open_set"] == {"known": 16, "unknown": 8, "AUROC": 1.0, "FPR95": 0.0}
    assert found["classes"]["items"] == 16
    with pytest.raises(FervlmError, match="has no label 'joy'"):
        run(asked(data, "majority", held_out=("joy",)))


def test_some_items_are_spread_over_the_set() -> None:
    items = [Item(str(k)) for k in range(10)]
    assert [item.id for item in some(items, 4)] == ["0", "2", "5", "7"]
    assert some(items, None) == items
    with pytest.raises(FervlmError, match="at least 1"):
        some(items, 0)


def plain(folder: Path) -> list[dict[str, Any]]:
    """Answers without the time they took."""
    return [{k: v for k, v in json.loads(line).items() if k != "ms"} for line in lines(folder)]


def test_several_processes_give_what_one_gives(data: Path) -> None:
    one = run(asked(data, "rules", **evidence(data)))
    two = run(asked(data, "rules", **evidence(data), out=data / "two", workers=2))
    assert plain(one) == plain(two)


def test_a_ray_cluster_gives_what_one_process_gives(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra 'scale'")
    monkeypatch.setattr(eval.parallel, "CHUNK", 7)  # several tasks, the last one shorter
    one = run(asked(data, "rules", **evidence(data)))
    try:
        two = run(asked(data, "rules", **evidence(data), out=data / "two", workers=1, ray=True))
        assert ray.is_initialized(), "it ran somewhere else"
    finally:
        ray.shutdown()
    assert plain(one) == plain(two)


def test_the_command_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "--benchmark", "manifest", "--data", str(data / "d"), "--predictor", "majority"]
    assert main([*command, "--out", str(data / "m")]) == 0
    assert main(["score", str(data / "m")]) == 0
    assert "majority alarm" in capsys.readouterr().out
    assert main([*command, "--out", str(data / "m"), "--limit", "2"]) == 2
    assert "fervlm: " in capsys.readouterr().err
    assert main(["list", "--name", "raf_db"]) == 0
    assert "seen in published code" in capsys.readouterr().out
    assert main(["list", "--data", f"manifest={data / 'd'}"]) == 0
    assert main(["run", "--benchmark", "nothing", "--predictor", "rules", "--out", "x", "--data", "x"]) == 2
    assert "there is no benchmark 'nothing'" in capsys.readouterr().err
    assert main(["audit", str(data / "m"), "--by", "side", "--least", "5"]) == 0
    told = capsys.readouterr().out
    assert "left" in told and "no difference beyond chance" in told
    assert main(["audit", str(data / "m"), "--by", "age"]) == 2
    assert "no item has the group 'age'. The items have: side." in capsys.readouterr().err


def test_answers_are_read_back_as_written(data: Path) -> None:
    out = run(asked(data, "rules", **evidence(data)))
    done = read_folder(out)
    assert answers_in(out, done.truth) == done.answers and not done.missing
    assert done.evidence["f00"].readings and done.evidence["f00"].dataset_label is None


def clips(tmp_path: Path, start: float, end: float) -> Path:
    """A video, the example recording as its evidence, and one true span."""
    root = tmp_path / f"clips{start:g}"
    text(root / "spans.csv", f"video,start,end\nsmile.mp4,{start},{end}\n")
    text(root / "au" / "smile.csv", recording().read_text(encoding="utf-8"))
    return root


@pytest.mark.parametrize(("start", "end", "f1"), [(0.5, 2.6, 1.0), (0.7, 1.6, 0.0), (2.7, 3.0, 0.0)])
def test_rules_spot_the_episodes_of_a_recording(tmp_path: Path, start: float, end: float, f1: float) -> None:
    root = clips(tmp_path, start, end)
    one = Asked(benchmark("sdfe_lv"), str(root), "rules", root / "out", evidence=str(root / "au"))
    found = score(run(one))
    assert found["spotting"]["f1"] == f1 and found["failed"] == 0
    (line,) = lines(root / "out")
    told = json.loads(line)
    assert told["spans"] == [[pytest.approx(0.633, abs=0.01), pytest.approx(2.633, abs=0.01), None]]
    assert {1, 2, 12} <= set(told["present"])


def test_the_course_of_a_recording_is_told_in_order(tmp_path: Path) -> None:
    root = clips(tmp_path, 0.5, 2.6)
    orders = {
        "right": "The brows go up (AU1, AU2). Then the lip corners rise (AU12). Then the cheeks rise (AU6).",
        "wrong": "The cheeks rise (AU6). Then the lip corners rise (AU12). Then the brows go up (AU1, AU2).",
    }
    found = {}
    for name, caption in orders.items():
        text(root / "captions.jsonl", json.dumps({"video": "smile.mp4", "caption": caption}) + "\n")
        one = Asked(benchmark("fec_bench"), str(root), "rules", root / name, evidence=str(root / "au"))
        found[name] = score(run(one))["explanations"]["references"]["event_order_F1"]
    assert found["right"] > found["wrong"]


def test_clips_without_evidence_are_told(tmp_path: Path) -> None:
    root = clips(tmp_path, 0.5, 2.6)
    one = Asked(benchmark("sdfe_lv"), str(root), "rules", root / "out")
    with pytest.raises(FervlmError, match="is no folder"):
        run(replace(one, evidence=str(root / "au" / "smile.csv")))
    (root / "au" / "smile.csv").rename(root / "au" / "other.csv")
    with pytest.raises(FervlmError, match=r"a file for none of the 1 clips, for example 'smile\.csv'"):
        run(replace(one, evidence=str(root / "au")))
