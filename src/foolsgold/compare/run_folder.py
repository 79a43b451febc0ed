"""An output folder as a comparison reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.output import is_staging, read_settings_file
from foolsgold.provenance import CANDIDATES_FILE, NEGATIVES_FILE, RELABELLED_FILE, Provenance
from foolsgold.result import MiningResult
from foolsgold.shards import ParquetShards, is_there, shard_paths

_COLUMNS = ("query_id", "doc_ids")  # without which candidates.parquet says nothing
_MORE_COLUMNS = ("positive_ids", "false_negative_probabilities")
_SELECT = "Select or mine again."


@dataclass(frozen=True)
class RunFolder:
    """One of the two runs.

    Attributes:
        path: the output folder.
        origin: collection, encoder and search.
        about: what settings.json holds, as it was written.
        report: what report.json holds.
        has_candidates: whether there is a candidates.parquet.
    """

    path: Path
    origin: Provenance
    about: Mapping[str, Any]
    report: Mapping[str, Any]
    has_candidates: bool

    @classmethod
    def read(cls, given: str | Path | MiningResult) -> RunFolder:
        """From its path, or from what `mine` or `select` gave back.

        Raises:
            SettingsError: there is no such folder, or it is no output of foolsgold, or not yet.
            CollectionError: a file is missing or damaged.
        """
        path = _path(given)
        if path.is_dir() and not (path / "settings.json").exists() and any(map(is_staging, _names(path))):
            raise SettingsError(f"{path} is not finished: a run writes to it, or was ended while it did. Mine again.")
        origin = Provenance.read(path)
        return cls(path, origin, read_settings_file(path), _report(path), is_there(path / CANDIDATES_FILE))

    @property
    def fingerprint(self) -> str | None:
        """Of the collection."""
        found: str | None = self.origin.collection.get("fingerprint")
        return found

    @property
    def scored_by(self) -> str:
        """The kind of scores: dense, bm25, or the name of a run."""
        return str(self.origin.search.get("scores") or "dense")

    @property
    def model(self) -> str:
        """The encoder's name; of a folder its last part, of vectors made elsewhere the beginning of a fingerprint."""
        encoder = self.origin.encoder
        if not encoder:
            return "no vectors"
        if name := encoder.get("name"):
            text = str(name)
            is_path = text.count("/") > 1 or text.startswith(("/", ".", "~")) or "\\" in text
            return PurePath(text.replace("\\", "/")).name if is_path else text
        return f"{encoder.get('kind')} {str(encoder.get('fingerprint'))[:8]}"

    @property
    def search(self) -> str:
        """Sources and index."""
        search = self.origin.search
        sources = "+".join(str(name) for name in search.get("sources") or ["dense"])
        return f"{sources}, {search['index']}" if search.get("index") else sources

    def negatives(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Some columns of negatives.parquet, a row group at a time.

        Raises:
            CollectionError: it is missing or damaged, or an older foolsgold wrote it, or it is not the report's.
        """
        n_rows, told = 0, (self.report.get("negatives") or {}).get("total")
        for batch in ChosenNegatives(self.path / NEGATIVES_FILE).batches(columns):
            n_rows += batch.num_rows
            yield batch
        if told is not None and told != n_rows:
            raise CollectionError(
                f"{self.path}: negatives.parquet has {n_rows:,} rows, and report.json tells of {told:,}: they do not "
                f"belong together. {_SELECT}"
            )

    def candidates(self, *, ids_only: bool = False) -> Iterator[pa.RecordBatch]:
        """query_id, doc_ids, and where they are there positive_ids and probabilities, a row group at a time.

        Args:
            ids_only: query_id alone.

        Raises:
            CollectionError: candidates.parquet is damaged.
        """
        try:
            with ParquetShards(shard_paths(self.path / CANDIDATES_FILE)) as file:
                more = [name for name in _MORE_COLUMNS if name in file.names]
                columns = [_COLUMNS[0]] if ids_only else [*_COLUMNS, *more]
                for group in range(file.num_row_groups):
                    yield from file.read_row_group(group, columns).select(columns).combine_chunks().to_batches()
        except (pa.ArrowException, OSError, KeyError) as error:
            raise CollectionError(f"{self.path}/{CANDIDATES_FILE} is not readable ({error}). Mine again.") from error

    def decisions(self) -> pa.Table | None:
        """query_id, doc_id and label of relabelled.parquet; None where nothing was relabelled.

        Raises:
            CollectionError: it is missing or damaged.
        """
        import pyarrow.parquet as pq

        if self.origin.relabelled is None:
            return None
        try:
            return pq.read_table(self.path / RELABELLED_FILE, columns=["query_id", "doc_id", "label"])
        except (pa.ArrowException, OSError, KeyError) as error:
            raise CollectionError(
                f"{self.path}/{RELABELLED_FILE}, which holds the decisions taken in, is not readable ({error}). "
                "Restore it, or mine again and give the decisions anew."
            ) from error


def _path(given: str | Path | MiningResult) -> Path:
    if not isinstance(given, MiningResult):
        return Path(given)
    if given.folder is None:
        raise SettingsError("this result lies in no folder. Mine it again with out=FOLDER, and compare that.")
    return given.folder


def _names(path: Path) -> list[str]:
    return [entry.name for entry in path.iterdir()]


def _report(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / "report.json").read_text(encoding="utf-8"))
        dict(content["negatives"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CollectionError(f"{path} has no readable report.json ({error}). {_SELECT}") from error
    return dict(content)
