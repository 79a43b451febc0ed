"""Every training format by name; what each can express stands in `foolsgold/training_formats.py`."""

from __future__ import annotations

from foolsgold.export import beir, colbert, dpr, ms_marco, ms_swift, nemo, pylate, tevatron, trec
from foolsgold.export import flag_embedding as fe
from foolsgold.export import rag_retrieval as rag
from foolsgold.export import sentence_transformers as st
from foolsgold.export.part import Format, Part
from foolsgold.export.plain_lines import LINE_BREAKING
from foolsgold.export.training_rows import TrainingRows
from foolsgold.training_formats import TrainingFormat


def _one_file(part: Part[TrainingRows], unfit_ids: str | None = None) -> Format:
    return Format({"": part}, unfit_ids=unfit_ids)


def _colbert(name: str, examples: Part[TrainingRows]) -> Format:
    return Format(
        {name: examples},
        queries={"queries.tsv": Part(colbert.NUMBERED, colbert.queries)},
        documents={"collection.tsv": Part(colbert.NUMBERED, colbert.collection)},
    )


FORMATS: dict[TrainingFormat, Format] = {
    "triplet": _one_file(Part(st.triplet_schema, st.triplets)),
    "n-tuple": _one_file(Part(st.n_tuple_schema, st.n_tuples)),
    "labeled-pair": _one_file(Part(st.labeled_pair_schema, st.labeled_pairs)),
    "labeled-list": _one_file(Part(st.labeled_list_schema, st.labeled_lists)),
    "flagembedding": _one_file(Part(fe.flag_embedding_schema, fe.flag_embedding_rows)),
    "flagembedding-reranker": _one_file(Part(fe.flag_embedding_schema, fe.flag_embedding_rows)),
    "tevatron": _one_file(Part(tevatron.passages_schema, tevatron.passages)),
    "tevatron-ids": Format(
        {"train.jsonl": Part(tevatron.IDS, tevatron.ids)},
        documents={"corpus.jsonl": Part(tevatron.CORPUS, tevatron.corpus)},
    ),
    "colbert": _colbert("triples.jsonl", Part(colbert.EXAMPLES, colbert.triples, kind="tsv")),
    "colbert-nway": _colbert("nway.jsonl", Part(colbert.EXAMPLES, colbert.nways, kind="tsv")),
    "pylate-contrastive": _one_file(Part(pylate.contrastive_schema, pylate.contrastive_rows)),
    "pylate-distillation": Format(
        {"train.parquet": Part(pylate.DISTILLATION, pylate.distillation_rows)},
        queries={"queries.parquet": Part(pylate.QUERIES, pylate.queries)},
        documents={"documents.parquet": Part(pylate.DOCUMENTS, pylate.documents)},
        fixed={"README.md": lambda collection: pylate.README},
    ),
    "nemo": Format(
        {"train.json": Part(nemo.nemo_schema, nemo.nemo_rows, frame=nemo.FRAME)},
        documents={"corpus/train.parquet": Part(nemo.CORPUS, nemo.corpus)},
        fixed={"corpus/merlin_metadata.json": nemo.corpus_description},
    ),
    "nemo-inline": _one_file(Part(nemo.INLINE, nemo.inline_rows)),
    "dpr": _one_file(Part(dpr.dpr_schema, dpr.dpr_rows, frame=dpr.FRAME)),
    "ms-swift-embedding": _one_file(Part(ms_swift.MESSAGES, ms_swift.embedding_rows)),
    "ms-swift-reranker": _one_file(Part(ms_swift.MESSAGES, ms_swift.reranker_rows)),
    "rag-retrieval-embedding": _one_file(Part(rag.POS_NEG, rag.embedding_rows)),
    "rag-retrieval-reranker": _one_file(Part(rag.HITS, rag.reranker_rows)),
    "msmarco-triples": _one_file(Part(ms_marco.TRIPLES, ms_marco.triples)),
    "msmarco-ids": _one_file(Part(ms_marco.ID_TRIPLES, ms_marco.id_triples), unfit_ids=LINE_BREAKING),
    "msmarco-hard-negatives": _one_file(Part(ms_marco.HARD_NEGATIVES, ms_marco.hard_negatives)),
    "trec": Format(
        {"run.trec": Part(trec.RUN, trec.run), "qrels.trec": Part(trec.QRELS, trec.qrels)},
        unfit_ids=trec.WHITE_SPACE,
    ),
    "beir": Format(
        {
            "qrels/train.tsv": Part(beir.QRELS, beir.qrels, frame=beir.HEADER),
            "queries.jsonl": Part(beir.QUERIES, beir.queries),
        },
        documents={"corpus.jsonl": Part(beir.CORPUS, beir.corpus)},
        unfit_ids=beir.UNFIT_IDS,
    ),
}
