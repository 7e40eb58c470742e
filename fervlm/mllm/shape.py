"""Numbers of the nano's architecture, apart from what builds it: recipes are read without torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NanoSettings(BaseModel):
    """Numbers of the architecture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: int = Field(3072, ge=300, description="Of the SentencePiece vocabulary, without special tokens.")
    side: int = Field(96, ge=32, description="Of a face in pixels; the tower makes one token of each 32 x 32.")
    tower: str = Field("cs3darknet_focus_s", description="timm's name of the picture tower: the contrastive nano's.")
    width: int = Field(256, ge=32)
    depth: int = Field(6, ge=1)
    heads: int = Field(4, ge=1)
    key_heads: int = Field(2, ge=1)
    hidden: int = Field(704, ge=32)
    context: int = Field(1024, ge=64)
    texts: int = Field(60_000, ge=1, description="Most texts that the vocabulary is learned from.")
