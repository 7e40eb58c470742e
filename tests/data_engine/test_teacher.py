"""What each mode asks a teacher, what it takes from the answers, and what it notes."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data_engine.config import TeacherConfig
from data_engine.items import Draft
from data_engine.teacher import requests
from data_engine.teacher.client import CallFailedError
from data_engine.teacher.journal import Answer, Journal, request_key
from data_engine.teacher.loop import Outcome, TeacherLoop, read_label
from fervlm.facs import label_set, label_set_from_words
from fervlm.predict.rules import Explainer
from fervlm.prompts import prompt
from fervlm.readers import read
from fervlm.reasoning.answers import render
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import AURecord, Caption
from tests.data_engine.faces import coded_faces, command, events, rejects, run, samples, stats, teacher

LABELS = label_set("basic8")


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Forty pictures with codes and labels: the picture folder and the options that go with it."""
    pictures, codes, labels = coded_faces(tmp_path_factory.mktemp("coded"), 40)
    # The server's answers share their frames; without a limit on them the gate would prefer some drafts.
    return pictures, ["--au", str(codes), "--labels", str(labels), "--frame-share", "1"]


def human(options: list[str]) -> dict[str, str]:
    """The human label of every picture."""
    with Path(options[3]).open(encoding="utf-8", newline="") as handle:
        return {row["file"]: row["label"] for row in csv.DictReader(handle)}


def test_see_shows_every_picture(coded: tuple[Path, list[str]], tmp_path: Path) -> None:
    pictures, options = coded
    with teacher() as (url, port):
        done = run(*command(pictures, tmp_path / "set", url, *options, "--teacher-mode", "see"))
        counted = stats(port)
    assert done.returncode == 0, done.stderr
    assert counted["pictures"] == counted["calls"] == 40
    assert "broken_pictures" not in counted
    made = [row["caption"]["provenance"] for row in samples(tmp_path / "set")]
    digest = requests.prompt_digest("see")
    assert {(m["engine"], m["model"], m["prompt_digest"]) for m in made} == {("teacher see", "fixed", digest)}


def test_see_needs_pictures(coded: tuple[Path, list[str]], tmp_path: Path) -> None:
    codes = Path(coded[1][1])
    done = run(*command(codes, tmp_path / "set", "http://127.0.0.1:9/v1", "--teacher-mode", "see"))
    assert done.returncode == 2
    assert "needs pictures" in done.stderr
    assert not (tmp_path / "set").exists()


def test_label_check_tells_of_a_wrong_reading_until_it_agrees(coded: tuple[Path, list[str]], tmp_path: Path) -> None:
    pictures, options = coded
    with teacher(infers="contempt") as (url, port):
        done = run(*command(pictures, tmp_path / "set", url, *options, "--teacher-mode", "label-check"))
        counted = stats(port)
    assert done.returncode == 0, done.stderr
    # Describe, read, hear of the annotators' label, describe again, read again.
    assert (counted["feedback"], counted["inferred"], counted["calls"]) == (40, 80, 160)
    rows = samples(tmp_path / "set")
    labels = human(options)
    assert len(rows) == 40
    for row in rows:
        assert "read once more" in row["caption"]["interpretation"]
        assert row["caption"]["provenance"]["engine"] == "teacher label-check"
        assert row["human_label"] == labels[row["id"]]
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert "40 of 40" in card


def test_label_check_forces_nothing(coded: tuple[Path, list[str]], tmp_path: Path) -> None:
    pictures, options = coded
    with teacher(infers="contempt", stubborn=1) as (url, port):
        done = run(*command(pictures, tmp_path / "set", url, *options, "--teacher-mode", "label-check"))
        counted = stats(port)
    assert done.returncode == 0, done.stderr
    assert (counted["inferred"], counted["feedback"], counted["calls"]) == (120, 80, 240)
    labels = human(options)
    for row in samples(tmp_path / "set"):
        caption = Caption.model_validate(row["caption"])
        # The reader never met the human label; the caption keeps its own conclusion, which is none.
        assert caption.conclusion.label is None
        assert caption.conclusion.abstain
        told = " ".join((caption.overview, caption.interpretation, caption.conclusion.text))
        assert labels[row["id"]] not in told.lower()
        assert verify(caption, AURecord.model_validate(row["evidence"]), labels=LABELS).ok
        # The human label stands where it belongs.
        assert row["anchored"]["conclusion"]["label"] == labels[row["id"]]


