"""MS MARCO's files: triples of texts, triples of ids, and the negatives of a query by the system that found them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.nested import TEXT, TEXTS
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows, starts_of

TRIPLES = pa.schema([("query", TEXT), ("positive", TEXT), ("negative", TEXT)])
ID_TRIPLES = pa.schema([("qid", TEXT), ("pid_positive", TEXT), ("pid_negative", TEXT)])
HARD_NEGATIVES = pa.schema([("qid", TEXT), ("pos", TEXTS), ("neg", pa.map_(TEXT, TEXTS))])


def triples(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per negative, of texts."""
    return [texts.queries(rows.query_rows), texts.documents(rows.positive_rows), texts.documents(rows.doc_rows)]


def id_triples(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per negative, of ids."""
    return [texts.query_ids(rows.query_rows), texts.doc_ids(rows.positive_rows), texts.doc_ids(rows.doc_rows)]


def hard_negatives(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query; in `neg`, the documents of each system in their order, systems by name."""
    by_query = ByQuery.of(rows, texts.document_keys)
    positives, negatives = (by_query.side(label) for label in (1, 0))
    pos = positives.lists(texts.doc_ids(positives.doc_rows))
    return [texts.query_ids(by_query.query_rows), pos, _by_system(negatives, texts)]


def _by_system(negatives: ByQuery, texts: Texts) -> pa.MapArray:
    names = sorted(negatives.source_names)
    places = np.array([names.index(name) for name in negatives.source_names])[negatives.sources]
    order = np.lexsort((places, negatives.owners))
    owners, places = negatives.owners[order], places[order]
    starts = starts_of(owners, places)
    ids = texts.doc_ids(negatives.doc_rows[order])
    lists = pa.ListArray.from_arrays(pa.array(np.append(starts, len(ids)), pa.int32()), ids)
    systems = texts.render(pa.array(names, pa.large_string())).take(pa.array(places[starts]))
    n_systems = np.bincount(owners[starts], minlength=len(negatives.counts))
    return pa.MapArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(n_systems)]), pa.int32()), systems, lists)
