"""`foolsgold.mine_hard_negatives` by itself, on words whose similarity is that of angles, seen by eye."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict, IterableDataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from conftest import cross_encoder_saying, on_circle
from foolsgold import mine_hard_negatives
from foolsgold.errors import BadRowError, CollectionError, MissingExtraError, ModelError, SettingsError

WORDS = {"zero": 0, "ten": 10, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
CORPUS = list(WORDS)


class Circle:
    """A model of another make: words on a circle, compared by their cosine."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.compared: list[tuple[int, int]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def encode_query(self, texts: list[str], **settings: Any) -> NDArray[np.float32]:
        self.calls.append(("query", settings))
        return on_circle(*[WORDS.get(text, 0) for text in texts])

    def encode_document(self, texts: list[str], **settings: Any) -> NDArray[np.float32]:
        self.calls.append(("document", settings))
        return on_circle(*[WORDS[text] for text in texts])

    def similarity(self, queries: Any, documents: Any) -> torch.Tensor:
        self.compared.append((len(queries), len(documents)))
        return torch.as_tensor(queries) @ torch.as_tensor(documents).T

    def similarity_pairwise(self, queries: Any, documents: Any) -> torch.Tensor:
        return (torch.as_tensor(queries) * torch.as_tensor(documents)).sum(dim=1)


class Line(Circle):
    """Numbers, compared by their distance."""

    def encode_query(self, texts: list[str], **settings: Any) -> NDArray[np.float32]:
        return np.array([[float(text)] for text in texts], np.float32)

    encode_document = encode_query

    def similarity(self, queries: Any, documents: Any) -> torch.Tensor:
        self.compared.append((len(queries), len(documents)))
        return -(torch.as_tensor(queries) - torch.as_tensor(documents).T).abs()

    def similarity_pairwise(self, queries: Any, documents: Any) -> torch.Tensor:
        return -(torch.as_tensor(queries) - torch.as_tensor(documents)).abs().sum(dim=1)


def cos(degrees: float) -> float:
    return float(np.cos(np.deg2rad(degrees)))


def pairs(*positives: str, query: str = "q") -> Dataset:
    return Dataset.from_dict({"query": [query] * len(positives), "positive": list(positives)})


def mined(dataset: Any, **settings: Any) -> list[list[Any]]:
    """The rows, as lists."""
    settings = {"corpus": CORPUS, "num_negatives": 2, "verbose": False, **settings}
    result = mine_hard_negatives(dataset, settings.pop("model", None) or Circle(), **settings)
    return [list(row.values()) for row in result]


def test_triplets_and_n_tuples_with_and_without_scores() -> None:
    assert mined(pairs("ten")) == [["q", "ten", "zero"], ["q", "ten", "twenty"]]
    assert mined(pairs("ten"), output_format="n-tuple") == [["q", "ten", "zero", "twenty"]]
    (first, _) = mined(pairs("ten"), output_scores=True)
    assert first == ["q", "ten", "zero", pytest.approx([cos(10), 1])]
    (row,) = mined(pairs("ten"), output_format="n-tuple", output_scores=True)
    assert row == ["q", "ten", "zero", "twenty", pytest.approx([cos(10), 1, cos(20)])]


def test_labelled_pairs_and_lists_with_and_without_scores() -> None:
    two = pairs("ten", "thirty")
    assert mined(two, output_format="labeled-pair") == [
        ["q", "ten", 1], ["q", "thirty", 1], ["q", "zero", 0], ["q", "twenty", 0],
    ]  # fmt: skip
    assert mined(two, output_format="labeled-list") == [
        ["q", ["ten", "zero", "twenty"], [1, 0, 0]], ["q", ["thirty", "zero", "twenty"], [1, 0, 0]],
    ]  # fmt: skip
    scores = [row[2] for row in mined(two, output_format="labeled-pair", output_scores=True)]
    assert scores == pytest.approx([cos(10), cos(30), 1, cos(20)])
    assert mined(two, output_format="labeled-list", output_scores=True)[1][2] == pytest.approx([cos(30), 1, cos(20)])


