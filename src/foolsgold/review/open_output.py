"""An output folder, opened to decide what is open in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection
from foolsgold.errors import CollectionError
from foolsgold.output import SETTINGS_FILE, is_staging
from foolsgold.provenance import CANDIDATES_FILE, NEGATIVES_FILE, Provenance
from foolsgold.relabel import judged_again
from foolsgold.review.order import Order, review_order
from foolsgold.review.pairs import OpenPairs, open_pairs
from foolsgold.search import CandidateStore
from foolsgold.shards import is_there


class OpenOutput(NamedTuple):
    """What a desk is about.

    Attributes:
        collection: as it was judged for the negatives.
        open: what there is to decide.
        order: in which.
    """

    collection: Collection
    open: OpenPairs
    order: Order


def open_output(out: Path, *, collection: Any = None, quiet: bool = False) -> OpenOutput:
    """Read what `mine` or `select` wrote.

    Args:
        out: the output folder.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Raises:
        SettingsError: there is no such output.
        CollectionError: it is not whole, or of an older version; the collection is gone or has changed; or there is
            nothing to decide.
    """
    _check_whole(out)
    origin = Provenance.read(out)
    settings = origin.settings.replace(out=str(out), quiet=quiet)
    found = judged_again(origin.collection_again(collection), origin)
    candidates = CandidateStore(found, out / CANDIDATES_FILE)
    opened = open_pairs(found, candidates, ChosenNegatives(out / NEGATIVES_FILE), settings)
    if not len(opened.pairs):
        raise CollectionError(
            f"{out} has nothing to decide: of what was mined no negative is undecided, and no rule dropped a candidate "
            "by a guess. Select with other rules, or mine again."
        )
    return OpenOutput(found, opened, review_order(opened.pairs, opened.threshold, found, seed=settings.seed))


def _check_whole(out: Path) -> None:
    if not out.is_dir():
        return  # said by whoever reads its settings
    if not (out / SETTINGS_FILE).is_file() and any(is_staging(name) for name in os.listdir(out)):
        raise CollectionError(
            f"{out} is not finished: mining goes on there, or was stopped. Wait for it, or mine again."
        )
    if (out / SETTINGS_FILE).is_file():
        for name in (CANDIDATES_FILE, NEGATIVES_FILE):
            if not is_there(out / name):
                raise CollectionError(f"{out} has no {name}. Restore it, or mine again into a new folder.")
