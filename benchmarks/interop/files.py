"""Mines a collection and writes every training format; and says, apart from the writers, what was chosen."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
from collection import FRAGMENTS, write_collection

from foolsgold import read_beir
from foolsgold.cli import main
from foolsgold.review.chosen_pairs import chosen_pairs
from foolsgold.review.exchange import Tool, export_pairs

_TABLES = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
_MINE = ("--model", "offline", "--negatives", "4", "--max-false-negative-rate", "none", "--quiet")
_FORMATS: list[tuple[str, tuple[str, ...]]] = [
    *((f"{name}.{kind}", ("--format", name, "--file-type", kind)) for name in _TABLES for kind in ("jsonl", "parquet")),
    *((f"{name}.dataset", ("--format", name, "--file-type", "dataset")) for name in _TABLES),
    *((f"{name}.scores.jsonl", ("--format", name, "--with-scores")) for name in _TABLES),
    *(
        (f"{name}.{kind}", ("--format", name))
        for name, kind in (
            ("flagembedding", "jsonl"), ("flagembedding-reranker", "jsonl"), ("tevatron", "jsonl"),
            ("tevatron-ids", "folder"), ("colbert", "folder"), ("colbert-nway", "folder"),
            ("pylate-contrastive", "jsonl"), ("pylate-distillation", "folder"), ("nemo", "folder"),
            ("nemo-inline", "jsonl"), ("dpr", "json"), ("ms-swift-embedding", "jsonl"),
            ("ms-swift-reranker", "jsonl"), ("rag-retrieval-embedding", "jsonl"), ("rag-retrieval-reranker", "jsonl"),
        )
    ),
    *(
        (f"{name}.scores.{kind}", ("--format", name, "--with-scores"))
        for name, kind in (("flagembedding", "jsonl"), ("flagembedding-reranker", "jsonl"), ("tevatron", "jsonl"))
    ),
]  # fmt: skip


def write_files(folder: Path) -> None:
    """Write all formats and `chosen.json` to a new folder.

    Raises:
        RuntimeError: a text that breaks careless readers has no place among queries, positives or negatives.
    """
    texts = write_collection(folder / "collection")
    _foolsgold("mine", "--collection", folder / "collection", *_MINE, "--out", folder / "mined")
    pairs = _chosen(folder / "mined" / "negatives.parquet", texts)
    _check_all_fragments(pairs)
    (folder / "chosen.json").write_text(json.dumps(pairs), encoding="utf-8")
    for name, flags in _FORMATS:
        _foolsgold("export", folder / "mined", *flags, "--out", folder / name.removesuffix(".folder"), "--quiet")
    for tool in get_args(Tool):
        chosen = chosen_pairs(folder / "mined", read_beir(folder / "collection"), most=1_000)
        export_pairs(folder / "mined", tool, folder / tool, pairs=chosen)


def _foolsgold(*arguments: str | Path) -> None:
    with redirect_stdout(io.StringIO()):
        status = main([str(argument) for argument in arguments])
    if status:
        raise RuntimeError(f"foolsgold {' '.join(map(str, arguments))} ended with {status}")


def _chosen(path: Path, texts: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """A (query, positive) pair and its negatives, as ids in negatives.parquet, and as texts in what was mined from."""
    pairs: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pq.read_table(path).to_pylist():
        pair = pairs.setdefault(
            (row["query_id"], row["positive_id"]),
            {
                "query_id": row["query_id"],
                "query": texts[row["query_id"]][1],
                "positive": _document(row["positive_id"], row["positive_score"], texts),
                "negatives": [],
            },
        )
        pair["negatives"].append(_document(row["doc_id"], row["score"], texts))
    return list(pairs.values())


def _document(doc_id: str, score: float, texts: dict[str, tuple[str, str]]) -> dict[str, Any]:
    title, text = texts[doc_id]
    return {"id": doc_id, "title": title, "body": text, "text": f"{title} {text}".strip(" "), "score": score}


def _check_all_fragments(pairs: list[dict[str, Any]]) -> None:
    sides = {
        "queries": [pair["query"] for pair in pairs],
        "positives": [pair["positive"]["text"] for pair in pairs],
        "negatives": [negative["text"] for pair in pairs for negative in pair["negatives"]],
    }
    missing = [
        f"{name} ({side})"
        for side, texts in sides.items()
        for name, fragment in FRAGMENTS.items()
        if not any(fragment in text for text in texts)
    ]
    if missing:
        raise RuntimeError(f"not all kinds of text were chosen: {', '.join(missing)}")
