"""A SimpleMiner's index on disk: a folder with the Voyager index, the texts, and who made them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foolsgold.errors import CollectionError, ModelError, OutputError, SettingsError
from foolsgold.output import OutputFolder, is_staging
from foolsgold.version import __version__

if TYPE_CHECKING:
    from voyager import Index

_INDEX_FILE, _TEXTS_FILE, _MINER_FILE = "index.voyager", "corpus.parquet", "simple_miner.json"
_FILES = {_INDEX_FILE, _TEXTS_FILE, _MINER_FILE}
_IDENTITY = ("language_code", "model_size", "model_name", "model_fingerprint", "seed", "min_rank", "max_rank")


@dataclass(frozen=True)
class SavedMiner:
    """All that a SimpleMiner needs to go on where it was saved."""

    language_code: str
    model_size: str
    model_name: str | None
    model_fingerprint: str | None
    seed: int
    min_rank: int
    max_rank: int
    index: Index
    texts: list[str]

    def check_model(self, fingerprint: str | None, path: str | Path) -> None:
        """Refuse a model whose vectors do not belong to the index.

        Raises:
            ModelError: the weights or prompts are others.
        """
        if self.model_fingerprint != fingerprint:
            raise ModelError(
                f"the index in {path} was built with another model (or other prompts) than "
                f"{self.model_name or 'the one given'} is now. Pass the model it was built with, or build it again."
            )


def check_miner_folder(path: Path) -> None:
    """Refuse a folder that holds anything but a saved SimpleMiner.

    Raises:
        SettingsError: it does, or it is a file.
    """
    if path.exists() and not path.is_dir():
        raise SettingsError(f"save_path: {path} is a file. Give the path of a folder.")
    others = (
        sorted(name for name in os.listdir(path) if name not in _FILES and not is_staging(name))
        if path.is_dir()
        else []
    )
    if others:
        raise SettingsError(
            f"save_path: {path} holds something else ({', '.join(others[:3])}). Give a new folder, or one written here "
            "before."
        )


def write_miner(path: Path, miner: SavedMiner) -> None:
    """Write the folder whole, or leave it as it was.

    Raises:
        SettingsError: the folder holds something else.
        OutputError: it could not be written; what was there before is untouched.
    """
    identity = {"foolsgold": __version__, **{name: getattr(miner, name) for name in _IDENTITY}}
    try:
        with OutputFolder(path, check=check_miner_folder, argument="save_path") as folder:
            miner.index.save(str(folder.file(_INDEX_FILE)))
            folder.write_parquet(_TEXTS_FILE, pa.table({"text": pa.array(miner.texts, pa.large_string())}))
            folder.write_json(_MINER_FILE, identity)
            folder.publish()
    except RuntimeError as error:  # Voyager's own, for whatever keeps it from writing
        raise OutputError(f"save_path: {path} could not be written ({error}).") from error


def read_miner(path: Path) -> SavedMiner:
    """Read the folder that `write_miner` wrote.

    Raises:
        SettingsError: it is not there.
        CollectionError: it is damaged.
    """
    import pyarrow.parquet as pq
    from voyager import Index

    if not (path / _MINER_FILE).is_file():
        what = "holds no saved SimpleMiner" if path.is_dir() else "does not exist"
        raise SettingsError(f"path: {path} {what}. Give a folder written by export_index or save_index.")
    try:
        identity: dict[str, Any] = json.loads((path / _MINER_FILE).read_text(encoding="utf-8"))
        texts = pq.read_table(path / _TEXTS_FILE)["text"].to_pylist()
        index = Index.load(str(path / _INDEX_FILE))
        miner = SavedMiner(**{name: identity[name] for name in _IDENTITY}, index=index, texts=texts)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise CollectionError(f"path: {path} is damaged ({error}). Build the index again.") from error
    if len(index) != len(texts):
        raise CollectionError(f"path: {path} is damaged: {len(index)} vectors for {len(texts)} texts. Build it again.")
    return miner
