"""What a training format cannot express of a collection, or of what was chosen."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from foolsgold.collection import Collection
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.export.formats import FORMATS
from foolsgold.export.training_rows import TrainingRows
from foolsgold.sample import RANDOM
from foolsgold.settings import MiningSettings
from foolsgold.training_formats import TrainingFormat, without_scores


def check_ids(settings: MiningSettings, collection: Collection) -> None:
    """Refuse ids that would break the lines of the settings' format.

    Raises:
        CollectionError: naming the first.
    """
    pattern = FORMATS[settings.format].unfit_ids
    for what, ids in (("query", collection.query_ids), ("document", collection.doc_ids)) if pattern else ():
        unfit = (chunk.filter(pc.match_substring_regex(chunk, pattern)) for chunk in ids.chunks)
        first = next((chunk[0].as_py() for chunk in unfit if len(chunk)), None)
        if first is not None:
            raise CollectionError(
                f"format {settings.format!r}: the {what} id {first!r} has white space or a quote that would break the "
                "file's lines. Give it another id, or take another format."
            )


def check_scores(rows: TrainingRows, collection: Collection, name: TrainingFormat) -> None:
    """Refuse negatives of pairs as far as a score is not known, or is no finite number.

    Raises:
        SettingsError: naming the first, why, and how to choose others.
    """
    unknown = ~(np.isfinite(rows.scores) & np.isfinite(rows.positive_scores))
    if not unknown.any():
        return
    row = int(np.argmax(unknown))
    is_positive = not np.isfinite(rows.positive_scores[row])
    query = collection.query_ids[int(rows.query_rows[row])].as_py()
    document = collection.doc_ids[int((rows.positive_rows if is_positive else rows.doc_rows)[row])].as_py()
    source = rows.source_names[rows.sources[row]]
    if is_positive or source != RANDOM:
        why = "the run that found the candidates does not have it"
        mend = "Take another source"
    else:
        why = "it was drawn at random, where candidates could not keep to the rate of false negatives"
        mend = "Choose with max_false_negative_rate=None ('none') and random_ratio=0"
    raise SettingsError(
        f"format {name!r} is to have scores, but document {document!r} has none for query {query!r}: {why}. {mend}, "
        f"or {without_scores(name)}."
    )
