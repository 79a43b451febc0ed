"""A collection read by workers: its documents into pieces, its ids and judgements to this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from foolsgold.collection.any_collection import CollectionFiles
from foolsgold.collection.files import READERS, Files, beir_files, read_all, read_rows_or_shards, three_files
from foolsgold.collection.from_ir_datasets import PREFIX
from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.collection.shards import number_in, shards_of
from foolsgold.errors import CollectionError
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.corpus_of import corpus_folder, corpus_of
from foolsgold.scale.pool import Pool
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.ranges import FileRange, ranges_of
from foolsgold.scale.read_range import RangeRead, RangeReader
from foolsgold.scale.remote_collection import RemoteCollection, ids_of
from foolsgold.scale.without_repeated import Origin, without_repeated
from foolsgold.settings import MiningSettings

_LOOKED_AT = 16  # records at once, of what earlier runs have read


def read_sharded(files: CollectionFiles, settings: MiningSettings, pool: Pool, store: FilePath) -> RemoteCollection:
    """Read a collection with the documents on workers: the same as `files.read`, without its texts.

    Files, or shards of a folder, are read a stretch a call: row groups of parquet, bytes of plain JSON lines, any other
    file as a whole. What was read once is kept, and not read again while the file is what it was. Training data and
    `ir_datasets` are read here, and their documents written as pieces.

    Args:
        files: where the collection lies; paths that the workers see too, or URIs.
        settings: how it is read.
        pool: the workers.
        store: the folder of the cache, which the workers see too.

    Raises:
        CollectionError: with file and line, what is wrong, and how to mend it.
        SettingsError: a file that is not there, or of an unknown type.
        OutputError: the store cannot be written to.
    """
    found = _files_of(files)
    if found is None:
        collection = files.read(settings)
        return RemoteCollection.of(collection, corpus_of(collection, store, pool))
    unknown = settings.max_unknown_ratio if files.max_unknown_ratio is None else files.max_unknown_ratio
    pieces: list[Corpus] = []

    def read_corpus(path: FilePath, bad_lines: BadLines) -> tuple[pa.Table, Rows]:
        rows = read_rows_or_shards(path, "corpus")
        pieces.append(_read_corpus(path, rows, bad_lines, pool, store, quiet=settings.quiet))
        return ids_of(pieces[0]), rows

    policy, show = files.on_bad_line or settings.on_bad_line, not settings.quiet
    collection = read_all(found, policy, unknown, show_progress=show, read_corpus=read_corpus)
    return RemoteCollection.of(collection, pieces[0])


def _files_of(files: CollectionFiles) -> Files | None:
    """Those of a folder, or the three; None for anything else."""
    if files.pairs is not None or (files.folder or "").startswith(PREFIX):
        return None
    if files.folder is not None:
        return beir_files(files.folder, files.split)
    if files.corpus is None or files.queries is None or files.qrels is None:
        return None
    return three_files(files.corpus, files.queries, files.qrels)


def _read_corpus(
    path: FilePath, rows: Rows, bad_lines: BadLines, pool: Pool, store: FilePath, *, quiet: bool
) -> Corpus:
    files = shards_of(path, "corpus", tuple(READERS)) if path.is_dir() else [path]
    absolute = [file.absolute() if isinstance(file, Path) else file for file in files]
    shard_of = {file: shard for shard, file in enumerate(absolute)}
    parts = ranges_of(absolute)
    named = str(path.absolute() if isinstance(path, Path) else path)
    folder = corpus_folder(store, {"corpus": named, "on_bad_line": bad_lines.policy})
    origins: list[Origin] = []
    shard, offset = 0, 0  # rows of the same file that stand before a stretch
    for part, read in zip(parts, _in_order(parts, RangeReader(folder, bad_lines.policy), pool, quiet), strict=True):
        if shard_of[part.path] != shard:
            shard, offset = shard_of[part.path], 0
        origin = Origin(tuple(read.pieces), number_in(shard, offset), read.n_bad, tuple(read.bad))
        if read.n_bad and bad_lines.policy == "error":
            bad_lines.add(rows.place(origin.first + read.bad[0].number), read.bad[0].problem)
        origins.append(origin)
        offset += read.n_numbers
    return without_repeated(origins, folder, rows, bad_lines, pool)


def _in_order(parts: Sequence[FileRange], reader: RangeReader, pool: Pool, quiet: bool) -> Iterator[RangeRead]:
    """What each stretch holds, kept from an earlier run or read now.

    Raises:
        CollectionError: the first that cannot be read.
    """
    with ThreadPoolExecutor(_LOOKED_AT) as threads:
        kept = threads.map(lambda part: RangeRead.kept(reader.folder, part.fingerprint), parts)
        known: dict[int, RangeRead | CollectionError] = {n: read for n, read in enumerate(kept) if read is not None}
    missing = [(number, part) for number, part in enumerate(parts) if number not in known]
    if pool.on_one_machine:  # by the processes that work on
        coming = pool.map(reader, missing)
    else:
        coming = pool.stream(RangeReader, (reader.folder, reader.on_bad_line), missing, on_each_core=True)
    stage = RunProgress(pool, quiet=quiet).stage("read corpus", total=len(parts), unit="shard", n_shards=len(parts))
    with stage as line:
        for number in range(len(parts)):
            while number not in known:
                at, read = next(coming)
                known[at] = read
            found = known.pop(number)
            if isinstance(found, CollectionError):
                raise found
            line.done(1)
            yield found
