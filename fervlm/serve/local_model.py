"""A multimodal model in this process, by transformers: conversations in OpenAI's form in, answers and scores out."""

from __future__ import annotations

import base64
import binascii
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

    from fervlm.serve.vllm_plan import Plan

DEFAULT_TOKENS = 512
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as the training stack takes it.

    Attributes:
        messages: turns, with a placeholder for each picture.
        pictures: those shown, in order.
    """

    messages: list[dict[str, Any]]
    pictures: list[Image.Image]


@dataclass(slots=True)
class LocalModel:
    """Weights that are opened when they are first asked. Not safe for concurrent use.

    Attributes:
        plan: what is opened.
    """

    plan: Plan
    _model: Any = field(default=None, init=False)
    _processor: Any = field(default=None, init=False)

    def open(self) -> None:
        """Open the weights, once.

        Raises:
            FervlmError: they cannot be.
            MissingExtraError: torch or transformers is not installed.
        """
        if self._model is not None:
            return
        try:
            from fervlm.serve.opened import opened_plan  # noqa: PLC0415 - torch only where it is used
        except ImportError:
            raise MissingExtraError("This model", "train") from None
        self._model, self._processor = opened_plan(self.plan)

    def scores(self, messages: Sequence[dict[str, Any]], labels: Sequence[str]) -> list[float]:
        """Log-probability of each label, its end mark included, as the answer to a conversation."""
        self.open()
        from fervlm.mllm.score import score_answers  # noqa: PLC0415

        talk = talk_of(messages)
        found = score_answers(self._model, self._processor, [talk.messages], [talk.pictures], labels)
        return [float(value) for value in found[0]]

    def complete(self, payload: dict[str, Any], stop: Event, tell: Tell | None = None) -> dict[str, Any]:
        """A chat completion.

        Args:
            payload: a request in OpenAI's form; `structured_outputs.choice` is followed, other schemas are not.
            stop: set where nobody waits for the answer any more.
            tell: takes the words as they come.

        Raises:
            FervlmError: the model does not take this conversation, or it is too long for it.
        """
        choices = (payload.get("structured_outputs") or {}).get("choice")
        if choices:
            return self._chosen(payload, choices, tell)
        self.open()
        talk = talk_of(payload["messages"])
        batch, room = self._prompt(talk)
        most = min(int(payload.get("max_tokens") or DEFAULT_TOKENS), room)
        wanted = payload.get("stop") or []
        ends = [wanted] if isinstance(wanted, str) else list(wanted)
        found = self._generated(batch, payload, most, stop, None if ends else tell)
        length = batch["input_ids"].shape[1]
        tokens = found.sequences[0, length:].tolist()
        finish = "length" if len(tokens) >= most and tokens[-1] not in self._stops() else "stop"
        text = self._processor.tokenizer.decode(tokens, skip_special_tokens=True)
        if ends:
            text, cut = _upto(text, ends)
            finish = "stop" if cut else finish
            if tell is not None:
                tell(text)
        told = self._logprobs(found, tokens, payload) if payload.get("logprobs") else None
        return completion(payload["model"], text, finish, (length, len(tokens)), told)

    def _prompt(self, talk: Talk) -> tuple[dict[str, Tensor], int]:
        """The conversation as tokens, and how many may follow."""
        from jinja2 import TemplateError  # noqa: PLC0415

        from fervlm.mllm.generate import context_of  # noqa: PLC0415
        from fervlm.mllm.score import prompt_batch  # noqa: PLC0415

        try:
            text = self._processor.apply_chat_template(talk.messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise FervlmError(f"the model's chat template refuses this conversation ({error})") from None
        batch = prompt_batch(self._processor, [text], [talk.pictures], self._model.device)
        room = context_of(self._model) - batch["input_ids"].shape[1]
        if room < 1:
            raise FervlmError(
                f"the conversation takes {batch['input_ids'].shape[1]:,} tokens, the model reads "
                f"{context_of(self._model):,}"
            )
        return batch, room

    def _generated(
        self, batch: dict[str, Tensor], payload: dict[str, Any], most: int, stop: Event, tell: Tell | None
    ) -> Any:  # noqa: ANN401 - transformers' output
        import torch  # noqa: PLC0415

        from fervlm.serve.local_stream import streamer, until  # noqa: PLC0415

        heat = float(payload.get("temperature") or 0.0)
        chosen: dict[str, Any] = {"do_sample": heat > 0}
        if heat > 0:
            torch.manual_seed(int(payload.get("seed") or 0))
            chosen |= {"temperature": heat, "top_p": float(payload.get("top_p") or 1.0)}
        ends = payload.get("stop")
        if ends:
            chosen |= {"stop_strings": ends, "tokenizer": self._processor.tokenizer}
        with torch.inference_mode():
            return self._model.generate(
                **batch,
                **chosen,
                max_new_tokens=most,
                eos_token_id=self._stops(),
                pad_token_id=self._processor.tokenizer.pad_token_id,
                streamer=None if tell is None else streamer(self._processor.tokenizer, tell),
                stopping_criteria=until(stop),
                return_dict_in_generate=True,
                output_logits=bool(payload.get("logprobs")),
            )

    def _stops(self) -> list[int]:
        from fervlm.mllm.generate import stop_tokens  # noqa: PLC0415

        return stop_tokens(self._model, self._processor)

    def _logprobs(self, found: Any, tokens: list[int], payload: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
        """OpenAI's `logprobs`, of the words without the mark that ends them."""
        top = int(payload.get("top_logprobs") or 0)
        ends = set(self._stops())
        told: list[dict[str, Any]] = []
        for token, logits in zip(tokens, found.logits, strict=True):
            if token in ends:
                break
            shares = logits[0].float().log_softmax(-1)
            best = shares.topk(top).indices.tolist() if top else []
            told.append({**self._token(token, shares), "top_logprobs": [self._token(one, shares) for one in best]})
        return {"content": told, "refusal": None}

    def _token(self, token: int, shares: Tensor) -> dict[str, Any]:
        words: str = self._processor.tokenizer.decode([token])
        return {"token": words, "logprob": float(shares[token]), "bytes": list(words.encode())}

    def _chosen(self, payload: dict[str, Any], choices: Sequence[str], tell: Tell | None) -> dict[str, Any]:
        """The likeliest of the choices, each scored as a whole answer."""
        import torch  # noqa: PLC0415

        scores = torch.tensor(self.scores(payload["messages"], choices)).log_softmax(-1).tolist()
        ranked = sorted(zip(choices, scores, strict=True), key=lambda pair: -pair[1])
        told: list[dict[str, Any]] = [
            {"token": word, "logprob": value, "bytes": list(word.encode())} for word, value in ranked
        ]
        top = told[: int(payload.get("top_logprobs") or 0)]
        logprobs = {"content": [{**told[0], "top_logprobs": top}], "refusal": None} if payload.get("logprobs") else None
        if tell is not None:
            tell(ranked[0][0])
        length = self._prompt(talk_of(payload["messages"]))[0]["input_ids"].shape[1]
        return completion(payload["model"], ranked[0][0], "stop", (length, 1), logprobs)


