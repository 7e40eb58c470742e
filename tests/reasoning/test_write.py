"""The words keep to the evidence: units, sides, levels, absences, certainty."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from fervlm.facs import LabelSet, label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.wording.observing import Kept
from fervlm.reasoning.write import write
from fervlm.records import AURecord, Quality, Source
from tests.reasoning.writing import BASIC8, absent, explained, present, record_of, texts

LEVEL_WORDS = {
    1: "faint faintly trace trace-level",
    2: "slight slightly mild mildly",
    3: "marked markedly clear clearly pronounced",
    4: "strong strongly",
    5: "maximal maximally maximum",
}
LEVEL_OF = {word: level for level, words in LEVEL_WORDS.items() for word in words.split()}
OPENFACE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
WHOLE = {8, 17, 18, 19, 22, 25, 26, 27, 28, 29, 31, 32, 37}
"""Parts of the middle of the face that FACS scores as one; no side is named of them even where a tool gives one."""
CODE = re.compile(r"\(AU(\d+)([^()]*)\)")


def test_observations_mention_every_present_unit_once_and_no_other(faces: Faces) -> None:
    for number, record in enumerate(faces(1500, 1, most=16)):
        evidence = observe(record)
        caption = explained(record, number)
        told = [mention.au for observation in caption.observations for mention in observation.units]
        assert sorted(told) == [unit.au for unit in evidence.active]
        read = [int(code[1]) for observation in caption.observations for code in CODE.finditer(observation.text)]
        assert sorted(read) == sorted(told)


def test_a_level_word_stands_only_where_a_level_was_measured_and_means_it(faces: Faces) -> None:
    seen = set()
    for number, record in enumerate(faces(1500, 2)):
        evidence = observe(record)
        for observation in explained(record, number).observations:
            start = 0
            for code in CODE.finditer(observation.text):
                words = re.findall(r"[a-z-]+", observation.text[start : code.start()].lower())
                letters = re.findall(r"level ([A-E])", code[2])
                start = code.end()
                level = evidence.units[int(code[1])].level
                said = {LEVEL_OF[word] for word in words if word in LEVEL_OF}
                said |= {" ABCDE".index(letter) for letter in letters}
                assert said == ({level} if level else set()), observation.text
                seen.add(level)
    assert seen == {None, 1, 2, 3, 4, 5}


def test_no_level_word_anywhere_without_intensities(faces: Faces) -> None:
    for number, record in enumerate(faces(400, 3, scale="probability")):
        for text in texts(explained(record, number)):
            assert not LEVEL_OF.keys() & set(re.findall(r"[a-z-]+", text.lower())), text


def test_sides_are_named_only_where_measured_and_as_measured(faces: Faces) -> None:
    named = set()
    for number, record in enumerate(faces(1500, 4)):
        evidence = observe(record)
        for observation in explained(record, number).observations:
            start = 0
            for code in CODE.finditer(observation.text):
                words = observation.text[start : code.start()] + code[2]
                start = code.end()
                unit = evidence.units[int(code[1])]
                said = set(re.findall(r"\b(left|right|both)\b", words.lower().replace("two-sided", "both")))
                if unit.au in WHOLE:
                    assert not said, observation.text
                elif unit.stronger:
                    assert said == {unit.stronger} and f"more on the {unit.stronger}" in code[2]
                elif unit.side in {"left", "right"}:
                    assert said == {unit.side}, observation.text
                elif unit.side == "both":
                    assert said <= {"both"}, observation.text
                else:
                    assert not said, observation.text
                named |= said
    assert named == {"left", "right", "both"}


def test_no_side_in_any_part_of_an_unsided_face(faces: Faces) -> None:
    for number, record in enumerate(faces(600, 5, sided=False)):
        for text in texts(explained(record, number)):
            assert not re.search(r"\b(left|right|both sides|one side|one-sided|two-sided)\b", text.lower()), text


def test_an_absence_is_claimed_only_of_measured_absent_units(faces: Faces) -> None:
    claimed = 0
    for number, record in enumerate(faces(1200, 6)):
        evidence = observe(record)
        for text in texts(explained(record, number)):
            for au in re.findall(r"\b(?:no|without) AU(\d+)", text):
                assert evidence.absent(int(au)), text
                claimed += 1
    assert claimed > 500


def test_every_number_is_present_absent_or_said_to_be_unmeasured(faces: Faces) -> None:
    for number, record in enumerate(faces(1200, 7)):
        evidence = observe(record)
        caption = explained(record, number)
        for text in (caption.interpretation, caption.conclusion.text):
            for sentence in re.split(r"(?<=\.) ", text):
                unmeasured = {int(au) for au in re.findall(r"AU(\d+)", sentence)} - evidence.units.keys()
                assert not unmeasured or "not measure" in sentence.lower(), sentence


def test_units_named_for_a_label_are_present(faces: Faces) -> None:
    for number, record in enumerate(faces(800, 8)):
        evidence = observe(record)
        text = explained(record, number).conclusion.text
        for clause in re.findall(r"(?:supported by|resting on|drawing on|possible on) ([^;,.]*)", text):
            assert all(evidence.present(int(au)) for au in re.findall(r"AU(\d+)", clause)), text


def test_confidently_detected_only_where_the_probability_is_high(faces: Faces) -> None:
    found = 0
    for number, record in enumerate(faces(600, 9, scale="probability")):
        evidence = observe(record)
        for observation in explained(record, number).observations:
            start = 0
            for code in CODE.finditer(observation.text):
                words = observation.text[start : code.end()].lower()
                start = code.end()
                if "confidently" in words:
                    found += 1
                    assert evidence.units[int(code[1])].confident, observation.text
    assert found > 50


def test_a_disputed_unit_is_always_hedged(faces: Faces) -> None:
    hedged = 0
    for number, record in enumerate(faces(800, 10)):
        evidence = observe(record)
        for observation in explained(record, number).observations:
            start = 0
            for code in CODE.finditer(observation.text):
                words = observation.text[start : code.start()]
                start = code.end()
                unsure = bool(re.search(r"\b(may|possible|possibly)\b", words, re.IGNORECASE))
                assert unsure == evidence.units[int(code[1])].uncertain, observation.text
                hedged += unsure
    assert hedged > 100


@pytest.mark.parametrize("labels", ["basic8", "compound", "affectnet8", "raer", "raf_db_compound"])
def test_sentences_are_well_formed(faces: Faces, labels: str) -> None:
    for number, record in enumerate(faces(500, 15, most=14)):
        for text in texts(explained(record, number, label_set(labels))):
            assert text[0].isupper() and text.endswith("."), text
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou\W]|  | [,.;)]|\( |[,;.]{2}|[{}~_]|\b(\w+) \1\b", text), text
            assert text.count("(") == text.count(")"), text


def test_a_conclusion_says_consistent_with_its_label_or_names_none(faces: Faces) -> None:
    labelled = 0
    for number, record in enumerate(faces(600, 16)):
        conclusion = explained(record, number).conclusion
        if conclusion.label is None:
            assert conclusion.abstain
            continue
        labelled += 1
        phrase = "a neutral expression" if conclusion.label == "neutral" else conclusion.label
        first = conclusion.text.split(". ")[0]
        assert f"consistent with {phrase}" in first
        assert conclusion.confidence in first
        assert conclusion.alternatives[0].label == conclusion.label
    assert labelled > 200


def test_low_trust_is_always_said(faces: Faces) -> None:
    for number, record in enumerate(faces(400, 17)):
        if record.detector.trust == "low" and record.readings:
            assert "trust" in explained(record, number).interpretation.lower()


def test_words_do_not_depend_on_the_record_only_on_evidence_and_seed(faces: Faces) -> None:
    differing = 0
    for record in faces(200, 18):
        twin = record.model_copy(update={"id": "other", "source": Source(file="else.csv", row=9), "face_id": "2"})
        assert explained(twin, 5) == explained(record, 5)
        differing += texts(explained(record, 6)) != texts(explained(record, 5))
    assert differing > 180


def test_order_of_readings_does_not_matter(faces: Faces) -> None:
    for record in faces(100, 19):
        turned = record.model_copy(update={"readings": tuple(reversed(record.readings))})
        assert texts(explained(turned)) == texts(explained(record))


def test_words_are_the_same_in_every_process() -> None:
    script = (
        "from fervlm.records import *; from fervlm.reasoning.observe import observe\n"
        "from fervlm.reasoning.interpret import interpret; from fervlm.reasoning.conclude import conclude\n"
        "from fervlm.reasoning.write import write; from fervlm.facs import label_set\n"
        "r = AURecord(id='x', source=Source(file='f'), detector=Detector(name='d', trust='high'), readings=tuple(\n"
        "    AUReading(au=a, state='present', scale='presence') for a in (1, 4, 6, 12, 15, 17, 25)))\n"
        "e = observe(r); l = label_set('basic8'); i = interpret(e, l, r)\n"
        "print(write(r, e, i, conclude(e, i, l), labels=l, seed=3).model_dump_json())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(outputs) == 1 and "AU17" in outputs.pop()


Faces = Callable[..., Iterator[AURecord]]


def test_no_face_is_an_honest_short_caption() -> None:
    for tracking in ("no_face", "failed"):
        caption = explained(record_of(quality=Quality(tracking=tracking)))
        assert caption.conclusion.label is None and caption.conclusion.abstain == "not_tracked"
        assert "tracked" in caption.overview and not caption.observations[0].units
        assert sum(len(text.split()) for text in texts(caption)) < 50


def test_nothing_measured_is_an_honest_short_caption() -> None:
    caption = explained(record_of())
    assert caption.conclusion.label is None and caption.conclusion.abstain == "nothing_measured"
    assert "measured" in caption.overview


def test_nothing_present_tells_the_measured_absences() -> None:
    caption = explained(record_of(*(absent(au) for au in (1, 2, 4, 12, 15, 25))))
    told = " ".join(observation.text for observation in caption.observations)
    assert {1, 2, 4, 12, 15, 25} == {int(au) for au in re.findall(r"no AU(\d+)", told)}
    assert caption.conclusion.label == "neutral"


def test_a_region_with_many_units_is_told_in_several_sentences() -> None:
    caption = explained(record_of(*(present(au) for au in (10, 12, 14, 15, 16, 18, 20, 22))))
    mouth = [observation for observation in caption.observations if observation.region == "mouth"]
    assert len(mouth) >= 2 and sum(len(observation.units) for observation in mouth) == 8


def test_regions_are_told_from_the_top_down() -> None:
    caption = explained(record_of(*(present(au) for au in (1, 4, 5, 6, 9, 12, 17, 26, 21))))
    regions = [observation.region for observation in caption.observations]
    order = ["brow", "eyes", "cheeks", "nose", "mouth", "chin", "jaw", "neck"]
    assert regions == sorted(regions, key=order.index)


def test_codes_outside_the_lexicon_are_named_by_number() -> None:
    caption = explained(record_of(present(12), present(41)))
    assert any("(AU41)" in observation.text for observation in caption.observations)


def test_head_codes_of_a_human_coder_are_told() -> None:
    caption = explained(record_of(present(12), present(51), present(54)))
    head = next(observation for observation in caption.observations if observation.region == "head")
    assert {mention.au for mention in head.units} == {51, 54}
    assert next(mention for mention in head.units if mention.au == 51).side == "left"


def test_labels_that_the_tables_do_not_know_are_said_not_to_be_considered() -> None:
    labels = LabelSet("custom", ("happy", "sleepwalking"), {"happy": "happiness"}, {})
    caption = explained(record_of(present(6), present(12)), labels=labels)
    assert caption.conclusion.label == "happy"
    assert '"sleepwalking"' in caption.conclusion.text


def test_length_of_the_whole_text(faces: Faces) -> None:
    for scale in ("intensity_0_5", "presence"):
        by_count: dict[int, list[int]] = {}
        for number, record in enumerate(faces(1500, 20, scale=scale, sided=False, most=14, measured=OPENFACE)):
            caption = explained(record, number)
            words = sum(len(text.split()) for text in texts(caption))
            by_count.setdefault(len(observe(record).active), []).append(words)
        for count, lengths in by_count.items():
            middle = sorted(lengths)[len(lengths) // 2]
            if 1 <= count <= 8:
                assert 80 <= middle <= 150, (scale, count, middle)
            assert middle <= (165 if count <= 12 else 185), (scale, count, middle)


def test_uneven_strength_is_told_on_the_stronger_side() -> None:
    record = record_of(present(12, "left", 4.0), present(12, "right", 1.2))
    mouth = next(o for o in explained(record).observations if o.region == "mouth")
    assert "more on the left" in mouth.text
    assert mouth.units[0].side == "both"


def test_evidence_alone_is_enough(faces: Faces) -> None:
    # The writer reads neither ids nor labels found beside the data.
    for record in faces(100, 21):
        labelled = record.model_copy(update={"dataset_label": "fear"})
        assert texts(explained(labelled)) == texts(explained(record))
        assert isinstance(observe(labelled), Evidence)


def test_kept_sentences_change_nothing(faces: Faces) -> None:
    kept: Kept = {}
    for number, record in enumerate(faces(800, 22, measured=OPENFACE, scale="presence")):
        evidence = observe(record)
        interpretation = interpret(evidence, BASIC8, record)
        decision = conclude(evidence, interpretation, BASIC8)
        seed = number % 2
        with_kept = write(record, evidence, interpretation, decision, labels=BASIC8, seed=seed, kept=kept)
        assert with_kept == write(record, evidence, interpretation, decision, labels=BASIC8, seed=seed)
    assert 10 < len(kept) < 3000
