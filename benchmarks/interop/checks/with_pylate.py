"""PyLate: a step of training on its contrastive form, and KDProcessing with a step of distillation."""

from __future__ import annotations

import math
from typing import Any

from common import Files, check, main, near, same
from tiny import tiny_bert


def _one_step(files: Files, table: Any, loss: Any) -> list[tuple[str, list[str]]]:
    """Train for a step on all rows; the columns that the collator had tokenized, with their texts."""
    from pylate import models, utils
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    folder = tiny_bert(files.scratch / "tiny", [*files.texts(), "[Q] [D]"])
    model = models.ColBERT(folder, device="cpu", query_length=64, document_length=128, embedding_size=16)
    settings = SentenceTransformerTrainingArguments(
        output_dir=str(files.scratch / "out"), max_steps=1, per_device_train_batch_size=len(table), use_cpu=True,
        report_to=[], save_strategy="no", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    seen: list[tuple[str, list[str]]] = []

    def recorded(texts: list[str], *, is_query: bool, **kwargs: Any) -> Any:
        seen.append(("query" if is_query else "document", list(texts)))
        return model.tokenize(texts, is_query=is_query, **kwargs)

    trainer = SentenceTransformerTrainer(
        model=model, args=settings, train_dataset=table, loss=loss(model=model),
        data_collator=utils.ColBERTCollator(tokenize_fn=recorded),
    )  # fmt: skip
    assert math.isfinite(trainer.train().training_loss), "the loss is no number"
    return seen


@check("pylate-contrastive", "ColBERTCollator, Contrastive loss")
def contrastive(files: Files) -> int:
    from datasets import load_dataset
    from pylate import losses

    table = load_dataset("json", data_files=files.path("pylate-contrastive.jsonl"), split="train")
    seen = _one_step(files, table, losses.Contrastive)
    assert [kind for kind, _ in seen] == ["query"] + ["document"] * (len(seen) - 1), [kind for kind, _ in seen]
    wanted = [(query, positive, *negatives) for query, positive, negatives in files.examples]
    same(zip(*(texts for _, texts in seen), strict=True), wanted)
    return len(table)


@check("pylate-distillation", "KDProcessing, Distillation loss")
def distillation(files: Files) -> int:
    from datasets import load_dataset
    from pylate import losses, utils

    folder = files.path("pylate-distillation")
    names = ("train", "queries", "documents")
    train, queries, documents = (load_dataset(folder, name, split="train") for name in names)
    train.set_transform(utils.KDProcessing(queries=queries, documents=documents, n_ways=32).transform)
    for row in train:
        near(row["scores"], [files.scores[row["query"], text] for text in row["documents"]])
    same(
        [(row["query"], *row["documents"]) for row in train],
        [(query, positive, *negatives) for query, positive, negatives in files.examples],
    )
    seen = _one_step(files, train, losses.Distillation)
    by_kind = dict(seen)
    queries_seen, documents_seen = by_kind["query"], by_kind["document"]
    width = len(documents_seen) // len(queries_seen)
    same(
        [(query, *documents_seen[row * width : (row + 1) * width]) for row, query in enumerate(queries_seen)],
        [(query, positive, *negatives) for query, positive, negatives in files.examples],
    )
    return len(train)


if __name__ == "__main__":
    main("pylate", "sentence-transformers", "transformers", "datasets", "torch")
