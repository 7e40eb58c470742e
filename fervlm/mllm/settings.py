"""Settings of `fervlm train mllm`; every default lives here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fervlm.mllm.shape import NanoSettings


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunSettings(_Frozen):
    """What every stage shares: how long, how fast, how often saved."""

    seed: int = Field(0, ge=0)
    epochs: float = Field(1, gt=0)
    batch: int = Field(8, ge=1, description="Faces of a step, over all processes and parts.")
    parts: int = Field(1, ge=1, description="Parts a step is computed in, one after another (gradient accumulation).")
    lr: float = Field(1e-4, gt=0)
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the run.")
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    weight_decay: float = Field(0.05, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    cpu: bool = Field(False, description="Stay on the CPU where there is a GPU.")
    threads: int = Field(1, ge=1)
    log_every: int = Field(20, ge=1, description="Steps.")
    save_every: int = Field(100, ge=1, description="Steps.")
    measure_every: int = Field(0, ge=0, description="Steps between two measurements; 0: at the end only.")

    def fingerprint(self) -> str:
        """16 hex digits over what decides the result and is no default; how often it is saved does not count."""
        apart = {"threads", "cpu", "attention", "log_every", "save_every", "measure_every"}
        return hashlib.sha256(self.model_dump_json(exclude=apart, exclude_defaults=True).encode()).hexdigest()[:16]


class TowerConfig(RunSettings):
    """`stage: tower`: the nano's picture tower alone."""

    stage: Literal["tower"] = "tower"
    data: tuple[Path, ...] = Field(description="Sets of `fervlm annotate --embed` and Parquet files of labelled faces.")
    nano: NanoSettings = NanoSettings()
    init: Path | None = Field(
        None, description="A contrastive checkpoint (`nano`: the one that ships), or a tower run, to begin with."
    )
    label: float = Field(1.0, ge=0)
    units: float = Field(1.0, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1)
    augment: float = Field(1.0, ge=0, le=2)


class Mixture(_Frozen):
    """Shares of what is asked; 0 leaves a kind out."""

    label: float = Field(1.0, ge=0)
    caption: float = Field(1.0, ge=0)
    units: float = Field(1.0, ge=0, description="Which action units are present: what depends on the face most.")
    dialogue: float = Field(1.0, ge=0, description="Regions, single units, why not, movements only, ...")


class Views(_Frozen):
    """Whose conclusion is learned: `blind` from the action units alone, `anchored` the annotators' label."""

    label: Literal["blind", "anchored"] = "anchored"
    caption: Literal["blind", "anchored"] = "blind"


class TalkSettings(_Frozen):
    """What is asked about a face, and in which form the answers are learned."""

    views: Views = Views()
    mixture: Mixture = Mixture()
    curriculum: tuple[tuple[float, Mixture], ...] = Field(
        (), description="(until this share of the run, mixture); after the last, `mixture`."
    )
    talks: int = Field(2, ge=1, description="Most conversations about one face that follow each other in one sample.")
    details: bool = Field(True, description="Captions with the line of ranked candidates.")
    moving: float = Field(
        0.0,
        ge=0,
        description="Captions and units are asked about a face ((1 + its present units) / 3) ** moving times as often: "
        "a small model that mostly sees faces at rest learns to say that nothing moves.",
    )
    label_weight: float = Field(1.0, gt=0, description="How much a token of a label's answer counts in the loss.")
    augment: float = Field(
        0.0, ge=0, le=2, description="Changes to each picture; never mirrored, for texts name sides."
    )
    length: int = Field(1024, ge=32, description="Most tokens of a sample; turns beyond it are left out.")


