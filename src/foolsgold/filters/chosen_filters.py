"""The filters that settings ask for, in the order in which they are applied."""

from __future__ import annotations

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.filters.answer_match import AnswerMatch, Answers
from foolsgold.filters.duplicate_text import DuplicateText
from foolsgold.filters.false_negatives import MaxFalseNegativeProbability
from foolsgold.filters.filter import Filter
from foolsgold.filters.given import GivenNegative
from foolsgold.filters.known_positive import KnownPositiveId, KnownPositiveText
from foolsgold.filters.margin import AbsoluteMargin, RelativeMargin
from foolsgold.filters.near_duplicate import NearNegative, NearPositive
from foolsgold.filters.query_text import QueryText
from foolsgold.filters.rank_window import RankWindow, first_rank, rank_window
from foolsgold.filters.relabelled_drop import RelabelledDrop
from foolsgold.filters.score_bounds import MaxScore, MinScore
from foolsgold.settings import MiningSettings


def filters_for(settings: MiningSettings, collection: Collection, n_documents: int | None = None) -> list[Filter]:
    """Rules about what may be relevant come first, then those about hardness, and duplicates last.

    Args:
        settings: thresholds, window, and what is on.
        collection: that they judge.
        n_documents: N, where the collection is but a part; None: its own.

    Raises:
        SettingsError: the corpus is too small for the window or for the number of negatives.
    """
    n_documents = collection.n_documents if n_documents is None else n_documents
    end = min(n_documents, settings.depth if settings.max_rank is None else settings.max_rank)
    if n_documents <= settings.negatives:
        mend = f"Lower negatives to at most {n_documents - 1}, or add" if n_documents > 1 else "Add"
        raise SettingsError(
            f"negatives is {settings.negatives}, but the corpus has only {n_documents} documents, the positives among "
            f"them. {mend} documents to the corpus."
        )
    if end - settings.min_rank < settings.hard_negatives:
        raise SettingsError(
            f"min_rank is {settings.min_rank}, but the corpus has only {n_documents} documents: the window holds "
            f"{max(0, end - settings.min_rank)} ranks, fewer than the {settings.hard_negatives} negatives asked for. "
            "Lower min_rank or negatives."
        )
    max_rank = settings.depth if settings.max_rank is None else settings.max_rank
    _, window_end = rank_window(n_documents)
    first_without_positive = first_rank(min(window_end, max_rank), settings.min_rank_without_positive)
    given: list[Filter] = [GivenNegative()] if collection.has_given_negatives else []
    rules: list[Filter] = [*given, KnownPositiveId(), KnownPositiveText(), RelabelledDrop(), QueryText()]
    answers = Answers.of(collection, settings)
    if answers is not None:
        rules.append(AnswerMatch(answers))
    if settings.max_similarity_to_positive is not None:
        rules.append(NearPositive(settings.max_similarity_to_positive))
    if settings.max_false_negative_probability is not None:
        rules.append(MaxFalseNegativeProbability(settings.max_false_negative_probability))
    relaxed = settings.short_rows == "relax"  # then margins are kept where enough lies below them
    if settings.absolute_margin is not None and not relaxed:
        rules.append(AbsoluteMargin(settings.absolute_margin, settings.margin_min_probability))
    if settings.relative_margin is not None and not relaxed:
        rules.append(RelativeMargin(settings.relative_margin, settings.margin_min_probability))
    if settings.max_score is not None:
        rules.append(MaxScore(settings.max_score))
    rules.append(RankWindow(settings.min_rank, max_rank, first_without_positive))
    if settings.min_score is not None:
        rules.append(MinScore(settings.min_score))
    return [*rules, DuplicateText(), NearNegative()]
