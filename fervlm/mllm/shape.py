"""Numbers of the nano's architecture, apart from what builds it: recipes are read without torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NanoSettings(BaseModel):
    """Numbers of the architecture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: int = Field(3072, ge=300, description="Of the SentencePiece vocabulary, without special tokens.")
    side: int = Field(96, ge=16, description="Of a face in pixels; a multiple of twice the patch.")
    patch: int = Field(12, ge=4)
    vision_width: int = Field(192, ge=16)
    vision_depth: int = Field(6, ge=1)
    vision_heads: int = Field(4, ge=1)
    width: int = Field(256, ge=32)
    depth: int = Field(6, ge=1)
    heads: int = Field(4, ge=1)
    key_heads: int = Field(2, ge=1)
    hidden: int = Field(704, ge=32)
    context: int = Field(1024, ge=64)
    texts: int = Field(60_000, ge=1, description="Most texts that the vocabulary is learned from.")
