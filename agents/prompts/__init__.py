"""The prompts, as versioned Markdown under a token budget each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from agents.budget import tokens

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; `version` is stored with every turn that used it."""

    name: str
    version: str
    text: str


@cache
def prompt(name: str) -> Prompt:
    """Read `<name>.md`; raises `ValueError` when it is longer than its own budget."""
    _, head, body = (FOLDER / f"{name}.md").read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(head)
    if tokens(body) > front["budget"]:
        raise ValueError(f"The prompt {name} takes {tokens(body)} tokens; its budget is {front['budget']}.")
    return Prompt(name, str(front["version"]), body.strip())
