"""Facial action units in, an explained expression out, every sentence checked against the evidence.

    import fervlm

    for record in fervlm.read("openface.csv"):
        prediction = fervlm.explain(record)
        print(prediction.label, prediction.caption.overview)

    fervlm.verify("The lip corners are pulled up.", record).ok

    for prediction in fervlm.load().explain("photo.jpg"):
        print(prediction.label, prediction.agreement, prediction.caption.overview)

The names below are loaded on first use, so that `import fervlm` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fervlm import records as records
    from fervlm.errors import FervlmError as FervlmError
    from fervlm.predict.clips import explain_clip as explain_clip
    from fervlm.predict.load import load as load
    from fervlm.predict.rules import explain as explain
    from fervlm.readers import read as read
    from fervlm.reasoning.verify import verify as verify
    from fervlm.serve.client import AsyncClient as AsyncClient
    from fervlm.serve.client import Client as Client

__version__ = "0.1.0"

_HOMES = {
    "AsyncClient": "fervlm.serve.client",
    "Client": "fervlm.serve.client",
    "FervlmError": "fervlm.errors",
    "explain": "fervlm.predict.rules",
    "explain_clip": "fervlm.predict.clips",
    "load": "fervlm.predict.load",
    "read": "fervlm.readers",
    "verify": "fervlm.reasoning.verify",
}
"""Public name -> module it lives in; a string, so that lower layers may import `fervlm.__version__` without a cycle."""

__all__ = [
    "AsyncClient",
    "Client",
    "FervlmError",
    "__version__",
    "explain",
    "explain_clip",
    "load",
    "read",
    "records",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load a public name on its first use (PEP 562)."""
    if name == "records":
        return import_module("fervlm.records")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fervlm' has no attribute '{name}'")
    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
