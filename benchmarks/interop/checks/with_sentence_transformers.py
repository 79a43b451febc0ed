"""sentence-transformers: its trainers' own collators and a step of training for each form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from common import Files, check, main, near, same
from tiny import tiny_bert

_FILES = ("{}.jsonl", "{}.parquet", "{}.dataset")

_KINDS = {
    "dense": ("SentenceTransformer", "BertModel"),
    "cross": ("CrossEncoder", "BertForSequenceClassification"),
    "sparse": ("SparseEncoder", "BertForMaskedLM"),
    "multi-vector": ("MultiVectorEncoder", "BertModel"),
}


def _tables(files: Files, form: str, names: tuple[str, ...] = _FILES) -> Iterator[Any]:
    """The same rows from each kind of file."""
    from datasets import load_dataset, load_from_disk

    for name in names:
        path = files.path(name.format(form))
        kind = {"jsonl": "json", "parquet": "parquet"}.get(path.rsplit(".", 1)[1])
        yield load_dataset(kind, data_files=path, split="train") if kind else load_from_disk(path)


def _scored(files: Files, form: str) -> Iterator[Any]:
    return _tables(files, form, ("{}.scores.jsonl",))


def _recorded(preprocess: Callable[..., Any], seen: list[list[Any]]) -> Callable[..., Any]:
    def recorded(inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        seen.append(list(inputs))
        return preprocess(inputs, *args, **kwargs)

    return recorded


def _record_texts(kind: str, trainer: Any) -> list[list[Any]]:
    """Filled with what the model's preprocessing is handed: columns by the collator, or pairs by a reranker's loss."""
    seen: list[list[Any]] = []
    if kind == "cross":
        model = trainer.model
        trainer.loss.register_forward_pre_hook(
            lambda *_: setattr(model, "preprocess", _recorded(type(model).preprocess.__get__(model), seen))
        )
        trainer.loss.register_forward_hook(lambda *_: delattr(model, "preprocess"))
    else:
        trainer.data_collator.preprocess_fn = _recorded(trainer.data_collator.preprocess_fn, seen)
    return seen


def _one_step(kind: str, files: Files, table: Any, loss: Callable[[Any], Any]) -> list[list[Any]]:
    """Train for a step on all rows; the texts that the model was handed."""
    import sentence_transformers as st
    import torch

    prefix, head = _KINDS[kind]
    folder = tiny_bert(files.scratch / f"tiny-{kind}", [*files.texts(), "[Q] [D]"], head=head)
    model = getattr(st, prefix)(folder, device="cpu")
    before = torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])
    settings = getattr(st, f"{prefix}TrainingArguments")(
        output_dir=str(files.scratch / "out"), max_steps=1, per_device_train_batch_size=len(table), use_cpu=True,
        learning_rate=1e-2, warmup_steps=0, report_to=[], save_strategy="no", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    trainer = getattr(st, f"{prefix}Trainer")(model=model, args=settings, train_dataset=table, loss=loss(model))
    seen = _record_texts(kind, trainer)
    result = trainer.train()
    assert math.isfinite(result.training_loss), f"the loss is {result.training_loss}"
    after = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    assert not torch.equal(before, after), "the step changed no weight"
    return seen


def _triplets(files: Files) -> list[tuple[str, ...]]:
    return [(query, positive, each) for query, positive, negatives in files.examples for each in negatives]


def _n_tuples(files: Files) -> list[tuple[str, ...]]:
    return [(query, positive, *negatives) for query, positive, negatives in files.examples]


def _labelled(files: Files) -> list[tuple[str, str, int]]:
    return [
        (query, text, label)
        for query, sides in files.by_query.items()
        for label, side in zip((1, 0), sides, strict=True)
        for text in side
    ]


def _check_columns(files: Files, tables: Iterator[Any], wanted: list[tuple[str, ...]], loss: Any) -> int:
    """The texts of each row reach the model side by side, in the order of the columns."""
    rows = 0
    for table in tables:
        seen = _one_step("dense", files, table, loss)
        same(zip(*seen, strict=True), wanted)
        rows = len(table)
    return rows


@check("triplet", "SentenceTransformerTrainer, TripletLoss")
def triplet(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import TripletLoss

    return _check_columns(files, _tables(files, "triplet"), _triplets(files), TripletLoss)


@check("triplet, scores", "SentenceTransformerTrainer, MarginMSELoss")
def triplet_scores(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import MarginMSELoss

    for row in next(_scored(files, "triplet")):
        near(row["scores"], [files.scores[row["anchor"], row[side]] for side in ("positive", "negative")])
    return _check_columns(files, _scored(files, "triplet"), _triplets(files), MarginMSELoss)


@check("n-tuple", "SentenceTransformerTrainer, MultipleNegativesRankingLoss")
def n_tuple(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    return _check_columns(files, _tables(files, "n-tuple"), _n_tuples(files), MultipleNegativesRankingLoss)


@check("n-tuple, scores", "SentenceTransformerTrainer, DistillKLDivLoss")
def n_tuple_scores(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss

    for row in next(_scored(files, "n-tuple")):
        query, *documents = [text for name, text in row.items() if name != "scores"]
        near(row["scores"], [files.scores[query, document] for document in documents])
    return _check_columns(files, _scored(files, "n-tuple"), _n_tuples(files), DistillKLDivLoss)


@check("n-tuple", "SparseEncoderTrainer, SpladeLoss")
def n_tuple_splade(files: Files) -> int:
    from sentence_transformers.sparse_encoder.losses import SparseMultipleNegativesRankingLoss, SpladeLoss

    def loss(model: Any) -> Any:
        return SpladeLoss(
            model, SparseMultipleNegativesRankingLoss(model), query_regularizer_weight=1e-5,
            document_regularizer_weight=1e-5,
        )  # fmt: skip

    table = next(_tables(files, "n-tuple"))
    same(zip(*_one_step("sparse", files, table, loss), strict=True), _n_tuples(files))
    return len(table)


@check("n-tuple", "MultiVectorEncoderTrainer, MultiVectorMultipleNegativesRankingLoss")
def n_tuple_multi_vector(files: Files) -> int:
    from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss

    table = next(_tables(files, "n-tuple"))
    seen = _one_step("multi-vector", files, table, MultiVectorMultipleNegativesRankingLoss)
    same(zip(*seen, strict=True), _n_tuples(files))
    return len(table)


@check("n-tuple", "CrossEncoderTrainer, MultipleNegativesRankingLoss")
def n_tuple_cross(files: Files) -> int:
    from sentence_transformers.cross_encoder.losses import MultipleNegativesRankingLoss

    table = next(_tables(files, "n-tuple"))
    seen = _one_step("cross", files, table, lambda model: MultipleNegativesRankingLoss(model, num_negatives=None))
    pairs = {tuple(pair) for pairs in seen for pair in pairs}
    own = {(query, text) for query, *documents in _n_tuples(files) for text in documents}
    assert own <= pairs, f"pairs that the model did not see: {sorted(own - pairs)[:2]}"
    return len(table)


@check("labeled-pair", "SentenceTransformerTrainer, ContrastiveLoss")
def labeled_pair(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import ContrastiveLoss

    wanted = _labelled(files)
    for table in _tables(files, "labeled-pair"):
        same([(row["anchor"], row["text"], row["label"]) for row in table], wanted)
    return _check_columns(files, _tables(files, "labeled-pair"), [row[:2] for row in wanted], ContrastiveLoss)


@check("labeled-pair", "CrossEncoderTrainer, BinaryCrossEntropyLoss")
def labeled_pair_cross(files: Files) -> int:
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    table = next(_tables(files, "labeled-pair"))
    seen = _one_step("cross", files, table, BinaryCrossEntropyLoss)
    same([tuple(pair) for pairs in seen for pair in pairs], [row[:2] for row in _labelled(files)])
    return len(table)


@check("labeled-pair, scores", "SentenceTransformerTrainer, CoSENTLoss")
def labeled_pair_scores(files: Files) -> int:
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss

    for row in next(_scored(files, "labeled-pair")):
        near([row["score"]], [files.scores[row["anchor"], row["text"]]])
    return _check_columns(files, _scored(files, "labeled-pair"), [row[:2] for row in _labelled(files)], CoSENTLoss)


def _check_lists(files: Files, tables: Iterator[Any], loss: Any) -> int:
    wanted = {(query, text) for query, text, _ in _labelled(files)}
    rows = 0
    for table in tables:
        seen = _one_step("cross", files, table, loss)
        same([tuple(pair) for pairs in seen for pair in pairs], wanted)
        rows = len(table)
    return rows


@check("labeled-list", "CrossEncoderTrainer, LambdaLoss")
def labeled_list(files: Files) -> int:
    from sentence_transformers.cross_encoder.losses import LambdaLoss

    for table in _tables(files, "labeled-list"):
        rows = [(row["query"], *pair) for row in table for pair in zip(row["docs"], row["labels"], strict=True)]
        same(rows, _labelled(files))
    return _check_lists(files, _tables(files, "labeled-list"), LambdaLoss)


@check("labeled-list, scores", "CrossEncoderTrainer, ListNetLoss")
def labeled_list_scores(files: Files) -> int:
    from sentence_transformers.cross_encoder.losses import ListNetLoss

    for row in next(_scored(files, "labeled-list")):
        near(row["scores"], [files.scores[row["query"], text] for text in row["docs"]])
    return _check_lists(files, _scored(files, "labeled-list"), ListNetLoss)


if __name__ == "__main__":
    main("sentence-transformers", "transformers", "datasets", "torch")
