"""`foolsgold.mine_hard_negatives` beside the function it stands in for: the same rows from the same data."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from itertools import product
from typing import Any

import pytest
from datasets import Dataset
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.util import mine_hard_negatives as theirs

from conftest import real_collection
from foolsgold import mine_hard_negatives, read_beir

if version("sentence-transformers") < "6.2":
    pytest.skip("earlier versions warn in other words", allow_module_level=True)

FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
RULES: list[dict[str, Any]] = [
    {},
    {"range_min": 2, "range_max": 12},
    {"relative_margin": 0.05},
    {"absolute_margin": 0.1, "relative_margin": 0.2, "range_min": 1},
    {"max_score": 0.55, "min_score": 0.3},
    {"absolute_margin": -0.1, "max_score": 0.7, "range_max": 20, "num_negatives": 5},
    {"min_score": 0.45, "num_negatives": 1},
]


def docs_of_methods() -> Dataset:
    """Method names with what they do: names of several types have several positives, some texts several names."""
    rows = [
        {"query": f"{name} of a container", "passage": " ".join((getattr(kind, name).__doc__ or "").split())[:200]}
        for kind in (str, bytes, list, dict, set, frozenset, bytearray, tuple, memoryview)
        for name in dir(kind)
        if not name.startswith("_") and getattr(kind, name).__doc__
    ]
    return Dataset.from_list(rows)


PAIRS = docs_of_methods()
N_REAL = 300  # a real transformer encodes them in seconds
MORE = [" ".join(doc.split())[:200] for name in dir(int) if (doc := getattr(int, name).__doc__)]


@pytest.fixture(scope="module")
def reranker(model_folder: str, tmp_path_factory: pytest.TempPathFactory) -> CrossEncoder:
    """With weights drawn at random: what it says is as good as anything to be compared by."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("reranker")
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        num_labels=1, initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return CrossEncoder(str(folder), device="cpu")


def assert_same(settings: dict[str, Any], dataset: Dataset, model: Any, tolerance: float = 1e-5) -> int:
    """Both with scores, whose rows must agree in texts and to five digits; then without. Returns the number of rows."""
    settings = {"verbose": False, **settings}
    expected = theirs(dataset, model, **settings)
    result = mine_hard_negatives(dataset, model, **settings)
    assert result.column_names == expected.column_names
    assert len(result) == len(expected), settings
    for name in expected.column_names:
        if name in ("score", "scores"):
            assert [pytest.approx(scores, abs=tolerance) for scores in expected[name]] == list(result[name]), settings
        else:
            assert list(result[name]) == list(expected[name]), settings
    if len(expected):
        assert result.features == expected.features
    return len(result)


def test_the_parameters_are_the_same_and_a_seed() -> None:
    own, other = (inspect.signature(one).parameters for one in (mine_hard_negatives, theirs))
    *shared, seed = own.values()
    assert [(one.name, one.default, one.kind) for one in shared] == [
        (one.name, one.default, one.kind) for one in other.values()
    ]
    assert (seed.name, seed.default, seed.kind) == ("seed", 42, inspect.Parameter.KEYWORD_ONLY)


@pytest.mark.slow
@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("output_scores", [True, False])
def test_the_same_rows(static_model: SentenceTransformer, output_format: str, output_scores: bool) -> None:
    n_rows = [
        assert_same({**rules, "output_format": output_format, "output_scores": output_scores}, PAIRS, static_model)
        for rules in RULES
    ]
    assert min(n_rows) > 0 and len(set(n_rows)) > 3  # rules leave rows, and not all the same


@pytest.mark.parametrize("rules", RULES)
def test_the_same_rows_with_positives_among_the_candidates(
    static_model: SentenceTransformer, rules: dict[str, Any]
) -> None:
    assert_same({**rules, "include_positives": True, "output_scores": True}, PAIRS, static_model)


@pytest.mark.parametrize("use_faiss", [False, True])
def test_the_same_rows_from_another_corpus(static_model: SentenceTransformer, use_faiss: bool) -> None:
    pytest.importorskip("faiss")
    for rules in RULES:
        assert_same({**rules, "corpus": MORE, "use_faiss": use_faiss, "output_scores": True}, PAIRS, static_model)


