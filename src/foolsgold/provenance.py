"""Where a result comes from: kept in settings.json, and read back to choose or export again."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from foolsgold.collection import Collection, CollectionFiles, as_collection, read_beir, write_beir_parquet
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.output import OutputFolder, read_settings_file
from foolsgold.packages import installed_version
from foolsgold.settings import MiningSettings
from foolsgold.shards import copy_table, is_there
from foolsgold.training_folders import check_place, is_own
from foolsgold.training_formats import TRAINING_FORMATS, training_file_name
from foolsgold.version import __version__

CANDIDATES_FILE = "candidates.parquet"
NEGATIVES_FILE = "negatives.parquet"
HIDDEN_FILE = "hidden_positives.parquet"  # candidates of queries whose positives were hidden, for the leak test
SUSPECTS_FILE = "suspected_positives.parquet"
RELABELLED_FILE = "relabelled.parquet"
RUN_FILES = (
    CANDIDATES_FILE, HIDDEN_FILE, NEGATIVES_FILE, SUSPECTS_FILE, RELABELLED_FILE, "report.json", "report.html",
    "settings.json", "decisions.jsonl",
)  # fmt: skip
COLLECTION_FOLDER = "collection"  # only for collections that were made in Python
_PACKAGES = ("bm25s", "numpy", "pyarrow", "PyStemmer", "sentence-transformers", "torch", "transformers", "voyager")


@dataclass(frozen=True)
class Provenance:
    """The collection, the encoder and the search behind a set of candidates.

    Attributes:
        folder: the output folder that holds the candidates; None for a run without one.
        settings: with which they were mined.
        collection: where the collection lies, and its fingerprint.
        encoder: model, prompts, similarity, and fingerprint; empty for a run without vectors.
        search: sources and what each says of itself, depth, seed.
        relabelled: how many decisions were taken in since, and their fingerprint; None where none were.
        cross_encoder: name (None for one given as an object) and fingerprint of the one that judged, if one did.
        calibration: what the estimates of false negatives rest on; None for a run without vectors.
    """

    folder: Path | None
    settings: MiningSettings
    collection: Mapping[str, Any]
    encoder: Mapping[str, Any]
    search: Mapping[str, Any]
    relabelled: Mapping[str, Any] | None = None
    cross_encoder: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None

    @classmethod
    def of_run(
        cls,
        collection: Collection,
        settings: MiningSettings,
        encoder: Mapping[str, Any],
        search: Mapping[str, Any],
        calibration: Mapping[str, Any],
    ) -> Provenance:
        """Of a run that is going on."""
        described = {"source": _outside_source(collection, settings.out), "fingerprint": collection.fingerprint}
        folder = None if settings.out is None else Path(settings.out)
        return cls(folder, settings, described, encoder, search, calibration=calibration)

    @classmethod
    def read(cls, folder: Path) -> Provenance:
        """Of an output folder.

        Raises:
            SettingsError: it is no output of foolsgold.
            CollectionError: its settings.json is damaged.
        """
        content = read_settings_file(folder)
        known = {field.name for field in fields(MiningSettings)}
        try:
            settings = MiningSettings(**{name: value for name, value in content["settings"].items() if name in known})
            decisions = content.get("relabelled")
            relabelled = None if decisions is None else dict(decisions)
            return cls(folder, settings, content["collection"], content["encoder"], content["search"], relabelled,
                       content.get("cross_encoder"), content.get("calibration"))  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise CollectionError(
                f"{folder}/settings.json is not what foolsgold writes ({error}). Mine again."
            ) from error

    def collection_again(self, collection: Any = None) -> Collection:
        """The collection that was mined, read again unless it is given.

        Raises:
            CollectionError: it is gone, or has changed since.
        """
        found = (
            self._read_collection() if collection is None else as_collection(self._located(collection), self.settings)
        )
        if found.fingerprint != self.collection.get("fingerprint"):
            raise CollectionError(
                "the collection has changed since these candidates were mined "
                f"({self.collection.get('source') or 'made in Python'}). Mine again, or restore it."
            )
        return found

    def moved(self, collection: Collection, out: str | None) -> Provenance:
        """The same for another output folder, and for a collection that may now lie elsewhere."""
        return replace(self, collection={**self.collection, "source": _outside_source(collection, out)})

    def candidates_for(self, target: OutputFolder) -> Path:
        """Give another output folder its own candidates; returns where they are.

        Raises:
            CollectionError: there are no candidates.
        """
        candidates = self._carry_over(target, CANDIDATES_FILE)
        if candidates is None:
            raise CollectionError(f"{self.folder} has no {CANDIDATES_FILE}. Mine again into a new folder.")
        return candidates

    def hidden_for(self, target: OutputFolder) -> Path | None:
        """Likewise the candidates of queries whose positives were hidden; None where there are none."""
        return self._carry_over(target, HIDDEN_FILE)

    def _carry_over(self, target: OutputFolder, name: str) -> Path | None:
        if self.folder is None or not is_there(self.folder / name):
            return None
        staged = target.file(name)
        if staged is not None and target.path is not None and target.path.resolve() != self.folder.resolve():
            copy_table(self.folder / name, staged, _link_or_copy)
        return self.folder / name

    def cross_encoder_again(self, changes: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The cross-encoder to choose again with, the one given or the one before; and the changes with its name.

        Raises:
            SettingsError: there was one, which only Python knows.
        """
        if "cross_encoder" in changes:
            given = changes["cross_encoder"]
            off = {"cross_encoder_max_probability": None} if given is None else {}
            return given, {**off, **changes, "cross_encoder": named(given)}
        if self.cross_encoder is not None and self.settings.cross_encoder is None:
            raise SettingsError(
                "cross_encoder is missing: the one that judged these candidates was given as an object. Give it again, "
                "or another, or None to choose without."
            )
        return self.settings.cross_encoder, changes

    def obsolete_files(self, folder: OutputFolder) -> tuple[str, ...]:
        """What an earlier run may have left in an output folder that this one does not replace, and nobody else's."""
        names = [RELABELLED_FILE, *([] if self._keeps_hidden(folder) else [HIDDEN_FILE])]
        for format, traits in TRAINING_FORMATS.items():
            stems = ("train", f"train.{format}")  # as it was chosen, and as it was exported
            names += [training_file_name(stem, file_type) for stem in stems for file_type in traits.file_types]
        if self.collection["source"] is not None:
            names.append(COLLECTION_FOLDER)  # what was mined lies elsewhere
        if folder.path is None or folder.scratch is None:
            return ()
        here, new = folder.path, folder.scratch
        return tuple(name for name in dict.fromkeys(names) if not (new / name).exists() and is_own(here / name))

    def _keeps_hidden(self, folder: OutputFolder) -> bool:
        """Whether these candidates have some with hidden positives: what lies in their own folder is theirs."""
        return bool(self.calibration and self.calibration.get("leak_test")) and folder.path == self.folder

    def _located(self, collection: Any) -> Any:
        """Files that are named anew, read as they were read before."""
        if isinstance(collection, (str, Path)):
            collection = CollectionFiles(folder=str(collection))
        if not isinstance(collection, CollectionFiles):
            return collection
        return collection.read_as(CollectionFiles(**(self.collection.get("source") or {})))

    def _read_collection(self) -> Collection:
        source: Any = self.collection.get("source")
        try:
            if source is None and self.folder is not None:
                return replace(read_beir(self.folder / COLLECTION_FOLDER), source=None)
            return CollectionFiles(**source).read(self.settings)
        except (TypeError, AttributeError) as error:
            raise CollectionError(f"{self.folder}/settings.json names no collection ({error}). Mine again.") from error
        except SettingsError as error:
            raise CollectionError(
                f"the collection is no longer where it was mined from: {error} If it was moved, name it with "
                "--collection (or --corpus, --queries, --qrels, or --pairs)."
            ) from error

    def settings_file(self, settings: MiningSettings) -> dict[str, Any]:
        """What settings.json holds: enough to run it again."""
        return {
            "foolsgold": __version__,
            "settings": settings.as_dict(),
            "collection": dict(self.collection),
            "encoder": dict(self.encoder),
            "search": dict(self.search),
            "relabelled": None if self.relabelled is None else dict(self.relabelled),
            "cross_encoder": None if self.cross_encoder is None else dict(self.cross_encoder),
            "calibration": None if self.calibration is None else dict(self.calibration),
            "versions": {"python": platform.python_version(), **_package_versions()},
        }


