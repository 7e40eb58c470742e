"""Model card and terms of a multimodal checkpoint, from its own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fervlm.contrastive.card import LICENCE as PACK_TERMS
from fervlm.contrastive.card import PACK_SOURCES

if TYPE_CHECKING:
    from fervlm.mllm.publish import Notes

_INTENDED = (
    "Explains the expression that a face *shows*: key observations, interpretation, conclusion, each sentence checked "
    "against action unit evidence by fervlm before it is given out. It never tells what a person feels, and nothing "
    "about identity, age, sex, race or truthfulness. Not for use on people at work or in education."
)
_ADAPTER_TERMS = """\
Terms of this adapter

The adapter is a change to the weights of its base model and falls under the base's licence as well as the terms of the
data it was trained on; whoever shares it has to settle both. It must not be used to infer emotions of people at work or
in education, to identify persons, or to judge truthfulness.
"""


def write_card(notes: Notes) -> str:
    """Markdown with the front matter that the hub reads; every number in it comes from the notes."""
    front = ["---", "pipeline_tag: image-text-to-text", "library_name: " + ("peft" if notes.lora else "transformers")]
    if notes.lora:
        front.append(f"base_model: {notes.base}")
    front += ["license: other", "tags:", "- facial-expression", "- action-units", "- fervlm", "---"]
    kind = f"A LoRA adapter on `{notes.base}`" if notes.lora else "A small model trained from scratch"
    parts = [
        "\n".join(front),
        f"# {notes.name}",
        f"{kind}, trained by `fervlm train mllm` on captions of fervlm's data engine.\n\n{_INTENDED}",
        "## Use\n\n```bash\nfervlm caption photo.jpg --model FOLDER\nfervlm chat photo.jpg --model FOLDER\n```",
        "## Numbers\n\n" + (_table(notes.metrics) or "None were measured in this run."),
        "## Training\n\n" + _table(notes.training),
    ]
    if not notes.lora:
        parts.append(f"## Data and terms\n\n{PACK_SOURCES}")
    return "\n\n".join(parts) + "\n"


def terms(notes: Notes) -> str:
    """Text of the LICENSE file."""
    return _ADAPTER_TERMS if notes.lora else PACK_TERMS


def _table(values: dict[str, Any]) -> str:
    return "\n".join(f"- {name}: {_told(value)}" for name, value in values.items())


def _told(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