def test_what_was_asked_is_told(coded: tuple[Path, list[str]], tmp_path: Path) -> None:
    pictures, options = coded
    with teacher(prose=1.0) as (url, _):
        one = ("--teacher-tries", "2", "--teacher-failure", "drop", "--teacher-concurrency", "4")
        assert run(*command(pictures, tmp_path / "set", url, *options, *one)).returncode == 0
    assert not rejects(tmp_path / "set")
    told = next(event for event in events(tmp_path / "set") if event["event"] == "teacher")
    assert told["answers"] == 80


# The loop itself, with a teacher in this process.


class Scripted:
    """Answers in turn; keeps what it was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def ask(self, request: dict[str, Any]) -> Answer:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, 10)


@pytest.fixture
def draft(coded: tuple[Path, list[str]]) -> Draft:
    """A face with a smile: its draft concludes something and names movements."""
    for record in read(Path(coded[1][1])):
        prediction = Explainer(LABELS).explain(record)
        if prediction.caption is not None and prediction.label is not None and len(prediction.caption.observations) > 2:
            joined = {"n": 0, "id": "a", "picture": None, "evidence": record, "label": "anger"}
            return Draft.model_validate({"joined": joined, "captions": (prediction.caption,)})
    raise AssertionError("no face of the set has a label")


def taught(draft: Draft, teacher: Scripted, tmp_path: Path, **settings: object) -> Outcome:

    config = TeacherConfig.model_validate({"model": "m", **settings})
    journal = Journal(tmp_path / "journal.sqlite")
    loop = TeacherLoop(config, teacher, journal, LABELS, 0, lambda *_: None, Judge(), asyncio.Semaphore(4))
    try:
        return asyncio.run(loop.teach(draft, None))
    finally:
        journal.close()


def texts(draft: Draft) -> tuple[str, str]:
    """The draft as a teacher may answer it, and the same with an emotion word among the observations."""
    good = render(draft.captions[0], details=False)
    return good, good.replace("\nInterpretation", "- Mouth: The mouth looks cheerful.\n\nInterpretation", 1)


def test_findings_go_back_word_for_word(draft: Draft, tmp_path: Path) -> None:
    good, leaking = texts(draft)
    scripted = Scripted("No.", leaking, good)
    outcome = taught(draft, scripted, tmp_path)
    assert outcome.draft is not None
    assert outcome.draft.teacher is not None
    assert (outcome.draft.teacher.attempts, outcome.draft.teacher.passed, outcome.draft.teacher.tokens) == (3, True, 30)
    second, third = (request["messages"] for request in scripted.asked[1:])
    assert second[-2] == {"role": "assistant", "content": "No."}
    assert "format: " in second[-1]["content"]
    assert "cheerful" in third[-1]["content"]
    assert len({request["seed"] for request in scripted.asked}) == 3


def test_a_rewriter_may_not_change_the_conclusion(draft: Draft, tmp_path: Path) -> None:
    good, _ = texts(draft)
    own = draft.captions[0].conclusion
    changed = good.replace(f"Label: {own.label}", "Label: contempt")
    surer = good.replace(f"Confidence: {own.confidence}", "Confidence: " + {"high": "low"}.get(own.confidence, "high"))
    scripted = Scripted(changed, surer, good)
    outcome = taught(draft, scripted, tmp_path)
    assert "the label was" in scripted.asked[1]["messages"][-1]["content"]
    assert "the confidence was" in scripted.asked[2]["messages"][-1]["content"]
    assert outcome.draft is not None
    # What the answer's text does not carry, the candidates, stays as it was.
    assert outcome.draft.captions[0].conclusion == own


def test_a_draft_that_was_not_borne_out_is_no_second_choice(draft: Draft, tmp_path: Path) -> None:
    good, _ = texts(draft)
    spoilt = draft.model_copy(update={"findings": ("contradicted: something",)})
    outcome = taught(spoilt, Scripted(good), tmp_path)
    assert outcome.draft is not None
    assert (len(outcome.draft.captions), outcome.draft.findings) == (1, ())
    assert len(taught(draft, Scripted(good), tmp_path / "b").draft.captions) == 2  # type: ignore[union-attr]


def test_a_thinking_model_is_heard_after_its_thoughts(draft: Draft, tmp_path: Path) -> None:
    good, _ = texts(draft)
    outcome = taught(draft, Scripted(f"<think>AU21 perhaps? happy?</think>\n{good}"), tmp_path)
    assert outcome.reason is None


@pytest.mark.parametrize("line", ["- Forehead: The brows lower (AU4).", "- Jaw: The lip corners rise (AU12)."])
def test_observations_stand_under_their_region(draft: Draft, tmp_path: Path, line: str) -> None:
    good, _ = texts(draft)
    odd = good.replace("\nInterpretation", f"{line}\n\nInterpretation", 1)
    scripted = Scripted(odd, good)
    assert taught(draft, scripted, tmp_path).reason is None
    assert line.split(":", maxsplit=1)[0][2:].lower() in scripted.asked[1]["messages"][-1]["content"]


def test_label_check_keeps_what_held_when_a_later_answer_fails(draft: Draft, tmp_path: Path) -> None:
    good, leaking = texts(draft)
    for last in (leaking, CallFailedError("HTTP 500")):
        scripted = Scripted(good, "contempt", last)
        outcome = taught(draft, scripted, tmp_path / type(last).__name__, mode="label-check", tries=2)
        assert outcome.draft is not None
        assert outcome.reason is None
        assert outcome.draft.teacher is not None
        assert (outcome.draft.teacher.inferred_label, outcome.draft.teacher.attempts) == ("contempt", 2)
        assert 'chose "anger"' in scripted.asked[2]["messages"][-1]["content"]


def test_label_check_takes_no_label_that_is_not_in_the_set(draft: Draft, tmp_path: Path) -> None:
    good, _ = texts(draft)
    own = draft.captions[0].conclusion.label
    scripted = Scripted(good.replace(f"Label: {own}", "Label: schadenfreude"), good, "anger")
    assert taught(draft, scripted, tmp_path, mode="label-check").reason is None
    assert "'schadenfreude' is not one of: anger, " in scripted.asked[1]["messages"][-1]["content"]


def test_a_stored_answer_is_not_asked_again(draft: Draft, tmp_path: Path) -> None:
    good, leaking = texts(draft)
    taught(draft, Scripted(leaking, good), tmp_path)
    again = Scripted()
    assert taught(draft, again, tmp_path).reason is None
    assert again.asked == []


def test_a_failed_call_is_not_stored(draft: Draft, tmp_path: Path) -> None:
    good, _ = texts(draft)
    first = taught(draft, Scripted(CallFailedError("HTTP 500")), tmp_path)
    assert first.reason == "the call failed: HTTP 500"
    assert taught(draft, Scripted(good), tmp_path).reason is None


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Anger.", "anger"),
        ("**Happiness**", "happiness"),
        ("The label is surprise", "surprise"),
        ("angry", "anger"),
        ("sadness or fear", "open"),
        ("open", "open"),
        ("<think>fear?</think>disgust", "disgust"),
        ("I cannot tell.", "open"),
    ],
)
def test_a_reader_s_label_is_read(answer: str, label: str) -> None:
    assert read_label(answer, LABELS) == label


def test_a_label_that_contains_another_is_itself() -> None:
    words = label_set_from_words(("surprise", "happy surprise"))
    assert read_label("happy surprise", words) == "happy surprise"
    assert read_label("surprise", words) == "surprise"


def test_the_digest_covers_every_prompt_of_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {mode: requests.prompt_digest(mode) for mode in ("rewrite", "see", "label-check")}
    assert len(set(digests.values())) == 3
    used = {"rewrite": "teacher_rewrite", "see": "teacher_see", "label-check": "teacher_feedback"}
    for changed in ("teacher_system", "caption_form", "teacher_repair", *used.values()):

        def altered(name: str, changed: str = changed) -> object:
            found = prompt(name)
            return type(found)(name, found.text, found.digest[::-1]) if name == changed else found

        monkeypatch.setattr(requests, "prompt", altered)
        after = {mode: requests.prompt_digest(mode) for mode in digests}  # type: ignore[arg-type]
        hit = {mode for mode in digests if after[mode] != digests[mode]}
        assert hit == ({mode for mode in used if used[mode] == changed} or set(digests))


def test_equal_requests_share_a_key_and_others_do_not() -> None:
    config = TeacherConfig(model="m")
    one = requests.body(config, [{"role": "user", "content": "a"}], 1)
    assert request_key(one) == request_key(dict(reversed(one.items())))
    others = [
        requests.body(config, [{"role": "user", "content": "b"}], 1),
        requests.body(config, [{"role": "user", "content": "a"}], 2),
        requests.body(TeacherConfig(model="n"), [{"role": "user", "content": "a"}], 1),
        requests.body(TeacherConfig(model="m", temperature=0), [{"role": "user", "content": "a"}], 1),
    ]
    assert len({request_key(request) for request in (one, *others)}) == 5


def test_journal_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    for key in ("a", "b", "a"):
        journal.ask(key)
    journal.put("a", Answer("first", 7))
    journal.put("a", Answer("second", 9))
    assert journal.get("a") == Answer("first", 7)
    assert journal.get("b") is None
    assert journal.totals() == (1, 7, 1)
    journal.close()
    assert Counter(path.name for path in tmp_path.iterdir()) == {"j.sqlite": 1}
