"""Candidates of an earlier run, found again in the cache: what they are made of is all in the name of their folder."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import CANDIDATES, code_fingerprint, fingerprint_of, mark_used, write_whole
from foolsgold.calibration import Trial
from foolsgold.collection import Collection
from foolsgold.file_hash import file_hash
from foolsgold.output import OutputFolder
from foolsgold.packages import installed_version
from foolsgold.provenance import CANDIDATES_FILE, HIDDEN_FILE
from foolsgold.search import CandidateStore, Source
from foolsgold.settings import SELECTABLE, MiningSettings
from foolsgold.shards import ShardSizes, is_there, shard_paths

RECORD_FILE = "record.json"  # written last: with it the entry is whole
_NO_PART = {*SELECTABLE, "cache", "num_workers"} - {"seed"}  # settings that no candidate depends on
_PACKAGES = ("bm25s", "numpy", "PyStemmer", "voyager")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """Candidates with their estimates, and what is to be said of how they were found.

    Attributes:
        candidates: of all queries.
        trial: of the leak test; None where there is none.
        encoder: see `Provenance`, as `search` and `calibration`.
        search: sources and index.
        calibration: what the estimates rest on.
    """

    candidates: CandidateStore
    trial: Trial | None
    encoder: Mapping[str, Any]
    search: Mapping[str, Any]
    calibration: Mapping[str, Any]


class KeptCandidates:
    """The place in the cache for the candidates of one collection, encoder, and settings.

    Args:
        cache: the cache folder; None keeps nothing, and so does an encoder without a fingerprint.
        collection: that is mined.
        encoder: what `describe_encoder` says; None for a run without vectors.
        sources: those that need no vectors, opened.
        settings: those with no part in the candidates may differ.
        shards: in which the candidates are written; None: as one file.
    """

    def __init__(
        self,
        cache: Path | None,
        collection: Collection,
        encoder: Mapping[str, Any] | None,
        sources: Mapping[str, Source],
        settings: MiningSettings,
        shards: ShardSizes | None = None,
    ) -> None:
        described = {name: source.describe() for name, source in sources.items()}
        self._identity = identity_of(collection, encoder, described, settings)
        if shards is not None:
            self._identity["shards"] = shards.queries
        unknown = encoder is not None and encoder["fingerprint"] is None
        self._folder = None if cache is None or unknown else cache / CANDIDATES / fingerprint_of(self._identity)

    def found(self, collection: Collection, target: OutputFolder) -> Found | None:
        """What an earlier run found, copied to the output; None where it is not there or damaged, or without output.

        Raises:
            OutputError: the cache cannot be written to.
        """
        if self._folder is None or target.path is None:
            return None
        record = _read_record(self._folder / RECORD_FILE)
        if record is None:
            return None
        if not _copied(record["checksums"], self._folder, target):
            _remove_folders(target)
            return None
        mark_used(self._folder, self._identity)
        has_hidden = any(name.partition("/")[0] == HIDDEN_FILE for name in record["checksums"])
        hidden = target.file(HIDDEN_FILE) if has_hidden else None
        return Found(
            CandidateStore(collection, target.file(CANDIDATES_FILE)),
            Trial.again(collection, record["calibration"], hidden),
            record["encoder"],
            record["search"],
            record["calibration"],
        )

    def keep(self, found: Found, target: OutputFolder) -> None:
        """Copy what was found, from the output that is being made, before anything is chosen.

        Raises:
            OutputError: it could not be written.
        """
        if self._folder is None or target.path is None:
            return
        checksums = {}
        for name in (CANDIDATES_FILE, HIDDEN_FILE):
            staged = target.file(name)
            for path in shard_paths(staged) if staged is not None and is_there(staged) else ():
                kept = name if path == staged else f"{name}/{path.name}"
                with path.open("rb") as file:
                    write_whole(self._folder / kept, partial(shutil.copyfileobj, file))
                checksums[kept] = file_hash(path)
        record = {"checksums": checksums, "encoder": dict(found.encoder), "search": dict(found.search),
                  "calibration": dict(found.calibration)}  # fmt: skip
        content = json.dumps({"checksum": fingerprint_of(record), "record": record}, ensure_ascii=False)
        write_whole(self._folder / RECORD_FILE, lambda file: file.write(content.encode()))
        mark_used(self._folder, self._identity)


def identity_of(
    collection: Collection,
    encoder: Mapping[str, Any] | None,
    sources: Mapping[str, Mapping[str, Any]],
    settings: MiningSettings,
) -> dict[str, Any]:
    """All that candidates depend on, as JSON holds it.

    Args:
        collection: that is mined.
        encoder: what `describe_encoder` says; None for a run without vectors.
        sources: what those that need no vectors say of themselves, by name.
        settings: those with no part in the candidates are left out.
    """
    return {
        "foolsgold": code_fingerprint(),
        "packages": {name: installed_version(name) for name in _PACKAGES},
        "collection": collection.fingerprint,
        "encoder": None if encoder is None else dict(encoder),
        "sources": dict(sources),
        "settings": {name: value for name, value in settings.as_dict().items() if name not in _NO_PART},
    }


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
        record: dict[str, Any] = content["record"]
        if content["checksum"] == fingerprint_of(record):
            return record
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        pass  # said below
    _say_damaged(path)
    return None


def _copied(checksums: Mapping[str, str], source: Path, target: OutputFolder) -> bool:
    """Whether all files are there, and are what was written."""
    for name, checksum in checksums.items():
        staged = target.file(name)
        if staged is None:
            return False
        staged.parent.mkdir(exist_ok=True)  # of a shard
        try:
            shutil.copyfile(source / name, staged)
        except FileNotFoundError:  # pruned meanwhile
            return False
        if file_hash(staged) != checksum:
            _say_damaged(source / name)
            return False
    return True


def _remove_folders(target: OutputFolder) -> None:
    """Those with some of their shards, which are to be written anew."""
    for name in (CANDIDATES_FILE, HIDDEN_FILE):
        staged = target.file(name)
        if staged is not None and staged.is_dir():
            shutil.rmtree(staged)


def _say_damaged(path: Path) -> None:
    logger.warning("cache: %s is damaged; the candidates are searched again.", path)
