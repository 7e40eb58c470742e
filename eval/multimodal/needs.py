"""What these programs need beyond the core."""

from __future__ import annotations

from importlib.util import find_spec

from fervlm.errors import MissingExtraError


def need_transformers() -> None:
    """Nothing where transformers is installed.

    Raises:
        MissingExtraError: it is not.
    """
    if find_spec("transformers") is None:
        raise MissingExtraError("a multimodal model", "train")
