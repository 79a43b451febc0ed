"""What cannot work, said before anything is mined or trained."""

from __future__ import annotations

import multiprocessing
import numbers
from typing import TYPE_CHECKING, Any

from foolsgold.errors import ModelError, SettingsError
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from transformers import TrainingArguments

_FORMATS = ("n-tuple", "triplet")
_DIVIDING = ("FSDP", "DEEPSPEED", "MEGATRON_LM")  # each process may hold but a part of the weights


def check_interval(every_n_steps: Any, every_n_epochs: Any) -> None:
    """One of the two, a whole number.

    Raises:
        SettingsError: none, both, or something else.
    """
    given = {"every_n_steps": every_n_steps, "every_n_epochs": every_n_epochs}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        what = "neither is given" if not given else "both are given"
        raise SettingsError(f"every_n_steps, every_n_epochs: {what}; give one of them, such as every_n_epochs=1.")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise SettingsError(f"{name} is {value!r}; it takes a whole number of at least 1.")


def checked_settings(settings: Any) -> MiningSettings:
    """The settings, with the cache off: no model comes twice.

    Raises:
        SettingsError: they are none, or cannot be kept to while a model is trained.
    """
    settings = MiningSettings() if settings is None else settings
    if not isinstance(settings, MiningSettings):
        raise SettingsError(f"settings is a {type(settings).__name__}; it takes MiningSettings(...).")
    if settings.format not in _FORMATS:
        raise SettingsError(
            f"format is {settings.format!r}; negatives can be refreshed in {' or '.join(map(repr, _FORMATS))}, whose "
            "number of rows does not depend on what was mined."
        )
    if settings.with_scores:
        raise SettingsError("with_scores: negatives are refreshed without scores. Leave with_scores out.")
    if settings.short_rows == "keep":
        raise SettingsError(
            "short_rows='keep' cannot be refreshed: each pair has a fixed number of negatives. Take 'relax', 'drop' or "
            "'random'."
        )
    if settings.precision == "int8":
        raise SettingsError(
            "precision is 'int8', which needs an exported graph of a model that no longer changes. Take 'auto'."
        )
    if settings.num_workers not in (None, 1):
        raise SettingsError(
            f"num_workers is {settings.num_workers}, but a model in training cannot be moved to other processes. "
            "Leave it out."
        )
    return settings.replace(cache=None)


def check_model(model: Any) -> None:
    """Whether it can be mined with.

    Raises:
        ModelError: it is no SentenceTransformer.
    """
    from sentence_transformers import SentenceTransformer

    if not isinstance(model, SentenceTransformer):
        raise ModelError(
            f"model is a {type(model).__name__}; RefreshNegatives mines with the model that is trained, which must be "
            "a SentenceTransformer. For others, mine before training, with a SentenceTransformer."
        )


def check_training(args: TrainingArguments, *, within_epochs: bool) -> None:
    """Whether a trainer's arguments let new negatives come through.

    Args:
        args: of the trainer.
        within_epochs: whether negatives are exchanged while an epoch is under way.

    Raises:
        SettingsError: data loading or weights lie in other processes, or a sampler remembers earlier negatives.
    """
    from accelerate.state import AcceleratorState

    if args.dataloader_num_workers:
        _check_workers(args, within_epochs=within_epochs)
    if getattr(args, "batch_sampler", None) == "no_duplicates_hashed":
        raise SettingsError(
            "batch_sampler is 'no_duplicates_hashed', which goes on with hashes of the first negatives. Take "
            "'no_duplicates'."
        )
    kind = AcceleratorState().distributed_type.name
    if kind in _DIVIDING:
        raise SettingsError(
            f"RefreshNegatives cannot be used with {kind}, where a process may hold but a part of the weights. Train "
            "on one device, or on several with DDP (torchrun, accelerate launch)."
        )


def _check_workers(args: TrainingArguments, *, within_epochs: bool) -> None:
    """Processes that load data are forked at the start of an epoch, with the negatives of then."""
    n_workers = args.dataloader_num_workers
    if within_epochs:
        raise SettingsError(
            f"dataloader_num_workers is {n_workers}, but processes that load data would go on with earlier negatives "
            "until the next epoch. Take dataloader_num_workers=0, or every_n_epochs instead of every_n_steps."
        )
    if args.dataloader_persistent_workers:
        raise SettingsError(
            "dataloader_persistent_workers is True, but those processes would go on with the first negatives. Take "
            "dataloader_persistent_workers=False."
        )
    if multiprocessing.get_start_method() != "fork":
        raise SettingsError(
            f"dataloader_num_workers is {n_workers}, but processes are not forked here, and others do not see the "
            "negatives. Take dataloader_num_workers=0."
        )
