"""Cross-encoders: a query and a document read together, for a logit that bi-encoders cannot give."""

from foolsgold.rerank.cross_encoder import PairScorer, as_pair_scorer
from foolsgold.rerank.kept_scores import QUERIES_PER_GROUP, KeptScores, PairScores

__all__ = ["QUERIES_PER_GROUP", "KeptScores", "PairScorer", "PairScores", "as_pair_scorer"]
