"""Any open_clip model with what the global-local model adds: patch features, AU head, affect head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn

import fervlm.torchvision_fix  # noqa: F401 - before open_clip
from fervlm.contrastive.au_head import AUHead
from fervlm.contrastive.words import lengths

if TYPE_CHECKING:
    from open_clip import CLIP

SCALES = ("overview", "summary", "local", "attention")
"""Logarithms of the learned temperatures' inverses beside the model's own `logit_scale` (class prompts)."""


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """What stands on the picture tower.

    Attributes:
        units: FACS numbers of the AUs the head tells, in order.
        edge: dimensions of an edge between two AUs; 0: no graph.
        width: of an AU's node.
        affect: whether valence and arousal are told.
    """

    units: tuple[int, ...]
    edge: int = 8
    width: int = 64
    affect: bool = False


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """What a batch of B pictures gives.

    Attributes:
        embedding: [B, D], unit length.
        patches: [B, P, D], not normalised; P = grid * grid, row by row.
        units: [B, A] AU presence logits.
        looked: [B, A, P] where the head sought each AU.
        affect: [B, 2] valence and arousal in (-1, 1), or None.
    """

    embedding: Tensor
    patches: Tensor
    units: Tensor
    looked: Tensor
    affect: Tensor | None


class GlobalLocal(nn.Module):
    """An open_clip model `clip` and the heads beside it.

    `clip` stays a plain open_clip model, so that its weights load without this package; `heads` (with `scales`, the
    temperatures of the captions' losses) is kept apart.
    """

    def __init__(self, clip: nn.Module, config: HeadConfig) -> None:
        super().__init__()
        self.clip = clip
        self.config = config
        channels, pooled, embed = _widths(clip)
        self.heads = nn.ModuleDict(
            {
                "units": AUHead(channels, pooled, len(config.units), width=config.width, edge=config.edge),
                "patches": nn.Linear(channels, embed, bias=False),
            }
        )
        if config.affect:
            self.heads["affect"] = nn.Linear(embed, 2)
        self.training_only = nn.ModuleDict()
        """Heads that a run needs and a checkpoint does not keep (`identity`)."""
        self.scales = nn.ParameterDict({name: nn.Parameter(torch.tensor(math.log(10.0))) for name in SCALES})

    def pictures(self, x: Tensor) -> PictureFeatures:
        """Normalised pictures [B, 3, S, S] through the tower once."""
        feature_map, pooled, features = _tower(self.clip.visual, x)  # type: ignore[arg-type]
        units, looked = self.heads["units"](feature_map, pooled)
        return PictureFeatures(
            embedding=F.normalize(features, dim=-1),
            patches=self.heads["patches"](feature_map),
            units=units,
            looked=looked,
            affect=torch.tanh(self.heads["affect"](features)) if self.config.affect else None,
        )

    def scale(self, name: str) -> Tensor:
        """The factor of the cosines of one loss, at most 100."""
        scale: Tensor = self.scales[name].exp().clamp(max=100)
        return scale

    def texts(self, tokens: Tensor) -> Tensor:
        """Token ids [T, L], cut to the longest text, -> [T, D], unit length; L may be below the context length."""
        return encode_texts(self.clip, tokens)


GROUPED_FROM = 64
"""So many texts are encoded in groups of like length: on a CPU, padding costs more than further calls do."""


def encode_texts(clip: CLIP, tokens: Tensor) -> Tensor:
    """Text features of equal value at a fraction of the compute: nothing behind a text's end is computed.

    A text ends with its end token and a causal tower never looks past it, so that shorter rows give the same features.
    Towers of another build get the full context length.
    """
    if (
        not hasattr(clip, "token_embedding")
        or clip.attn_mask is None
        or getattr(clip, "text_pool_type", "argmax") not in {"argmax", "eos"}
    ):
        full = clip.context_length
        padded = F.pad(tokens, (0, full - tokens.shape[1])) if tokens.shape[1] < full else tokens
        features: Tensor = clip.encode_text(padded, normalize=True)
        return features
    # Looked up once for all groups: each look-up has a gradient as large as the whole vocabulary.
    embedded = clip.token_embedding(tokens)
    if len(tokens) < GROUPED_FROM or tokens.is_cuda:
        return _causal(clip, tokens, embedded)
    used = lengths(tokens)
    order = used.argsort(stable=True)
    parts = []
    for group in order.chunk(4):
        longest = int(used[group].max())
        parts.append(_causal(clip, tokens[group, :longest], embedded[group, :longest]))
    return torch.cat(parts)[order.argsort()]


def _causal(clip: CLIP, tokens: Tensor, embedded: Tensor) -> Tensor:
    from open_clip.transformer import text_global_pool

    length = tokens.shape[1]
    dtype = clip.transformer.get_cast_dtype()
    x = embedded.to(dtype) + clip.positional_embedding[:length].to(dtype)
    x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
    x = text_global_pool(x, tokens, clip.text_pool_type, eos_token_id=getattr(clip, "text_eos_id", None))
    if clip.text_projection is not None:
        x = clip.text_projection(x) if isinstance(clip.text_projection, nn.Linear) else x @ clip.text_projection
    return F.normalize(x, dim=-1)


def _tower(visual: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Feature map [B, P, C], pooled vector [B, K] and open_clip's picture feature [B, D], in one pass.

    timm nets: the last but one stage is the map, since a face of 96 pixels has 6 x 6 places there and 3 x 3 after it.
    ViTs: the last block's patch tokens, normalised.
    """
    from open_clip.timm_model import TimmModel

    if isinstance(visual, TimmModel):
        final, maps = visual.trunk.forward_intermediates(x, indices=[-2, -1])
        feature_map = maps[0].flatten(2).transpose(1, 2) if maps[0].dim() == 4 else maps[0]
        pooled = visual.trunk.forward_head(final)
        return feature_map, pooled, visual.head(pooled)
    out = visual.forward_intermediates(  # type: ignore[operator]
        x, indices=1, normalize_intermediates=True, output_fmt="NLC", output_extra_tokens=False
    )
    return out["image_intermediates"][-1], out["image_features"], out["image_features"]


def _widths(clip: CLIP) -> tuple[int, int, int]:
    """Channels of the feature map, of the pooled vector, and of the embedding."""
    size = clip.visual.image_size
    side = size[0] if isinstance(size, tuple | list) else size
    was = clip.visual.training
    clip.visual.eval()
    with torch.no_grad():
        feature_map, pooled, features = _tower(clip.visual, torch.zeros(1, 3, side, side))
    clip.visual.train(was)
    return feature_map.shape[-1], pooled.shape[-1], features.shape[-1]
