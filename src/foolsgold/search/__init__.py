"""Search: vectors (exact or Voyager), BM25 and TREC runs, fused, and the candidates that they find."""

from foolsgold.search.bm25 import Bm25Index
from foolsgold.search.candidate_store import CandidateStore, CandidateWriter
from foolsgold.search.candidates import CANDIDATES_SCHEMA, ROWS_PER_GROUP, Candidates, Estimates
from foolsgold.search.exact import ExactIndex, exact_topk
from foolsgold.search.nearest_stored import nearest_stored
from foolsgold.search.search import Search
from foolsgold.search.shard_words import ShardWords
from foolsgold.search.source import Source, check_sources, open_sources
from foolsgold.search.stems import Stems
from foolsgold.search.tokens import guess_language, language_of, language_sample
from foolsgold.search.voyager import VoyagerIndex, build_voyager
from foolsgold.search.weighed_words import WeighedWords
from foolsgold.search.word_statistics import WordStatistics

__all__ = [
    "CANDIDATES_SCHEMA",
    "ROWS_PER_GROUP",
    "Bm25Index",
    "CandidateStore",
    "CandidateWriter",
    "Candidates",
    "Estimates",
    "ExactIndex",
    "Search",
    "ShardWords",
    "Source",
    "Stems",
    "VoyagerIndex",
    "WeighedWords",
    "WordStatistics",
    "build_voyager",
    "check_sources",
    "exact_topk",
    "guess_language",
    "language_of",
    "language_sample",
    "nearest_stored",
    "open_sources",
]
