"""Relabelling as `select` does it: earlier and new decisions in, the relabelled collection and its record out."""

from __future__ import annotations

from typing import Any

from foolsgold.collection import Collection
from foolsgold.output import OutputFolder
from foolsgold.provenance import RELABELLED_FILE, Provenance
from foolsgold.relabel.apply import count_overruled, relabelled
from foolsgold.relabel.decisions import Decisions


def judged_again(collection: Collection, origin: Provenance) -> Collection:
    """A collection as it was judged for the negatives of an output folder: with the decisions taken in before.

    Raises:
        CollectionError: relabelled.parquet is gone, or is not what was written.
    """
    decisions = Decisions.of_run(origin, collection)
    return relabelled(collection, decisions) if len(decisions) else collection


def take_in(
    relabel: Any, collection: Collection, *, origin: Provenance, target: OutputFolder
) -> tuple[Collection, dict[str, Any] | None]:
    """Apply the decisions of earlier selections and new ones, and keep them in the output folder.

    Args:
        relabel: a file or Python values (see `read_labels`); None: no new ones.
        collection: as it was mined.
        origin: of the candidates.
        target: gets relabelled.parquet, where there are decisions.

    Returns:
        The collection as it is judged now; and the numbers of decisions with their fingerprint, None where there are no
        decisions.

    Raises:
        FoolsgoldError: decisions that cannot be read, or contradict each other, with file and line.
    """
    decisions = Decisions.of_run(origin, collection)
    if relabel is not None:
        decisions = decisions.overridden_by(Decisions.read(relabel, collection))
    if not len(decisions):
        return collection, None
    target.write_parquet(RELABELLED_FILE, decisions.table(collection))
    counts = {**decisions.counts, **count_overruled(collection, decisions)}
    return relabelled(collection, decisions), {**counts, "fingerprint": decisions.fingerprint}