def test_margins_go_by_the_weakest_positive_and_the_window_by_rank_among_survivors() -> None:
    """cos 40 - .1 = .67 lets pass what lies beyond 48 degrees; of those the first is skipped."""
    assert [row[2] for row in mined(pairs("ten", "forty"), absolute_margin=0.1, num_negatives=1)] == ["fifty"] * 2
    rows = mined(pairs("ten", "forty"), absolute_margin=0.1, range_min=1, num_negatives=1)
    assert rows == [["q", "ten", "sixty"], ["q", "forty", "sixty"]]


def test_what_cannot_be_found_is_left_out() -> None:
    """cos 70 keeps zero to sixty; only fifty and sixty lie below cos 45."""
    settings = {"max_score": cos(45), "min_score": cos(70), "num_negatives": 3}
    assert [row[2] for row in mined(pairs("ten"), **settings)] == ["fifty", "sixty"]
    assert mined(pairs("ten"), **settings, output_format="n-tuple") == []
    assert mined(pairs("ten"), **settings, output_format="labeled-list") == [
        ["q", ["ten", "fifty", "sixty"], [1, 0, 0]]
    ]
    assert mined(pairs("ten"), max_score=-1, output_format="labeled-list") == []
    assert mined(pairs("ten"), max_score=-1, output_format="labeled-pair") == [["q", "ten", 1]]


def test_positives_may_stay_among_the_candidates(caplog: pytest.LogCaptureFixture) -> None:
    assert mined(pairs("ten"), include_positives=True, num_negatives=3) == [["q", "ten", "zero", "ten", "twenty"]]
    assert '`output_format` will be set to `"n-tuple"`' in caplog.text


def test_a_pair_that_stands_twice_is_one() -> None:
    assert mined(pairs("ten", "ten", "thirty"), num_negatives=1) == [["q", "ten", "zero"], ["q", "thirty", "zero"]]


def test_texts_that_differ_in_case_are_two() -> None:
    """As there: another query's positive, and another document, although it says the same."""
    dataset = Dataset.from_dict({"query": ["q", "Q"], "positive": ["zero", "ten"]})
    assert mined(dataset, corpus=None, num_negatives=1) == [["q", "zero", "ten"], ["Q", "ten", "zero"]]


def test_an_empty_text_is_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORDS, "", 5)
    assert mined(pairs("zero"), corpus=["", "ten"], num_negatives=1) == [["q", "zero", ""]]


def test_random_draws_from_the_window_and_differs_by_query_and_seed() -> None:
    queries = [f"query {n}" for n in range(40)]
    dataset = Dataset.from_dict({"query": queries, "positive": ["zero"] * 40})

    def drawn(**settings: Any) -> dict[str, tuple[str, ...]]:
        settings = {
            "sampling_strategy": "random",
            "range_min": 1,
            "range_max": 5,
            "output_format": "n-tuple",
            **settings,
        }
        return {row[0]: tuple(row[2:]) for row in mined(dataset, **settings)}

    window = ["twenty", "thirty", "forty", "fifty"]
    assert set(drawn().values()) == {(a, b) for n, a in enumerate(window) for b in window[n + 1 :]}  # all six, in order
    assert drawn() == drawn(faiss_batch_size=3) == drawn(seed=42) != drawn(seed=43)
    some = drawn()
    dataset = dataset.select(range(39, -1, -2))
    assert drawn() == {query: some[query] for query in dataset["query"]}  # whatever the other queries


def test_random_takes_what_there_is() -> None:
    rows = mined(pairs("ten"), sampling_strategy="random", max_score=cos(45), min_score=cos(70), num_negatives=3)
    assert [row[2] for row in rows] == ["fifty", "sixty"]


