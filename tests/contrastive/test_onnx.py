"""The ONNX graphs: no weights of their own, equal to torch from the same stored weights, any batch and text length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
onnx = pytest.importorskip("onnx", reason="needs the extra 'train'")
onnxruntime = pytest.importorskip("onnxruntime")

from fervlm.contrastive.augment import Levels, prepare  # noqa: E402
from fervlm.contrastive.publish import load_published  # noqa: E402


@pytest.mark.parametrize("name", ["picture.onnx", "text.onnx"])
def test_graphs_hold_no_weights(nano_folder: Path, name: str) -> None:
    graph = onnx.load(nano_folder / name, load_external_data=False).graph
    outside = [t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    files = {entry.value for t in outside for entry in t.external_data if entry.key == "location"}
    assert files <= {"open_clip_model.safetensors", "heads.safetensors"}
    assert len(outside) > 20
    assert sum(t.ByteSize() for t in graph.initializer if t not in outside) < 4096
    assert (nano_folder / name).stat().st_size < 100_000


@pytest.mark.parametrize("faces", [1, 5])
def test_picture_graph_equals_torch(nano_folder: Path, faces: int) -> None:
    model, _, _ = load_published(nano_folder)
    session = onnxruntime.InferenceSession(nano_folder / "picture.onnx")
    grey = np.random.default_rng(faces).integers(0, 256, (faces, 1, 96, 96), dtype=np.uint8)
    found = session.run(None, {"pixels": grey.astype(np.float32)})
    with torch.no_grad():
        out = model.pictures(prepare(torch.from_numpy(grey), 96, Levels()))
    for theirs, ours in zip(found, (out.embedding, out.patches, out.units, out.looked), strict=True):
        assert theirs.shape == tuple(ours.shape)
        assert np.abs(theirs - ours.numpy()).max() < 1e-4
        assert ours.std() > 1e-3  # not a constant, which would agree by itself


@pytest.mark.parametrize("shape", [(1, 3), (4, 17), (2, 64)])
def test_text_graph_equals_torch_at_any_length(nano_folder: Path, shape: tuple[int, int]) -> None:
    model, tokenizer, _ = load_published(nano_folder)
    session = onnxruntime.InferenceSession(nano_folder / "text.onnx")
    assert tokenizer is not None
    end = tokenizer.get_vocab_size() - 1
    tokens = np.random.default_rng(0).integers(3, end, shape)
    tokens[:, -1] = end
    tokens[0, 1], tokens[0, 2:] = end, 0  # one text ends early
    (found,) = session.run(None, {"tokens": tokens})
    with torch.no_grad():
        assert np.abs(found - model.texts(torch.from_numpy(tokens)).numpy()).max() < 1e-4
        padded = torch.nn.functional.pad(torch.from_numpy(tokens), (0, 64 - shape[1]))
        whole = model.clip.encode_text(padded, True)  # type: ignore[operator]
    assert np.abs(found - whole.numpy()).max() < 1e-4
