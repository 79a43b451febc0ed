"""The training formats by name: what reads each, which files it takes, and what it can express.

How their rows are made stands in `export/formats.py`; this table is light, for settings and the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from foolsgold.errors import SettingsError

if TYPE_CHECKING:
    from foolsgold.settings import MiningSettings

TrainingFormat = Literal[
    "triplet", "n-tuple", "labeled-pair", "labeled-list", "flagembedding", "flagembedding-reranker", "tevatron",
    "tevatron-ids", "colbert", "colbert-nway", "pylate-contrastive", "pylate-distillation", "nemo", "nemo-inline",
    "dpr", "ms-swift-embedding", "ms-swift-reranker", "rag-retrieval-embedding", "rag-retrieval-reranker",
    "msmarco-triples", "msmarco-ids", "msmarco-hard-negatives", "trec", "beir",
]  # fmt: skip
FileType = Literal["jsonl", "parquet", "dataset", "json", "tsv", "folder"]
ScoresOf = Literal["never", "optional", "always"]

FOLDER_TYPES: tuple[FileType, ...] = ("dataset", "folder")
"""File types that are folders."""

_TABLE: tuple[FileType, ...] = ("jsonl", "parquet", "dataset")


class TrainingFormatTraits(NamedTuple):
    """What a training format is.

    Attributes:
        framework: that reads it.
        row: what a row holds, or the files of a folder.
        file_types: that it is written as, the default first; `dataset` is the folder that `datasets` saves to disk.
        scores: whether rows have the scores of their documents.
        short_rows: whether rows may differ in their number of negatives.
        is_table: whether its rows are a table, which `MiningResult.to_dataset` can give.
    """

    framework: str
    row: str
    file_types: tuple[FileType, ...]
    scores: ScoresOf = "never"
    short_rows: bool = True
    is_table: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether it is several files in a folder."""
        return self.file_types == ("folder",)


_Traits = TrainingFormatTraits
TRAINING_FORMATS: dict[TrainingFormat, TrainingFormatTraits] = {
    "triplet": _Traits("sentence-transformers", "anchor, positive, negative", _TABLE, "optional"),
    "n-tuple": _Traits(
        "sentence-transformers", "anchor, positive, negative_1 … negative_N", _TABLE, "optional", short_rows=False
    ),
    "labeled-pair": _Traits("sentence-transformers", "anchor, text, label", _TABLE, "optional"),
    "labeled-list": _Traits("sentence-transformers", "query, docs, labels", _TABLE, "optional"),
    "flagembedding": _Traits("FlagEmbedding (BGE), embedder", "query, pos, neg", ("jsonl",), "optional"),
    "flagembedding-reranker": _Traits("FlagEmbedding (BGE), reranker", "query, pos, neg", ("jsonl",), "optional"),
    "tevatron": _Traits(
        "Tevatron", "query_id, query, positive_passages, negative_passages", ("jsonl", "parquet"), "optional"
    ),
    "tevatron-ids": _Traits("Tevatron, by ids", "train.jsonl, corpus.jsonl", ("folder",), is_table=False),
    "colbert": _Traits("ColBERT", "triples.jsonl, queries.tsv, collection.tsv", ("folder",), is_table=False),
    "colbert-nway": _Traits(
        "ColBERT, with teacher scores", "nway.jsonl, queries.tsv, collection.tsv", ("folder",), "always",
        short_rows=False, is_table=False,
    ),
    "pylate-contrastive": _Traits("PyLate", "query, positive, negative_1 … negative_N", _TABLE, short_rows=False),
    "pylate-distillation": _Traits(
        "PyLate, distillation", "train.parquet, queries.parquet, documents.parquet", ("folder",), "always",
        short_rows=False, is_table=False,
    ),
    "nemo": _Traits("NeMo Automodel", "train.json, corpus/", ("folder",), "optional", is_table=False),
    "nemo-inline": _Traits("NeMo Automodel, texts inline", "query, pos_doc, neg_doc", ("jsonl",)),
    "dpr": _Traits(
        "DPR", "question, answers, positive_ctxs, negative_ctxs, hard_negative_ctxs", ("json",), "optional"
    ),
    "ms-swift-embedding": _Traits(
        "ms-swift, embedding", "messages, positive_messages, negative_messages", ("jsonl",), short_rows=False
    ),
    "ms-swift-reranker": _Traits(
        "ms-swift, reranker", "messages, positive_messages, negative_messages", ("jsonl",), short_rows=False
    ),
    "rag-retrieval-embedding": _Traits("RAG-Retrieval, embedding", "query, pos, neg", ("jsonl",)),
    "rag-retrieval-reranker": _Traits("RAG-Retrieval, reranker", "query, hits", ("jsonl",)),
    "msmarco-triples": _Traits("MS MARCO triples", "query, positive, negative", ("tsv",)),
    "msmarco-ids": _Traits("MS MARCO qidpidtriples", "query id, positive id, negative id", ("tsv",)),
    "msmarco-hard-negatives": _Traits(
        "msmarco-hard-negatives, GPL", "qid, pos, neg by what found them", ("jsonl",), is_table=False
    ),
    "trec": _Traits("TREC tools", "run.trec, qrels.trec", ("folder",), "always", is_table=False),
    "beir": _Traits("BEIR tools", "corpus.jsonl, queries.jsonl, qrels/train.tsv", ("folder",), is_table=False),
}  # fmt: skip

