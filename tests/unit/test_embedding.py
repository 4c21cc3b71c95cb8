"""Encoders behind one protocol: the manifest vouches for an export, an endpoint is not trusted blindly."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from core.errors import ConfigurationError
from embedding import export, throwaway
from embedding.errors import EmbeddingUnavailable
from embedding.load import load_embedder
from embedding.manifest import Manifest, read_manifest, sha256, verify_manifest, write_manifest
from embedding.onnx import OnnxEmbedder
from embedding.openai import OpenAIEmbedder


def exported(directory: Path, weights: str = "w" * 64) -> Manifest:
    directory.mkdir(parents=True)
    (directory / "model.onnx").write_bytes(b"graph")
    manifest = Manifest("m", weights, 384, 256, {"model.onnx": sha256(directory / "model.onnx")})
    write_manifest(directory, manifest)
    return manifest


def test_manifest_round_trip_names_the_weights(tmp_path: Path) -> None:
    manifest = exported(tmp_path / "m")
    assert verify_manifest(tmp_path / "m") == manifest
    assert manifest.name == "m@" + "w" * 12


def test_an_export_without_manifest_or_file_does_not_count(tmp_path: Path) -> None:
    exported(tmp_path / "m")
    (tmp_path / "m" / "model.onnx").unlink()
    with pytest.raises(EmbeddingUnavailable, match=r"model\.onnx"):
        read_manifest(tmp_path / "m")
    with pytest.raises(EmbeddingUnavailable):
        OnnxEmbedder(tmp_path / "nothing")


def test_damage_is_noticed(tmp_path: Path) -> None:
    exported(tmp_path / "m")
    (tmp_path / "m" / "model.onnx").write_bytes(b"grapf")
    with pytest.raises(EmbeddingUnavailable, match="damaged"):
        verify_manifest(tmp_path / "m")


def test_a_broken_model_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    exported(tmp_path / "m")
    with pytest.raises(EmbeddingUnavailable):
        OnnxEmbedder(tmp_path / "m").encode(["x"])


def test_an_existing_export_returns_at_once(tmp_path: Path) -> None:
    exported(export.model_directory(tmp_path), export.WEIGHTS_SHA256)
    lines: list[str] = []
    assert export.export_encoder(tmp_path, lines.append) == export.model_directory(tmp_path)
    assert lines == []


def test_a_failed_export_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throwaway.sys, "executable", "/bin/false")
    (tmp_path / "export-env-killed").mkdir()
    with pytest.raises(EmbeddingUnavailable, match="failed"):
        export.export_encoder(tmp_path, lambda _: None)
    assert list(tmp_path.glob("export-env-*")) == []
    assert list((tmp_path / "models").iterdir()) == []


def test_unknown_encoders_are_refused(tmp_path: Path) -> None:
    for spec in ("word2vec", "openai:", "onnx:x", ""):
        with pytest.raises(ConfigurationError):
            load_embedder(spec, tmp_path)


def endpoint(answer: httpx.Response | Exception) -> OpenAIEmbedder:
    embedder = OpenAIEmbedder("m", "http://endpoint/v1")

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://endpoint/v1/embeddings"
        if isinstance(answer, Exception):
            raise answer
        return answer

    embedder._client = httpx.Client(base_url="http://endpoint/v1/", transport=httpx.MockTransport(respond))
    return embedder


def rows(*pairs: tuple[int, list[float]]) -> httpx.Response:
    return httpx.Response(200, text=json.dumps({"data": [{"index": i, "embedding": v} for i, v in pairs]}))


def test_an_endpoint_is_put_in_order_and_to_unit_length() -> None:
    vectors = endpoint(rows((1, [0.0, 2.0]), (0, [3.0, 4.0]))).encode(["a", "b"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.0, 1.0]], atol=1e-6)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": ["a"]}]}'),
        rows((0, [1.0])),
        rows((0, [1.0]), (1, [1.0, 0.0])),
        rows((0, []), (1, [])),
        httpx.ConnectTimeout("slow"),
    ],
)
def test_an_endpoint_that_answers_badly_is_unavailable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(EmbeddingUnavailable):
        endpoint(answer).encode(["a", "b"])
