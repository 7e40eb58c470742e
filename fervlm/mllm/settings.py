"""Settings of `fervlm train mllm`; every default lives here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
        """16 hex digits over what decides the result; how often it is measured or saved does not."""
        apart = {"threads", "cpu", "log_every", "save_every", "measure_every"}
        return hashlib.sha256(self.model_dump_json(exclude=apart).encode()).hexdigest()[:16]


class TowerConfig(RunSettings):
    """`stage: tower`: the nano's picture tower alone."""

    stage: Literal["tower"] = "tower"
    data: tuple[Path, ...] = Field(description="Sets of `fervlm annotate --embed` and Parquet files of labelled faces.")
    nano: NanoSettings = NanoSettings()
    teacher: Path | None = Field(None, description="A contrastive checkpoint whose features are to be learned.")
    label: float = Field(1.0, ge=0)
    units: float = Field(1.0, ge=0)
    teach: float = Field(2.0, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1)
    augment: float = Field(1.0, ge=0, le=2)