@pytest.mark.slow
def test_hash_seeds_do_not_show() -> None:
    code = (
        "from datasets import Dataset; from test_compat import *;"
        "d = Dataset.from_dict({'query': [f'q{n}' for n in range(20)], 'positive': ['zero'] * 20});"
        "print(mined(d, sampling_strategy='random', range_max=6))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from sentence_transformers import CrossEncoder

    logits = {"zero": -4.0, "ten": 2.0, "twenty": -2.0, "thirty": 3.0, "forty": 1.0}
    return CrossEncoder(str(cross_encoder_saying(logits, tmp_path_factory.mktemp("saying") / "model")), device="cpu")


def sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def test_a_cross_encoder_is_used_whenever_it_is_given(reranker: Any) -> None:
    corpus = ["zero", "ten", "twenty", "thirty", "forty"]
    rows = mined(pairs("ten"), corpus=corpus, cross_encoder=reranker, range_max=4, output_scores=True)
    assert rows == [
        ["q", "ten", "thirty", pytest.approx([sigmoid(2), sigmoid(3)], abs=1e-3)],
        ["q", "ten", "forty", pytest.approx([sigmoid(2), sigmoid(1)], abs=1e-3)],
    ]
    rows = mined(pairs("ten"), corpus=corpus, cross_encoder=reranker, absolute_margin=0.1, num_negatives=1)
    assert rows == [["q", "ten", "forty"]]


@pytest.mark.parametrize(
    ("returned", "message"), [(torch.zeros(3, 2), "number a pair"), (torch.full((3,), np.nan), "no finite")]
)
def test_a_cross_encoder_must_give_a_number_a_pair(returned: torch.Tensor, message: str) -> None:
    class Predicts:
        def predict(self, pairs: list[tuple[str, str]], **settings: Any) -> torch.Tensor:
            return returned

    with pytest.raises(ModelError, match=message):
        mined(pairs("zero"), corpus=["zero", "ten", "twenty"], cross_encoder=Predicts())
    with pytest.raises(ModelError, match="cross_encoder is a int"):
        mined(pairs("zero"), cross_encoder=5)


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("use_faiss", [False, True])
def test_positives_and_negatives_are_scored_alike(
    static_model: SentenceTransformer, name: str, use_faiss: bool
) -> None:
    """A positive among the candidates has the very score that it has as a positive, and so passes a margin of 0."""
    static_model.similarity_fn_name = name  # type: ignore[assignment]
    texts = [f"the colour number {n} is {word}" for n, word in enumerate(CORPUS * 8)]
    dataset = Dataset.from_dict({"query": texts, "positive": texts})
    result = mine_hard_negatives(
        dataset, static_model, include_positives=True, absolute_margin=0, num_negatives=1, output_scores=True,
        verbose=False, use_faiss=use_faiss,
    )  # fmt: skip
    assert [row["negative_1"] for row in result] == texts
    assert all(positive == negative for positive, negative in result["scores"])


def test_a_text_without_a_direction_is_like_nothing(static_model: SentenceTransformer) -> None:
    """Its vector is zeros, and all its similarities are 0."""
    static_model[0].embedding.weight.data[static_model.tokenizer.token_to_id("moon")] = 0.0  # type: ignore[union-attr, index]
    rows = mined(
        pairs("ten", query="twelve"), model=static_model, corpus=["moon", "ten"], num_negatives=1, output_scores=True
    )
    assert rows == [["twelve", "ten", "moon", [pytest.approx(0.5, abs=0.5), 0.0]]]


def test_no_matrix_of_all_queries_and_documents_is_made() -> None:
    model = Line()
    texts = [str(n) for n in range(40_000)]
    dataset = Dataset.from_dict({"query": texts[:3_000], "positive": texts[1:3_001]})
    result = mined(dataset, model=model, corpus=texts, num_negatives=1)
    assert [row[2] for row in result] == texts[:3_000]  # each query's own text is nearest to it
    assert sum(q * n for q, n in model.compared) == 3_000 * 40_000
    assert max(q * n for q, n in model.compared) <= 2**24


def test_queries_at_once_do_not_show() -> None:
    queries = list(WORDS)
    dataset = Dataset.from_dict({"query": queries, "positive": queries})
    model = Circle()
    assert mined(dataset, faiss_batch_size=3, model=model) == mined(dataset)
    assert [q for q, _ in model.compared] == [3, 3, 2]


def words_of() -> Iterator[str]:
    yield from CORPUS


@pytest.mark.parametrize(
    "corpus", [tuple(CORPUS), words_of(), Dataset.from_dict({"text": CORPUS})["text"], np.array(CORPUS, object)],
    ids=["tuple", "generator", "column", "array"],
)  # fmt: skip
def test_a_corpus_may_be_any_texts(corpus: Any) -> None:
    assert mined(pairs("ten"), corpus=corpus) == mined(pairs("ten"))


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("words", "corpus is a str; it takes texts"),
        (set(CORPUS), "order changes from run to run"),
        (["zero", 5], r"corpus\[1\] is 5 \(int\); it takes a text"),
        ([*CORPUS, "\ud800"], "not valid Unicode"),
        (Dataset.from_dict({"text": CORPUS}), "corpus is a Dataset; .* a column such as"),
        ({"d1": "zero"}, "corpus is a dict"),
        (5, "corpus is a int"),
    ],
)
def test_what_is_no_corpus(corpus: Any, message: str) -> None:
    with pytest.raises(CollectionError, match=message):
        mined(pairs("ten"), corpus=corpus)


