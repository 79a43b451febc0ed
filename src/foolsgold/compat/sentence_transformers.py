"""`mine_hard_negatives` with the parameters and results of `sentence_transformers.util.mine_hard_negatives`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from foolsgold.collection import Collection
from foolsgold.compat.asked import Asked, Say
from foolsgold.compat.negatives import Choosing
from foolsgold.compat.read import Pairs, read_dataset
from foolsgold.compat.rescored import check_cross_encoder, rescoring
from foolsgold.compat.rows import RowTable
from foolsgold.compat.similar import search_candidates
from foolsgold.compat.statistics import statistics
from foolsgold.compat.vectors import Encoding, Prompt, as_model
from foolsgold.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset
    from sentence_transformers import CrossEncoder, SentenceTransformer


def mine_hard_negatives(
    dataset: Dataset | IterableDataset,
    model: SentenceTransformer | str,
    anchor_column_name: str | None = None,
    positive_column_name: str | None = None,
    corpus: Iterable[str] | None = None,
    cross_encoder: CrossEncoder | None = None,
    range_min: int = 0,
    range_max: int | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    num_negatives: int = 3,
    sampling_strategy: Literal["random", "top"] = "top",
    query_prompt_name: str | None = None,
    query_prompt: str | None = None,
    corpus_prompt_name: str | None = None,
    corpus_prompt: str | None = None,
    include_positives: bool = False,
    output_format: Literal["triplet", "n-tuple", "labeled-pair", "labeled-list"] = "triplet",
    output_scores: bool = False,
    batch_size: int = 32,
    faiss_batch_size: int = 16384,
    use_faiss: bool = False,
    use_multi_process: list[str] | bool = False,
    verbose: bool = True,
    cache_folder: str | Path | None = None,
    as_triplets: bool | None = None,
    margin: float | None = None,
    *,
    seed: int = 42,
) -> Dataset:
    """Add hard negatives to a dataset of (query, positive) pairs: a drop-in for sentence-transformers' function.

    Parameters, columns, order of rows and scores are those of `sentence_transformers.util.mine_hard_negatives` 6, so
    that changing the import is all there is to do; equal scores may stand in another order. For a choice that knows
    of false negatives, see `foolsgold.mine`.

    Equal queries are one query, and all their positives are its own. A query's candidates are the `range_max` documents
    most similar to it, and as many more as any query has positives. Known positives are no candidates; margins and
    bounds drop some of the others; of those left the ranks `[range_min, range_max)` are the window, from which
    negatives are taken, for all positives of the query the same.

    Args:
        dataset: a Dataset, which is read through its transform if it has one, or an IterableDataset, read to its end.
        model: a loaded SentenceTransformer, or what has its methods encode_query, encode_document, similarity and
            similarity_pairwise; also a hub id, a folder or "offline". Vectors are of unit length, whatever the model's.
        anchor_column_name: the column of queries; None is the first.
        positive_column_name: that of positives; None is the second.
        corpus: more documents than the positives: a list, a tuple, a column of a dataset, a generator.
        cross_encoder: scores the candidates and positives in place of the model, through its own activation.
        range_min: ranks to skip, of those that margins and bounds leave.
        range_max: rank at which the window ends. None: `range_min + num_negatives` and as many as any query has
            positives; with a margin or a maximum score, `range_min + 10 * num_negatives` and as many.
        max_score: drop candidates that score above.
        min_score: drop candidates that score below.
        absolute_margin: drop candidates that score above that of the query's weakest positive, less the margin.
        relative_margin: the same, the margin being a share of the positive's score, without its sign.
        num_negatives: of each query.
        sampling_strategy: "top" takes the first of the window, "random" any of it, the highest score first either way.
        query_prompt_name: of one of the model's prompts, put before each query.
        query_prompt: a text in its place.
        corpus_prompt_name: of one of the model's prompts, put before each document.
        corpus_prompt: a text in its place.
        include_positives: keep known positives among the candidates, for reranking evaluation; the format is then
            "n-tuple".
        output_format: "triplet" is a row per positive and negative, "n-tuple" one per positive that has all negatives;
            "labeled-pair" of each query its positives with the label 1, then its negatives with 0; "labeled-list" a
            row per positive that has any negatives, with the positive first.
        output_scores: add a column `scores` ("triplet", "n-tuple"), or put one in the place of labels.
        batch_size: for less than 32, forward passes are smaller in proportion; of a cross-encoder, pairs of one.
        faiss_batch_size: queries that are searched at once, at most; never shows in the result.
        use_faiss: changes nothing, and FAISS need not be installed: search is exact, as FAISS's is there. But where
            FAISS is installed and sees a GPU, a `range_max` that is derived ends at its limit of 2,048, as there.
        use_multi_process: encode, and ask the cross-encoder, by the model's own pool of processes: True is all GPUs,
            or four CPU processes; or a list of devices.
        verbose: print statistics, and show progress.
        cache_folder: keeps vectors; made by another model or other weights, or with another prompt, they are not found.
            Of a model that methods were put on, such as `model.encode = …`, none are kept.
        as_triplets: deprecated; True is "triplet", False "n-tuple".
        margin: deprecated; an absolute margin.
        seed: of random sampling. What is drawn for a query depends on its text and its candidates, not on other
            queries, the order of rows, or PYTHONHASHSEED.

    Returns:
        A Dataset: the two columns, `negative` or `negative_1 …`, and `scores`, `label`, `labels` or `score`.

    Raises:
        SettingsError: a ValueError. An empty dataset; a window too small for the negatives; no such format; a column
            that does not exist, which names those there are.
        CollectionError: a ValueError. A query or a document that is no text; says which.
        ModelError: a model that cannot be used.
        MissingExtraError: an ImportError. The package datasets is not installed.

    What differs from sentence-transformers:

    - A column that does not exist is an error; there, the first or the second is taken in its place.
    - A cross-encoder is used whenever it is given; there, only with a margin or a bound.
    - Positives and candidates are scored by one function, also with `use_faiss`; there, FAISS gives inner products,
      and margins compare them with the model's own similarity, such as a negative distance.
    - Memory goes with the corpus and the result, not with queries times documents.
    - Random sampling is seeded; there, it depends on the global state of `random`.
    - Each number printed is a count of what the output holds, or of candidates that are there and no positives; the
      fates of candidates add up.
    - Cached vectors are found by text, one by one; files are safetensors in folders, not `.npy`.
    - Texts are batched by foolsgold, on a CPU by ONNX Runtime with the extra `onnx`: scores agree to five digits.
    - Texts alone are taken, no images and no messages.

    >>> from datasets import Dataset
    >>> pairs = Dataset.from_dict({"query": ["Who bakes?"], "answer": ["A baker bakes bread."]})
    >>> corpus = ["Bakeries open at six.", "Stocks fell on Monday.", "A florist sells roses."]
    >>> mine_hard_negatives(pairs, "offline", corpus=corpus, num_negatives=1, verbose=False)[0]
    {'query': 'Who bakes?', 'answer': 'A baker bakes bread.', 'negative': 'Bakeries open at six.'}
    """
    say: Say = print if verbose else lambda _: None
    new_dataset = _dataset_class()
    if faiss_batch_size <= 0:
        raise SettingsError(f"faiss_batch_size must be a positive integer, got {faiss_batch_size}.")
    asked = Asked(
        range_min=range_min, range_max=range_max, max_score=max_score, min_score=min_score,
        absolute_margin=absolute_margin, relative_margin=relative_margin, num_negatives=num_negatives,
        sampling_strategy=sampling_strategy, include_positives=include_positives, output_format=output_format,
        output_scores=output_scores, seed=seed,
    ).settled(as_triplets=as_triplets, margin=margin)  # fmt: skip
    pairs = read_dataset(dataset, anchor_column_name, positive_column_name)
    max_positives = max(pairs.positives_per_query)
    asked = asked.with_range(max_positives, has_cross_encoder=cross_encoder is not None, use_faiss=use_faiss, say=say)
    collection = pairs.collection(corpus)
    _say_what_was_read(pairs, collection, say)
    rows = RowTable(collection, asked, anchor=pairs.anchor, positive=pairs.positive)
    model = as_model(model)
    check_cross_encoder(cross_encoder)
    encoding = Encoding(
        model, query_prompt=Prompt(query_prompt, query_prompt_name),
        corpus_prompt=Prompt(corpus_prompt, corpus_prompt_name), batch_size=batch_size,
        use_multi_process=use_multi_process, cache_folder=cache_folder, quiet=not verbose,
    )  # fmt: skip
    candidates = search_candidates(
        collection, model, *encoding.unit_vectors(collection), depth=asked.window_end + max_positives,
        queries_at_once=faiss_batch_size, quiet=not verbose,
    )  # fmt: skip
    choosing = Choosing(collection, asked)
    with rescoring(cross_encoder, collection, batch_size=batch_size, use_multi_process=use_multi_process) as rescored:
        for block in candidates:
            rows.add(choosing.negatives(rescored(block)))
    say("Negative candidates mined, preparing dataset...")
    table = rows.table
    for line in statistics(
        rows.written, choosing.fates, asked, n_rows=table.num_rows, most_rows=_most_rows(collection, asked)
    ):
        say(line)
    return new_dataset(table)


def _dataset_class() -> Any:
    try:
        from datasets import Dataset
    except ImportError as error:
        raise MissingExtraError(
            'mine_hard_negatives needs the extra `datasets`. Install it: pip install "foolsgold[datasets]"'
        ) from error
    return Dataset


def _say_what_was_read(pairs: Pairs, collection: Collection, say: Say) -> None:
    n_rows, n_queries = len(pairs.queries), collection.n_queries
    if n_queries != n_rows:
        say(f"Found {n_queries} unique queries out of {n_rows} total queries.")
    if max(pairs.positives_per_query) > 1:
        say(f"Found an average of {n_rows / n_queries:.3f} positives per query.")


def _most_rows(collection: Collection, asked: Asked) -> int:
    """Rows of the output, had every query all its negatives."""
    n_pairs = len(collection.positives.doc_rows)
    if asked.output_format == "triplet":
        return n_pairs * asked.num_negatives
    if asked.output_format == "labeled-pair":
        return n_pairs + collection.n_queries * asked.num_negatives
    return n_pairs
