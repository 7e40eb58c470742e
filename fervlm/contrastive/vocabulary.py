"""A word-level tokenizer of the model's own, saved as `tokenizer.json`: open_clip and transformers load it unchanged.

Whole words make "this word never stood in a training text" a plain fact, which `fervlm classify` reports.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

PAD, START, UNKNOWN, END = "<pad>", "<start>", "<unk>", "<end>"
_WORD = r"[a-z]+[0-9]*|[0-9]+|[^\sa-z0-9]"


def build_tokenizer(texts: Iterable[str], *, limit: int = 4096) -> Tokenizer:
    """Every word of the texts, most frequent first (ties by spelling), lower case; `limit` entries in all.

    The end token has the highest id: open_clip pools a text at its highest id.
    """
    plain = Tokenizer(models.WordLevel({UNKNOWN: 0}, unk_token=UNKNOWN))
    plain.normalizer = normalizers.Lowercase()
    plain.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in plain.pre_tokenizer.pre_tokenize_str(text.lower()))
    words = sorted(counts, key=lambda word: (-counts[word], word))[: limit - 4]
    vocabulary = {word: i for i, word in enumerate((PAD, START, UNKNOWN, *words, END))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = plain.normalizer
    tokenizer.pre_tokenizer = plain.pre_tokenizer
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, context_length: int) -> None:
    """`tokenizer.json` and the `tokenizer_config.json` that transformers' AutoTokenizer asks for."""
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context_length,
        "pad_token": PAD,
        "bos_token": START,
        "eos_token": END,
        "unk_token": UNKNOWN,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
