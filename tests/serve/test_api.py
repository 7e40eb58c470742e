"""Every endpoint of a running server, with the shipped model behind it."""

from __future__ import annotations

import base64
import json
import re

import httpx
import pytest

from fervlm.examples import recording
from fervlm.predict.rules import explain
from fervlm.readers import read
from fervlm.records import Prediction, Verification
from tests.serve.conftest import png


def _events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_picture_is_explained_however_it_is_sent(server: str, photo: bytes) -> None:
    plain = base64.b64encode(photo).decode()
    upload = httpx.post(f"{server}/v1/explain", files={"picture": ("a b.jpg", photo)}, data={"labels": "happy, sad"})
    asked = {"labels": ["happy", "sad"], "name": "a b.jpg"}
    encoded = httpx.post(f"{server}/v1/explain", json={"picture": plain, **asked})
    url = httpx.post(f"{server}/v1/explain", json={"picture": f"data:image/jpeg;base64,{plain}", **asked})
    told = []
    for answer in (upload, encoded, url):
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["backend"], body["model"]) == ("onnx", "fervlm-nano")
        [prediction] = [Prediction.model_validate(one) for one in body["predictions"]]
        told.append(prediction.model_copy(update={"timing_ms": None}))
    assert told[0] == told[1] == told[2]
    assert told[0].label == "happy" and set(told[0].probabilities or {}) == {"happy", "sad"}
    assert told[0].id == "a b.jpg"
    assert told[0].verification is not None and told[0].verification.ok


def test_evidence_is_explained_as_the_engine_does_it(server: str, clip: bytes) -> None:
    sent = {"files": {"evidence": ("smile.csv", clip)}}
    [whole] = httpx.post(f"{server}/v1/explain", **sent).json()["predictions"]
    assert whole["label"] == "happiness" and whole["course"] and whole["events"]
    assert whole["source"]["file"] == "smile.csv"
    frames = httpx.post(f"{server}/v1/explain", **sent, data={"per": "frame"}).json()["predictions"]
    records = list(read(recording()))
    assert len(frames) == len(records)
    row = records[54]
    own = explain(row)
    assert frames[54]["caption"] == own.model_dump(mode="json")["caption"]
    [again] = httpx.post(f"{server}/v1/explain", json={"evidence": row.model_dump(mode="json")}).json()["predictions"]
    assert again == own.model_dump(mode="json")


