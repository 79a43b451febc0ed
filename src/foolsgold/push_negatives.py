"""Training data of an output folder, pushed to the hub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.errors import CollectionError
from foolsgold.output import read_settings_file
from foolsgold.provenance import NEGATIVES_FILE, Provenance
from foolsgold.relabel import judged_again
from foolsgold.result import MiningResult
from foolsgold.settings import TrainingFormat


def push_negatives(
    folder: str | Path,
    repo_id: str,
    format: TrainingFormat | None = None,
    *,
    split: str = "train",
    with_scores: bool | None = None,
    private: bool | None = True,
    token: str | None = None,
    language: str | list[str] | None = None,
    collection: Any = None,
    quiet: bool = False,
) -> str:
    """Push the negatives of an output folder to the hub, as `MiningResult.push_to_hub` does.

    Args:
        folder: the output folder of `mine` or `select`.
        repo_id: owner and name of the dataset, or a name among your own.
        format: of the training data; None is that of the folder's settings.
        split: such as "train".
        with_scores: whether rows have scores; None is as the folder's settings say.
        private: whether a new dataset is private.
        token: None is that of the login.
        language: codes of the texts' languages, for the card.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without progress bars.

    Returns:
        The dataset's address.

    Raises:
        FoolsgoldError: no such output, a collection that has changed, or what `MiningResult.push_to_hub` raises.
    """
    result = read_result(folder, collection=collection)
    result = replace(result, settings=result.settings.replace(quiet=quiet))
    return result.push_to_hub(
        repo_id, format, split=split, with_scores=with_scores, private=private, token=token, language=language
    )


def read_result(folder: str | Path, *, collection: Any = None) -> MiningResult:
    """What `mine` or `select` gave back when it wrote a folder.

    Raises:
        FoolsgoldError: no such output, or a collection that has changed.
    """
    folder = Path(folder)
    origin = Provenance.read(folder)
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CollectionError(f"{folder} has no readable report.json ({error}). Select or mine again.") from error
    stored = ChosenNegatives(folder / NEGATIVES_FILE)
    settings = replace(origin.settings, out=str(folder))
    found = judged_again(origin.collection_again(collection), origin)
    return MiningResult(stored, report, settings, found, folder, read_settings_file(folder))
