"""BERT as MiniLM has it (6 layers of width 384), in plain PyTorch, and its weights from safetensors or int8 ONNX."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

WIDTH, HEADS, INNER, LAYERS, WORDS = 384, 12, 1536, 6, 30522
_OF_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "norm_after": "output.LayerNorm",
}


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each added to what came in and normalised (Devlin et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm, self.norm_after = (nn.LayerNorm(WIDTH, eps=1e-12) for _ in range(2))
        self.widen, self.narrow = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        rows, length, _ = x.shape

        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.view(rows, length, HEADS, WIDTH // HEADS).transpose(1, 2)

        scores = heads(self.query(x)) @ heads(self.key(x)).transpose(-1, -2) / math.sqrt(WIDTH // HEADS)
        mixed = self.dropout(torch.softmax(scores + bias, -1)) @ heads(self.value(x))
        x = self.norm(x + self.dropout(self.out(mixed.transpose(1, 2).reshape(rows, length, WIDTH))))
        inner = nn.functional.gelu(self.widen(x))
        return self.norm_after(x + self.dropout(self.narrow(inner)))


class MiniLM(nn.Module):
    """Token ids, mask and segment ids, each (rows, length), to hidden states (rows, length, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.segments = (
            nn.Embedding(WORDS, WIDTH),
            nn.Embedding(512, WIDTH),
            nn.Embedding(2, WIDTH),
        )
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        x = self.norm(self.words(input_ids) + self.places(places) + self.segments(token_type_ids))
        bias = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4
        for layer in self.layers:
            x = layer(x, bias)
        return x


#: What the shipped file calls the parts that were learned; the words, places and segments were not.
_IN_ONNX = {
    "query": "q",
    "key": "k",
    "value": "v",
    "out": "o",
    "widen": "i",
    "narrow": "u",
    "norm": "n1",
    "norm_after": "n2",
}


def go_on_from(path: Path) -> MiniLM:
    """The model of an int8 file that `finetune.py` wrote, in the precision that its weights still have."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    given = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    state = {f"norm.{part}": given.get(f"n.{part}", given.get(f"norm.{part}")) for part in ("weight", "bias")}
    short = "n.weight" in given
    weights = {node.name: node.input[1] for node in graph.node if node.op_type == "MatMulInteger"}
    for layer in range(LAYERS):
        for ours, other in _IN_ONNX.items():
            block, part = (f"L.{layer}", other) if short else (f"layers.{layer}", ours)
            name = f"{block}.{part}"
            state[f"layers.{layer}.{ours}.bias"] = given[f"{name}.bias"]
            if f"{name}.weight" in given:
                state[f"layers.{layer}.{ours}.weight"] = given[f"{name}.weight"]
                continue
            stem = weights[f"/{block}/{part}/MatMul_quant"].removesuffix("_quantized")
            whole = given[f"{stem}_quantized"].float() - given[f"{stem}_zero_point"].float()
            state[f"layers.{layer}.{ours}.weight"] = (whole * given[f"{stem}_scale"]).T.contiguous()
    for table in ("words.weight", "places.weight", "segments.weight"):
        whole = given[f"{table}_quantized"].float() - given[f"{table}_zero_point"].float()
        state[table] = whole * given[f"{table}_scale"]
    model = MiniLM()
    model.load_state_dict(state)
    return model


def load(path: Path) -> MiniLM:
    """The model with the weights of a sentence-transformers `model.safetensors`."""
    given = load_file(path)
    state = {
        "words.weight": given["embeddings.word_embeddings.weight"],
        "places.weight": given["embeddings.position_embeddings.weight"],
        "segments.weight": given["embeddings.token_type_embeddings.weight"],
    }
    for part in ("weight", "bias"):
        state[f"norm.{part}"] = given[f"embeddings.LayerNorm.{part}"]
        for layer in range(LAYERS):
            for ours, theirs in _OF_LAYER.items():
                state[f"layers.{layer}.{ours}.{part}"] = given[f"encoder.layer.{layer}.{theirs}.{part}"]
    model = MiniLM()
    model.load_state_dict(state)
    return model
