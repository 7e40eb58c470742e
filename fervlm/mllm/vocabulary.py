"""A SentencePiece vocabulary of the captions, saved as the `tokenizer.json` that transformers and vLLM read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from fervlm.errors import FervlmError

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"
IMAGE = "<|image_pad|>"
SPECIAL = (END_OF_TEXT, TURN_START, TURN_END, VISION_START, VISION_END, IMAGE)
ROLES = ("system", "user", "assistant")
_SPACE = "\u2581"
_LONGEST = 32
"""Characters of an entry: phrases of the captions become one entry, which halves what must be read and written."""


def train_sentencepiece(texts: Iterable[str], entries: int) -> bytes:
    """A SentencePiece BPE model with byte fallback, entries may span words but not lines.

    Args:
        texts: captions, questions and answers; the more often a phrase stands in them, the sooner it becomes an entry.
        entries: size of the vocabulary without the special tokens of the chat.

    Raises:
        FervlmError: the texts do not hold so many different phrases.
    """
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(_lines(texts)),
            model_writer=model,
            vocab_size=entries,
            model_type="bpe",
            byte_fallback=True,
            character_coverage=1.0,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            split_by_whitespace=False,
            max_sentencepiece_length=_LONGEST,
            user_defined_symbols=["\n"],
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        found = re.search(r"value <= (\d+)", str(error))
        if found is None:
            raise
        raise FervlmError(
            f"the texts give {found[1]} entries at most, {entries} are wanted", hint=f"Set nano.entries={found[1]}."
        ) from None
    return model.getvalue()


def to_tokenizer(model: bytes) -> Tokenizer:
    """The same vocabulary as a `tokenizers` BPE: equal pieces for every text without special tokens."""
    vocabulary, merges = tables(model)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", _SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\n"), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def tables(model: bytes) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Entries with their ids, and the pairs that are joined, first come first."""
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    names = [pieces.id_to_piece(i) for i in range(len(pieces))]
    vocabulary = {name: i for i, name in enumerate(names)}
    learned = [name for i, name in enumerate(names) if len(name) > 1 and not _apart(pieces, i)]
    return vocabulary, _merges(learned, vocabulary)


def _lines(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from (line for line in text.split("\n") if line)
    for _ in range(200):
        yield from ROLES


def _apart(pieces: object, index: int) -> bool:
    """Unknown, byte and user-defined entries are not made by merging."""
    found: bool = (
        pieces.is_byte(index) or pieces.is_unknown(index) or pieces.is_control(index)  # type: ignore[attr-defined]
    )
    return found


def _merges(learned: list[str], vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """SentencePiece joins the pair whose joint entry came first; all pairs that give an entry stand at its rank."""
    merges = []
    for name in learned:  # ids follow the order of learning
        splits = [(name[:k], name[k:]) for k in range(1, len(name))]
        known = [pair for pair in splits if pair[0] in vocabulary and pair[1] in vocabulary]
        merges += sorted(known, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
    return merges
