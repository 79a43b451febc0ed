"""Search: exact or Voyager, behind one interface, and the candidates that it finds."""

from foolsgold.search.candidates import CANDIDATES_SCHEMA, DENSE, ROWS_PER_GROUP, Candidates, CandidateStore
from foolsgold.search.exact import ExactIndex, exact_topk
from foolsgold.search.rescore import k_best, pair_scores
from foolsgold.search.search import Search
from foolsgold.search.voyager import VoyagerIndex, build_voyager, finalists

__all__ = [
    "CANDIDATES_SCHEMA",
    "DENSE",
    "ROWS_PER_GROUP",
    "CandidateStore",
    "Candidates",
    "ExactIndex",
    "Search",
    "VoyagerIndex",
    "build_voyager",
    "exact_topk",
    "finalists",
    "k_best",
    "pair_scores",
]
