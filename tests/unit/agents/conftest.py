"""The reader with the real encoder, loaded once for all tests of the dialogue."""

from __future__ import annotations

import pytest

from agents.dialogue.understand import Reader
from embedding.onnx import OnnxEmbedder


@pytest.fixture(scope="session")
def reader(encoder: OnnxEmbedder) -> Reader:
    return Reader.load(encoder)
