"""What `caption`, `chat` and `explain` share: a multimodal checkpoint opened, with the eyes that check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    from fervlm.mllm.decide import Way
    from fervlm.predict.language_model import LanguageModelReader


def open_language_model(
    model: str | None,
    *,
    base: str | None = None,
    finder: str = "haar",
    finder_model: str | None = None,
    way: Way = "direct",
    show_evidence: bool = False,
    hold_form: bool = True,
    device: str = "cpu",
) -> LanguageModelReader:
    """The checkpoint at `model`, by default the one that ships.

    Raises:
        FervlmError: there is none, or it cannot be used.
        MissingExtraError: torch or transformers is not installed.
    """
    from fervlm.mllm.manifest import SHIPPED

    folder = Path(model) if model is not None else SHIPPED
    if model is None and not folder.is_dir():
        raise FervlmError(
            "no multimodal model came with this installation",
            hint="Give --model FOLDER, made by `fervlm train mllm`; or use `fervlm explain`, which needs none.",
        )
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise MissingExtraError("a multimodal model", "train") from None
    from fervlm.predict.language_model import load_language_model
    from fervlm.predict.load import load

    eyes = load(finder=finder, finder_model=finder_model)
    return load_language_model(
        folder, base=base, eyes=eyes, way=way, show_evidence=show_evidence, hold_form=hold_form, device=device
    )
