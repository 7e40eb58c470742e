"""The layouts of other people's sets, one reader each.

What each reader rests on:

expllm       Seen in published code: starhiking/ExpLLM-TMM (`datasets/facetask.py`, and the released
             `rafdb_emo_au_val_mini_description.json`): a list of {file_name, emo, au (24 FEAFA values), description}.
faba         Seen in published code: JackYFL/EmoLA (README, `eval_FABA.py`): {source, image, id, conversations of
             from/value, landmark}; its evaluation files have {image, label, gpt4}, AU labels as "4, 9, 15".
facial-r1    Seen in published code: RobitsG/Facial-R1 (README, `sft.py`, `infer_emotion.py`): JSON lines of {id,
             dataset, image, question, AUs, labels, description, meta_info}; answers in <think> and <answer> tags.
mer-factory  Seen in published code: Lum1104/MER-Factory (`async_nodes.py`, `export.py`): one object a file,
             `*_merr_data.json` and `*_image_analysis.json`; the ShareGPT export; the MERR export, one object of
             {video: {AU_list, peak_AU_list, pseu_emotion, caption or smp_reason_caption}}. AUs are listed where active
             only (at the peak with their OpenFace 2 intensities), so every other AU counts as not measured.
captions     `fervlm explain --format jsonl`, or {id, text} lines of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from fervlm.facs.units import action_units, not_measured_by
from fervlm.readers import expllm
from fervlm.readers.source import plain
from fervlm.reasoning.answers import render
from fervlm.reasoning.observe import INTENSITY_CUTS
from fervlm.records import AUReading, AURecord, Detector, Prediction, Source

Item = dict[str, Any]


class Foreign(NamedTuple):
    """One explained face of somebody's set."""

    id: str
    row: int
    text: str
    """Empty where the item holds none."""
    label: str | None = None
    picture: str | None = None
    units: tuple[int, ...] | None = None
    """AUs the item itself lists as present; None where it lists none."""
    evidence: AURecord | None = None
    """What the item's own AU values say."""


class ForeignFormat(NamedTuple):
    """How a kind of file is known and read."""

    name: str
    title: str
    matches: Callable[[Item], bool]
    read: Callable[[Item, int, str], Foreign]
    """Called with the item, its number and the file's name."""


def _text(value: object) -> str:
    return (plain(value) or "") if isinstance(value, str) else ""


def _first_text(item: Item, *keys: str) -> str | None:
    for key in keys:
        if text := _text(item.get(key)).strip():
            return text
    return None


def _named(item: Item, row: int, file: str, *keys: str) -> str:
    return _first_text(item, *keys) or f"{file}#{row}"


def _record(
    key: str, row: int, file: str, tool: str, readings: tuple[AUReading, ...], unseen: tuple[int, ...]
) -> AURecord:
    return AURecord(
        id=key,
        source=Source(file=file, row=row),
        detector=Detector(name=tool, trust="low"),
        readings=readings,
        not_measured=unseen,
    )


def _present(aus: tuple[int, ...], key: str, row: int, file: str, tool: str) -> AURecord:
    """Evidence from a list of present AUs: of all others nothing is known."""
    readings = tuple(AUReading(au=au, state="present", scale="presence") for au in aus)
    return _record(key, row, file, tool, readings, not_measured_by(aus))


def _units(numbers: list[str]) -> tuple[int, ...]:
    return tuple(sorted({int(number) for number in numbers} & action_units().keys()))


def _expllm(item: Item, row: int, file: str) -> Foreign:
    key = _named(item, row, file, "file_name", "id")
    values = item.get("au")
    evidence = None
    if isinstance(values, list) and len(values) == expllm.COUNT and all(_amplitude(value) for value in values):
        readings = expllm.readings([float(value) for value in values])
        evidence = _record(key, row, file, "expllm", readings, not_measured_by(expllm.MEASURED))
    label = _first_text(item, "gt_emo", "emo")
    return Foreign(key, row, _text(item.get("description")), label, _first_text(item, "file_name"), None, evidence)


def _amplitude(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _faba(item: Item, row: int, file: str) -> Foreign:
    key = _named(item, row, file, "id", "image")
    if isinstance(item.get("conversations"), list):
        text = "\n".join(
            _text(turn.get("value"))
            for turn in item["conversations"]
            if isinstance(turn, dict) and turn.get("from") == "gpt"
        )
        return Foreign(key, row, text, None, _first_text(item, "image"))
    given = str(item.get("label", ""))
    numbers = re.findall(r"\d+", given) if re.fullmatch(r"[\d, ]+", given) else []
    # A single number is an emotion's id there, several are AUs; and a file of one kind is named for it.
    is_units = bool(numbers) and (len(numbers) > 1 or "au" in file.lower())
    units = _units(numbers) if is_units else None
    evidence = _present(units, key, row, file, "facs_codes") if units else None
    label = None if numbers else given or None
    return Foreign(key, row, _text(item.get("gpt4")), label, _first_text(item, "image"), units, evidence)


_TAGS = re.compile(r"</?think>", re.IGNORECASE)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)


