"""ONNX graphs without weights of their own: every initializer is a reference into the checkpoint's safetensors files.

A safetensors file is flat, so an ONNX external-data reference (file, offset, length) can point into it. Matrices are
stored as fp16; a Cast stands behind each, which onnxruntime folds away when it loads the graph.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn

from fervlm.checkpoint import HEADS, PICTURE_GRAPH, TEXT_GRAPH, TOWERS, TensorPlace, tensor_places
from fervlm.contrastive.augment import Levels
from fervlm.contrastive.model import GlobalLocal
from fervlm.errors import FervlmError

OPSET = 17
PICTURE_OUTPUTS = ("embedding", "patches", "units", "looked")
_INLINE = 4096
"""Bytes that a constant of a graph may have without being a reference."""


def export_graphs(model: GlobalLocal, folder: Path, levels: Levels, *, colour: bool = False) -> None:
    """Write `picture.onnx` and `text.onnx` beside the weights that `folder` already holds.

    `picture.onnx`: `pixels` float [N, 1 or 3, S, S] in 0..255 -> `embedding` [N, D], `patches` [N, P, D], `units`
    [N, A] logits, `looked` [N, A, P] and, where the model has it, `affect` [N, 2]. `text.onnx`: `tokens` int64 [T, L]
    -> `embedding` [T, D].

    Raises:
        FervlmError: the text tower is of a build that has no graph here.
    """
    model = model.eval()
    size = model.clip.visual.image_size  # type: ignore[union-attr]
    side = size[0] if isinstance(size, tuple | list) else int(size)  # type: ignore[arg-type]
    outputs = [*PICTURE_OUTPUTS, *(["affect"] if model.config.affect else [])]
    picture = _traced(
        _Pictures(model, levels),
        torch.full((2, 3 if colour else 1, side, side), 128.0),
        "pixels",
        outputs,
        {0: "faces"},
    )
    text = _traced(_Texts(model), torch.ones(2, 5, dtype=torch.int64), "tokens", ["embedding"], {0: "texts", 1: "len"})
    places = {f"clip.{name}": (TOWERS, place) for name, place in tensor_places(folder / TOWERS).items()}
    places |= {name: (HEADS, place) for name, place in tensor_places(folder / HEADS).items()}
    for name, graph in ((PICTURE_GRAPH, picture), (TEXT_GRAPH, text)):
        _refer(graph, places)
        (folder / name).write_bytes(graph.SerializeToString(deterministic=True))


class _Pictures(nn.Module):
    """From levels in 0..255, so that a caller needs no normalisation of its own."""

    def __init__(self, model: GlobalLocal, levels: Levels) -> None:
        super().__init__()
        self.model = model
        self.mean, self.std = (torch.tensor(values).view(1, 3, 1, 1) for values in (levels.mean, levels.std))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        out = self.model.pictures((pixels / 255 - self.mean) / self.std)
        told = (out.embedding, out.patches, out.units, out.looked)
        return told if out.affect is None else (*told, out.affect)


class _Texts(nn.Module):
    """open_clip's text tower in plain operations: its attention module traces with fixed lengths only."""

    def __init__(self, model: GlobalLocal) -> None:
        super().__init__()
        clip: Any = model.clip
        if not hasattr(clip, "token_embedding") or clip.attn_mask is None or clip.text_pool_type != "argmax":
            raise FervlmError("the text tower is none that can be written as a graph", hint="Use it with torch.")
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        clip: Any = self.model.clip
        length = tokens.shape[1]
        x = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        # 0 on and below the diagonal, -inf above, made from positions: no context x context constant in the file.
        place = torch.arange(length)
        ahead = place.unsqueeze(0) > place.unsqueeze(1)
        for block in clip.transformer.resblocks:
            x = x + block.ls_1(self._attention(block.attn, block.ln_1(x), ahead))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        x = clip.ln_final(x)
        last = tokens.argmax(dim=-1)
        pooled = x.gather(1, last.view(-1, 1, 1).expand(-1, 1, x.shape[2])).squeeze(1)
        projection = clip.text_projection
        if projection is not None:
            pooled = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
        return F.normalize(pooled, dim=-1)

    @staticmethod
    def _attention(attn: nn.MultiheadAttention, x: Tensor, ahead: Tensor) -> Tensor:
        width, heads = attn.embed_dim, attn.num_heads
        queries, keys, values = (
            part.unflatten(-1, (heads, width // heads)).transpose(1, 2)
            for part in F.linear(x, attn.in_proj_weight, attn.in_proj_bias).split(width, dim=-1)  # type: ignore[no-untyped-call]
        )
        scores = (queries @ keys.transpose(-1, -2)) * (width // heads) ** -0.5
        shares = scores.masked_fill(ahead, float("-inf")).softmax(-1)
        mixed: Tensor = attn.out_proj((shares @ values).transpose(1, 2).flatten(2))
        return mixed


def _traced(module: nn.Module, example: Tensor, taken: str, given: list[str], moving: dict[int, str]) -> Any:  # noqa: ANN401
    import onnx

    axes = {taken: moving} | {name: {0: moving[0]} for name in given}
    with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory() as place:
        warnings.simplefilter("ignore")
        path = Path(place, "graph.onnx")
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            input_names=[taken],
            output_names=given,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
            # Weights must come out under their own names and unchanged: nothing fused, nothing folded.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
        return onnx.load(path)


def _refer(graph: Any, places: dict[str, tuple[str, TensorPlace]]) -> None:  # noqa: ANN401
    """Replace the data of all initializers by references; a stored fp16 tensor goes through a Cast."""
    from onnx import TensorProto, helper

    casts = []
    for tensor in graph.graph.initializer:
        name = tensor.name.removeprefix("model.")
        if name not in places:
            if tensor.ByteSize() > _INLINE:
                raise FervlmError(f"the graph holds '{tensor.name}', which the weights files lack")
            continue
        file, place = places[name]
        if tuple(tensor.dims) != place.shape or place.dtype not in {"F16", "F32"}:
            raise FervlmError(f"'{name}' is stored as {place.dtype} {place.shape}, but the graph takes another")
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", file), ("offset", place.start), ("length", place.length)):
            tensor.external_data.add(key=key, value=str(value))
        if place.dtype == "F16":
            used, tensor.name = tensor.name, f"{name}@fp16"
            tensor.data_type = TensorProto.FLOAT16
            casts.append(helper.make_node("Cast", [tensor.name], [used], to=TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend([*casts, *nodes])
    for node in graph.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    graph.producer_name, graph.producer_version = "fervlm", ""
