from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sentence_transformers import SentenceTransformer

from foolsgold import DenseModels, MiningSettings, PrecomputedVectors, mine, read_pairs
from foolsgold.encode import SentenceTransformerEncoder, Vectors, as_encoder, dense_model, encode, encode_texts
from foolsgold.errors import MissingExtraError, ModelError, SettingsError, TextError, VectorError

QUIET = MiningSettings(quiet=True)
PAIRS = [("who sells roses?", "A florist sells roses."), ("who bakes?", "A baker bakes bread.")]


class Lengths:
    """Encodes a text by its length and its number of words, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode_queries(self, texts: Any) -> Any:
        self.asked.append(list(texts))
        return [[len(text), text.count(" ") + 1.0] for text in texts]

    encode_documents = encode_queries


def test_any_object_with_two_methods_will_do() -> None:
    encoded = encode(read_pairs(PAIRS), Lengths(), QUIET)
    assert encoded.doc_vecs.values.tolist() == [[22, 4], [20, 4]]
    assert encoded.query_vecs.similarity == "cosine"


def test_equal_texts_are_encoded_once_and_the_longest_first() -> None:
    encoder = Lengths()
    vecs = encode_texts(["b", "aaa", "b", "cc"], encoder, "documents", batch_size=32, quiet=True)
    assert encoder.asked == [["aaa", "cc", "b"]]
    assert vecs[:, 0].tolist() == [1, 3, 1, 2]


def test_titles_are_encoded_with_their_texts() -> None:
    encoder = Lengths()
    encode(read_pairs(PAIRS, [{"text": "opens at noon", "title": "Shop"}]), encoder, QUIET)
    assert "Shop opens at noon" in encoder.asked[0]


@pytest.mark.parametrize("name", ["offline", "folder", "loaded"])
def test_sentence_transformers_by_name_folder_and_object(name: str, model: Any, model_folder: str) -> None:
    encoder = as_encoder({"offline": "offline", "folder": model_folder, "loaded": model}[name], QUIET)
    expected = model.encode(["A florist sells roses."])
    assert np.allclose(encoder.encode_documents(["A florist sells roses."]), expected, atol=1e-5)  # type: ignore[union-attr]


def test_prompts_the_models_own_and_given(model: Any, model_folder: str, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    config = tmp_path / "model" / "config_sentence_transformers.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "prompts": {"query": "Q: ", "document": "D: "}}))
    own = SentenceTransformerEncoder(str(tmp_path / "model"))
    assert np.allclose(own.encode_queries(["x"]), model.encode(["Q: x"]), atol=1e-5)
    assert np.allclose(own.encode_documents(["x"]), model.encode(["D: x"]), atol=1e-5)
    given = SentenceTransformerEncoder(str(tmp_path / "model"), query_prompt="find ", document_prompt="")
    assert np.allclose(given.encode_queries(["x"]), model.encode(["find x"]), atol=1e-5)
    assert np.allclose(given.encode_documents(["x"]), model.encode(["x"]), atol=1e-5)
    assert own.fingerprint != given.fingerprint


def test_a_dot_product_model_is_searched_by_dot_product(model_folder: str, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    config = tmp_path / "model" / "config_sentence_transformers.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "similarity_fn_name": "dot"}))
    assert encode(read_pairs(PAIRS), str(tmp_path / "model"), QUIET).doc_vecs.similarity == "dot"
    config.write_text(json.dumps({**settings, "similarity_fn_name": "euclidean"}))
    with pytest.raises(ModelError, match=r"by euclidean.*--similarity cosine"):
        SentenceTransformerEncoder(str(tmp_path / "model"))
    overridden = QUIET.replace(similarity="cosine")
    assert encode(read_pairs(PAIRS), str(tmp_path / "model"), overridden).doc_vecs.similarity == "cosine"


def test_the_fingerprint_sees_the_weights(model_folder: str) -> None:
    import torch

    encoder = SentenceTransformerEncoder(model_folder)
    before = encoder.fingerprint
    assert SentenceTransformerEncoder(model_folder).fingerprint == before
    with torch.no_grad():
        next(encoder.model.parameters())[0, 0] += 1
    assert SentenceTransformerEncoder(encoder.model).fingerprint != before


class Opposite(SentenceTransformer):
    """The vectors of its queries point the other way."""

    def encode_query(self, *arguments: Any, **settings: Any) -> Any:
        return -super().encode_query(*arguments, **settings)


class Loud(SentenceTransformer):
    """Reads all texts with a word before them, and always gives arrays."""

    def encode(self, inputs: Any, *arguments: Any, **settings: Any) -> Any:
        return super().encode([f"loud {text}" for text in inputs], prompt="", convert_to_numpy=True)


def other_opposite() -> type[SentenceTransformer]:
    """A class of the same name, as a cell of a notebook that was changed and run again makes it."""

    class Other(SentenceTransformer):
        def encode_query(self, *arguments: Any, **settings: Any) -> Any:
            return -2 * super().encode_query(*arguments, **settings)

    Other.__qualname__ = Opposite.__qualname__
    return Other


def shifted(model: SentenceTransformer, name: str) -> SentenceTransformer:
    """The same with a method put on the object."""
    own = getattr(model, name)
    setattr(model, name, lambda *arguments, **settings: own(*arguments, **settings) + 1)
    return model


@pytest.mark.parametrize("kind", ["Opposite", "Loud", "encode", "encode_query", "encode_document"])
def test_methods_of_ones_own_are_called(kind: str, model: Any) -> None:
    subclass = {"Opposite": Opposite, "Loud": Loud}.get(kind)
    own = (subclass or SentenceTransformer)(modules=list(model), device="cpu")
    own = own if subclass else shifted(own, kind)
    encoder = SentenceTransformerEncoder(own, num_workers=2)
    assert np.allclose(encoder.encode_queries(["red rose"]), own.encode_query(["red rose"]), atol=1e-5)
    assert np.allclose(encoder.encode_documents(["red rose"]), own.encode_document(["red rose"]), atol=1e-5)
    assert encoder.backend_reason and "methods of its own: encode" in encoder.backend_reason
    with encoder.workers(2_000) as workers:
        assert subclass or workers is encoder  # what was put on an object cannot be sent to a process


def test_a_forward_or_preprocess_of_ones_own_is_run(model: Any) -> None:
    for name in ("forward", "preprocess"):
        own = SentenceTransformer(modules=list(model), device="cpu")
        encoder, calls = SentenceTransformerEncoder(own), []
        before = encoder.encode_queries(["red rose"])
        usual = getattr(own, name)
        setattr(own, name, lambda *args, usual=usual, calls=calls, **kw: (calls.append(args), usual(*args, **kw))[1])
        assert np.allclose(encoder.encode_queries(["red rose"]), before, atol=1e-5)
        assert len(calls) == 1  # though the encoder was used before


def test_what_accelerate_puts_around_forward_is_no_method_of_ones_own(model: Any) -> None:
    from accelerate import Accelerator

    own = SentenceTransformer(modules=list(model), device="cpu")
    prepared = Accelerator(cpu=True, mixed_precision="bf16").prepare_model(own)
    assert prepared is own and "forward" in vars(own)
    assert SentenceTransformerEncoder(own, export=False).backend == "torch"


def test_the_fingerprint_sees_methods_of_ones_own(static_model: Any) -> None:
    kinds = [SentenceTransformer, Opposite, Loud, other_opposite()]
    made = [SentenceTransformerEncoder(kind(modules=list(static_model), device="cpu")) for kind in kinds]
    for hashes in ([one.fingerprint for one in made], [one.side_fingerprint("queries") for one in made]):
        assert None not in hashes and len(set(hashes)) == 4
    again = SentenceTransformerEncoder(Opposite(modules=list(static_model), device="cpu"))
    assert again.fingerprint == made[1].fingerprint
    assert made[0].fingerprint == SentenceTransformerEncoder(static_model).fingerprint
    put = SentenceTransformerEncoder(shifted(static_model, "encode"))
    assert put.fingerprint is None and put.side_fingerprint("documents") is None


def test_a_method_that_goes_by_values_around_it_has_no_fingerprint(static_model: Any) -> None:
    def scaled(by: float) -> type[SentenceTransformer]:
        class Scaled(SentenceTransformer):
            def encode_query(self, *arguments: Any, **settings: Any) -> Any:
                return by * super().encode_query(*arguments, **settings)

        return Scaled

    assert SentenceTransformerEncoder(scaled(-1)(modules=list(static_model), device="cpu")).fingerprint is None


def test_cached_vectors_of_a_class_are_not_those_of_another(static_model: Any, tmp_path: Path) -> None:
    collection = read_pairs(PAIRS)
    own = Opposite(modules=list(static_model), device="cpu")
    for model, sign in ((static_model, 1), (own, -1), (static_model, 1), (own, -1)):
        query_vecs = encode(collection, model, QUIET, cache=tmp_path).query_vecs.values
        assert np.allclose(query_vecs, sign * static_model.encode_query([query for query, _ in PAIRS]), atol=1e-5)


def test_code_in_a_model_folder_is_not_run(model_folder: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Evil: ...\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "evil.Evil"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="--trust-remote-code runs it"):
        SentenceTransformerEncoder(str(folder))
    assert not ran.exists()


def test_models_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        SentenceTransformerEncoder(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEncoder(str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"hub cannot be reached.*--model PATH.*foolsgold\[offline\]"):
        SentenceTransformerEncoder("BAAI/bge-small-en-v1.5")
    with pytest.raises(ModelError, match="neither a folder nor a hub id"):
        SentenceTransformerEncoder("my model!")
    with pytest.raises(ModelError, match="encoder is a int"):
        as_encoder(5, QUIET)
    with pytest.raises(ModelError, match="encoder is a"):
        as_encoder(Lengths, QUIET)  # the class, not an encoder


def test_an_encoder_that_returns_torch_tensors() -> None:
    import torch

    class Tensors(Lengths):
        def encode_queries(self, texts: Any) -> Any:
            return torch.ones(len(texts), 2, dtype=torch.bfloat16, requires_grad=True)

        encode_documents = encode_queries

    assert encode(read_pairs(PAIRS), Tensors(), QUIET).doc_vecs.values.tolist() == [[1, 1], [1, 1]]


def as_tensor(vecs: list[list[float]], kind: str) -> Any:
    import torch

    return torch.tensor(vecs, dtype=getattr(torch, kind), requires_grad=kind != "int32")


RESULTS = {
    "a list of lists": lambda vecs: vecs,
    "a list of arrays": lambda vecs: [np.array(vec) for vec in vecs],
    "a tuple": lambda vecs: tuple(map(tuple, vecs)),
    "float32": lambda vecs: np.array(vecs, np.float32),
    "float64": lambda vecs: np.array(vecs, np.float64),
    "float16": lambda vecs: np.array(vecs, np.float16),
    "big-endian": lambda vecs: np.array(vecs, ">f4"),
    "integers": lambda vecs: np.array(vecs, np.int8),
    "strided": lambda vecs: np.array(vecs, np.float32, order="F")[:, ::-1][:, ::-1],
    "read-only": lambda vecs: np.frombuffer(np.array(vecs, np.float32).tobytes(), np.float32).reshape(len(vecs), -1),
    "torch.float32": lambda vecs: as_tensor(vecs, "float32"),
    "torch.bfloat16": lambda vecs: as_tensor(vecs, "bfloat16"),
    "torch.float64": lambda vecs: as_tensor(vecs, "float64"),
    "a list of tensors": lambda vecs: [as_tensor(vec, "float32") for vec in vecs],
}
WORDS = ["a", "bb", "ccc", "dd dd", "e e e", "ffff ffff"]


@pytest.mark.parametrize("fingerprint", [None, "lengths 1"])
@pytest.mark.parametrize("kind", RESULTS)
def test_whatever_an_encoder_returns_it_mines_the_same(kind: str, fingerprint: str | None, tmp_path: Path) -> None:
    class Returning(Lengths):
        def encode_queries(self, texts: Any) -> Any:
            return RESULTS[kind](super().encode_queries(texts))

        encode_documents = encode_queries

    settings = QUIET.replace(negatives=2, cache=str(tmp_path / "cache"), relative_margin=None)
    pairs = [("bb b", "a"), ("c c", "ccc")]
    expected = mine(read_pairs(pairs, WORDS), Lengths(), settings).negatives
    encoder: Any = Returning()
    if fingerprint is not None:
        encoder.fingerprint = fingerprint
    assert mine(read_pairs(pairs, WORDS), encoder, settings).negatives.equals(expected)
    n_calls = len(encoder.asked)
    assert mine(read_pairs(pairs, WORDS), encoder, settings).negatives.equals(expected)
    assert (len(encoder.asked) == n_calls) == (fingerprint is not None)  # found in the cache


def test_a_text_that_an_encoder_does_not_take_is_named() -> None:
    class Short(Lengths):
        def encode_queries(self, texts: Any) -> Any:
            for row, text in enumerate(texts):
                if len(text) > 21:
                    raise TextError(f"has {len(text)} characters; at most 21 are taken.", row=row)
            return super().encode_queries(texts)

        encode_documents = encode_queries

    with pytest.raises(ModelError, match='document "d0" has 22 characters; at most 21 are taken'):
        encode(read_pairs(PAIRS), Short(), QUIET)


def test_without_the_offline_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "foolsgold\[offline\]"'):
        SentenceTransformerEncoder("offline")


def test_the_twelve_models() -> None:
    assert len(DenseModels.__members__) == 12
    assert dense_model("en", "small").value == "BAAI/bge-small-en-v1.5"
    assert dense_model("zh", "large").value == "thenlper/gte-large-zh"
    assert dense_model("fr", "small").value == "OrdalieTech/Solon-embeddings-base-0.1"
    assert dense_model("pt", "base").value == "intfloat/multilingual-e5-base"
    assert dense_model("en", "base").query_prefix == "Represent this sentence for searching relevant passages: "
    assert dense_model("fr", "large").query_prefix == "query : "
    assert dense_model("other", "large").document_prefix == "passage: "
    with pytest.raises(SettingsError, match="'small', 'base', 'large'"):
        dense_model("en", "tiny")
    with pytest.raises(SettingsError, match="language_code is None"):
        dense_model(None, "small")  # type: ignore[arg-type]


def test_vectors_made_elsewhere(tmp_path: Path) -> None:
    queries, docs = np.eye(2, dtype=np.float16), np.eye(2, dtype=np.float32)
    np.save(tmp_path / "q.npy", queries)
    np.save(tmp_path / "d.npy", docs)
    vectors = PrecomputedVectors(tmp_path / "q.npy", str(tmp_path / "d.npy"), similarity="dot")
    encoded = encode(read_pairs(PAIRS), vectors, QUIET)
    assert isinstance(encoded.doc_vecs.values, np.memmap)
    assert encoded.query_vecs.values.dtype == np.float16
    assert encoded.doc_vecs.similarity == "dot"


GOOD = np.eye(2, dtype=np.float32)


@pytest.mark.parametrize(
    ("queries", "docs", "message"),
    [
        (GOOD, GOOD[:1], "doc_vecs: 1 rows for 2 documents"),
        (np.vstack([GOOD, GOOD]), GOOD, "query_vecs: 4 rows for 2 queries"),
        (GOOD, GOOD.astype(np.int64), "type int64; it takes float32 or float16"),
        (GOOD, GOOD[:, :, None], "shape"),
        (GOOD, GOOD[0], "shape"),
        (GOOD, GOOD * np.float32(1e20), "too long to multiply in float32"),
        (GOOD, GOOD * np.float32(1e-30), "all zeros"),
        (GOOD, np.eye(2, 3, dtype=np.float32), "2 dimensions and doc_vecs 3"),
        (GOOD, np.array([[1, 0], [np.nan, 1]], np.float32), r'doc_vecs: row 1 \(id "d1"\) holds NaN'),
        (np.zeros((2, 2), np.float32), GOOD, r'query_vecs: row 0 \(id "q0"\) is all zeros.*and so do 1 more'),
    ],
)
def test_vectors_that_are_wrong(queries: Any, docs: Any, message: str) -> None:
    with pytest.raises(VectorError, match=message):
        encode(read_pairs(PAIRS), PrecomputedVectors(queries, docs), QUIET)


def test_vector_files_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"query_vecs: .* does not exist"):
        encode(read_pairs(PAIRS), PrecomputedVectors(tmp_path / "q.npy", GOOD), QUIET)
    with pytest.raises(SettingsError, match="is a folder"):
        encode(read_pairs(PAIRS), PrecomputedVectors(tmp_path, GOOD), QUIET)
    np.savez(tmp_path / "two.npz", GOOD, GOOD)
    with pytest.raises(VectorError, match="not a readable"):
        encode(read_pairs(PAIRS), PrecomputedVectors(tmp_path / "two.npz", GOOD), QUIET)
    with pytest.raises(VectorError, match="it takes 'cosine' or 'dot'"):
        encode(read_pairs(PAIRS), PrecomputedVectors(GOOD, GOOD, similarity="euclidean"), QUIET)  # type: ignore[arg-type]
    np.save(tmp_path / "pickle.npy", np.array([{}, {}], object), allow_pickle=True)
    with pytest.raises(VectorError, match="not a readable"):
        encode(read_pairs(PAIRS), PrecomputedVectors(tmp_path / "pickle.npy", GOOD), QUIET)


NONSENSE = {
    "too few": ([[1.0, 2.0]], r"shape \(1, 2\) for 2 documents; it must return \(texts, dimensions\)"),
    "too many": ([[1.0, 2.0]] * 3, r"shape \(3, 2\) for 2 documents"),
    "one vector": ([1.0, 2.0], r"shape \(2,\) for 2 documents"),
    "a cube": (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\) for 2 documents"),
    "NaN": ([[1.0, 1.0], [float("nan"), 1.0]], r'query_vecs: row 1 \(id "q1"\) holds NaN or infinity'),
    "infinity": ([[1e39, 1.0]] * 2, r'row 0 \(id "q0"\) holds NaN or infinity, and so do 1 more'),
    "zeros": (np.zeros((2, 2)), r'row 0 \(id "q0"\) is all zeros'),
    "no dimensions": (np.zeros((2, 0)), r"shape \(2, 0\)"),
    "uneven": ([[1.0], [1.0, 2.0]], "no matrix of numbers for 2 documents"),
    "text": ("x", "no matrix of numbers for 2 documents"),
    "nothing": (None, r"shape \(\) for 2 documents"),
    "complex": (np.ones((2, 2), complex), "no matrix of numbers for 2 documents"),
    "sparse": (csr_matrix(np.eye(2)), "no matrix of numbers for 2 documents"),
}


@pytest.mark.parametrize("kind", NONSENSE)
@pytest.mark.parametrize("fingerprint", [None, "nonsense"])
def test_an_encoder_that_returns_nonsense(kind: str, fingerprint: str | None, tmp_path: Path) -> None:
    returned, message = NONSENSE[kind]

    class Nonsense:
        def __init__(self) -> None:
            self.fingerprint = fingerprint

        def encode_queries(self, texts: Any) -> Any:
            return returned

        encode_documents = encode_queries

    for _ in range(2):  # nor does the cache make it right
        with pytest.raises(VectorError, match=message):
            encode(read_pairs(PAIRS), Nonsense(), QUIET, cache=tmp_path)


def test_queries_and_documents_of_different_dimensions() -> None:
    class Two(Lengths):
        def encode_documents(self, texts: Any) -> Any:
            return [[1.0, 2.0, 3.0]] * len(texts)

    with pytest.raises(VectorError, match="query_vecs have 2 dimensions and doc_vecs 3"):
        encode(read_pairs(PAIRS), Two(), QUIET)


def test_zero_vectors_are_fine_for_dot_products() -> None:
    assert len(Vectors.of(np.zeros((1, 2), np.float32), "dot")) == 1