def talk_of(messages: Sequence[dict[str, Any]]) -> Talk:
    """A conversation in OpenAI's form, whose pictures are data URLs, as the training stack takes it.

    Raises:
        FervlmError: a picture is no data URL of a picture.
    """
    made, pictures = [], []
    for message in messages:
        content = message["content"]
        parts: list[dict[str, Any]] = []
        given: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in given:
            if part["type"] == "image_url":
                pictures.append(_picture(part["image_url"]["url"]))
                parts.append({"type": "image"})
            else:
                parts.append({"type": "text", "text": part["text"]})
        role = {"developer": "system", "tool": "user"}.get(message["role"], message["role"])
        made.append({"role": role, "content": parts})
    return Talk(made, pictures)


def _picture(url: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2], validate=True))) as opened:
            return opened.convert("RGB")
    except (binascii.Error, UnidentifiedImageError, OSError):
        raise FervlmError("a message's picture is not a picture") from None


def _upto(text: str, ends: Sequence[str]) -> tuple[str, bool]:
    """The text before the first of the ends, and whether there was one."""
    places = [text.find(end) for end in ends if end in text]
    return (text[: min(places)], True) if places else (text, False)


def completion(
    model: str, text: str, finish: str, counts: tuple[int, int], logprobs: dict[str, Any] | None
) -> dict[str, Any]:
    """OpenAI's object; `counts` are tokens read and written."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish,
        "logprobs": logprobs,
    }
    usage = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
    head = {"id": "", "object": "chat.completion", "created": int(time.time()), "model": model}
    return {**head, "choices": [choice], "usage": usage}
