"""Settings of a contrastive training run; every default lives here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LossWeights(_Frozen):
    """What each part counts; 0 leaves it out, its texts are then not even encoded."""

    label: float = Field(1.0, ge=0, description="Picture against the prompts of all classes.")
    units: float = Field(0.5, ge=0, description="AU presence by the head.")
    affect: float = Field(0.0, ge=0, description="Valence and arousal of the label's words.")
    identity: float = Field(0.0, ge=0, description="Identity-adversarial: the tower unlearns who is shown.")
    overview: float = Field(0.0, ge=0, description="Global: picture against the overview sentence.")
    summary: float = Field(0.0, ge=0, description="Picture against the conclusion (anchored where there is a label).")
    local: float = Field(0.0, ge=0, description="Region sentences against patches.")
    align: float = Field(0.0, ge=0, description="Attention of an AU sentence towards the AU's region.")

    def captions(self) -> bool:
        """Whether any part needs the captions."""
        return any((self.overview, self.summary, self.local, self.align))


class CaptionSettings(_Frozen):
    """How the captions are used."""

    every: int = Field(1, ge=1, description="Steps between two that show captions; the others may use mixup.")
    anchored: float = Field(0.7, ge=0, le=1, description="Share of labelled faces shown with their anchored texts.")
    hard: int = Field(1, ge=0, description="False texts by minimal edits beside each true one.")
    regions: int = Field(4, ge=1, description="Region sentences a face.")
    way: Literal["attention", "prior", "in_sample"] = Field("prior", description="How sentences see patches.")
    mined: int = Field(4, ge=0, description="Most mined positives a face; 0: none.")
    mine_after: int = Field(500, ge=0, description="Steps before anything is mined.")
    mine_threshold: float = Field(0.6, ge=0, le=1)
    self_weight: float = Field(0.5, ge=0.5, le=1)


class Lora(_Frozen):
    """LoRA on the towers' linear layers instead of full fine-tuning; heads are trained whole."""

    rank: int = Field(8, ge=1)
    alpha: int = Field(16, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)


class ContrastiveConfig(_Frozen):
    """One run of `fervlm train contrastive`."""

    data: tuple[Path, ...] = Field(description="Sets of `fervlm annotate --embed` and Parquet files of labelled faces.")
    leave_out: tuple[str, ...] = Field((), description="Labels whose faces are not shown: to measure `unknown`.")
    unknown_from: Path | None = Field(
        None, description="Checkpoint of a run with `leave_out`, whose rule for faces that fit no label is taken over."
    )
    model: str = Field("nano", description="`nano`, an open_clip name, or a checkpoint folder.")
    pretrained: str | None = Field(None, description="open_clip tag or weights file for `model`.")
    lora: Lora | None = None
    captions: CaptionSettings = CaptionSettings()
    init: Path | None = Field(None, description="Checkpoint whose weights to begin with.")
    init_parts: tuple[str, ...] = Field(("clip.", "heads."), description="Beginnings of the names taken from `init`.")
    seed: int = Field(0, ge=0)
    epochs: float = Field(40, gt=0)
    batch: int = Field(128, ge=2)
    parts: int = Field(
        1, ge=1, description="Parts a batch is encoded in, one at a time (gradient caching): same losses, less memory."
    )
    sizes: tuple[tuple[float, PositiveInt], ...] = Field(
        (),
        description="(until this share of the run, picture side): small pictures first save time; the last is the "
        "nano's own. Empty: the model's own side throughout.",
    )
    lr: float = Field(1e-3, gt=0)
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the run.")
    weight_decay: float = Field(0.05, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)
    weights: LossWeights = LossWeights()
    smoothing: float = Field(0.05, ge=0, lt=1, description="Of the label targets.")
    mixup: float = Field(0.2, ge=0, description="Parameter of the Beta distribution; 0: none.")
    balance: float = Field(0.25, ge=0, le=1, description="Label losses weigh frequency ** -balance.")
    augment: float = Field(1.0, ge=0, le=2, description="Strength of the changes to each picture; 0: none but flips.")
    flip: bool = Field(True, description="Mirror pictures; off by itself where texts name sides.")
    edge: int = Field(8, ge=0, description="Dimensions of an edge between two AUs; 0: no graph.")
    device: str = Field("cpu", description="cpu, cuda, cuda:1, ...; under torchrun each rank takes its own GPU.")
    shard: bool = Field(False, description="Cut weights, gradients and moments over the processes (FSDP).")
    precision: Literal["fp32", "bf16"] = "fp32"
    patience: int = Field(0, ge=0, description="Measurements without a better UAR before it stops; 0: never.")
    threads: int = Field(1, ge=1)
    measure_every: float = Field(1.0, gt=0, description="Epochs between two looks at the validation part.")
    save_every: int = Field(100, ge=1, description="Steps between two saved states.")
    log_every: int = Field(50, ge=1, description="Steps whose mean losses make one row of steps.csv.")

    def fingerprint(self) -> str:
        """16 hex digits over what decides the result; how often it is measured or saved does not."""
        apart = {"threads", "device", "shard", "unknown_from", "measure_every", "save_every", "log_every"}
        text = self.model_dump_json(exclude=apart)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
