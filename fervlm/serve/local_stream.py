"""What generation in a thread is told and tells: words as they come, and that nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList, TextStreamer


def streamer(tokenizer: Any, tell: Callable[[str], None]) -> Any:  # noqa: ANN401 - transformers' tokenizers have no types
    """Hands on whole words."""

    class Words(TextStreamer):
        """To a function instead of the terminal."""

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                tell(text)

    return Words(tokenizer, skip_prompt=True, skip_special_tokens=True)


def until(stop: Event) -> StoppingCriteriaList:
    """Ends generation at the next token once `stop` is set."""

    class Until(StoppingCriteria):
        """Looks at the event."""

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
            return torch.full((len(input_ids),), stop.is_set(), dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([Until()])
