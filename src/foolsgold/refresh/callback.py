"""RefreshNegatives: while a model is trained, negatives are mined again with the model as it has become."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from foolsgold.collection import as_collection
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.refresh.checks import check_interval, check_model, check_training, checked_settings
from foolsgold.refresh.live_texts import LiveTexts
from foolsgold.refresh.mine_in_training import Mined, mine_in_training, on_main_process
from foolsgold.refresh.pair_negatives import PairNegatives
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from transformers import Trainer, TrainerControl, TrainerState, TrainingArguments

NEGATIVES_FILE = "foolsgold_negatives.parquet"  # in the folder of a checkpoint

logger = logging.getLogger(__name__)


class RefreshNegatives(TrainerCallback):
    """Mines again every so many steps or epochs of a SentenceTransformerTrainer, with the model as it is then (ANCE).

    What was hard for the model before training soon is not: negatives from the model's own current index keep the
    gradient large (Xiong et al., arXiv 2007.00808). All queries and documents are encoded anew, with the model's
    prompts, and the pipeline of `mine` chooses, settings and seed as given. The rows of the training dataset stay, and
    with them its samplers: they are the pairs that got all their negatives at first. A pair that gets too few later
    keeps those it has.

    After each mining these numbers are logged, to `state.log_history`, and with `attach` also to TensorBoard, W&B and
    the like: `foolsgold/hardness`, `foolsgold/expected_false_negative_rate`, `foolsgold/yield`, `foolsgold/changed`
    (the share of negatives that a pair did not have before), `foolsgold/pairs_kept` (pairs that kept what they had),
    and `foolsgold/seconds`.

    Within an epoch, the one batch that accelerate has drawn ahead still has the earlier negatives; none has where an
    epoch begins. Negatives are saved with each checkpoint, and read again when training is resumed. With the same seeds
    training gives the same weights, resumed or not, but where a checkpoint was saved at the very step of a refresh
    within an epoch. In a distributed training the first process mines and the others wait: `ddp_timeout` must be longer
    than that takes, and the training arguments be made before `dataset` is called. Use one for a trainer.

    Args:
        collection: as for `mine`.
        settings: as for `mine`, with the format n-tuple or triplet; nothing is cached. With `out`, each mining is
            written to a folder `step-N` in it, and large vectors lie there meanwhile, not in memory.
        every_n_steps: mine again after so many optimizer steps.
        every_n_epochs: instead, at the start of the epoch that follows so many.
        cross_encoder: as for `mine`.

    Raises:
        SettingsError: no interval or two, or settings that cannot be kept to in training.
        CollectionError: as `mine`.

    Example:
        refresh = foolsgold.RefreshNegatives(collection, settings, every_n_epochs=1)
        trainer = SentenceTransformerTrainer(model, args, train_dataset=refresh.dataset(model), loss=loss)
        refresh.attach(trainer)
        trainer.train()
    """

    def __init__(
        self,
        collection: Any,
        settings: MiningSettings | None = None,
        *,
        every_n_steps: int | None = None,
        every_n_epochs: int | None = None,
        cross_encoder: Any = None,
    ) -> None:
        check_interval(every_n_steps, every_n_epochs)
        self._settings = checked_settings(settings)
        self._collection = as_collection(collection, self._settings)
        self._every_n_steps = every_n_steps
        self._every_n_epochs = every_n_epochs
        self._cross_encoder = cross_encoder
        self._texts: LiveTexts | None = None
        self._unlogged: Mapping[str, float] | None = None  # of the mining before training
        self._trainer: Trainer | None = None
        self._has_begun = False  # a training on this dataset

    def dataset(self, model: SentenceTransformer, *, checkpoint: str | Path | None = None) -> Dataset:
        """Mine for the first time, with the model before training, and give the dataset to train on.

        Its rows are read through this object, and always have the negatives of the latest mining; so have those that
        select, shuffle, sort, filter, train_test_split or remove_columns make of it. It holds row numbers in place of
        texts: map that changes texts, flatten_indices, rename_column and save_to_disk cannot work with it. Prompts
        belong into `prompts` of the training arguments; to save texts, `Dataset.from_list(list(dataset))`.

        Args:
            model: to be trained.
            checkpoint: the folder of one, to take its negatives instead of mining; for a training to be resumed.

        Raises:
            FoolsgoldError: a model that is no SentenceTransformer, a folder that is no checkpoint of such a training,
                or as `mine`.
        """
        check_model(model)
        if checkpoint is None:
            mined = self._mined(model, step=0)
            negatives, self._unlogged = mined.negatives, mined.numbers
        else:
            negatives, self._unlogged = on_main_process(lambda: self._read(Path(checkpoint))), None
        if not len(negatives):
            raise CollectionError(
                f"no pair got its {self._settings.negatives} negatives, so there is nothing to train on. Lower "
                "negatives, take short_rows='random', or give a larger corpus."
            )
        self._texts = LiveTexts(self._collection, negatives, self._settings.format)
        self._has_begun = False
        return self._texts.dataset()

    def attach(self, trainer: Trainer) -> None:
        """Become a callback of a trainer, if not one already, and log through it.

        A callback does not know its trainer, and cannot reach the trackers that it reports to.

        Raises:
            SettingsError: it trains on another dataset.
        """
        self._check_dataset(trainer.train_dataset)
        if self not in trainer.callback_handler.callbacks:
            trainer.add_callback(self)
        self._trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Check that negatives can be exchanged; log the first, or take up those of a checkpoint."""
        check_model(kwargs["model"])
        self._check_dataset(kwargs["train_dataloader"].dataset)
        check_training(args, within_epochs=self._every_n_steps is not None)
        if state.global_step:
            self._resume(args, state, kwargs["model"])
        elif self._has_begun:  # the negatives are of an earlier training's model
            self._refresh(state, kwargs["model"])
        elif self._unlogged is not None:
            self._log(state, self._unlogged)
        self._has_begun = True

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Mine again before the first batch of the epoch is drawn; not where training is resumed amid an epoch."""
        if self._every_n_epochs and state.epoch and state.epoch % self._every_n_epochs == 0:
            self._refresh(state, kwargs["model"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Mine again, unless this was the last step."""
        if self._every_n_steps and state.global_step % self._every_n_steps == 0 and state.global_step < state.max_steps:
            self._refresh(state, kwargs["model"])

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the negatives with the checkpoint."""
        folder = _checkpoint_folder(args, state)
        if state.is_world_process_zero and folder.is_dir() and self._texts is not None:
            self._texts.negatives.write(folder / NEGATIVES_FILE, self._collection)

    def _refresh(self, state: TrainerState, model: SentenceTransformer) -> None:
        texts = self._handed_out()
        mined = self._mined(model, step=state.global_step)
        earlier = texts.negatives
        texts.negatives, n_kept = earlier.renewed(mined.negatives)
        changed = texts.negatives.changed_ratio(earlier)
        self._log(state, {**mined.numbers, "changed": changed, "pairs_kept": n_kept})

    def _mined(self, model: SentenceTransformer, *, step: int) -> Mined:
        out = self._settings.out
        settings = self._settings.replace(out=None if out is None else str(Path(out) / f"step-{step}"))
        return on_main_process(
            lambda: mine_in_training(model, self._collection, settings, cross_encoder=self._cross_encoder)
        )

    def _resume(self, args: TrainingArguments, state: TrainerState, model: SentenceTransformer) -> None:
        texts, folder = self._handed_out(), _checkpoint_folder(args, state)
        saved = on_main_process(lambda: self._read(folder) if (folder / NEGATIVES_FILE).exists() else None)
        if saved is None:
            logger.warning("%s has no %s; negatives are mined again to go on", folder, NEGATIVES_FILE)
            self._refresh(state, model)
        elif not saved.has_pairs_of(texts.negatives):
            raise CollectionError(
                f"{folder} was trained on other pairs than are now in the training dataset. Make that of the "
                f"checkpoint: refresh.dataset(model, checkpoint={str(folder)!r})."
            )
        else:
            texts.negatives = saved

    def _read(self, folder: Path) -> PairNegatives:
        negatives = PairNegatives.read(folder / NEGATIVES_FILE, self._collection)
        n_negatives = negatives.doc_rows.shape[1]
        if n_negatives != self._settings.negatives:
            raise SettingsError(
                f"{folder} was trained with {n_negatives} negatives a pair, and negatives is "
                f"{self._settings.negatives}. Take the settings that it was trained with."
            )
        return negatives

    def _log(self, state: TrainerState, found: Mapping[str, float]) -> None:
        logs = {f"foolsgold/{name}": float(value) for name, value in found.items()}
        if self._trainer is not None:
            self._trainer.log(logs)
        else:
            state.log_history.append({**logs, "epoch": state.epoch or 0.0, "step": state.global_step})
        logger.info("negatives mined at step %d: %s", state.global_step, found)

    def _handed_out(self) -> LiveTexts:
        if self._texts is None:
            raise SettingsError("no training dataset was made. Call refresh.dataset(model), and train on it.")
        return self._texts

    def _check_dataset(self, dataset: Any) -> None:
        texts = self._handed_out()
        parts = list(texts.parts_of(dataset))
        if not parts:
            raise SettingsError(
                "train_dataset is not what refresh.dataset(model) gave last, nor made of it, and would not get new "
                "negatives. Train on that, or leave the callback out."
            )
        for part in parts:
            if (missing := texts.missing_in(part)) is not None:
                there = ", ".join(map(repr, part.column_names))
                raise SettingsError(
                    f"train_dataset has no column {missing!r} any more; those there are: {there}. "
                    "Columns of refresh.dataset(model) are found by their names: leave out rename_column, and keep "
                    "the anchor, the positive and a negative."
                )


def _checkpoint_folder(args: TrainingArguments, state: TrainerState) -> Path:
    """Where the trainer saves at this step; a training that is resumed finds it there too."""
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
