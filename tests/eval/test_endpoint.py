"""The chat endpoint: strict parsing, three prompt sets, retries; a small server speaks the protocol in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest

from eval.catalogue import benchmark
from eval.predictors import Settings, open_predictor
from eval.predictors.endpoint import strict_label, strict_letter
from eval.run import Asked, run
from eval.score import score
from fervlm.errors import FervlmError
from fervlm.examples import photograph
from fervlm.facs.labels import BASIC7
from fervlm.prompts import prompt
from fervlm.reasoning.answers import parse
from tests.eval.miniature import png, text
from tests.serve.conftest import Served

CAPTION = """Overview: The lip corners are pulled up.

Key observations
- Mouth: The lip corners are pulled up (AU12).

Interpretation
Raised lip corners speak for happiness.

Conclusion
The expression shown is consistent with happiness.
Label: {label}
Confidence: moderate
"""


class Server(ThreadingHTTPServer):
    """Answers by what is asked; keeps the bodies; fails as often as told."""

    daemon_threads = True
    asked: list[dict[str, Any]]
    failures = 0
    status = 503
    label = "happiness"
    letter = "B"
    owner: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self._reply(200, {"data": [{"id": "small", **self.server.owner}]})

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append(body)
        if server.failures > 0:
            server.failures -= 1
            self._reply(server.status, {"error": "busy"})
            return
        question = body["messages"][0]["content"][-1]["text"]
        told = server.label
        if body.get("response_format", {}).get("type") == "json_schema":
            assert body["response_format"]["json_schema"]["name"] == "Caption"
            told = parse(CAPTION.format(label=server.label)).model_dump_json()
        elif "Key observations" in question or question.startswith("Describe the"):
            told = CAPTION.format(label=server.label)
        elif "letter of the right choice" in question:
            told = server.letter
        elif "action units" in question:
            told = "AU12, AU25"
        self._reply(200, {"choices": [{"message": {"content": told}}]})

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("eval.predictors.chat.time.sleep", lambda _: None)
    made = Server(("127.0.0.1", 0), Handler)
    made.asked, made.owner = [], {}
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def place(server: Server) -> str:
    return f"endpoint:http://127.0.0.1:{server.server_port}/v1"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    for k, label in enumerate(BASIC7):
        png(tmp_path / "d" / f"{label}" / f"{k}.png", 20 * k)
    return tmp_path


def test_three_prompt_sets_and_an_explanation(server: Server, faces: Path) -> None:
    out = run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "out"))
    found = score(out)
    assert found["run"]["predictor"] == "endpoint small"
    assert found["classes"]["WAR"][0] == pytest.approx(1 / 7)
    assert found["classes"]["majority_alarm"] == "every answer is 'happiness'"
    assert len(found["classes"]["prompt_sets"]["sets"]) == 3
    assert found["explanations"]["consistency"]["explanation_answer"] == 1
    assert len(server.asked) == 7 * 4
    sent = server.asked[0]
    assert sent["temperature"] == 0 and sent["model"] == "small"
    assert sent["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    labels = [body for body in server.asked if "structured_outputs" in body]
    assert len(labels) == 21 and set(labels[0]["structured_outputs"]["choice"]) == set(BASIC7)


@pytest.mark.parametrize("form", ["json", "short"])
def test_captions_by_schema_or_short_question(server: Server, faces: Path, form: Literal["json", "short"]) -> None:
    asked = Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o", settings=Settings(form=form))
    found = score(run(asked))
    assert found["classes"]["strict_parse_rate"] == 1 and found["explanations"]["texts"] == 7
    assert all("$" not in body["messages"][0]["content"][-1]["text"] for body in server.asked)


def test_an_answer_out_of_form_is_unparsed_and_wrong(server: Server, faces: Path) -> None:
    server.label = "I think the person feels happy"
    settings = Settings(explain=False)
    found = score(run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o", settings=settings)))
    assert found["classes"]["strict_parse_rate"] == 0 and found["classes"]["WAR"][0] == 0
    server.label = "none (no face)"
    found = score(run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o2")))
    assert found["classes"]["abstain_rate"] == 1


def test_a_busy_server_is_asked_again_and_a_refusing_one_is_not(server: Server, faces: Path) -> None:
    settings = Settings(explain=False, variants=False, concurrency=1)
    server.failures = 2
    found = score(run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o", settings=settings)))
    assert found["failed"] == 0 and len(server.asked) == 9
    server.asked.clear()
    server.failures, server.status = 99, 400
    found = score(run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o2", settings=settings)))
    assert found["failed"] == 7 and len(server.asked) == 7


def test_units_and_questions(server: Server, tmp_path: Path) -> None:
    png(tmp_path / "a.jpg")
    text(tmp_path / "AU_test.json", json.dumps([{"image": "a.jpg", "label": "12, 26", "gpt4": "The mouth."}]))
    found = score(run(Asked(benchmark("faba_units"), str(tmp_path), place(server), tmp_path / "u")))
    per = found["units"]["per_unit"]
    assert per["12"]["f1"] == 1 and per["25"]["precision"] == 0 and per["26"]["recall"] == 0
    entry = {"question": "Which?", "options": ["Anger", "Fear"], "answer": 1}
    image = {"image_paths": {"original": "o.png", "cropped": "o.png"}}
    for name in ("face_expression_basic", "face_expression_compound"):
        text(tmp_path / "json" / "en" / f"{name}.json", json.dumps({"data": [{"QA": entry, "image": image}]}))
    png(tmp_path / "data" / "o.png")
    asked = Asked(benchmark("face_human_bench_expression"), str(tmp_path), place(server), tmp_path / "q")
    assert score(run(asked))["classes"]["WAR"][0] == 1
    assert "A. Anger\nB. Fear" in server.asked[-1]["messages"][0]["content"][-1]["text"]
    with pytest.raises(FervlmError, match="rules cannot answer questions"):
        open_predictor("rules", benchmark("face_human_bench_expression"), Settings())


def test_no_server_is_one_sentence(faces: Path) -> None:
    with pytest.raises(FervlmError, match="the server gave no answer"):
        open_predictor("endpoint:http://127.0.0.1:9/v1", benchmark("folder"), Settings())
    with pytest.raises(FervlmError, match="is no address"):
        open_predictor("endpoint:ftp://x#m", benchmark("folder"), Settings())


def test_what_counts_as_one_label() -> None:
    assert strict_label(" Happiness.", BASIC7) == "happiness"
    assert strict_label("**happy**", BASIC7) == "happiness"
    assert strict_label("happiness or surprise", BASIC7) is None
    assert strict_label("contempt", BASIC7) is None
    assert strict_label("", BASIC7) is None
    assert [strict_letter(t, 3) for t in ("B", "(c)", "(C)", "A. Sad", "D", "The answer is B")] == [
        "B", None, "C", "A", None, None,
    ]  # fmt: skip


def test_a_gateway_of_ours_is_asked_as_it_needs_it(tmp_path: Path) -> None:
    """The real server, with no word of how to ask it."""
    for label in BASIC7:
        png(tmp_path / "d" / label / "grey.png", 90, 48)
    (tmp_path / "d" / "happiness" / "p.jpg").write_bytes(photograph().read_bytes())
    served = Served()
    try:
        asked = Asked(benchmark("folder"), str(tmp_path / "d"), f"endpoint:{served.address}/v1", tmp_path / "o")
        found = score(run(asked))
    finally:
        served.stop()
    assert found["run"]["predictor"] == "endpoint fervlm-nano" and found["run"]["predictor_version"].startswith("json ")
    assert found["failed"] == 0 and found["classes"]["strict_parse_rate"] == 1
    assert found["explanations"]["texts"] == 8 and len(found["classes"]["prompt_sets"]["sets"]) == 3


def test_a_language_model_behind_our_gateway_is_asked_as_it_was_trained(server: Server, faces: Path) -> None:
    server.owner = {"owned_by": "fervlm", "backend": "vllm"}
    settings = Settings(variants=False)
    found = score(run(Asked(benchmark("folder"), str(faces / "d"), place(server), faces / "o", settings=settings)))
    assert found["run"]["predictor_version"].startswith("short ")
    questions = {
        body["messages"][0]["content"][-1]["text"] for body in server.asked if "structured_outputs" not in body
    }
    assert questions == {prompt("mllm_caption").text}
