"""Reports and comparisons: first lines tell what is behind, Markdown holds no photograph, the page does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eval.__main__ import main
from eval.anchors import anchors, anchors_for
from eval.catalogue import benchmark
from eval.compare import compared
from eval.folder import read_folder
from eval.goals import goals_for
from eval.plots import bars, confusion, reliability, risk_coverage
from eval.report import report
from eval.run import Asked, run
from fervlm.errors import FervlmError
from tests.eval.miniature import frames, png, text

LABELS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
FACES = 140


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """RAF-DB in miniature, answered by a good, a poor and a collapsed predictor, and one that leaves half out."""
    root = tmp_path_factory.mktemp("raf")
    rows = []
    for k in range(FACES):
        rows.append(f"test_{k:04d}.jpg {k % 7 + 1}")
        png(root / "basic" / "Image" / "aligned" / f"test_{k:04d}_aligned.jpg", k)
    text(root / "basic" / "EmoLabel" / "list_patition_label.txt", "\n".join(rows) + "\n")
    shares = {"good": 8, "poor": 4, "collapsed": 0}
    made = {}
    for name, right in shares.items():
        lines = []
        for k in range(FACES):
            true = LABELS[k % 7]
            other = LABELS[(k + 3) % 7]
            told = "neutral" if name == "collapsed" else true if k * 7 % 10 < right else other
            sure = {label: 0.7 if label == told else 0.05 for label in LABELS}
            line = {"id": f"test_{k:04d}.jpg", "label": told, "probabilities": sure, "text": "The lip corners are up."}
            lines.append(json.dumps(line))
        text(root / f"{name}.jsonl", "\n".join(lines) + "\n")
        made[name] = _answered(root, name)
    text(root / "half.csv", "id,label\n" + "".join(f"test_{k:04d}.jpg,{LABELS[k % 7]}\n" for k in range(FACES // 2)))
    made["half"] = _answered(root, "half", "csv")
    return made


def _answered(root: Path, name: str, end: str = "jsonl") -> Path:
    file = f"file:{root / name}.{end}"
    return run(Asked(benchmark("raf_db"), str(root), file, root / "runs" / name))


def test_the_first_lines_say_what_is_behind(runs: dict[str, Path], tmp_path: Path) -> None:
    written = report([runs["good"], runs["poor"], runs["collapsed"]], tmp_path / "r", title="Three")
    assert [path.name for path in written] == ["r.md", "r.html"]
    told = written[0].read_text(encoding="utf-8")
    lines = told.splitlines()
    assert lines[0] == "# Three"
    first = [line for line in lines[:14] if line.startswith("- ")]
    assert any(
        "file poor.jsonl is below file good.jsonl, beyond chance: WAR 0.400 against 0.800" in one for one in first
    )
    assert any("Majority alarm for file collapsed.jsonl: every answer is 'neutral'" in one for one in first)
    assert any("measured on 140 of the 3,068 items" in one for one in first)


def test_published_numbers_stand_apart_from_ours(runs: dict[str, Path], tmp_path: Path) -> None:
    told = report([runs["good"]], tmp_path / "r", page=False)[0].read_text(encoding="utf-8")
    rows = [line for line in told.splitlines() if "| published |" in line]
    assert len(rows) == len(anchors_for("RAF-DB"))
    assert any("63.1 (off a chart)" in row for row in rows)
    assert "| file good.jsonl | WAR | 80.0 |  | measured here |" in told


def test_markdown_holds_no_picture_and_the_page_does(runs: dict[str, Path], tmp_path: Path) -> None:
    markdown, page = report([runs["poor"]], tmp_path / "r")
    told = markdown.read_text(encoding="utf-8")
    assert "data:image" not in told and ".jpg)" not in told
    for link in re.findall(r"\]\((r_plots/[^)]+\.svg)\)", told):
        ElementTree.parse(tmp_path / link)
    shown = page.read_text(encoding="utf-8")
    assert shown.count("data:image/jpeg;base64,") == 24
    wrong = re.findall(r"<b>([a-z]+)</b>, answered <b>([a-z]+)</b>", shown)
    assert len(wrong) == 24 and all(true != said for true, said in wrong)
    assert {true for true, _ in wrong} == set(LABELS), "no class fills the page"
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg|https?://[^ <]*(?:RAF|whdeng)[^ <]*", "", shown)


def test_only_reports_are_overwritten(runs: dict[str, Path], tmp_path: Path) -> None:
    text(tmp_path / "README.md", "# Mine\n")
    with pytest.raises(FervlmError, match="is no report of ours"):
        report([runs["half"]], tmp_path / "README", page=False)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "# Mine\n"
    first = report([runs["half"]], tmp_path / "r", page=False)[0].read_text(encoding="utf-8")
    assert report([runs["half"]], tmp_path / "r.md", page=False)[0].read_text(encoding="utf-8") == first


def test_failures_are_wrong_and_told(runs: dict[str, Path], tmp_path: Path) -> None:
    told = report([runs["half"]], tmp_path / "r", page=False)[0].read_text(encoding="utf-8")
    assert "70 of 140 items failed and count as wrong" in told
    assert "| file half.csv | 0.500 [" in told


def test_compare_tells_a_real_difference(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(read_folder(runs["good"]), read_folder(runs["poor"]))
    assert found.items == FACES and found.over == "rows"
    assert found.differences["WAR"].real and found.differences["WAR"].change.value == pytest.approx(-0.4)
    assert main(["compare", str(runs["good"]), str(runs["good"])]) == 0
    assert capsys.readouterr().out.count("no difference beyond chance") == 3
    assert main(["compare", str(runs["good"]), str(runs["poor"])]) == 0
    assert "B is worse" in capsys.readouterr().out


def test_folds_are_run_apart_and_averaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for fold, labels in enumerate(([1, 1, 1, 2], [1, 2, 2, 2], [1, 2, 3, 4], [1, 2, 2, 2], [1, 2, 2, 2]), start=1):
        rows = "".join(f"{10 * fold + k},{label}\n" for k, label in enumerate(labels))
        text(tmp_path / "EmoLabel_DataSplit" / "test(single-labeled)" / f"set_{fold}.csv", f"video_name,label\n{rows}")
        for k in range(4):
            frames(tmp_path / "Clip" / "clip_224x224_16f" / f"{10 * fold + k:05d}", 1)
    command = ["run", "--benchmark", "dfew", "--data", str(tmp_path), "--predictor", "majority", "--out"]
    assert main([*command, str(tmp_path / "r"), "--fold", "all"]) == 0
    folders = [str(tmp_path / "r" / f"fold{k}") for k in range(1, 6)]
    told = report(folders, tmp_path / "report", page=False)[0].read_text(encoding="utf-8")
    # Shares of the largest class: 3/4 four times and 1/4.
    assert "| majority | 5 | 0.650 ± 0.224 |" in told
    assert "| majority, fold 3 | 0.250 [" in told
    assert main([*command, str(tmp_path / "x"), "--fold", "two"]) == 2
    assert "'two' is no fold" in capsys.readouterr().err


def test_what_cannot_be_compared(runs: dict[str, Path], tmp_path: Path) -> None:
    png(tmp_path / "d" / "a" / "x.png")
    png(tmp_path / "d" / "b" / "y.png")
    other = run(Asked(benchmark("folder"), str(tmp_path / "d"), "majority", tmp_path / "o"))
    with pytest.raises(FervlmError, match="the runs are of different questions"):
        compared(read_folder(runs["good"]), read_folder(other))
    with pytest.raises(FervlmError, match=r"two runs of 'file good\.jsonl'"):
        report([runs["good"], runs["good"]], tmp_path / "r")
    with pytest.raises(FervlmError, match="holds no run"):
        report([tmp_path], tmp_path / "r")


def test_anchors_have_sources_and_goals_are_for_our_own() -> None:
    assert len(anchors()) > 180
    assert all(one.source and one.read for one in anchors())
    assert any(one.off_a_chart for one in anchors()) and not all(one.off_a_chart for one in anchors())
    assert goals_for("pack_val", "contrastive fervlm-nano") == {
        ("fer2013", "WAR"): 0.66,
        ("fer2013", "UAR"): 0.62,
        ("muxspace", "WAR"): 0.85,
    }
    assert goals_for("pack_val", "contrastive /other/checkpoint") == {}


def test_plots_show_their_numbers() -> None:
    table = {"rows": ["a", "b"], "columns": ["a", "b", "abstained"], "counts": [[3, 1, 0], [0, 2, 2]]}
    drawn = confusion(table)
    assert drawn.count("<rect") == 6 and ">75%<" in drawn and ">2<" in drawn
    bins = [{"low": 0.4, "high": 0.5, "count": 4, "confidence": 0.45, "accuracy": 0.5}]
    assert reliability(bins, 0.05).count("<circle") == 1
    curve = risk_coverage({"one": [[0.5, 0.0], [1.0, 0.2]], "two": [[1.0, 0.5]]})
    assert curve.count("<polyline") == 2 and ">two<" in curve
    shown = bars({"AU1": {"one": 0.5, "two": None}}, "F1 <&>")
    assert shown.count("<rect") == 1 and "not told" in shown and "F1 &lt;&amp;&gt;" in shown
    for svg in (drawn, curve, shown):
        ElementTree.fromstring(svg)
