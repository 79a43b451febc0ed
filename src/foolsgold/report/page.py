"""report.html: a run on one page that opens from disk and asks no network for anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.pages import PLOTS, Page, cut
from foolsgold.report.again import commands_again
from foolsgold.report.example_pairs import ExamplePair
from foolsgold.report.notes import notes_on
from foolsgold.report.watched import Watched

_PAGE = Page("report.html", (*PLOTS, "report.js"))
_TEXT_LIMIT = 700  # characters of a text
_EXAMPLES_LIMIT = 1_600_000  # bytes of all examples


def report_page(
    report: Mapping[str, Any],
    about: Mapping[str, Any],
    watched: Watched,
    collection: Collection,
) -> str:
    """The page of a run; below 3 MB whatever the collection.

    Args:
        report: what report.json holds.
        about: what settings.json holds.
        watched: examples by kind, and the documents chosen most.
        collection: with their texts, of which the beginnings are shown.
    """
    examples = _Examples(collection)
    examples.add(watched.examples.groups)
    data = {
        "report": {name: value for name, value in report.items() if name != "stages"},
        "examples": examples.examples,
        "documents": examples.documents,
        "hubs": [cut(text, _TEXT_LIMIT // 2) for text in _texts_of(watched.documents.most_chosen, collection)],
    }
    return _PAGE.render(
        data=data, report=report, about=about, commands=commands_again(about), notes=notes_on(report),
        n_examples=len(examples.examples), model=_model(about["encoder"]), settings=_settings(about["settings"]),
    )  # fmt: skip


class _Examples:
    """Examples as the page's script reads them: each document's text once."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._places: dict[int, int] = {}
        self._n_bytes = 0
        self.documents: list[dict[str, str]] = []
        self.examples: list[dict[str, Any]] = []

    def add(self, groups: Mapping[str, Sequence[ExamplePair]]) -> None:
        """The first of each kind, then the second of each, until the page is full; a pair of several kinds once."""
        seen: dict[tuple[int, tuple[int, ...]], dict[str, Any]] = {}
        in_turn = zip_longest(*([(name, one) for one in kept] for name, kept in groups.items()))
        for name, example in filter(None, chain.from_iterable(in_turn)):
            key = (example.query_row, tuple(example.positive_rows))
            if key in seen:
                seen[key]["kinds"].append(name)
            elif self._n_bytes < _EXAMPLES_LIMIT:
                seen[key] = self._as_row(name, example)
                self.examples.append(seen[key])

    def _as_row(self, kind: str, example: ExamplePair) -> dict[str, Any]:
        collection = self._collection
        text = cut(collection.query_texts(np.array([example.query_row]))[0], _TEXT_LIMIT)
        self._n_bytes += len(text.encode())
        self._keep_texts([*example.positive_rows, *(one.doc_row for one in example.shown)])
        negatives = [one.score for one in example.shown if one.fate == "chosen" and one.score is not None]
        likely = [one.probability for one in example.shown if one.probability is not None]
        return {
            "kinds": [kind],
            "query_id": collection.query_ids[example.query_row].as_py(),
            "query": text,
            "positives": [
                {"document": self._places[row], "score": score}
                for row, score in zip(example.positive_rows, example.positive_scores, strict=True)
            ],
            "n_positives": example.n_positives,
            "n_candidates": example.n_candidates,
            "hardness": float(np.mean(negatives)) if negatives else None,
            "most_probable": max(likely, default=None),
            "candidates": [
                {"document": self._places[one.doc_row], **one._asdict()} | {"doc_row": None} for one in example.shown
            ],
        }

    def _keep_texts(self, doc_rows: Sequence[int]) -> None:
        new = [row for row in dict.fromkeys(doc_rows) if row not in self._places]
        for row, text in zip(new, self._collection.document_texts(np.array(new, np.int64)), strict=True):
            self._places[row] = len(self.documents)
            self.documents.append({"id": self._collection.doc_ids[row].as_py(), "text": cut(text, _TEXT_LIMIT)})
            self._n_bytes += len(self.documents[-1]["text"].encode()) + 100


def _texts_of(rows: NDArray[np.int64], collection: Collection) -> Iterator[str]:
    """One text after the other: each may be long."""
    for row in rows.tolist():
        yield collection.document_texts(np.array([row]))[0]


def _model(encoder: Mapping[str, Any]) -> str:
    """What made the vectors, in a few words."""
    if not encoder:
        return "no model: words alone"
    name = encoder.get("name") or encoder["kind"]
    details = [encoder[key] for key in ("backend", "precision", "similarity") if encoder.get(key)]
    return f"{name} ({', '.join(details)})" if details else str(name)


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values, as flags have them."""
    shown = {True: "on", False: "off", None: "none"}
    return [
        (name.replace("_", "-"), shown[value] if value is None or isinstance(value, bool) else str(value))
        for name, value in settings.items()
    ]
