"""Trains a chat model of under half a million parameters on a handful of dialogues, in under a minute on a CPU.

It is no language model to talk to: it exists so that a model server which is not ours answers our client for real.
Runs inside the environment that `serve.py` builds: `python train.py DIALOGUES.json FOLDER`.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

STEPS = 1_500
BATCH = 4
CONTEXT = 4_096
END = "<|im_end|>"

# The template shows the model only what it was taught to read: whether it has tools, the last user message, and what
# tools returned since. System prompts and history, which it never saw, cannot confuse it. The server looks for the
# line `<|im_start|>assistant` with its newline, printed as an expression because a template drops newlines around tags.
TEMPLATE = (
    "{%- set state = namespace(start=0) -%}"
    "{%- for m in messages -%}{%- if m.role == 'user' -%}"
    "{%- set state.start = loop.index0 -%}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if tools -%}<|im_start|>tools<|im_end|>{%- endif -%}"
    "{%- for m in messages[state.start:] -%}{%- if m.role in ('user', 'tool') -%}"
    "<|im_start|>{{ m.role }}\n{% if m.role == 'user' %}"
    "{% if m.content is string %}{{ m.content | lower }}{% else %}{% for part in m.content %}{{ part.text | lower }}"
    "{% endfor %}{% endif %}{% endif %}<|im_end|>\n"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)

Example = tuple[list[int], list[int]]


def build_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Fit a byte-level tokenizer, which can encode any text, on the texts it will see."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", END]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts * 50, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    return fast


def examples(tokenizer: PreTrainedTokenizerFast, dialogues: list[dict[str, Any]]) -> list[Example]:
    """Encode each dialogue as prompt and completion."""
    encoded = []
    for dialogue in dialogues:
        prompt = tokenizer.apply_chat_template(
            dialogue["messages"],
            tools=[{"type": "function", "function": {"name": "any"}}] if dialogue["tools"] else None,
            add_generation_prompt=True,
            tokenize=False,
        )
        encoded.append((tokenizer(prompt)["input_ids"], tokenizer(dialogue["reply"] + END)["input_ids"]))
    return encoded


def build_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return Qwen2ForCausalLM(config)


def train(model: Qwen2ForCausalLM, data: list[Example]) -> float:
    """Learn the completions by heart and return the last loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=STEPS)
    loss = torch.tensor(0.0)
    for step in range(STEPS):
        loss = torch.stack([_loss(model, *example) for example in random.sample(data, BATCH)]).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 250 == 0:
            say(f"step {step}: loss {loss.item():.3f}")
    return loss.item()


def _loss(model: Qwen2ForCausalLM, prompt: list[int], completion: list[int]) -> torch.Tensor:
    tokens = torch.tensor([prompt + completion])
    labels = torch.tensor([[-100] * len(prompt) + completion])
    return model(input_ids=tokens, labels=labels).loss


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> None:
    torch.manual_seed(0)
    random.seed(0)
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    dialogues = json.loads(source.read_text(encoding="utf-8"))
    texts = [json.dumps(dialogue, ensure_ascii=False) + dialogue["reply"] for dialogue in dialogues]
    tokenizer = build_tokenizer(texts)
    model = build_model(tokenizer)
    data = examples(tokenizer, dialogues)
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(data)} dialogues")
    train(model, data)
    model.eval()
    for prompt, completion in data:
        output = model.generate(torch.tensor([prompt]), max_new_tokens=120, do_sample=False)[0][len(prompt) :]
        if output.tolist() != completion:
            sys.exit(f"not learnt: {tokenizer.decode(completion)!r}, but {tokenizer.decode(output)!r}")
    model.generation_config.do_sample = False
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.max_new_tokens = 160
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()
