"""How vLLM is started for a checkpoint: read from the folder, or refused with a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fervlm.checkpoint import tensor_places
from fervlm.errors import FervlmError
from fervlm.mllm.manifest import MllmManifest, is_mllm, read_manifest

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` may be."""
STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}
"""Without the second, small models write blanks for ever where JSON allows them."""
_PART = re.compile(r"(\w+)\.lora_(?:embedding_)?[AB]\b")
_VISION = re.compile(r"\.(?:visual|vision\w*|image_\w+|multi_modal_projector|mm_projector|connector|merger)\.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served.

    Attributes:
        name: of the model that answers: the adapter's, or the base's.
        base: folder or hub id of the weights.
        base_name: what the weights alone are called; the same as `name` without an adapter.
        adapter: its folder, or None.
        rank: of the adapter.
        parts: kinds of layers that the adapter changes, such as `q_proj`.
        manifest: of fervlm's own checkpoints, else None.
    """

    name: str
    base: str
    base_name: str
    adapter: Path | None
    rank: int
    parts: tuple[str, ...]
    manifest: MllmManifest | None

    @property
    def context(self) -> int | None:
        """Tokens, where the manifest tells."""
        return self.manifest.context if self.manifest is not None else None


def is_multimodal(folder: str | Path) -> bool:
    """Whether a folder holds a model that reads pictures and writes text, or an adapter of one."""
    folder = Path(folder)
    if is_mllm(folder) or (folder / ADAPTER_CONFIG).is_file():
        return True
    found = _json(folder / "config.json")
    return "vision_config" in found and "architectures" in found


def plan_of(folder: str | Path, base: str | None = None, *, for_vllm: bool = True) -> Plan:
    """The plan for a folder.

    Args:
        folder: whole weights, or an adapter.
        base: where an adapter's base lies now; by default where the folder says.
        for_vllm: whether what vLLM would ignore is refused.

    Raises:
        FervlmError: damaged; an adapter on layers that vLLM ignores; a base that is not there.
    """
    folder = Path(folder).resolve()
    manifest = read_manifest(folder) if is_mllm(folder) else None
    name = manifest.name if manifest is not None else folder.name
    if not (folder / ADAPTER_CONFIG).is_file():
        return Plan(name, str(folder), name, None, 0, (), manifest)
    config = _json(folder / ADAPTER_CONFIG)
    names = tensor_places(folder / ADAPTER_WEIGHTS)
    if for_vllm:
        _refuse_vision(folder, names)
    where = base or (manifest.base if manifest is not None else str(config.get("base_model_name_or_path") or ""))
    found = _placed(where, folder)
    parts = tuple(sorted({part for name in names for part in _PART.findall(name)}))
    rank = max([int(config.get("r", 8)), *map(int, (config.get("rank_pattern") or {}).values())])
    if not for_vllm:
        return Plan(name, found, f"{name}-base", folder, rank, parts, manifest)
    if rank > RANKS[-1]:
        raise FervlmError(f"the adapter has rank {rank}, vLLM takes up to {RANKS[-1]}", file=folder)
    if config.get("modules_to_save"):
        raise FervlmError("the adapter brings whole layers too, which vLLM does not load", file=folder, hint=_MERGE)
    return Plan(name, found, f"{name}-base", folder, next(r for r in RANKS if r >= rank), parts, manifest)


_MERGE = "Merge it first: fervlm merge ADAPTER --out FOLDER; then serve that folder."


def _refuse_vision(folder: Path, names: Iterable[str]) -> None:
    """vLLM applies LoRA to language layers only, and says nothing where an adapter holds more."""
    vision = next((name for name in names if _VISION.search(name)), None)
    if vision is not None:
        raise FervlmError(
            f"the adapter changes the picture tower ({vision}), which vLLM ignores silently", file=folder, hint=_MERGE
        )


def _placed(base: str, folder: Path) -> str:
    """A base's folder as an absolute path; a hub id as it is."""
    for candidate in (folder / base, Path(base), folder.parent / base):
        if base and candidate.is_dir():
            return str(candidate.resolve())
    if not base or base.startswith((".", "/")):
        raise FervlmError(f"the adapter's base '{base}' is not there", file=folder, hint="Say where: --base FOLDER.")
    return base


def command(plan: Plan, program: str, port: int | str, more: list[str], dtype: str = "bfloat16") -> list[str]:
    """The command line; `more` comes last, so that it overrules."""
    told = [program, "serve", plan.base, "--served-model-name", plan.base_name, "--host", "127.0.0.1"]
    told += ["--port", str(port), "--dtype", dtype, "--limit-mm-per-prompt", json.dumps({"image": 1})]
    told += ["--structured-outputs-config", json.dumps(STRUCTURED)]
    if plan.context is not None:
        told += ["--max-model-len", str(plan.context)]
    if plan.adapter is not None:
        told += ["--enable-lora", "--max-lora-rank", str(plan.rank), "--lora-modules", f"{plan.name}={plan.adapter}"]
        # Left to itself, vLLM prepares the last layer too, and 0.32 on the CPU then dies of scores in a mixed batch.
        told += ["--lora-target-modules", *plan.parts] if plan.parts else []
    return [*told, *more]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def special_tokens(plan: Plan) -> frozenset[str]:
    """Marks that structure a conversation; taken out of what users write."""
    folder = plan.adapter or Path(plan.base)
    for place in (folder, Path(plan.base)):
        added = _json(place / "tokenizer.json").get("added_tokens", [])
        if added:
            return frozenset(str(one["content"]) for one in added if one.get("special"))
    return frozenset()