def rows_of() -> Iterator[dict[str, str]]:
    yield {"query": "q", "positive": "ten"}


def test_a_dataset_may_be_streamed() -> None:
    assert mined(IterableDataset.from_generator(rows_of)) == mined(pairs("ten"))
    assert mined(pairs("ten").to_iterable_dataset()) == mined(pairs("ten"))
    assert mined(pairs("zero", "ten").select([1])) == mined(pairs("ten"))
    with pytest.raises(SettingsError, match="The dataset is empty. Please provide a non-empty dataset"):
        mined(pairs("ten").to_iterable_dataset().filter(lambda row: False))


THREE = Dataset.from_dict({"id": ["1"], "query": ["q"], "positive": ["ten"]})


def test_columns_by_name_and_by_place() -> None:
    named = {"anchor_column_name": "query", "positive_column_name": "positive"}
    assert mined(THREE, **named) == mined(pairs("ten"))
    settings = {"corpus": CORPUS, "num_negatives": 1, "verbose": False}
    renamed = pairs("ten").rename_columns({"query": "question", "positive": "document"})
    assert mine_hard_negatives(renamed, Circle(), **settings).column_names == ["question", "document", "negative"]


@pytest.mark.parametrize(
    ("dataset", "settings", "message"),
    [
        (THREE, {"anchor_column_name": "anchor"}, "is 'anchor'; the columns there are: 'id', 'query', 'positive'"),
        (THREE, {"positive_column_name": "doc"}, "positive_column_name is 'doc'; the columns there are"),
        (THREE, {"anchor_column_name": "query"}, "both the column 'query'"),
        (THREE.select_columns("query"), {}, "at least two columns to select the positive column automatically"),
        (pairs(), {}, "The dataset is empty. Please provide a non-empty dataset"),
        (DatasetDict({"train": THREE}), {}, r"DatasetDict of 'train'; it takes one Dataset"),
        ([("q", "ten")], {}, "dataset is a list; it takes a datasets.Dataset"),
        (pairs("ten").rename_column("positive", "negative"), {}, "has a column 'negative'"),
        (pairs("ten").rename_column("query", "label"), {"output_format": "labeled-pair"}, "has a column 'label'"),
        (pairs("ten"), {"sampling_strategy": "best"}, "sampling_strategy is 'best'; it takes 'top' or 'random'"),
        (pairs("ten"), {"seed": -1}, "seed is -1"),
    ],
)  # fmt: skip
def test_what_cannot_be_mined(dataset: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        mined(dataset, **settings)


def test_a_transform_is_applied() -> None:
    """As of `sentence_transformers.util.resolve_ids`, whose datasets hold ids; it may read other columns, too."""
    ids = Dataset.from_dict({"query": [0, 0], "positive": [1, 0], "n": [1, 1]})

    def texts(batch: dict[str, list[int]]) -> dict[str, list[str]]:
        assert batch["n"]
        return {"query": ["q" for _ in batch["query"]], "positive": [["zero", "ten"][n] for n in batch["positive"]]}

    assert mined(ids.with_transform(texts)) == mined(pairs("ten", "zero"))
    assert mined(ids.with_transform(texts).select([0])) == mined(pairs("ten"))
    assert mined(pairs("ten").with_format("numpy")) == mined(pairs("ten"))


def test_a_transform_that_renames_columns() -> None:
    ids = Dataset.from_dict({"query_id": [0], "positive_id": [1]})
    ids.set_transform(lambda batch: {"query": ["q"], "positive": ["ten"]})
    with pytest.raises(SettingsError, match=r"columns 'query_id', 'positive_id', of which its transform makes 'query'"):
        mined(ids)


@pytest.mark.parametrize("value", [None, 5, ["ten"]])
def test_a_value_that_is_no_text(value: Any) -> None:
    dataset = Dataset.from_dict({"query": ["q"], "positive": [value]})
    with pytest.raises(BadRowError, match=r"dataset\[0\]\['positive'\] is .*; it takes a text"):
        mined(dataset)


def test_what_is_no_model() -> None:
    with pytest.raises(ModelError, match="model is a object, without encode_query, encode_document"):
        mined(pairs("ten"), model=object())


def test_without_the_package_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = pairs("ten")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"foolsgold\[datasets\]"):
        mined(dataset)


