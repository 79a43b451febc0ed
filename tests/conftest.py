"""Fixtures: toy collections whose answer is seen by eye, the offline model, and the real collections where they are."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold.cache_folder import default_cache_folder
from foolsgold.encode.load_model import offline_model_folder

# In the plane everything is near to everything: rules about nearness are tested by themselves.
PLAIN: dict[str, Any] = {
    "max_false_negative_rate": None, "margin_min_probability": 0.0,
    "max_similarity_to_positive": None, "max_similarity_to_negative": None,
    "short_rows": "drop", "cache": None,
}  # fmt: skip
REAL_COLLECTIONS = ("argkp", "cmrc2018", "medquad", "policyqa", "spf_fr", "xquad_multi")


def on_circle(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane: the cosine of two is that of the angle between them."""
    angles = np.deg2rad(np.array(degrees, np.float64))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def along(*scores: float) -> np.ndarray:
    """Vectors on one line: the dot product with that of 1 is the score, exactly."""
    return np.stack([np.array(scores, np.float32), np.zeros(len(scores), np.float32)], axis=1)


def rows_written(path: Path) -> list[Any]:
    """The rows of a jsonl file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def heed_ctrl_c() -> None:
    """Run in a new process before its program (`preexec_fn`): what a shell runs in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_jsonl_rows(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(autouse=True, scope="session")
def no_test_uses_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor does any process that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(autouse=True)
def each_test_has_its_own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path_factory.getbasetemp() / "cache"
    cache, models = base / uuid.uuid4().hex, base / "foolsgold" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (cache / "foolsgold").mkdir(parents=True)
    (cache / "foolsgold" / "models").symlink_to(models)  # to write a model's graph takes seconds
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def cache_with_models(path: Path) -> Path:
    """A cache folder of one's own that shares the graphs of models with the test's."""
    path.mkdir(parents=True)
    (path / "models").symlink_to(default_cache_folder() / "models")
    return path


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Two queries, six documents; d1 is a positive of q1, d2 of q2, d5 is judged not relevant to q1."""
    folder = tmp_path / "beir"
    folder.mkdir()
    texts = ["red rose", "blue sky", "scarlet rose", "green grass", "pink tulip", "azure sea"]
    write_jsonl(
        folder / "corpus.jsonl",
        [{"_id": f"d{n}", "title": f"T{n}", "text": text} for n, text in enumerate(texts, start=1)],
    )
    write_jsonl(folder / "queries.jsonl", [{"_id": "q1", "text": "red flower"}, {"_id": "q2", "text": "blue thing"}])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq1\td5\t0\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def model_folder() -> str:
    return str(offline_model_folder())


@pytest.fixture(scope="session")
def model(model_folder: str) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_folder, device="cpu")


@pytest.fixture
def static_model(model: Any) -> Any:
    """A real SentenceTransformer that encodes in no time: the mean of all-MiniLM-L6-v2's own input embeddings."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    weights = model[0].auto_model.get_input_embeddings().weight.detach().clone()
    static = StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_weights=weights.numpy())
    return SentenceTransformer(modules=[static], device="cpu")


@pytest.fixture(scope="session")
def static_encoder(model: Any) -> StaticEncoder:
    return StaticEncoder(model)


class StaticEncoder:
    """A real, fast encoder: the mean of all-MiniLM-L6-v2's own input embeddings of a text's tokens."""

    def __init__(self, model: Any) -> None:
        self._tokenizer = model.tokenizer
        self._embeddings = model[0].auto_model.get_input_embeddings().weight.detach().numpy()

    def encode_queries(self, texts: list[str]) -> np.ndarray:
        tokens = self._tokenizer(list(texts), truncation=True, max_length=256)["input_ids"]
        return np.stack([self._embeddings[ids].mean(axis=0) for ids in tokens])

    encode_documents = encode_queries


def cross_encoder_saying(logits: dict[str, float], folder: Path, outputs: int = 1) -> Path:
    """A saved BERT with weights set by hand: the logit of one word as query and one as document is the document's.

    A word is a point on a circle, which layer normalisation leaves as it is: `(cos t, -cos t, sin t, -sin t) * sqrt 2`;
    words without a logit, and the special tokens, stand at t = 0. Attention is even over the five tokens and carries
    the sines alone to the first, which normalisation takes to the angle p with `tan p = sin t`. The logit is
    `20 sin p`, so the word for logit L stands where `sin t = tan(arcsin(L / 20))`; |L| is at most 14.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *logits]
    config = BertConfig(
        vocab_size=len(words), hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4,
        max_position_embeddings=16, num_labels=outputs,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    sines = torch.tensor([0.0] * 5 + [np.tan(np.arcsin(logit / 20)) for logit in logits.values()])
    cosines = (1 - sines**2).sqrt()
    layer, tiny = model.bert.encoder.layer[0], 1e-3  # so small that tanh leaves it as it is
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        model.bert.embeddings.word_embeddings.weight.copy_(
            2**0.5 * torch.stack([cosines, -cosines, sines, -sines], dim=1)
        )
        layer.attention.self.value.weight.copy_(torch.diag(torch.tensor([0.0, 0, 5, 5])))
        layer.attention.output.dense.weight.copy_(torch.eye(4))
        model.bert.pooler.dense.weight.copy_(tiny * torch.eye(4))
        model.classifier.weight[:, 2] = 20 / (2**0.5 * tiny)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    model.save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=16).save_pretrained(folder)
    return folder


def real_collection(name: str) -> Path:
    """The folder of a real collection; the test is skipped where it is absent."""
    root = Path(os.environ.get("FOOLSGOLD_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / name).is_dir():
        pytest.skip(f"the collection {name} is not at {root}; set FOOLSGOLD_DATA to where it is")
    return root / name
