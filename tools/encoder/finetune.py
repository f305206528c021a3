"""Teaches MiniLM which sentences ask the same, and writes it as int8 ONNX.

    python tools/encoder/finetune.py SENTENCES.jsonl model.safetensors vocabulary.txt OUT.onnx

An earlier file of its own (.onnx) may stand in the place of the original weights: it goes on from there, in half the
rounds, which is enough for sentences that were added.

Each label, and each passage, has a unit vector that is learned too; a sentence's embedding is drawn to its own and
away from the others (cross entropy over scaled cosines, as in Wang et al. 2017, "NormFace", with label smoothing). The
word embeddings stay as they were, so that words the sentences never use keep their meaning.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from model import MiniLM, go_on_from, load
from tokenizers import BertWordPieceTokenizer
from torch import nn

EPOCHS, BATCH, SPEED, HEAD_SPEED, MOST_TOKENS = 4, 48, 3e-5, 5e-3, 64
LABEL_SCALE, PASSAGE_SCALE, PASSAGE_SHARE, SMOOTHING = 16, 20, 0.4, 0.1
Row = dict[str, Any]


class Encoder:
    """The model with its tokenizer: texts in, unit vectors out."""

    def __init__(self, model: MiniLM, vocabulary: str) -> None:
        self.model = model
        self._tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=True)
        self._tokenizer.enable_truncation(MOST_TOKENS)

    def __call__(self, rows: list[Row]) -> torch.Tensor:
        tokens = [self._tokenizer.encode(row["text"]).ids for row in rows]
        ids = torch.zeros(len(rows), max(map(len, tokens)), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(tokens):
            ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
        hidden, weights = self.model(ids, mask, torch.zeros_like(ids)), mask[:, :, None].float()
        return nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)

    @torch.no_grad()
    def all(self, rows: list[Row]) -> torch.Tensor:
        self.model.eval()
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["text"]))
        out = torch.zeros(len(rows), 384)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            out[chosen] = self([rows[i] for i in chosen])
        self.model.train()
        return out


def centres(rows: list[Row], vectors: torch.Tensor, key: str, names: list[str]) -> nn.Parameter:
    """The mean direction of the sentences of each name."""
    means = [vectors[[i for i, row in enumerate(rows) if row[key] == name]].mean(0) for name in names]
    return nn.Parameter(nn.functional.normalize(torch.stack(means), dim=-1))


def batches(rows: list[Row]) -> list[list[Row]]:
    """All rows in shuffled batches, each of sentences of like length."""
    shuffled = random.sample(rows, len(rows))
    groups = [
        sorted(shuffled[i : i + BATCH * 20], key=lambda r: len(r["text"])) for i in range(0, len(rows), BATCH * 20)
    ]
    found = [group[i : i + BATCH] for group in groups for i in range(0, len(group), BATCH)]
    random.shuffle(found)
    return found


def teach(encoder: Encoder, rows: list[Row], epochs: int) -> None:
    """Train in place."""
    labels = sorted({row["label"] for row in rows})
    passages = sorted({row["passage"] for row in rows if row["passage"]})
    vectors = encoder.all(rows)
    of_label, of_passage = centres(rows, vectors, "label", labels), centres(rows, vectors, "passage", passages)
    for name, parameter in encoder.model.named_parameters():
        parameter.requires_grad = not name.startswith(("words.", "places.", "segments."))
    learning = [p for p in encoder.model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": learning, "lr": SPEED}, {"params": [of_label, of_passage], "lr": HEAD_SPEED}], weight_decay=0.01
    )
    steps = epochs * len(batches(rows))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / (steps * 0.1)) * max(0.02, 1 - step / steps)
    )
    unit, entropy = nn.functional.normalize, nn.functional.cross_entropy
    for epoch in range(epochs):
        for batch in batches(rows):
            vectors = encoder(batch)
            wanted = torch.tensor([labels.index(row["label"]) for row in batch])
            loss = entropy(LABEL_SCALE * vectors @ unit(of_label, dim=-1).T, wanted, label_smoothing=SMOOTHING)
            placed = [i for i, row in enumerate(batch) if row["passage"]]
            if placed:
                which = torch.tensor([passages.index(batch[i]["passage"]) for i in placed])
                loss = loss + PASSAGE_SHARE * entropy(
                    PASSAGE_SCALE * vectors[placed] @ unit(of_passage, dim=-1).T, which
                )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(encoder.model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}", flush=True)


def write(model: MiniLM, path: Path) -> None:
    """The model as ONNX with int8 weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model.eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones(1, 8, dtype=torch.long) for _ in names)
    axes = {name: {0: "batch", 1: "sequence"} for name in [*names, "last_hidden_state"]}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            model,
            example,
            str(whole),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
        # 7 bits: with 8, processors without VNNI add up pairs in 16 bits and cut off what is larger, so that the same
        # text gets another vector there (ONNX Runtime, "Quantize ONNX models", on reduce_range).
        quantize_dynamic(str(whole), str(path), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


if __name__ == "__main__":
    torch.manual_seed(0)
    random.seed(0)
    torch.set_num_threads(2)
    sentences, weights, vocabulary, out = sys.argv[1:5]
    lines = [json.loads(line) for line in Path(sentences).read_text(encoding="utf-8").splitlines()]
    earlier = weights.endswith(".onnx")
    minilm = go_on_from(Path(weights)) if earlier else load(Path(weights))
    epochs = EPOCHS // 2 if earlier else EPOCHS
    teach(Encoder(minilm, vocabulary), [line for line in lines if not line["held"]], epochs)
    write(minilm, Path(out))
