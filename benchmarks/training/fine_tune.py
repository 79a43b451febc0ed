"""Fine-tune all-MiniLM-L6-v2 on mined rows, and evaluate it on queries that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import batch_to_device
from tasks import Task

from foolsgold.encode.load_model import load_sentence_transformer

_BATCH, _LEARNING_RATE, _WARM_UP = 16, 5e-5, 5


def load(task: Task, device: str) -> SentenceTransformer:
    """The model before training, cut to the task's length of texts."""
    model = load_sentence_transformer("offline", device=device)
    model.max_seq_length = task.max_tokens
    return model


def fine_tune(
    model: SentenceTransformer, rows: Sequence[Sequence[str]], queries: Sequence[str], *, steps: int, seed: int
) -> None:
    """MultipleNegativesRankingLoss over rows of (query, positive, negatives …); all weights but the word embeddings.

    A seed draws the order of all training `queries`, of which those without a row are skipped: two rules' models
    differ by the negatives that they were given, and hardly by the order in which they saw the queries.

    Word embeddings stay as they are to save time: most of a step's updates would go into words that it did not see.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    loss = MultipleNegativesRankingLoss(model)
    model[0].auto_model.embeddings.word_embeddings.requires_grad_(False)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / _WARM_UP) * (1 - s / steps))
    row_of = {row[0]: place for place, row in enumerate(rows)}
    order: list[int] = []
    while len(order) < steps * _BATCH:
        order += [row_of[queries[query]] for query in rng.permutation(len(queries)) if queries[query] in row_of]
    model.train()
    for step in range(steps):
        batch = [rows[row] for row in order[step * _BATCH : (step + 1) * _BATCH]]
        columns = [[row[place] for row in batch] for place in range(len(batch[0]))]
        features = [batch_to_device(model.preprocess(column), model.device) for column in columns]
        optimizer.zero_grad()
        loss(features, torch.zeros(len(batch), device=model.device)).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


def ndcg_at_10(model: SentenceTransformer, task: Task) -> NDArray[np.float64]:
    """Of each unseen query over the whole corpus, shape (number of test queries,)."""
    documents, queries = (
        model.encode(texts, normalize_embeddings=True, batch_size=64, show_progress_bar=False)
        for texts in (task.documents, task.test_queries)
    )
    discounts = 1 / np.log2(np.arange(2, 12))
    found = []
    for query, own, relevant in zip(queries, task.test_self, task.test_positives, strict=True):
        scores = documents @ query
        if own >= 0:
            scores[own] = -np.inf
        hits = np.isin(np.argsort(-scores, kind="stable")[:10], relevant)
        found.append(float((hits * discounts).sum() / discounts[: len(relevant)].sum()))
    return np.array(found)
