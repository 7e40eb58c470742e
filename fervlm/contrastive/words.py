"""Texts to token ids, whichever tokenizer a model has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor

if TYPE_CHECKING:
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

PAD = 0


class Words(Protocol):
    """What turns texts into token ids."""

    cut: bool
    """Whether rows are padded with 0 behind their end and the model never looks there, so that they may be cut."""

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Int64 [T, L]; L is the longest text where `cut`, else the context length."""
        ...


class OwnWords:
    """The model's own vocabulary (`vocabulary.py`).

    Args:
        tokenizer: of the model.
        context: longest text in tokens; the rest is cut off before the end token.
    """

    cut = True

    def __init__(self, tokenizer: Tokenizer, context: int) -> None:
        self.tokenizer = tokenizer
        tokenizer.enable_truncation(context)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Int64 [T, L]."""
        return padded([encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))])


class OpenClipWords:
    """A tokenizer of open_clip for a given model.

    Args:
        tokenizer: from `open_clip.get_tokenizer`.
        cut: as in `Words`.
    """

    def __init__(self, tokenizer: HFTokenizer | SimpleTokenizer, *, cut: bool) -> None:
        self.tokenizer, self.cut = tokenizer, cut

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Int64 [T, L]."""
        ids: Tensor = self.tokenizer(list(texts))
        if not self.cut or not ids.numel():
            return ids
        return ids[:, : int(lengths(ids).max())]


def lengths(ids: Tensor) -> Tensor:
    """Int64 [T]: tokens of each row up to the last that is no padding; a 0 before that is a token (CLIP's "!")."""
    places = torch.arange(1, ids.shape[1] + 1, device=ids.device)
    return ((ids != PAD) * places).amax(1)


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Int64 [T, L] with 0 behind each shorter row."""
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *([PAD] * (longest - len(row)))] for row in rows], dtype=torch.int64).view(
        len(rows), longest
    )


def bare(row: list[int]) -> list[int]:
    """A row of ids without the padding behind it."""
    end = len(row)
    while end and row[end - 1] == PAD:
        end -= 1
    return row[:end]