class Lora(_Frozen):
    """An adapter on linear layers of the language model; everything else stays as it is."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    rslora: bool = Field(False, description="Scale by alpha / sqrt(rank).")
    dora: bool = Field(False, description="Weights taken apart into size and direction.")
    layers: Literal["all", "attention", "mlp"] = "all"
    vision: bool = Field(
        False, description="Also the picture tower's layers; merge such an adapter before serving with vLLM."
    )


class PixelBudget(_Frozen):
    """Least and most pixels of a picture as the model sees it; kept with the checkpoint."""

    least: int = Field(gt=0)
    most: int = Field(gt=0)


class TalkConfig(RunSettings):
    """`stage: talk`: learn to answer; all parameters, or an adapter where `lora` is given."""

    stage: Literal["talk"] = "talk"
    data: tuple[Path, ...] = Field(description="Sets of `fervlm annotate --embed`.")
    base: str = Field(description="A folder, a hub id, or `nano` for a new small model.")
    revision: str | None = Field(None, description="Of a hub id.")
    nano: NanoSettings = NanoSettings()
    tower: Path | None = Field(
        None, description="For `nano`: a run of `stage: tower`, or a contrastive checkpoint, to take the tower from."
    )
    lora: Lora | None = None
    four_bit: bool = Field(False, description="Keep the base in 4 bit (needs bitsandbytes and a GPU).")
    talk: TalkSettings = TalkSettings()
    tower_lr: float = Field(1.0, ge=0, le=1, description="Of lr, for the picture tower; 0 leaves it as it is.")
    pixels: PixelBudget | None = Field(None, description="None: as the base's processor has it.")
    gradient_checkpointing: bool = False
    attention: Literal["sdpa", "eager"] = Field(
        "sdpa", description="transformers' kernel; on a CPU in bf16, eager is a quarter faster for short conversations."
    )
    label_set: str = Field("basic8", description="That measurements score.")
    measured: int = Field(256, ge=1, description="Validation faces whose labels are scored in a measurement.")
    calibrated: int = Field(256, ge=0, description="Further validation faces that probabilities are fitted on.")
    captioned: int = Field(16, ge=0, description="Of these, how many are captioned to count what can be parsed.")
    name: str = Field("fervlm-vlm", description="In cards and records.")
    store: Literal["fp32", "bf16"] = Field("bf16", description="Of the weights in the checkpoint.")
    distributed: dict[str, JsonValue] = Field({}, description="fsdp, fsdp_config or deepspeed of TrainingArguments.")


class Rewards(_Frozen):
    """How much each part of a caption's reward counts; see `fervlm.mllm.reward`."""

    mentions: float = Field(2.0, ge=0)
    grounding: float = Field(1.0, ge=0)
    no_leak: float = Field(0.5, ge=0)
    label: float = Field(0.5, ge=0)
    form: float = Field(0.5, ge=0)


class _Further(RunSettings):
    """Training that begins with a finished checkpoint."""

    data: tuple[Path, ...] = Field(description="Sets of `fervlm annotate --embed`.")
    start: Path = Field(description="A checkpoint of `fervlm train mllm`.")
    base: str | None = Field(None, description="Where the base of an adapter lies now.")
    lora: Lora | None = Field(None, description="A new adapter on whole weights; an adapter goes on being trained.")
    rewards: Rewards = Rewards()
    label_set: str = "basic8"
    compared: int = Field(128, ge=2, description="Validation faces captioned before and after.")
    most: int = Field(256, ge=8, description="Tokens of a caption.")
    beta: float = Field(0.05, ge=0, description="How strongly it is held to the model it began with.")
    name: str = "fervlm-vlm"
    store: Literal["fp32", "bf16"] = "bf16"


class GrpoConfig(_Further):
    """`stage: grpo`: captions are sampled, and those that the verifier values more become likelier (TRL)."""

    stage: Literal["grpo"] = "grpo"
    samples: int = Field(4, ge=2, description="Captions of one face that are compared; `batch` counts captions.")
    temperature: float = Field(1.0, gt=0)


class DpoConfig(_Further):
    """`stage: dpo`: a true caption becomes likelier than the same one made false by a minimal edit (TRL)."""

    stage: Literal["dpo"] = "dpo"