def test_another_models_own_methods_are_asked_as_there() -> None:
    model = Circle()
    mined(pairs("ten"), model=model, query_prompt="find: ", corpus_prompt_name="text", batch_size=7)
    shared = {
        "pool": None,
        "batch_size": 7,
        "normalize_embeddings": True,
        "convert_to_numpy": True,
        "show_progress_bar": False,
    }
    assert model.calls == [
        ("document", {**shared, "prompt_name": "text", "prompt": None}),
        ("query", {**shared, "prompt_name": None, "prompt": "find: "}),
    ]


def test_processes_are_started_once_and_end_whatever_happens() -> None:
    class InProcesses(Circle):
        fail = False

        def start_multi_process_pool(self, target_devices: list[str] | None) -> dict[str, Any]:
            self.calls.append(("start", {"devices": target_devices}))
            return {"processes": []}

        def stop_multi_process_pool(self, pool: dict[str, Any]) -> None:
            self.calls.append(("stop", pool))

        def encode_query(self, texts: list[str], **settings: Any) -> NDArray[np.float32]:
            assert settings["pool"] == {"processes": []}
            if self.fail:
                raise RuntimeError("no memory")
            return super().encode_query(texts, **settings)

    model = InProcesses()
    assert mined(pairs("ten"), model=model, use_multi_process=["cpu", "cpu"]) == mined(pairs("ten"))
    assert [name for name, _ in model.calls] == ["start", "document", "query", "stop"]
    assert model.calls[0][1] == {"devices": ["cpu", "cpu"]}
    model.fail = True
    with pytest.raises(RuntimeError, match="no memory"):
        mined(pairs("ten"), model=model, use_multi_process=True)
    assert [name for name, _ in model.calls[4:]] == ["start", "document", "stop"]


def cached(folder: Path) -> Counter[str]:
    """Chunks of vectors by the kind of folder they lie in."""
    return Counter(path.parent.name.rsplit("_", 1)[0] for path in folder.glob("*/*.safetensors"))


def test_cached_vectors_are_those_of_the_weights_and_prompts(static_model: SentenceTransformer, tmp_path: Path) -> None:
    settings = {"model": static_model, "cache_folder": str(tmp_path), "output_scores": True}
    first = mined(pairs("ten"), **settings)
    assert cached(tmp_path) == {"query_embeddings": 1, "corpus_embeddings": 1}
    assert mined(pairs("ten"), **settings) == first
    assert cached(tmp_path) == {"query_embeddings": 1, "corpus_embeddings": 1}
    mined(pairs("ten"), **settings, query_prompt="find: ")
    assert cached(tmp_path) == {"query_embeddings": 2, "corpus_embeddings": 1}
    static_model[0].embedding.weight.data += 0.05  # type: ignore[union-attr, operator]
    trained = mined(pairs("ten"), **settings)
    assert cached(tmp_path) == {"query_embeddings": 3, "corpus_embeddings": 2}
    assert trained == mined(pairs("ten"), model=static_model, output_scores=True) != first