@pytest.mark.parametrize("name", ["dot", "euclidean", "manhattan"])
def test_the_same_rows_by_another_similarity(static_model: SentenceTransformer, name: str) -> None:
    """Their matrix of distances is less exact than their scores of pairs, which ours all are."""
    static_model.similarity_fn_name = name  # type: ignore[assignment]
    for rules in (RULES[0], RULES[1], {"absolute_margin": 0.1}):
        assert_same({**rules, "output_scores": True}, PAIRS, static_model, tolerance=1e-3)


def test_the_same_rows_with_prompts(static_model: SentenceTransformer) -> None:
    static_model.prompts = {"query": "question: ", "document": "", "other": "python "}
    for prompts in ({}, {"query_prompt": "find ", "corpus_prompt": "text "}, {"corpus_prompt_name": "other"}):
        assert_same({**prompts, "output_scores": True}, PAIRS, static_model)


@pytest.mark.slow
def test_the_same_rows_with_a_cross_encoder(static_model: SentenceTransformer, reranker: CrossEncoder) -> None:
    few = PAIRS.select(range(60))
    for rules in ({"min_score": 0.1}, {"absolute_margin": 0.01}, {"max_score": 0.8, "range_min": 1}):
        settings = {**rules, "cross_encoder": reranker, "output_scores": True, "output_format": "labeled-pair"}
        assert assert_same(settings, few, static_model) > 60


@pytest.mark.parametrize(
    "settings",
    [
        {"range_min": -1},
        {"range_max": 2},
        {"range_min": 5, "range_max": 5},
        {"num_negatives": 0},
        {"output_format": "rows"},
        {"faiss_batch_size": 0},
        {"query_prompt_name": "nobody's"},
    ],
)
def test_the_same_errors(static_model: SentenceTransformer, settings: dict[str, Any]) -> None:
    messages = []
    for mine in (theirs, mine_hard_negatives):
        with pytest.raises(ValueError) as raised:
            mine(PAIRS, static_model, **settings, verbose=False)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"as_triplets": True},
        {"as_triplets": False},
        {"margin": 0.1},
        {"output_format": "n-tuple-scores"},
        {"include_positives": True},
        {"include_positives": True, "output_format": "n-tuple", "min_score": 0.1},
    ],
)
def test_the_same_warnings_and_rows_of_deprecated_settings(
    static_model: SentenceTransformer, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert_same(settings, PAIRS, static_model)
    by_logger = [[record.getMessage() for record in caplog.records if record.name.startswith(name)]
                 for name in ("sentence_transformers", "foolsgold")]  # fmt: skip
    assert by_logger[0] == by_logger[1]
    assert len(by_logger[1]) >= 1


def test_the_same_things_are_said_before_mining(
    static_model: SentenceTransformer, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for mine in (theirs, mine_hard_negatives):
        mine(PAIRS, static_model, relative_margin=0.05)
        said.append(capsys.readouterr().out.splitlines())
    until = said[0].index("Negative candidates mined, preparing dataset...") + 2  # and the head of the table
    assert said[1][:until] == said[0][:until]
    assert until > 4


@pytest.fixture(scope="module")
def vectors_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("vectors"))


@pytest.mark.slow
@pytest.mark.parametrize("output_format", FORMATS)
def test_the_same_rows_of_a_real_collection(
    model: SentenceTransformer, output_format: str, vectors_folder: str
) -> None:
    """The first pairs, their documents cut short, less such as are the same then: their order is anyone's choice."""
    collection = read_beir(real_collection("medquad"))
    positives = collection.positives
    rows = zip(
        collection.query_texts(positives.query_rows[:N_REAL]), collection.document_texts(positives.doc_rows[:N_REAL]),
        strict=True,
    )  # fmt: skip
    read = {text[:200]: {"query": query, "answer": text[:200]} for query, text in rows}
    pairs = Dataset.from_list(list(read.values()))
    assert len(pairs) > 0.8 * N_REAL
    for rules, include_positives in product(RULES, (False, True)):
        settings = {**rules, "output_format": output_format, "include_positives": include_positives}
        assert_same({**settings, "output_scores": True, "cache_folder": vectors_folder}, pairs, model)