FIXED_LENGTH_FORMATS = tuple(name for name, traits in TRAINING_FORMATS.items() if not traits.short_rows)
"""Training formats whose rows all have the same number of negatives."""

SCORED_FORMATS = tuple(name for name, traits in TRAINING_FORMATS.items() if traits.scores != "never")
"""Training formats that have a place for scores."""


def check_format(settings: MiningSettings) -> None:
    """Refuse what a format cannot express.

    Raises:
        SettingsError: its file type, short rows, or scores.
    """
    name, traits = settings.format, TRAINING_FORMATS[settings.format]
    if settings.file_type is not None and settings.file_type not in traits.file_types:
        raise SettingsError(
            f"file_type is {settings.file_type!r}, but {name!r} is written as {_listed(traits.file_types)} only. Take "
            f"file_type={traits.file_types[0]!r}, or another format."
        )
    if settings.short_rows == "keep" and not traits.short_rows:
        others = [other for other, its in TRAINING_FORMATS.items() if its.short_rows]
        raise SettingsError(
            f"short_rows='keep' cannot be written as {name!r}, whose rows all have the same number of negatives. Take "
            f"short_rows='relax' or 'drop', or one of the formats {', '.join(others)}."
        )
    if settings.with_scores and traits.scores == "never":
        raise SettingsError(
            f"with_scores: {name!r} has no place for scores. Leave with_scores out, or take one of the formats "
            f"{', '.join(SCORED_FORMATS)}."
        )
    _check_random(settings)


def writes_scores(settings: MiningSettings) -> bool:
    """Whether the training file has scores."""
    return settings.with_scores or TRAINING_FORMATS[settings.format].scores == "always"


def without_scores(name: TrainingFormat) -> str:
    """How a format can do without scores, for messages."""
    return "take another format" if TRAINING_FORMATS[name].scores == "always" else "leave with_scores out"


def training_file_name(stem: str, file_type: FileType) -> str:
    """The name of a training file, or of its folder."""
    return stem if file_type in FOLDER_TYPES else f"{stem}.{file_type}"


def training_format_lines() -> list[str]:
    """The table, for people: name, framework, and row or files."""
    return [
        f"{name:24}{its.framework:32}{'folder: ' if its.is_folder else ''}{its.row}"
        for name, its in TRAINING_FORMATS.items()
    ]


def _check_random(settings: MiningSettings) -> None:
    if not writes_scores(settings):
        return
    asked = {"random_ratio": settings.random_negatives > 0, "short_rows": settings.short_rows == "random"}
    for setting in (setting for setting, is_random in asked.items() if is_random):
        mended = {"random_ratio": "random_ratio=0", "short_rows": "short_rows='relax' or 'drop'"}[setting]
        raise SettingsError(
            f"{setting} is {getattr(settings, setting)!r}, but {settings.format!r} is to have scores, and random "
            f"documents have none. Choose with {mended}, or {without_scores(settings.format)}."
        )


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(names)
