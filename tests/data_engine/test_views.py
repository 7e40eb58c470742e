"""What is made of a caption: negatives that are false, answers that are true, mirror images that swap sides."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from data_engine.chat import conversations
from data_engine.contrastive import contrastive_texts
from data_engine.finished import parts, rows_at, samples
from data_engine.negatives import hard_negatives
from data_engine.table import Texts
from fervlm.facs import label_set
from fervlm.facs.units import movement_units
from fervlm.predict.rules import Explainer
from fervlm.readers import read
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import Chat, Sample
from tests.data_engine.faces import evidence_csv
from tests.data_engine.small import FORMAT, Small

LABELS = label_set("basic8")


def chats_of(finished: Path) -> dict[str, list[Chat]]:
    found: dict[str, list[Chat]] = {}
    for part in parts(finished, "chat"):
        for row in rows_at(part, list(range(100_000)), ["id", "kind", "view", "messages"]):
            chat = Chat.model_validate({key: row[key] for key in ("kind", "view", "messages")})
            found.setdefault(row["id"], []).append(chat)
    return found


def test_every_hard_negative_contradicts_the_evidence(finished: Path) -> None:
    edits: Counter[str] = Counter()
    for sample in samples(finished):
        evidence = observe(sample.evidence)
        for negative in sample.contrastive.negatives:
            edits[negative.edit] += 1
            if negative.edit == "class_negated":
                continue
            assert verify(negative.text, evidence).scores.contradicted > 0, negative.text
            assert verify(_original(sample, negative.of), evidence).scores.contradicted == 0
    assert set(edits) == {"au_swapped", "strength_changed", "negated", "side_flipped", "class_negated"}


def _original(sample: Sample, of: str) -> str:
    return sample.caption.overview if of == "overview" else sample.caption.observations[int(of.split(":")[1])].text


def test_a_negative_differs_in_one_place(finished: Path) -> None:
    for sample in samples(finished):
        for negative in sample.contrastive.negatives:
            if negative.edit == "class_negated":
                continue
            before, after = _original(sample, negative.of).split(), negative.text.split()
            start = next((k for k, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
            end = next((k for k, (a, b) in enumerate(zip(before[::-1], after[::-1], strict=False)) if a != b), 0)
            assert before != after
            assert start + end > 0
            assert len(before) - start - end <= 12, (before, after)


def test_answers_are_borne_out_by_the_evidence(finished: Path) -> None:
    chats, kinds = chats_of(finished), Counter[str]()
    for sample in samples(finished):
        evidence = observe(sample.evidence)
        for chat in chats[sample.id]:
            kinds[f"{chat.kind} {chat.view}"] += 1
            if chat.kind in {"label", "caption"}:
                continue
            for turn in chat.messages[1::2]:
                section = "observation" if chat.kind in {"region", "observe_only"} else "text"
                found = verify(turn.content, evidence, labels=LABELS, section=section)  # type: ignore[arg-type]
                wrong = [c for s in found.sentences for c in s.claims if c.verdict != "supported"]
                if chat.kind == "not_measured":
                    # Saying that a unit was not measured is the right answer; the verifier calls no claim false.
                    assert not [c for c in wrong if c.verdict == "contradicted"], turn.content
                else:
                    assert not wrong, (chat.kind, turn.content, wrong)
    expected = {"label", "caption", "observe_only", "region", "against", "why_not", "not_measured", "unit", "units"}
    assert {kind.split()[0] for kind in kinds} == expected
    assert kinds["label anchored"] == kinds["caption anchored"] == kinds["label blind"]


def test_label_answers_are_the_labels(finished: Path) -> None:
    chats = chats_of(finished)
    for sample in samples(finished):
        answers = {chat.view: chat.messages[-1].content for chat in chats[sample.id] if chat.kind == "label"}
        assert answers["anchored"] == sample.human_label
        blind = sample.caption.conclusion.label
        assert answers["blind"] == blind if blind else "open" in answers["blind"]


def test_an_unmeasured_unit_is_never_answered_yes_or_no(finished: Path) -> None:
    chats = chats_of(finished)
    for sample in samples(finished):
        measured = observe(sample.evidence).units
        for chat in chats[sample.id]:
            if chat.kind in {"unit", "not_measured"}:
                au = int(chat.messages[0].content.split("AU")[1].split()[0].rstrip(",( "))
                assert (chat.kind == "unit") == (au in measured)
                assert chat.messages[1].content.startswith(("Yes", "No")) == (au in measured)


def test_all_present_units_are_listed_and_no_other(finished: Path) -> None:
    chats = chats_of(finished)
    for sample in samples(finished):
        evidence = observe(sample.evidence)
        [told] = [chat.messages[1].content for chat in chats[sample.id] if chat.kind == "units"]
        assert {int(au) for au in re.findall(r"AU(\d+)", told)} == {unit.au for unit in evidence.active}


def test_present_units_are_asked_about_too(finished: Path) -> None:
    answers = Counter(
        chat.messages[1].content.split(".")[0]
        for chats in chats_of(finished).values()
        for chat in chats
        if chat.kind == "unit"
    )
    assert set(answers) == {"Yes", "No"}
    assert answers["Yes"] > 0.25 * answers.total()


def test_why_not_says_what_is_missing(finished: Path) -> None:
    told = [
        chat.messages[1].content for chats in chats_of(finished).values() for chat in chats if chat.kind == "why_not"
    ]
    assert any("of its core" in text for text in told)
    assert all("against it" in text or "core" in text or "not measured" in text or "for it" in text for text in told)


def test_the_vector_is_three_valued(finished: Path) -> None:
    for sample in samples(finished):
        evidence = observe(sample.evidence)
        for au, value in zip(movement_units(), sample.contrastive.au_vector, strict=True):
            assert value == (-1 if not evidence.measured(au) else int(evidence.present(au)))
        assert -1 in sample.contrastive.au_vector


def test_a_mirror_image_swaps_the_sides_in_picture_and_text(finished: Path, small: Small) -> None:
    from PIL import Image, ImageOps

    by_id = {sample.id: sample for sample in samples(finished)}
    mirrored = [sample for sample in by_id.values() if sample.flipped]
    assert mirrored
    assert all(sample.split == "train" for sample in mirrored)
    sided = 0
    for sample in mirrored:
        plain = by_id[sample.id.removesuffix("#flipped")]
        here, there = observe(sample.evidence), observe(plain.evidence)
        for au, unit in there.units.items():
            turned = {"left": "right", "right": "left"}.get(unit.side or "", unit.side)
            assert here.units[au].side == turned
            sided += unit.side in {"left", "right"}
        assert verify(sample.caption, here, labels=LABELS).ok
        assert sample.subject == plain.subject
    assert sided
    part = next(part for part in parts(finished, "data") if part.split == "train")
    rows = rows_at(part, list(range(10_000)), ["id", "image", "flipped"])
    row = next(row for row in rows if row["flipped"])
    from io import BytesIO

    shown = Image.open(BytesIO(row["image"]["bytes"]))
    original = Image.open(small.pictures / row["id"].removesuffix("#flipped"))
    assert shown.tobytes() == ImageOps.mirror(original).tobytes()


@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("mediapipe/blendshapes_dev_faces.csv", 400),
        ("openface2/pyfeat_OpenFace_Test.csv", 100),
        ("ckplus_facs_human/facs_codes.csv", 174),
        ("pyfeat/v2_news_001.csv", 60),
    ],
)
def test_real_evidence_gives_true_answers_and_false_negatives(shared_data: Path, file: str, most: int) -> None:
    from itertools import islice

    explainer, judge = Explainer(LABELS, cache_size=1024), Judge(4096)
    made = 0
    for k, record in enumerate(islice(read(shared_data / "au" / file), most)):
        caption, evidence = explainer.explain(record).caption, observe(record)
        if caption is None or not evidence.units:
            continue
        for negative in hard_negatives(caption, evidence, judge):
            made += 1
            assert verify(negative.text, evidence).scores.contradicted > 0, negative.text
        ranked = interpret(evidence, LABELS, record).candidates
        texts = Texts(caption, None, contrastive_texts(caption, None, evidence, None, ()))
        for row in conversations(f"face{k}", caption, texts, evidence, LABELS, ranked):
            chat = Chat.model_validate(row)
            if chat.kind in {"label", "caption", "not_measured"}:
                continue
            for turn in chat.messages[1::2]:
                assert verify(turn.content, evidence, labels=LABELS, judge=judge).ok, (chat.kind, turn.content)
    assert made > most


def test_two_drafts_are_two_wordings(finished: Path) -> None:
    seeds = Counter(sample.caption.provenance.seed for sample in samples(finished) if sample.caption.provenance)
    assert seeds[0] > 0
    assert FORMAT.startswith("au_table")


def test_an_edit_cuts_no_word(tmp_path: Path) -> None:
    explainer, judge = Explainer(LABELS), Judge(4096)
    known, made = {"no", "not", "maximal", "maximally", "e"}, []  # no face here is at level E
    for record in read(evidence_csv(tmp_path / "faces.csv", 250)):
        caption = explainer.explain(record).caption
        assert caption is not None
        told = [caption.overview, *(observation.text for observation in caption.observations)]
        known |= {word for text in told for word in re.findall(r"[a-z]+", text.lower())}
        made += [negative.text for negative in hard_negatives(caption, observe(record), judge)]
    assert len(made) > 2000
    # "Eyelid tightening" once became "Eyemaximal lid tightening".
    assert {word for text in made for word in re.findall(r"[a-z]+", text.lower())} <= known
