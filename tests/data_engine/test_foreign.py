"""Other people's layouts, in small files of our own making: what is read from each, and what is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_engine.foreign import read_foreign
from data_engine.foreign_layouts import FOREIGN
from data_engine.inspect_foreign import inspect_foreign
from fervlm.errors import FervlmError
from fervlm.reasoning.observe import observe
from tests.data_engine.small import FORMAT, write_csv

QUIET = [0.0] * 24


def feafa(**places: float) -> list[float]:
    """24 values with some of them raised; `p4=0.5` is the fifth."""
    values = list(QUIET)
    for name, value in places.items():
        values[int(name[1:])] = value
    return values


HONEST = (
    "**Key Observations:** Both brows are lowered.\n\n**Overall Emotional Interpretation:** Low brows go with anger "
    "or effort.\n\n**Conclusion:** The expression is consistent with anger."
)
LEAKING = (
    "**Key Observations:** The cheerful mouth corners are pulled up in joy.\n\n**Overall Emotional Interpretation:** "
    "This is a smile.\n\n**Conclusion:** The person feels happy."
)
STORY = (
    "**Key Observations:** The left lip corner is pulled up and the brows are raised.\n\n"
    "**Overall Emotional Interpretation:** A lively face.\n\n**Conclusion:** It shows surprise."
)
EXPLLM = [
    {"file_name": "one.jpg", "emo": "Anger", "au": feafa(p4=0.6, p5=0.6), "description": HONEST},
    {"file_name": "two.jpg", "emo": "Happiness", "au": feafa(p11=0.6, p12=0.6), "description": LEAKING},
    {"file_name": "three.jpg", "emo": "Neutral", "au": QUIET, "description": STORY},
    {"file_name": "four.jpg", "emo": "Fear", "au": QUIET, "description": ""},
]


def write(path: Path, items: object, *, lines: bool = False) -> str:
    text = "\n".join(json.dumps(item) for item in items) if lines else json.dumps(items)  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_expllm_is_reported_on(tmp_path: Path) -> None:
    report = inspect_foreign(write(tmp_path / "e.json", EXPLLM))
    assert (report.format, report.items, report.with_text, report.three_parts) == ("expllm", 4, 3, 3)
    assert (report.observed, report.leaking, report.leaking_own_label) == (3, 1, 1)
    assert report.leaked_words == 2
    assert report.naming_side == 1
    assert report.naming_person == 1
    assert report.labels == {"Anger": 1, "Fear": 1, "Happiness": 1, "Neutral": 1}
    assert report.unit_numbers == 0
    assert report.units[4] == 1
    assert report.units[12] == 2
    found = report.against
    assert found is not None
    assert found.checked == 3
    assert found.contradicted_items >= 1
    assert (found.quiet, found.quiet_told) == (1, 1)


def test_expllm_values_become_evidence_by_side(tmp_path: Path) -> None:
    items = [{"file_name": "x.jpg", "emo": "Anger", "au": feafa(p4=0.6), "description": HONEST}]
    _, found = read_foreign(write(tmp_path / "e.json", items))
    record = next(found).evidence
    assert record is not None
    evidence = observe(record)
    assert [(unit.au, unit.side) for unit in evidence.active] == [(4, "left")]
    assert evidence.absent(12)
    assert not evidence.measured(7)


def test_expllm_without_sound_values_has_no_evidence(tmp_path: Path) -> None:
    bad = [{**EXPLLM[0], "au": values} for values in ([0.1] * 23, [2.0] * 24, ["0.1"] * 24, None)]
    report = inspect_foreign(write(tmp_path / "e.json", bad))
    assert report.with_text == 4
    assert report.against is None


def test_faba_conversations(tmp_path: Path) -> None:
    items = [
        {
            "source": "drawn",
            "image": "train/a.jpg",
            "id": "a",
            "conversations": [
                {"from": "human", "value": "<image>\nWhich action units?"},
                {
                    "from": "gpt",
                    "value": "1. AU4 - Brow Lowerer: the brows come down.\n2. AU17 - Chin Raiser: the chin is up.",
                },
            ],
            "landmark": "a.npy",
        }
    ]
    chosen, found = read_foreign(write(tmp_path / "train_au_anno.json", items))
    item = next(found)
    assert (chosen.name, item.id, item.picture) == ("faba", "a", "train/a.jpg")
    assert "Which action units" not in item.text
    report = inspect_foreign(write(tmp_path / "train_au_anno.json", items))
    assert report.unit_numbers == 1
    assert {4, 17} <= set(report.units)
    assert report.observed == 0


def test_faba_evaluation_files_list_units(tmp_path: Path) -> None:
    units = [{"image": "a.jpg", "label": "4, 17", "gpt4": "AU4 is present: the brows are lowered."}]
    report = inspect_foreign(write(tmp_path / "eval_au_anno.json", units))
    assert (report.listed, report.listed_not_told) == (2, 1)
    assert report.against is not None
    assert report.against.precision == 1.0
    assert report.against.recall == 0.5
    emotions = [{"image": "a.jpg", "label": "3", "gpt4": "An angry face."}]
    _, found = read_foreign(write(tmp_path / "eval_emotion_anno.json", emotions))
    assert next(found).units is None


def test_facial_r1_lines(tmp_path: Path) -> None:
    items = [
        {
            "id": "r1",
            "dataset": "drawn",
            "image": "a.jpg",
            "question": "What is shown?",
            "AUs": ["AU1", "AU04"],
            "labels": ["sadness"],
            "description": "<think>The inner brows are raised (AU1) and lowered (AU4).</think><answer>sadness</answer>",
            "meta_info": {},
        }
    ]
    chosen, found = read_foreign(write(tmp_path / "r1.jsonl", items, lines=True))
    item = next(found)
    assert (chosen.name, item.units, item.label) == ("facial-r1", (1, 4), "sadness")
    assert "<" not in item.text
    assert "sadness" not in item.text
    report = inspect_foreign(str(tmp_path / "r1.jsonl"))
    assert report.listed_not_told == 0
    assert report.against is not None
    assert report.against.verdicts.get("contradicted", 0) == 0


def test_mer_factory_folder(tmp_path: Path) -> None:
    merr = {
        "source_path": "C:\\clips\\one.mp4",
        "chronological_emotion_peaks": ["Peak at 1.0s: happy (slight)"],
        "overall_peak_frame_info": {
            "frame_number": 3,
            "timestamp": 0.1,
            "top_aus_intensities": {"AU12_r": 2.1, "AU06_r": 1.5},
        },
        "coarse_descriptions_at_peak": {},
        "final_summary": "The lip corners are pulled up (AU12).",
        "ground_truth_label": "happy",
    }
    image = {
        "source_path": "/pictures/two.jpg",
        "au_text_description": "Brow lowerer (AU04_r, intensity: 1.30)",
        "llm_au_description": "The brows are lowered.",
        "image_visual_description": "A face.",
        "final_summary": "",
    }
    write(tmp_path / "out" / "one" / "one_merr_data.json", merr)
    write(tmp_path / "out" / "two" / "two_image_analysis.json", image)
    chosen, found = read_foreign(tmp_path / "out")
    items = list(found)
    assert chosen.name == "mer-factory"
    assert [(item.id, item.units, item.label) for item in items] == [
        ("one.mp4", (6, 12), "happy"),
        ("two.jpg", (4,), None),
    ]
    assert items[0].evidence is not None
    levels = {unit.au: unit.level for unit in observe(items[0].evidence).active}
    assert levels == {6: 2, 12: 2}
    report = inspect_foreign(str(tmp_path / "out"))
    assert report.against is not None
    assert report.against.sound == 2
    assert (report.listed, report.listed_not_told) == (3, 1)


def test_mer_factory_sharegpt_export(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "<image>\nAnalyse."}, {"role": "gpt", "content": "The brows are raised."}]
    chosen, found = read_foreign(write(tmp_path / "x.json", [{"messages": turns, "images": ["/p/one.jpg"]}]))
    assert chosen.name == "mer-factory"
    assert [(item.id, item.text) for item in found] == [("one.jpg", "The brows are raised.")]


def test_mer_factory_merr_export(tmp_path: Path) -> None:
    videos = {
        "one": {
            "AU_list": ["AU12"],
            "peak_AU_list": ["AU06", "AU12"],
            "pseu_emotion": "happy",
            "caption": "AU12 is shown.",
        },
        "two": {"AU_list": [], "peak_AU_list": [], "pseu_emotion": "neutral", "smp_reason_caption": "A quiet face."},
    }
    chosen, found = read_foreign(write(tmp_path / "MERR_coarse_grained.json", videos))
    assert chosen.name == "mer-factory"
    told = [(item.id, item.label, item.units, item.evidence is None) for item in found]
    assert told == [("one", "happy", (6, 12), False), ("two", "neutral", (), True)]


def test_texts_against_a_detectors_file(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "aus.csv",
        [{"file": "one.jpg", "AU04": 3.0, "AU12": 0.0}, {"file": "two.jpg", "AU04": 0.0, "AU12": 0.0}],
    )
    lines = [
        {"id": "one.jpg", "text": "The brows are lowered."},
        {"id": "two.jpg", "text": "The lip corners are pulled up."},
        {"id": "three.jpg", "text": "The brows are lowered."},
    ]
    path = write(tmp_path / "c.jsonl", lines, lines=True)
    report = inspect_foreign(path, evidence=str(tmp_path / "aus.csv"), input_format=FORMAT)
    found = report.against
    assert found is not None
    assert (found.checked, found.without, found.sound, found.contradicted_items) == (2, 1, 1, 1)
    assert found.source == "aus.csv"
    assert inspect_foreign(path, evidence=str(tmp_path / "aus.csv"), input_format=FORMAT, limit=1).items == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[1, 2]", "no layout that is known"),
        ('[{"a": 1}]', "no layout that is known"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FervlmError, match=sentence) as caught:
        inspect_foreign(str(tmp_path / "x.json"))
    assert "\n" not in str(caught.value)


def test_odd_items_are_counted_not_fatal(tmp_path: Path) -> None:
    items = [EXPLLM[0], {"file_name": 7, "emo": None, "description": None}, {"nothing": True}]
    report = inspect_foreign(write(tmp_path / "e.json", items))
    assert (report.items, report.with_text) == (3, 1)


def test_a_layout_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "e.json", EXPLLM)
    assert inspect_foreign(path, layout="expllm").items == 4
    with pytest.raises(FervlmError, match="no such layout"):
        inspect_foreign(path, layout="nobody")
    assert set(FOREIGN) == {"expllm", "facial-r1", "faba", "mer-factory", "captions"}
