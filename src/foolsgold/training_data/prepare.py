"""prepare_training_data(): raw pairs and triplets to ColBERT files, with the parameters of RAGatouille's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import CollectionError, SettingsError
from foolsgold.output import OutputFolder
from foolsgold.training_data.examples import Examples, read_examples
from foolsgold.training_data.files import check_data_folder, publish, write_examples, write_n_way
from foolsgold.training_data.new_negatives import new_negatives
from foolsgold.training_data.prepared import PreparedData, no_new_negatives
from foolsgold.training_data.scores import NWayRows, n_way_rows, read_scores
from foolsgold.training_data.settings import Label, PreparationSettings
from foolsgold.training_data.triples import known_passages, make_triples

logger = logging.getLogger(__name__)


def prepare_training_data(
    raw_data: Any,
    all_documents: Any = None,
    data_out_path: str | Path = "./data/",
    num_new_negatives: int = 10,
    hard_negative_minimum_rank: int = 10,
    mine_hard_negatives: bool = True,
    hard_negative_model_size: str = "small",
    pairs_with_labels: bool = False,
    positive_label: Label = 1,
    negative_label: Label = 0,
    *,
    language_code: str = "en",
    model: Any = None,
    seed: int = 42,
    scores: Any = None,
    max_triples_per_query: int = 20,
    quiet: bool = False,
) -> str:
    """Turn raw data into the files that ColBERT trains on, with new negatives; RAGatouille's trainer reads them.

    Writes `queries.train.colbert.tsv` and `corpus.train.colbert.tsv` (`number⇥text`, numbered from 0; tabs and line
    breaks in texts become spaces) and `triples.train.colbert.jsonl` (`[qid, pid of a positive, pid of a negative]`,
    shuffled). Queries and passages keep the order of first appearance. What says the same as a positive, a given
    negative or the query is never a new negative, whatever its case and white space; what was given both as positive
    and as negative of a query is a positive.

    Where mining finds nothing for a query, a warning is logged that counts such queries: random negatives come only if
    they are asked for.

    Args:
        raw_data: all of one form: pairs (query, positive), labelled pairs (query, passage, label) or triplets (query,
            positive, negative), as tuples or lists, as dicts or a table with such fields, or the path of a `.jsonl`,
            `.parquet`, `.csv` or `.tsv`. A passage is a text, a dict with `content`, or a list of these, which may
            have a list of as many labels. Fields: query, positive, and hard_negative, negatives, negative_1, …; with
            label or labels, passage. A score instead of a label is refused.
        all_documents: more passages to mine from: texts, dicts with `content`, or the path of a file with `content`
            or `text` (and `title`, which is put before it).
        data_out_path: a folder; what else it holds stays as it is.
        num_new_negatives: for each query, as far as there are so many; 0 mines nothing.
        hard_negative_minimum_rank: they are drawn from SimpleMiner's window of ranks; this is its `min_rank`.
        mine_hard_negatives: if False, new negatives are drawn from all passages.
        hard_negative_model_size: "small", "base" or "large".
        pairs_with_labels: rows of three are labelled pairs, rather than triplets; dicts tell by their fields. A third
            that reads like a label is refused without this.
        positive_label: of labelled pairs.
        negative_label: likewise; a row with any other label is an error.
        language_code: with the size it names the model, as in SimpleMiner.
        model: instead: a hub id, a folder, a SentenceTransformer, any Encoder, or "offline".
        seed: of all draws; each query's depend on its text, so that other queries change nothing.
        scores: a teacher's: (query, passage, score) rows, a table, or the path of a file with these fields. With them
            `nway.train.colbert.jsonl` is written, too: `[qid, [pid, score], …]`, a row for each positive, which comes
            first, with all negatives in its query's triples. Rows with a passage that has no score are left out, and
            counted. To have all: score the pairs of the triples, and prepare again; they will be the same.
        max_triples_per_query: of all combinations, evenly over positives and negatives; given negatives before new.
        quiet: without progress bars.

    Returns:
        `data_out_path`, as it was given.

    Raises:
        SettingsError: a setting out of its range, or a path that is a file.
        CollectionError: rows that cannot be taken (says which), or no triples at all; nothing is written.
        ModelError: the model cannot be loaded or used.
        OutputError: the files could not be written; earlier ones are untouched.

    >>> from tempfile import mkdtemp
    >>> pairs = [("What sound does a cat make?", "Cats purr."), ("What sound does a dog make?", "Dogs bark.")]
    >>> folder = prepare_training_data(pairs, ["Cows moo."], mkdtemp(), 1, model="offline", quiet=True)
    >>> print(Path(folder, "triples.train.colbert.jsonl").read_text(), end="")
    [1, 2, 1]
    [0, 1, 2]
    """
    settings = PreparationSettings(
        num_new_negatives=num_new_negatives,
        hard_negative_minimum_rank=hard_negative_minimum_rank,
        mine_hard_negatives=mine_hard_negatives,
        hard_negative_model_size=hard_negative_model_size,
        pairs_with_labels=pairs_with_labels,
        positive_label=positive_label,
        negative_label=negative_label,
        language_code=language_code,
        max_triples_per_query=max_triples_per_query,
        seed=seed,
        quiet=quiet,
    )
    prepared = prepare(raw_data, all_documents, out=data_out_path, model=model, scores=scores, settings=settings)
    for warning in prepared.warnings():
        logger.warning(warning)
    return str(data_out_path)


def prepare(
    raw_data: Any,
    all_documents: Any = None,
    *,
    out: str | Path,
    model: Any = None,
    scores: Any = None,
    settings: PreparationSettings,
) -> PreparedData:
    """As `prepare_training_data`, for those who want to know what came of it.

    Raises:
        FoolsgoldError: as `prepare_training_data`.
    """
    if not isinstance(out, (str, Path)) or not str(out):
        raise SettingsError(f"data_out_path is {out!r}; it takes the path of a folder.")
    with OutputFolder(out, check=check_data_folder, argument="data_out_path") as folder:
        examples = read_examples(raw_data, all_documents, settings)
        known_scores = None if scores is None else read_scores(scores, examples, quiet=settings.quiet)
        new = new_negatives(examples, settings, model=model)
        known = known_passages(examples, new, settings)
        triples = make_triples(known, settings)
        if not len(triples):
            raise CollectionError(f"no triples: {_why_none(examples, settings)}")
        write_examples(folder, examples, triples)
        n_way = None
        if known_scores is not None:
            n_way = n_way_rows(examples, known, scores=known_scores, seed=settings.seed)
            write_n_way(folder, n_way.rows, known_scores)
        publish(folder, with_n_way=n_way is not None)
    return _prepared(examples, settings, out=Path(out), new=new, triples=triples, n_way=n_way)


def _prepared(
    examples: Examples,
    settings: PreparationSettings,
    *,
    out: Path,
    new: Mapping[int, Sequence[int]],
    triples: NDArray[np.int32],
    n_way: NWayRows | None,
) -> PreparedData:
    triples_per_query = np.bincount(triples[:, 0], minlength=len(examples.qids))
    n_positives = sum(len(examples.positives[qid]) for qid in np.flatnonzero(triples_per_query))
    return PreparedData(
        folder=out,
        n_passages=len(examples.pids),
        triples_per_query=triples_per_query,
        n_without_positive=len(examples.qids) - len(new),
        n_without_new=sum(not pids for pids in new.values()) if settings.num_new_negatives else 0,
        n_with_fewer=sum(0 < len(pids) < settings.num_new_negatives for pids in new.values()),
        n_contradictions=examples.n_contradictions,
        n_unused_positives=n_positives - len(np.unique(triples[:, :2], axis=0)),
        mined=settings.mine_hard_negatives,
        n_way=n_way,
    )


def _why_none(examples: Examples, settings: PreparationSettings) -> str:
    if settings.num_new_negatives:
        return no_new_negatives(len(examples.asked), mined=settings.mine_hard_negatives)
    return (
        "no query has both a positive and a negative, and num_new_negatives is 0. Ask for some (--num-new-negatives)."
    )
