"""`python -m eval bertscore DIR --encoder FOLDER`: likeness to reference texts, by an encoder of the user's.

BERTScore (Zhang et al. 2020, arXiv:1904.09675): each token's last hidden state is matched to its most similar one
in the other text; precision over the text's tokens, recall over the reference's, F1. No idf weights, no rescaling, the
last layer, special tokens left out. A legacy column, like ROUGE: it does not see what is true. Only a local encoder in
safetensors is taken; nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.folder import read_folder, write_text
from eval.score import pairs_of
from fervlm.errors import FervlmError, MissingExtraError

Vectors = NDArray[np.floating]


def matched(text: Vectors, reference: Vectors) -> tuple[float, float, float]:
    """Precision, recall and F1 of unit-length token vectors [N, D] against [M, D]."""
    if not len(text) or not len(reference):
        return 0.0, 0.0, 0.0
    similar = text @ reference.T
    precision, recall = float(similar.max(1).mean()), float(similar.max(0).mean())
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


class Encoder:
    """A local encoder of transformers.

    Args:
        folder: config, weights in safetensors, tokenizer.

    Raises:
        FervlmError: no such folder, or no encoder in it.
        MissingExtraError: no transformers.
    """

    def __init__(self, folder: str | Path) -> None:
        place = Path(folder)
        if not (place / "config.json").is_file():
            raise FervlmError("there is no encoder here", file=place, hint="Give a local folder of transformers.")
        try:
            import_module("fervlm.torchvision_fix")
            transformers: Any = import_module("transformers")
            self._torch: Any = import_module("torch")
        except ImportError:
            raise MissingExtraError("BERTScore", "train") from None
        try:
            self._words = transformers.AutoTokenizer.from_pretrained(place, local_files_only=True)
            self._model = transformers.AutoModel.from_pretrained(place, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError) as error:
            told = (str(error).splitlines() or [""])[0][:160]
            raise FervlmError(f"it cannot be loaded ({told})", file=place) from None
        self._model.eval()

    def __call__(self, text: str) -> Vectors:
        """Unit-length vectors [tokens, D] of a text, cut at the encoder's length."""
        given = self._words(text, return_tensors="pt", truncation=True, return_special_tokens_mask=True)
        special = given.pop("special_tokens_mask")[0].bool()
        with self._torch.no_grad():
            hidden = self._model(**given).last_hidden_state[0][~special]
            return np.asarray(self._torch.nn.functional.normalize(hidden, dim=-1).numpy())


def bertscore(folder: str | Path, encoder: Encoder) -> dict[str, object]:
    """Mean precision, recall and F1 over the run's texts that have a reference; `FervlmError` where none has."""
    texts = [(t.text, a.text) for t, a in pairs_of(read_folder(folder)) if t.text and a.text]
    if not texts:
        raise FervlmError("the run holds no text with a reference", file=folder)
    found = [matched(encoder(text or ""), encoder(reference or "")) for reference, text in texts]
    precision, recall, f1 = (fmean(values) for values in zip(*found, strict=True))
    note = "legacy: likeness of words, not truth"
    return {"texts": len(texts), "precision": precision, "recall": recall, "F1": f1, "note": note}


def main(argv: Sequence[str] | None = None) -> int:
    """Write `bertscore.json` into a run's folder."""
    parser = argparse.ArgumentParser(prog="python -m eval bertscore", description=__doc__)
    parser.add_argument("folder", metavar="DIR", help="a run on a benchmark with reference texts")
    parser.add_argument("--encoder", required=True, metavar="FOLDER", help="a local encoder of transformers")
    options = parser.parse_args(argv)
    found = bertscore(options.folder, Encoder(options.encoder))
    told = json.dumps({"encoder": Path(options.encoder).name, **found}, indent=1)
    write_text(Path(options.folder) / "bertscore.json", told + "\n")
    print(told)
    return 0
