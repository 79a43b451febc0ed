"""Rows of a training file as they go into it: made where the texts are, and written later, perhaps elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, PartOf
from foolsgold.export.check import check_scores
from foolsgold.export.formats import FORMATS
from foolsgold.export.part import Part, Shape
from foolsgold.export.sinks import SINKS, Content, Sink
from foolsgold.export.texts import Render, Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.sample import GIVEN
from foolsgold.settings import MiningSettings
from foolsgold.shards import ShardSizes
from foolsgold.training_formats import FIXED_LENGTH_FORMATS, TRAINING_FORMATS, writes_scores

_ROWS_AT_ONCE = 8_192


class RenderedRows(NamedTuple):
    """Rows of a few thousand negatives.

    Attributes:
        shard: that they go into; 0 where there are no shards.
        contents: for each of the format's files of negatives.
        n_rows: of the file to train on.
        n_given_left_out: given negatives beyond the length of rows, each once a query.
    """

    shard: int
    contents: tuple[Content, ...]
    n_rows: int
    n_given_left_out: int


class Renderer:
    """Makes rows of the format that settings name.

    Args:
        collection: whose texts they get.
        settings: with format, file type, and whether there are scores.
        part_of: the whole that the collection is a part of; None: it is the whole.
        shards: in which the file is written; None: as one.
    """

    def __init__(
        self,
        collection: Collection,
        settings: MiningSettings,
        *,
        part_of: PartOf | None = None,
        shards: ShardSizes | None = None,
    ) -> None:
        self._collection, self._settings = collection, settings
        self._part_of, self._shards = part_of, shards
        self._format = FORMATS[settings.format]
        self._texts: dict[Render, Texts] = {}

    def render(self, rows: TrainingRows) -> Iterator[RenderedRows]:
        """The negatives of some queries, a few thousand at a time.

        Raises:
            SettingsError: there are to be scores, and one is not known.
        """
        for shard, of_shard in self._cut(rows):
            for portion in portions(of_shard, self._collection, self._settings):
                made = [self._made(name, part, portion) for name, part in self._format.negatives.items()]
                contents = tuple(content for content, _ in made)
                yield RenderedRows(shard, contents, made[0][1], given_beyond_rows(portion, self._settings))

    def queries(self) -> Iterator[tuple[Content, ...]]:
        """The rows of all queries, for each of the format's files of queries, some at a time."""
        return self._all(self._format.queries, self._collection.n_queries)

    def documents(self) -> Iterator[tuple[Content, ...]]:
        """Likewise the rows of all documents."""
        return self._all(self._format.documents, self._collection.n_documents)

    def _cut(self, rows: TrainingRows) -> Iterator[tuple[int, TrainingRows]]:
        if self._shards is None:
            yield 0, rows
            return
        query_rows = rows.query_rows if self._part_of is None else self._part_of.queries(rows.query_rows)
        for shard, places in self._shards.cut(query_rows):
            yield shard, rows.take(places)

    def _all(self, parts: Mapping[str, Part[Any]], n_rows: int) -> Iterator[tuple[Content, ...]]:
        for start in range(0, n_rows, _ROWS_AT_ONCE) if parts else ():
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, n_rows))
            yield tuple(self._made(name, part, rows)[0] for name, part in parts.items())

    def _made(self, name: str, part: Part[Any], rows: TrainingRows | NDArray[np.integer]) -> tuple[Content, int]:
        """The content for one file, and the number of its rows."""
        sink = sink_for(name, part, self._settings)
        texts = self._texts.setdefault(sink.render, Texts(self._collection, sink.render, self._part_of))
        batch = part.batch(rows, texts, shape_of(self._settings))
        return sink.content(batch), int(batch.num_rows)


def render(
    rows: TrainingRows,
    collection: Collection,
    settings: MiningSettings,
    *,
    part_of: PartOf | None = None,
    shards: ShardSizes | None = None,
) -> list[RenderedRows]:
    """Rows for `TrainingFile.write_rendered`, as on a worker that has a part of the collection. See `Renderer`."""
    return list(Renderer(collection, settings, part_of=part_of, shards=shards).render(rows))


def render_documents(collection: Collection, settings: MiningSettings, part_of: PartOf) -> list[tuple[Content, ...]]:
    """The rows of all documents of a part, for `TrainingFile`; none for a format without files of all documents."""
    return list(Renderer(collection, settings, part_of=part_of).documents())


def sink_for(name: str, part: Part[Any], settings: MiningSettings) -> Sink:
    """What writes a file of the settings' format."""
    is_folder = TRAINING_FORMATS[settings.format].is_folder
    return SINKS[part.kind or (Path(name).suffix[1:] if is_folder else settings.training_file_type)]


def shape_of(settings: MiningSettings) -> Shape:
    """The shape of rows that settings ask for."""
    return Shape(settings.negatives, writes_scores(settings))


def portions(rows: TrainingRows, collection: Collection, settings: MiningSettings) -> Iterator[TrainingRows]:
    """Those with a positive, a few thousand at a time.

    Raises:
        SettingsError: there are to be scores, and one is not known.
    """
    for portion in rows.portions():
        if writes_scores(settings):
            check_scores(portion, collection, settings.format)
        yield portion


def given_beyond_rows(rows: TrainingRows, settings: MiningSettings) -> int:
    """Given negatives that rows of one length have no place for, each once a query."""
    if settings.format not in FIXED_LENGTH_FORMATS or GIVEN not in rows.source_names:
        return 0
    starts = rows.pair_starts
    n = len(rows.query_rows)
    places = np.arange(n) - np.repeat(starts, np.diff(starts, append=n))  # in the pair
    beyond = rows.take((places >= settings.negatives) & (rows.sources == rows.source_names.index(GIVEN)))
    return len(set(zip(beyond.query_rows.tolist(), beyond.doc_rows.tolist(), strict=True)))