def keep_collection(collection: Collection, folder: OutputFolder) -> None:
    """Write a collection that lies nowhere else beside its candidates.

    Raises:
        SettingsError: it was relabelled, and could not be read again as it is; or something else has its place.
    """
    if collection.set_aside is not None and folder.path is not None:
        raise SettingsError(
            "this collection was relabelled by select. Give mine the collection as it was read, and then pass the "
            f"decisions again: select(..., relabel=...) also takes the {RELABELLED_FILE} of another output folder."
        )
    copy = folder.file(COLLECTION_FOLDER)
    if copy is not None and folder.path is not None and collection.source is None:
        check_place(folder.path / COLLECTION_FOLDER, is_folder=True)
        write_beir_parquet(collection, copy)


def named(cross_encoder: Any) -> str | None:
    """A cross-encoder as settings keep it: a hub id or a folder; None for an object."""
    return str(cross_encoder) if isinstance(cross_encoder, (str, Path)) else None


def _outside_source(collection: Collection, out: str | None) -> dict[str, Any] | None:
    """Where a collection lies, None where that is nowhere, or in the output folder itself."""
    if collection.source is None:
        return None
    folder = collection.source.get("folder")
    inside = (
        out is not None and folder is not None and Path(folder).resolve() == (Path(out) / COLLECTION_FOLDER).resolve()
    )
    return None if inside else dict(collection.source)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _package_versions() -> dict[str, str]:
    versions = {name: installed_version(name) for name in _PACKAGES}
    return {name: version for name, version in versions.items() if version is not None}