def _facial_r1(item: Item, row: int, file: str) -> Foreign:
    key = _named(item, row, file, "id", "image")
    told = _text(item.get("description"))
    answer = _ANSWER.search(told)
    text = _TAGS.sub("", _ANSWER.sub("", told)).strip()
    listed = item.get("AUs")
    units = None
    if isinstance(listed, list):
        units = _units(
            [match[1] for au in listed if (match := re.fullmatch(r"AU0*(\d+)", str(au).strip(), re.IGNORECASE))]
        )
    labels = item.get("labels")
    label = str(labels[0]) if isinstance(labels, list) and labels else answer[1].strip() if answer else None
    evidence = _present(units, key, row, file, "facs_codes") if units else None
    return Foreign(key, row, text, label, _first_text(item, "image"), units, evidence)


def entries(item: Item) -> Iterator[Item]:
    """The faces of an item: itself, or, where it is a MERR export, each of its videos with its name as `id`."""
    if item and all(isinstance(value, dict) and "pseu_emotion" in value for value in item.values()):
        yield from ({"id": key, **value} for key, value in item.items())
    else:
        yield item


def _merr(item: Item, row: int, file: str) -> Foreign:
    key = _named(item, row, file, "id")
    listed = item.get("peak_AU_list") or item.get("AU_list") or []
    units = _units([match[1] for au in listed if (match := re.match(r"AU0*(\d+)", str(au)))])
    text = _first_text(item, "smp_reason_caption", "caption") or ""
    evidence = _present(units, key, row, file, "facs_codes") if units else None
    return Foreign(key, row, text, _first_text(item, "pseu_emotion"), key, units, evidence)


_MER_TEXTS = ("final_summary", "llm_au_description", "llm_video_summary")


def _mer_factory(item: Item, row: int, file: str) -> Foreign:
    if "pseu_emotion" in item:
        return _merr(item, row, file)
    if isinstance(item.get("messages"), list):
        answers = [
            turn for turn in item["messages"] if isinstance(turn, dict) and turn.get("role") in {"gpt", "assistant"}
        ]
        media = next(
            (item[key] for key in ("images", "videos") if isinstance(item.get(key), list) and item[key]), [None]
        )
        name = PurePosixPath(str(media[0])).name if media[0] else f"{file}#{row}"
        return Foreign(name, row, "\n".join(_text(turn.get("content")) for turn in answers), None, name)
    path = _first_text(item, "source_path")
    key = PurePosixPath(path.replace("\\", "/")).name if path else f"{file}#{row}"
    text = _first_text(item, *_MER_TEXTS) or ""
    label = _first_text(item, "ground_truth_label")
    peak = item.get("overall_peak_frame_info")
    active = peak.get("top_aus_intensities") if isinstance(peak, dict) else None
    if not isinstance(active, dict):
        numbers = re.findall(r"\bAU0*(\d+)", _text(item.get("au_text_description")))
        units = _units(numbers) or None
        return Foreign(
            key, row, text, label, key, units, _present(units, key, row, file, "facs_codes") if units else None
        )
    readings = tuple(_intensity(name, value) for name, value in sorted(active.items()) if _is_intensity(name, value))
    units = tuple(sorted(reading.au for reading in readings))
    return Foreign(
        key, row, text, label, key, units, _record(key, row, file, "openface2", readings, not_measured_by(units))
    )


_INTENSITY = re.compile(r"AU0*(\d+)_r")


def _is_intensity(name: str, value: object) -> bool:
    match = _INTENSITY.fullmatch(name)
    return match is not None and int(match[1]) in action_units() and isinstance(value, int | float)


def _intensity(name: str, value: float) -> AUReading:
    """The file lists what it calls active (above 0.8); FACS level A begins at 1."""
    match = _INTENSITY.fullmatch(name)
    au = int(match[1]) if match else 0
    return AUReading(
        au=au, state="present", value=min(float(value), 5.0), scale="intensity_0_5", threshold=INTENSITY_CUTS[0]
    )


def _captions(item: Item, row: int, file: str) -> Foreign:
    key = _named(item, row, file, "id")
    if "evidence" in item and "backend" in item:
        made = Prediction.model_validate(item)
        text = render(made.caption, details=False) if made.caption else ""
        return Foreign(key, row, text, made.evidence.dataset_label, made.evidence.picture, None, made.evidence)
    return Foreign(
        key, row, _first_text(item, "text", "caption") or "", _first_text(item, "label"), _first_text(item, "picture")
    )


def _has(*keys: str) -> Callable[[Item], bool]:
    return lambda item: all(key in item for key in keys)


def _is_mer(item: Item) -> bool:
    if "pseu_emotion" in next(entries(item), item):
        return True
    if isinstance(item.get("messages"), list):
        return any(key in item for key in ("videos", "audios")) or any(
            isinstance(turn, dict) and turn.get("role") == "gpt" for turn in item["messages"]
        )
    return "source_path" in item and any(key in item for key in (*_MER_TEXTS, "chronological_emotion_peaks"))


FOREIGN: dict[str, ForeignFormat] = {
    known.name: known
    for known in (
        ForeignFormat("expllm", "ExpLLM", _has("description", "file_name"), _expllm),
        ForeignFormat("facial-r1", "Facial-R1 (FEA-20K)", _has("description", "AUs", "labels"), _facial_r1),
        ForeignFormat(
            "faba",
            "FABA-Instruct (EmoLA)",
            lambda item: ("conversations" in item or "gpt4" in item) and "image" in item,
            _faba,
        ),
        ForeignFormat("mer-factory", "MER-Factory", _is_mer, _mer_factory),
        ForeignFormat(
            "captions",
            "captions with an id",
            lambda item: "id" in item and any(key in item for key in ("text", "caption")),
            _captions,
        ),
    )
}