def test_a_stream_sends_the_sections_in_order_each_verified(server: str, photo: bytes) -> None:
    answer = httpx.post(f"{server}/v1/explain", files={"picture": photo}, data={"stream": "true", "draw": "true"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = _events(answer.text)
    assert [name for name, _ in events] == ["begin", "face", *["section"] * 4, "prediction", "done"]
    sections = [data for name, data in events if name == "section"]
    assert [one["section"] for one in sections] == ["overview", "observation", "interpretation", "conclusion"]
    prediction = Prediction.model_validate(events[-2][1])
    assert prediction.verification is not None
    checked = [sentence.model_dump(mode="json") for sentence in prediction.verification.sentences]
    assert [sentence for one in sections for sentence in one["sentences"]] == checked  # type: ignore[attr-defined]
    face = events[1][1]
    drawn = set(re.findall(r'data-au="(\d+)', face["figure"]["overlay"]))  # type: ignore[index]
    present = {str(reading.au) for reading in prediction.evidence.readings if reading.state == "present"}
    assert drawn and drawn <= present


def test_observe_only_names_no_emotion(server: str, photo: bytes) -> None:
    answer = httpx.post(f"{server}/v1/explain", files={"picture": photo}, data={"observe_only": "true"})
    [found] = answer.json()["predictions"]
    assert found["label"] is None and found["probabilities"] is None
    assert found["caption"]["conclusion"]["abstain"] == "observe-only"


def test_classify_caption_verify(server: str, photo: bytes, clip: bytes) -> None:
    classified = httpx.post(f"{server}/v1/classify", files={"picture": photo}, data={"labels": "angry,happy,in pain"})
    [found] = classified.json()["predictions"]
    assert found["label"] == "happy" and found["caption"] is None
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    [told] = httpx.post(f"{server}/v1/caption", files={"picture": photo}).json()["captions"]
    assert told["text"].startswith("Overview: ") and told["caption"]["overview"] in told["text"]
    text = "The lip corners are pulled up. She is only pretending."
    against_file = httpx.post(f"{server}/v1/verify", data={"text": text}, files={"evidence": ("smile.csv", clip)})
    judged = Verification.model_validate(against_file.json())
    assert judged.scores.forbidden == 1 and not judged.ok
    against_picture = httpx.post(
        f"{server}/v1/verify", data={"text": "The brows are lowered."}, files={"picture": photo}
    )
    assert Verification.model_validate(against_picture.json()).scores.contradicted == 1


def test_a_batch_keeps_its_order_and_tells_errors_item_by_item(server: str, photo: bytes, crop: bytes) -> None:
    files = [("pictures", photo), ("pictures", b"no picture"), ("pictures", photo), ("pictures", crop[:200])]
    answer = httpx.post(f"{server}/v1/batch", files=files, timeout=30)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3]
    assert [line["error"]["status"] if line["error"] else None for line in lines] == [None, 415, None, 422]
    assert lines[0]["predictions"][0]["label"] == lines[2]["predictions"][0]["label"] == "happiness"
    picture = base64.b64encode(photo).decode()
    named = httpx.post(f"{server}/v1/batch", json={"items": [{"id": "one", "picture": picture}], "observe_only": True})
    assert json.loads(named.text)["id"] == "one" and json.loads(named.text)["predictions"][0]["label"] is None


def test_drawings_can_be_kept(server: str, photo: bytes) -> None:
    found = httpx.post(f"{server}/v1/explain", files={"picture": photo}).json()["predictions"]
    body = {"predictions": found, "picture": base64.b64encode(photo).decode()}
    page = httpx.post(f"{server}/v1/draw", json={**body, "format": "html"})
    assert "happiness" in page.text and page.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in page.headers["content-security-policy"]
    picture = httpx.post(f"{server}/v1/draw", json={**body, "format": "png"}, timeout=30)
    assert picture.content.startswith(b"\x89PNG")


def test_what_the_server_tells_of_itself(server: str, photo: bytes) -> None:
    models = {one["id"]: one["backend"] for one in httpx.get(f"{server}/v1/models").json()["data"]}
    assert models == {"fervlm-nano": "onnx", "fervlm-nano-vlm": "transformers"}
    sets = {one["name"]: one["labels"] for one in httpx.get(f"{server}/v1/label-sets").json()["label_sets"]}
    assert "neutral" in sets["basic7"] and len(sets["basic8"]) == 8
    assert "Article 50" in httpx.get(f"{server}/v1/notice").json()["text"]
    httpx.post(f"{server}/v1/explain", files={"picture": photo})
    httpx.post(f"{server}/v1/verify", data={"text": "She is lying."}, files={"picture": photo})
    told = httpx.get(f"{server}/metrics").text
    for line in (
        r'fervlm_requests_total\{route="/v1/explain",status="200"\} [1-9]',
        r'fervlm_labels_total\{label="happiness"\} [1-9]',
        r'fervlm_claims_total\{verdict="supported"\} [1-9]',
        r"fervlm_verification_failures_total [1-9]",
        r"fervlm_backend_ready 1.0",
        r"fervlm_label_drift 0",
        r"fervlm_queue 0",
    ):
        assert re.search(line, told), line


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"files": {"picture": b"plain text"}}, 415, "is not a picture"),
        ({"files": {"picture": png(40, 40)[:60]}}, 422, ""),
        ({"content": b"<a/>", "headers": {"content-type": "text/xml"}}, 415, "must be application/json"),
        ({"json": {"picture": "!!"}}, 422, "neither base64"),
        ({"json": {}}, 422, "either a picture or evidence"),
        ({"json": {"picture": "AAAA", "evidence": "x"}}, 422, "either a picture or evidence"),
        ({"json": {"picture": "AAAA", "seed": "1"}}, 422, "seed"),
        ({"json": {"picture": "AAAA", "colour": 1}}, 422, "colour"),
        ({"json": {"picture": "https://example.org/a.jpg"}}, 422, "fetches no URLs"),
        ({"json": {"evidence": "frame,AU99\n1,2\n"}}, 422, ""),
        ({"files": {"evidence": ("x.csv", b"a,b\n1,2\n")}}, 422, "no AU file that is known"),
        ({"content": b"{" * 100_000, "headers": {"content-type": "application/json"}}, 422, ""),
    ],
)
def test_mistakes_are_one_sentence(server: str, sent: dict[str, object], status: int, words: str) -> None:
    answer = httpx.post(f"{server}/v1/explain", **sent)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and words in body["detail"] and body["detail"] == body["error"]["message"]
    assert "/tmp" not in body["detail"] and "Traceback" not in answer.text


def test_unknown_paths_and_methods(server: str) -> None:
    assert httpx.get(f"{server}/nothing").json()["status"] == 404
    assert httpx.get(f"{server}/page/../app.py").status_code == 404
    assert httpx.get(f"{server}/v1/explain").json()["status"] == 405


def test_every_answer_carries_the_security_headers(server: str) -> None:
    for path in ("/", "/v1/models", "/nothing"):
        headers = httpx.get(f"{server}{path}", headers={"origin": "https://elsewhere.example"}).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers and "server" not in headers
