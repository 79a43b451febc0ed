"""A document that contains an answer of the query may well be relevant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, words
from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock
from foolsgold.settings import MiningSettings


class Answers:
    """The answers of a collection's queries, to be looked for in documents.

    An answer is in a document if its words stand there one after the other, in title or text, whatever their case and
    what lies between them: "J. R. R. Tolkien" is in "by J.R.R. TOLKIEN", "art" is not in "party". In scripts without
    spaces every character is a word. Only the very words count, so an inflected form does not; and a short answer
    ("no", "2") is in a great many documents. Answers without any word are ignored.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    def of(cls, collection: Collection, settings: MiningSettings) -> Answers | None:
        """The answers of a collection; None where there are none, or where they are not to be looked for."""
        return cls(collection) if settings.answer_match and collection.has_answers else None

    def phrases(self, query_row: int) -> list[str]:
        """The answers of a query, for `is_in`."""
        folded = (words(answer) for answer in self._collection.answers(query_row))
        return [f" {answer} " for answer in dict.fromkeys(folded) if answer]

    def document(self, doc_row: int) -> str:
        """A document, for `is_in`."""
        return f" {words(self._collection.document_text(doc_row))} "

    def answered_by(self, query_row: int, doc_row: int) -> bool:
        """Whether a document contains an answer of a query."""
        phrases = self.phrases(query_row)
        return bool(phrases) and is_in(self.document(doc_row), phrases)


def is_in(document: str, phrases: list[str]) -> bool:
    """Whether any of the phrases is in the document, word by word."""
    return any(phrase in document for phrase in phrases)


class AnswerMatch:
    """Drops candidates that contain an answer of the query.

    DPR (arXiv 2004.04906) trains with one BM25 negative that does not contain the answer, and gains 13 points of top-5
    accuracy on Natural Questions. It is a guess, since a text can contain an answer without giving it: so it does not
    bind what was judged not relevant.
    """

    binds_judged = False

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what contains no answer; each document of the block is read and folded once."""
        asked = np.logical_or.reduceat(alive & ~pairs.judged_negative, pairs.first_pairs, axis=0)  # (B, K)
        found = np.zeros(asked.shape, np.bool_)
        documents: dict[int, str] = {}
        for query, first in enumerate(pairs.first_pairs.tolist()):
            phrases = self._answers.phrases(int(pairs.query_rows[first]))
            for column in np.flatnonzero(asked[query]).tolist() if phrases else ():
                row = int(pairs.doc_rows[first, column])
                if row not in documents:
                    documents[row] = self._answers.document(row)
                found[query, column] = is_in(documents[row], phrases)
        n_pairs = np.diff(pairs.first_pairs, append=len(alive))
        return Verdict(~np.repeat(found, n_pairs, axis=0), "answer_match")
