"""Examples: numbered queries and passages, and which are known to belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from foolsgold.collection import text_keys
from foolsgold.collection.records import DOC_TEXT_FIELDS
from foolsgold.collection.text import same_keys
from foolsgold.errors import CollectionError
from foolsgold.training_data.given import CONTENT, field_of, given_items, line_of
from foolsgold.training_data.raw_data import read_raw_data
from foolsgold.training_data.settings import PreparationSettings

_DOCUMENTS = "a list of texts, or of dicts with content, or the path of a file"


@dataclass(frozen=True, eq=False)
class Examples:
    """Texts as they stand on the lines of the files, and what the raw data say of them.

    Attributes:
        qids: Q queries with their numbers, in order of first appearance.
        pids: N passages with theirs: those of `all_documents`, then those of the raw data.
        positives: of each query the pids, in order of first appearance.
        labelled_negatives: likewise, as the raw data have them.
        bare_texts: by pid, the texts of documents that have a title, without it.
    """

    qids: dict[str, int]
    pids: dict[str, int]
    positives: list[list[int]]
    labelled_negatives: list[list[int]]
    bare_texts: dict[int, str]

    @property
    def queries(self) -> list[str]:
        """By qid."""
        return list(self.qids)

    @property
    def passages(self) -> list[str]:
        """By pid."""
        return list(self.pids)

    @property
    def asked(self) -> list[int]:
        """The qids that have a positive, and so can have triples."""
        return [qid for qid, pids in enumerate(self.positives) if pids]

    @cached_property
    def given_negatives(self) -> list[list[int]]:
        """By qid, the pids; what was given both as positive and as negative of a query is a positive."""
        return [
            [pid for pid in pids if self.key(pid) not in self.positive_keys(qid)]
            for qid, pids in enumerate(self.labelled_negatives)
        ]

    @property
    def n_contradictions(self) -> int:
        """Labelled negatives that are left out, as they say what a positive says."""
        return sum(map(len, self.labelled_negatives)) - sum(map(len, self.given_negatives))

    def positive_keys(self, qid: int) -> set[int]:
        """What positives say, of the query and of others that ask the same in other letters."""
        return self._positive_keys[self._keys[2][qid]]

    def key(self, pid: int) -> int:
        """What a passage says: equal where the folded texts are, with or without a title."""
        return self._keys[0][pid]

    def query_key(self, qid: int) -> int:
        """That of the passages which say what the query says, -1 where none does."""
        return self._keys[1][qid]

    @cached_property
    def _keys(self) -> tuple[list[int], list[int], list[int]]:
        """Of passages, of queries, and a number for queries that ask the same."""
        joined = text_keys(self.pids)
        bare = text_keys(self.bare_texts.get(pid, text) for text, pid in self.pids.items())
        passages, queries, groups = same_keys(bare, joined, text_keys(self.qids))
        return passages.tolist(), queries.tolist(), groups.tolist()

    @cached_property
    def _positive_keys(self) -> dict[int, set[int]]:
        keys: dict[int, set[int]] = {group: set() for group in self._keys[2]}
        for group, pids in zip(self._keys[2], self.positives, strict=True):
            keys[group].update(map(self.key, pids))
        return keys


def read_examples(raw_data: Any, all_documents: Any, settings: PreparationSettings) -> Examples:
    """Number queries and passages; a text that comes again keeps its number.

    Raises:
        FoolsgoldError: as `read_raw_data`; documents that are no texts; or no row with a positive.
    """
    qids: dict[str, int] = {}
    pids: dict[str, int] = {}
    bare_texts: dict[int, str] = {}
    for text, bare in _documents(all_documents, settings):
        pid = pids.setdefault(text, len(pids))
        if bare != text:
            bare_texts[pid] = bare
    positives: list[dict[int, None]] = []  # dicts, for the order
    negatives: list[dict[int, None]] = []
    for example in read_raw_data(raw_data, settings):
        qid = qids.setdefault(example.query, len(qids))
        if qid == len(positives):
            positives.append({})
            negatives.append({})
        positives[qid].update((pids.setdefault(text, len(pids)), None) for text in example.positives)
        negatives[qid].update((pids.setdefault(text, len(pids)), None) for text in example.negatives)
    if not any(positives):
        raise CollectionError(
            f"raw_data: no positives: no label is {settings.positive_label!r}. Name the label of positives with "
            "positive_label (--positive-label)."
        )
    return Examples(qids, pids, [list(of) for of in positives], [list(of) for of in negatives], bare_texts)


def _documents(all_documents: Any, settings: PreparationSettings) -> Iterator[tuple[str, str]]:
    """Passages with their titles, and without."""
    if all_documents is None:
        return
    for place, item in given_items(all_documents, "all_documents", _DOCUMENTS, quiet=settings.quiet):
        yield _document(item, place)


def _document(item: Any, place: str) -> tuple[str, str]:
    """Its title may be all that it says."""
    if not isinstance(item, Mapping):
        return (line_of(item, place),) * 2
    text, title = field_of(item, (CONTENT, *DOC_TEXT_FIELDS), place, "a document"), item.get("title")
    if title is None or title == "":
        return (line_of(text, place),) * 2
    title = line_of(title, f"{place}: the title")
    if text == "":
        return title, title
    text = line_of(text, place)
    return f"{title} {text}", text
