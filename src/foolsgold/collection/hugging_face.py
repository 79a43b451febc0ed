"""Datasets of Hugging Face: on the hub, in a folder of `save_to_disk`, or in memory, of which one split is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foolsgold.errors import CollectionError, MissingExtraError, SettingsError

_SAVED = ("dataset_info.json", "dataset_dict.json")  # what `save_to_disk` writes


def is_saved_dataset(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`."""
    return any((folder / name).is_file() for name in _SAVED)


def load_saved(folder: Path) -> Any:
    """What `save_to_disk` wrote: a Dataset, or a DatasetDict of several splits.

    Raises:
        CollectionError: it cannot be read.
        MissingExtraError: the package datasets is not installed.
    """
    datasets = _library()
    try:
        return datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise CollectionError(
            f"{folder}: not a readable dataset ({error}). Save it again with save_to_disk."
        ) from error


def load_from_hub(name: str, config: str | None) -> Any:
    """All splits of a dataset on the hub, or in a folder laid out as there; its code, if it has any, is never run.

    Raises:
        SettingsError: the name of a kind of files, which is no dataset.
        CollectionError: it is not there, cannot be downloaded, or needs the name of a configuration.
        MissingExtraError: the package datasets is not installed.
    """
    datasets = _library()
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES as kinds_of_files

    if Path(name).is_dir():
        name = str(Path(name).resolve())  # a name alone may be one of these kinds
    if name in kinds_of_files:
        raise SettingsError(
            f"pairs: {name!r} is a kind of files, not a dataset. Give the path of a file, or an id OWNER/NAME on the "
            "Hugging Face hub."
        )
    try:
        return datasets.load_dataset(name, config, trust_remote_code=False)
    except Exception as error:  # of the network, the hub, the file formats: the library raises what it meets
        raise CollectionError(
            f"pairs: no file or folder {name}, and no dataset of that id could be loaded from the Hugging Face hub "
            f"({type(error).__name__}: {str(error)[:500]}). Check the path or id, and --pairs-config (config=)."
        ) from error


def one_split(dataset: Any, split: str | None, argument: str) -> Any:
    """One split of several: the one named, else train, else the only one; a single dataset has no splits.

    Raises:
        SettingsError: no such split, or several of which none is train.
    """
    if not isinstance(dataset, Mapping):
        if split is not None:
            raise SettingsError(f"split is {split!r}, but {argument} has no splits. Leave split out.")
        return dataset
    wanted = split or ("train" if "train" in dataset else next(iter(dataset), "") if len(dataset) == 1 else "")
    if wanted not in dataset:
        there = ", ".join(map(str, dataset)) or "none"
        raise SettingsError(f"split is {split!r}; the splits of {argument} are: {there}. Name one of them (--split).")
    return dataset[wanted]


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(
            'a dataset needs the extra `datasets`. Install it: pip install "foolsgold[datasets]"'
        ) from error
    return datasets
