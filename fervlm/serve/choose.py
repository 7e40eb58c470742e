"""Which language model stands behind a server, and who runs it: vLLM where it is there, else transformers, or none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from fervlm.errors import FervlmError
from fervlm.mllm.manifest import SHIPPED, is_mllm
from fervlm.serve.behind import Wanted
from fervlm.serve.vllm_plan import Plan, is_multimodal, plan_of

Runner = Literal["auto", "vllm", "transformers"]


@dataclass(frozen=True, slots=True)
class Inside:
    """A model that transformers runs in the server's own process.

    Attributes:
        plan: what is opened.
        leads: whether it answers where a request names no model.
    """

    plan: Plan
    leads: bool


def language_model(
    checkpoint: str | None,
    base: str | None,
    url: str | None,
    runner: Runner,
    program: str,
    *,
    replicas: int = 1,
    say: Callable[[str], None] = print,
) -> Wanted | Inside | None:
    """What is behind the server; None: the picture model alone.

    Args:
        checkpoint: what the user named, if anything; the shipped nano-VLM stands beside the picture model otherwise.
        base: where an adapter's base lies.
        url: of a vLLM that runs.
        runner: who runs a multimodal checkpoint; `auto` takes vLLM where it is installed.
        program: vLLM's.
        replicas: of vLLM.
        say: takes lines for the user.

    Raises:
        FervlmError: the checkpoint cannot be served, or nobody who could run it is installed.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise FervlmError(f"'{url}' is no URL", hint="Write --vllm-url http://HOST:PORT.")
    named = checkpoint if checkpoint is not None and is_multimodal(checkpoint) else None
    if url is not None:
        plan = plan_of(named, base) if named is not None else None
        return Wanted(plan, url.rstrip("/").removesuffix("/v1"), say=say)
    if named is None:
        return _shipped(checkpoint, runner, say)
    if runner == "vllm" or (runner == "auto" and (replicas > 1 or shutil.which(program) is not None)):
        return Wanted(plan_of(named, base), say=say)
    plan = plan_of(named, base, for_vllm=False)
    if runner == "auto":
        if not runs_here(plan):
            raise FervlmError(
                "a multimodal checkpoint needs vLLM, or torch and transformers",
                hint="Type: pip install 'fervlm[vllm]', or 'fervlm[train]'; or say where vLLM is: --vllm PROGRAM.",
            )
        say("vLLM is not installed here, so transformers answers, one request after the other.")
    return Inside(plan, leads=True)


def _shipped(checkpoint: str | None, runner: Runner, say: Callable[[str], None]) -> Wanted | Inside | None:
    """The nano-VLM that came with fervlm: where it was asked for the answer to all, else beside the picture model."""
    if checkpoint is not None:
        if runner != "auto":
            raise FervlmError("is no multimodal model", file=checkpoint, hint="Leave --backend out.")
        return None
    if not is_mllm(SHIPPED):
        if runner != "auto":
            raise FervlmError("no multimodal model came with this installation", hint="Name a checkpoint folder.")
        return None
    if runner == "vllm":
        return Wanted(plan_of(SHIPPED), say=say)
    plan = plan_of(SHIPPED, for_vllm=False)
    return Inside(plan, leads=runner == "transformers") if runner == "transformers" or runs_here(plan) else None


def runs_here(plan: Plan) -> bool:
    """Whether what transformers needs for it is installed."""
    wanted = ("torch", "transformers", *(["peft"] if plan.adapter is not None else []))
    return all(find_spec(name) is not None for name in wanted)
