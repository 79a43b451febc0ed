"""RAG-Retrieval's jsonl, for embedders and rerankers: query, pos, neg, as FlagEmbedding has them.

Its reranker reads scores too, but as labels between two bounds that its own settings name, which a retriever's are not.
"""

from __future__ import annotations

import pyarrow as pa

from foolsgold.export.flag_embedding import flag_embedding_rows
from foolsgold.export.nested import TEXT, TEXTS

RAG_RETRIEVAL = pa.schema([("query", TEXT), ("pos", TEXTS), ("neg", TEXTS)])
rag_retrieval_rows = flag_embedding_rows
