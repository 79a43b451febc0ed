"""report.html: a run on one page that opens from disk and asks no network for anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.pages import PLOTS, Page, cut
from foolsgold.report.again import commands_again
from foolsgold.report.example_pairs import ExamplePair, Shown
from foolsgold.report.notes import notes_on
from foolsgold.report.watched import Watched

_PAGE = Page("report.html", (*PLOTS, "report.js"))
_TEXT_LIMIT = 700  # characters of a text
_ID_LIMIT = 80  # and of an id
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
        "report": {name: value for name, value in report.items() if name != "stages"}
        | {"documents": _short_ids(report)},
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
        self._keep_texts([*example.positive_rows, *(one.doc_row for one in example.shown)])
        likely = [one.probability for one in example.shown if one.probability is not None]
        row = {
            "kinds": [kind],
            "query_id": cut(collection.query_ids[example.query_row].as_py(), _ID_LIMIT),
            "query": cut(collection.query_texts(np.array([example.query_row]))[0], _TEXT_LIMIT),
            "positives": [
                {"document": self._places[row], "score": score}
                for row, score in zip(example.positive_rows, example.positive_scores, strict=True)
            ],
            "n_positives": example.n_positives,
            "n_candidates": example.n_candidates,
            "n_chosen": example.n_chosen,
            "hardness": example.hardness,
            "most_probable": max(likely, default=None),
            "candidates": [self._as_candidate(one) for one in example.shown],
        }
        self._n_bytes += len(json.dumps(row, ensure_ascii=False).encode())
        return row

    def _as_candidate(self, one: Shown) -> dict[str, Any]:
        fields = one._asdict()
        return {"document": self._places[fields.pop("doc_row")], **fields}

    def _keep_texts(self, doc_rows: Sequence[int]) -> None:
        for row in dict.fromkeys(doc_rows):
            if row not in self._places:
                self._places[row] = len(self.documents)
                (text,) = _texts_of(np.array([row]), self._collection)
                doc_id = self._collection.doc_ids[row].as_py()
                self.documents.append({"id": cut(doc_id, _ID_LIMIT), "text": cut(text, _TEXT_LIMIT)})
                self._n_bytes += len(json.dumps(self.documents[-1], ensure_ascii=False).encode())


def _short_ids(report: Mapping[str, Any]) -> dict[str, Any]:
    """How often documents were chosen, their ids cut."""
    most = [{**one, "doc_id": cut(one["doc_id"], _ID_LIMIT)} for one in report["documents"]["most_chosen"]]
    return {**report["documents"], "most_chosen": most}


def _texts_of(rows: NDArray[np.int64], collection: Collection) -> Iterator[str]:
    """One text after the other: each may be long."""
    for row in rows.tolist():
        yield collection.document_texts(np.array([row]))[0]


def _model(encoder: Mapping[str, Any]) -> str:
    """What made the vectors, in a few words."""
    if not encoder:
        return "no model"
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
