"""The transformer by ONNX Runtime and in lower precision, against sentence-transformers itself."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import MiningSettings
from foolsgold.encode import SentenceTransformerEncoder
from foolsgold.errors import MissingExtraError, ModelError, SettingsError

TEXTS = ["", "a", "who sells roses?", "A florist sells roses.", "long " * 400, "rose " * 90, "who bakes bread?"]


@pytest.fixture
def own(model: Any) -> Any:
    """The offline model, for a test to change."""
    return copy.deepcopy(model)


def cosines(vecs: np.ndarray, others: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vecs, axis=1) * np.linalg.norm(others, axis=1)
    return (vecs * others).sum(axis=1) / lengths


def files(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "models").rglob("*") if path.is_file())


@pytest.mark.parametrize("side", ["queries", "documents"])
def test_the_vectors_are_those_of_sentence_transformers(side: Any, model: Any) -> None:
    encoder = SentenceTransformerEncoder(model)
    finished: list[int] = []
    vecs = encoder.encode(TEXTS, side, advance=finished.append)
    call = model.encode_query if side == "queries" else model.encode_document
    assert np.allclose(vecs, call(TEXTS), atol=1e-6)
    assert (encoder.backend, encoder.precision, encoder.backend_reason) == ("onnxruntime", "float32", None)
    assert sum(finished) == len(TEXTS)
    assert np.array_equal(vecs, encoder.encode(TEXTS, side))
    assert encoder.encode([], side).shape == (0, 384)


@pytest.mark.slow
def test_modules_after_the_transformer_are_the_models_own(own: Any) -> None:
    from sentence_transformers.sentence_transformer.modules import Dense
    from torch import nn

    own[1].include_prompt = False
    own.insert(2, Dense(384, 16, activation_function=nn.Tanh()).eval())
    own.truncate_dim = 8
    own.prompts = {"query": "find what this is about: ", "passage": "read: "}
    encoder = SentenceTransformerEncoder(own)
    assert encoder.backend == "onnxruntime"
    assert np.allclose(encoder.encode_queries(TEXTS), own.encode_query(TEXTS), atol=1e-5)
    assert np.allclose(encoder.encode_documents(TEXTS), own.encode_document(TEXTS), atol=1e-5)
    given = SentenceTransformerEncoder(own, query_prompt="Q: ")
    assert np.allclose(given.encode_queries(TEXTS), own.encode_query(TEXTS, prompt="Q: "), atol=1e-6)


@pytest.mark.slow
def test_int8_is_near_and_a_vector_does_not_depend_on_the_other_texts(model: Any) -> None:
    exact = SentenceTransformerEncoder(model).encode_documents(TEXTS)
    encoder = SentenceTransformerEncoder(model, precision="int8")
    vecs = encoder.encode_documents(TEXTS)
    assert encoder.precision == "int8"
    assert cosines(vecs, exact).min() > 0.98
    assert not np.allclose(vecs, exact, atol=1e-4)
    alone = np.concatenate([encoder.encode_documents([text]) for text in TEXTS])
    assert np.allclose(vecs, alone, atol=1e-5)


@pytest.mark.slow
def test_weights_of_seven_bits_for_processors_that_overflow(model: Any, tmp_path: Path) -> None:
    import torch

    from foolsgold.encode.onnx_body import OnnxBody
    from foolsgold.encode.onnx_export import export
    from foolsgold.encode.onnx_int8 import write_int8
    from foolsgold.encode.split_model import agreement, probe_features, torch_body, transformer_in

    export(transformer_in(model, torch.float32), probe_features(model), tmp_path / "model.onnx")
    assert write_int8(tmp_path / "model.onnx", tmp_path / "int8.onnx", weight_steps=63) == 6 * 6  # six a layer
    body = OnnxBody(tmp_path / "int8.onnx", torch.float32)
    assert 0.98 < agreement(model, body, torch_body(model, torch.float32)) < 0.9999


@pytest.mark.slow
def test_a_graph_is_written_once_and_again_where_it_is_damaged(
    model: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = SentenceTransformerEncoder(model, cache=str(tmp_path)).encode_queries(TEXTS)
    (data,) = [path for path in files(tmp_path) if path.name == "model.onnx.data"]
    content, made = data.read_bytes(), data.stat().st_mtime_ns
    assert np.array_equal(SentenceTransformerEncoder(model, cache=str(tmp_path)).encode_queries(TEXTS), expected)
    assert data.stat().st_mtime_ns == made
    data.write_bytes(content[: len(content) // 2])
    assert np.array_equal(SentenceTransformerEncoder(model, cache=str(tmp_path)).encode_queries(TEXTS), expected)
    assert data.read_bytes() == content
    assert "is damaged and is made again" in caplog.text
    assert not [path for path in files(tmp_path) if ".partial" in str(path)]


@pytest.mark.slow
def test_a_model_that_was_trained_further_is_another_one(own: Any) -> None:
    import torch

    encoder = SentenceTransformerEncoder(own)
    before, prints = encoder.encode_queries(TEXTS), (encoder.fingerprint, encoder.side_fingerprint("queries"))
    with torch.no_grad():
        for weight in own[0].parameters():
            weight.mul_(0.9)
    vecs = encoder.encode_queries(TEXTS)
    assert encoder.fingerprint != prints[0]
    assert encoder.side_fingerprint("queries") != prints[1]
    assert not np.allclose(vecs, before, atol=1e-3)
    assert np.allclose(vecs, own.encode_query(TEXTS), atol=1e-5)


def test_the_fingerprint_sees_prompts_precision_length_and_modules(own: Any) -> None:
    def prints(**options: Any) -> set[str]:
        return {SentenceTransformerEncoder(own, **options).side_fingerprint("queries")}

    usual = prints()
    SentenceTransformerEncoder(own).encode_queries(TEXTS)
    assert prints() == usual == prints(document_prompt="D: ")  # nor does the tokenizer's last call matter
    seen = usual | prints(query_prompt="Q: ") | prints(precision="bfloat16")
    own.max_seq_length = 100
    seen |= prints()
    own[1].pooling_mode = "cls"
    seen |= prints()
    assert len(seen) == 5


def test_a_model_that_cannot_be_exported_runs_in_torch(own: Any, caplog: pytest.LogCaptureFixture) -> None:
    from transformers import BertModel

    class Stubborn(BertModel):
        def forward(self, input_ids: Any = None, **others: Any) -> Any:
            return super().forward(input_ids=input_ids if input_ids.max() > 5 else input_ids + 1, **others)

    own[0].model.__class__ = Stubborn
    encoder = SentenceTransformerEncoder(own)
    assert encoder.backend == "torch"
    assert "cannot be exported" in str(encoder.backend_reason)
    assert "torch is used instead of ONNX Runtime" in caplog.text
    assert np.allclose(encoder.encode_queries(TEXTS), own.encode_query(TEXTS), atol=1e-5)
    with pytest.raises(ModelError, match=r"'int8' cannot be used with it: it cannot be exported.*--precision float32"):
        SentenceTransformerEncoder(own, precision="int8").encode_queries(["a"])


def test_a_model_without_a_transformer_is_run_as_it_is(model: Any) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    encoder = SentenceTransformerEncoder(static)
    assert np.array_equal(encoder.encode_documents(TEXTS[1:]), static.encode_document(TEXTS[1:]))
    assert encoder.backend == "sentence-transformers"
    assert encoder.backend_reason == "its first module is a StaticEmbedding, not a Transformer"
    with pytest.raises(SettingsError, match=r"precision is 'float16'.*StaticEmbedding.*precision='auto'"):
        SentenceTransformerEncoder(static, precision="float16").encode_queries(["a"])
    with pytest.raises(ModelError, match="StaticEmbedding"):
        SentenceTransformerEncoder(static, precision="int8").encode_queries(["a"])


def test_without_the_extra(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxscript" else found(name))
    encoder = SentenceTransformerEncoder(model)
    assert np.allclose(encoder.encode_queries(TEXTS), model.encode_query(TEXTS), atol=1e-6)
    assert encoder.backend == "torch"
    assert encoder.backend_reason == "the extra onnx is not installed (onnxscript)"
    with pytest.raises(MissingExtraError, match=r'pip install "foolsgold\[onnx\]"'):
        SentenceTransformerEncoder(model, precision="int8").encode_queries(["a"])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_in_torch_leaves_the_model_as_it_is(precision: Any, model: Any) -> None:
    import torch

    exact = model.encode_query(TEXTS)
    encoder = SentenceTransformerEncoder(model, precision=precision)
    vecs = encoder.encode_queries(TEXTS)
    assert (encoder.backend, encoder.precision) == ("torch", precision)
    assert vecs.dtype == np.float32
    assert cosines(vecs, exact).min() > 0.999
    assert not np.array_equal(vecs, exact)
    assert model.dtype == torch.float32


def test_precisions_that_are_none() -> None:
    with pytest.raises(SettingsError, match="'auto', 'float32', 'float16', 'bfloat16', 'int8'"):
        MiningSettings(precision="int4")  # type: ignore[arg-type]
