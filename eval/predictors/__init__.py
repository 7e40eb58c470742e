"""Whatever answers items: `open_predictor("rules")`, `("contrastive:FOLDER")`, `("endpoint:URL#MODEL")`, ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from eval.answer import Answer
from eval.item import Benchmark, Item
from fervlm.errors import FervlmError

KINDS = {
    "majority": "the most frequent label of the benchmark's own truth: what a model must beat",
    "rules": "published FACS prototypes on the items' AU evidence (needs --evidence where the set brings none; for "
    "clips a folder with a detector's file each, in which episodes are spotted and the course is told)",
    "contrastive[:MODEL]": "fervlm.load(MODEL), by default the model that ships with fervlm",
    "mllm[:FOLDER][#WAY]": "a multimodal checkpoint, by default the one that ships, in this process; WAY: direct, "
    "reason_first, label_first",
    "endpoint:URL[#MODEL]": "an OpenAI-compatible chat server, such as http://127.0.0.1:8000/v1#name",
    "file:PATH": "answers that were made elsewhere: CSV with id,label, or JSON lines",
    "peer:NAME": "another package where it is installed; `fervlm eval list --peers`",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What predictors may be told.

    Attributes:
        explain: also ask for an explanation.
        variants: also answer with each prompt set alone.
        finder: finds the face where an item is not a crop.
        frames: looked at in a clip.
        seed: of wordings.
        concurrency: requests to a server at a time.
        timeout_s: for one request.
        key: a server's key.
        form: how an endpoint is asked for an explanation: `text` shows the form of the answer, `json` demands a
            caption by JSON schema (such as a `fervlm serve` without a language model fills), `short` asks one short
            sentence, for models that were trained to answer it in form. `auto`: what a `fervlm serve` needs, which
            names itself in its list of models; `text` for any other server.
    """

    explain: bool = True
    variants: bool = True
    finder: str = "haar"
    frames: int = 16
    seed: int = 0
    concurrency: int = 8
    timeout_s: float = 120.0
    key: str | None = None
    form: Literal["auto", "text", "json", "short"] = "auto"


class Predictor(Protocol):
    """Answers items in order; a fault of one item is an answer with status `failed`, not an exception."""

    name: str
    version: str

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One answer per item."""
        ...


def open_predictor(spec: str, benchmark: Benchmark, settings: Settings, truth: Sequence[str] = ()) -> Predictor:
    """The predictor that `spec` names, ready for a benchmark.

    Args:
        spec: one of `KINDS`.
        benchmark: tells the task and the labels to choose from.
        settings: for those that take them.
        truth: true labels, for `majority` alone.

    Raises:
        FervlmError: no such predictor, or it cannot do the task.
        MissingExtraError: a package is missing.
    """
    kind, _, rest = spec.partition(":")
    kind, _, way = kind.partition("#")
    if benchmark.task == "questions" and kind not in {"majority", "mllm", "endpoint", "file"}:
        raise FervlmError(f"{kind} cannot answer questions", hint="Take mllm, endpoint:URL#MODEL, or file:PATH.")
    if kind == "majority":
        from eval.predictors.majority import Majority  # noqa: PLC0415

        return Majority(benchmark, truth)
    if kind == "file" and rest:
        from eval.predictors.from_file import FromFile  # noqa: PLC0415

        return FromFile(benchmark, rest)
    if kind == "peer" and rest:
        from eval.peers import open_peer  # noqa: PLC0415

        return open_peer(rest, benchmark)
    made = _ours(kind, rest or (f"#{way}" if way else ""), benchmark, settings)
    if made is None:
        raise FervlmError(f"there is no predictor '{spec}'", hint=f"Known: {', '.join(KINDS)}.")
    return made


def _ours(kind: str, rest: str, benchmark: Benchmark, settings: Settings) -> Predictor | None:
    """What fervlm itself brings, imported only when it is asked for."""
    if kind == "rules" and not rest:
        from eval.predictors.rules import Rules  # noqa: PLC0415

        return Rules(benchmark, settings)
    if kind == "contrastive":
        from eval.predictors.contrastive import Contrastive  # noqa: PLC0415

        return Contrastive(benchmark, settings, rest or None)
    if kind == "mllm":
        from eval.predictors.mllm import Mllm  # noqa: PLC0415

        return Mllm(benchmark, settings, rest)
    if kind == "endpoint" and rest:
        from eval.predictors.endpoint import Endpoint  # noqa: PLC0415

        return Endpoint(benchmark, settings, rest)
    return None