@pytest.mark.parametrize("name", ["auto", "vectors", "a/b"])
def test_a_cache_folder_by_any_name_and_as_a_path(
    name: str, static_model: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (name, Path(name)):
        mined(pairs("ten"), model=static_model, cache_folder=folder)
        assert cached(tmp_path / name) == {"query_embeddings": 1, "corpus_embeddings": 1}
    with pytest.raises(SettingsError, match="cache_folder is 5; it takes the path of a folder, or None"):
        mined(pairs("ten"), model=static_model, cache_folder=5)


@pytest.mark.parametrize("name", ["max_score", "min_score", "absolute_margin", "relative_margin", "margin"])
def test_bounds_of_any_type_of_number(name: str) -> None:
    expected = mined(pairs("ten"), **{name: 0.5})
    for value in (torch.tensor(0.5), np.float32(0.5), np.array(0.5)):
        assert mined(pairs("ten"), **{name: value}) == expected
    for nonsense in ("0.5", torch.tensor([0.5, 0.6]), [0.5]):
        with pytest.raises(SettingsError, match=r"(score|margin) is .*; it takes a number, or None"):
            mined(pairs("ten"), **{name: nonsense})


def test_a_model_of_another_make_is_not_cached(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mined(pairs("ten"), cache_folder=str(tmp_path))
    assert cached(tmp_path) == {}
    assert "no vectors are kept" in caplog.text


@pytest.mark.parametrize("output_format", ["triplet", "n-tuple", "labeled-pair", "labeled-list"])
def test_what_is_said_adds_up(output_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of seven candidates, q1 has two positives; cos 30 - .08 drops zero and twenty, and all seven lie above q2's."""
    dataset = Dataset.from_dict({"query": ["q1", "q1", "q1", "q2"], "positive": ["ten", "thirty", "ten", "ninety"]})
    result = mine_hard_negatives(
        dataset, Circle(), corpus=CORPUS, absolute_margin=0.08, num_negatives=2, range_min=1, range_max=4,
        output_format=output_format, verbose=True,
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "Found 2 unique queries out of 4 total queries." in said
    assert "Found an average of 2.000 positives per query." in said
    assert "Skipped 9 potential negatives (75.00%) due to the absolute_margin of 0.08." in said
    assert (
        "Of 12 potential negatives, 9 were skipped, 1 ranked before range_min, 0 at range_max or after, 0 were not "
        "needed, and 2 were chosen." in said
    )
    n_rows, most = {"triplet": (4, 6), "n-tuple": (2, 3), "labeled-pair": (5, 7), "labeled-list": (2, 3)}[output_format]
    assert len(result) == n_rows
    missing = most - n_rows
    assert (
        f"Could not find enough negatives for {missing} samples ({missing / most:.2%}). Consider adjusting the "
        "range_max, range_min and absolute_margin parameters if you'd like to find more valid negatives." in said
    )
    count = next(line for line in said.splitlines() if line.startswith("Count")).split()
    positives, negatives = {"triplet": (2, 4), "n-tuple": (2, 4), "labeled-pair": (3, 2), "labeled-list": (2, 4)}[
        output_format
    ]
    assert count == ["Count", str(positives), str(negatives)]
    lowest = next(line for line in said.splitlines() if line.startswith("Min")).split()
    assert float(lowest[2]) == pytest.approx(cos(60), abs=1e-4)


def test_quiet_says_nothing_and_nothing_found_is_said(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        mined(pairs("ten"))
    assert capfd.readouterr() == ("", "") and not caplog.records
    mined(pairs("ten"), max_score=-1, verbose=True)
    said = capfd.readouterr().out
    assert "Count               0              0" in said and "Mean              nan" in said
    assert "for 2 samples (100.00%). Consider adjusting the range_max and max_score parameters" in said
