"""What every test may rely on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

# A shell starts background jobs with SIGINT ignored, and children inherit that; tests that interrupt a process need it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NANO_UNITS = (1, 2, 4, 7, 10, 12, 14, 15, 17, 18, 20, 22, 24, 25, 26, 27, 28, 43)


@pytest.fixture(scope="session")
def nano_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published nano that learned nothing: weights drawn from a seed, statistics of its norms from random faces."""
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    from fervlm.checkpoint import UnknownRule
    from fervlm.contrastive.class_prompts import class_texts, words_of
    from fervlm.contrastive.model import GlobalLocal, HeadConfig
    from fervlm.contrastive.nano import nano_config
    from fervlm.contrastive.publish import ModelNotes, publish
    from fervlm.contrastive.vocabulary import build_tokenizer
    from fervlm.facs.labels import BASIC8
    from fervlm.facs.units import action_unit, movement_units

    texts = [text for label in BASIC8 for word in words_of(label) for text in class_texts(word)]
    texts += [action_unit(au).name for au in movement_units()]
    texts += ["the brows are raised and the mouth is open", "one brow is raised", "the lips are pressed together"]
    tokenizer = build_tokenizer(texts)
    torch.set_num_threads(1)
    import open_clip  # only now, behind fervlm.torchvision_fix

    torch.manual_seed(7)
    config = nano_config(tokenizer.get_vocab_size())
    model = GlobalLocal(open_clip.model.CLIP(**config), HeadConfig(NANO_UNITS))
    with torch.no_grad():
        for _ in range(3):
            model.pictures(torch.randn(8, 3, 96, 96))
        for name, vector in model.named_parameters():
            if "bn.weight" in name:  # timm starts some of them at nought, which would hide whole branches from a test
                vector.uniform_(0.5, 1.5)
            if name.endswith("units.queries"):
                vector.mul_(20)  # so that attention is not the same everywhere
    folder = tmp_path_factory.mktemp("nano")
    rule = UnknownRule(parts={"energy": (0.0, 1.0), "flip": (0.0, 1.0)}, threshold=1e6)
    publish(
        model, tokenizer, folder, ModelNotes(unknown=rule), config=config, card="# a test\n", licence="Apache-2.0\n"
    )
    return folder
