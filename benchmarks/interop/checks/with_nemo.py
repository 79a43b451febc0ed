"""NeMo Automodel: its retrieval datasets, by ids with a corpus folder and with texts inline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from common import Example, Files, check, main, same_by_query

_SIDES = ("pos", "neg")


def _examples(rows: Any) -> Iterator[Example]:
    for row in rows:
        positive, *negatives = row["doc_text"]
        yield row["question"], positive, tuple(negatives)


@check("nemo", "retrieval_dataset.make_retrieval_dataset")
def by_ids(files: Files) -> int:
    from nemo_automodel.components.datasets.llm.retrieval_dataset import load_datasets, make_retrieval_dataset

    path = str(files.folder / "nemo" / "train.json")
    dataset = make_retrieval_dataset(path, n_passages=1 + files.most_negatives)
    records, corpora = load_datasets(path)
    (corpus,) = corpora.values()
    drawn = [*_examples(dataset)]
    for record in records:  # of several positives training takes the first, or cycles through them
        sides = ([corpus.get_document_by_id(doc["id"])["text"] for doc in record[f"{side}_doc"]] for side in _SIDES)
        positives, negatives = sides
        drawn += [(record["question"], positive, tuple(negatives)) for positive in positives]
    return same_by_query(files, drawn)


@check("nemo-inline", "retrieval_dataset_inline.make_retrieval_dataset")
def inline(files: Files) -> int:
    from nemo_automodel.components.datasets.llm.retrieval_dataset_inline import load_datasets, make_retrieval_dataset

    path = files.path("nemo-inline.jsonl")
    dataset = make_retrieval_dataset(path, n_passages=1 + files.most_negatives)
    drawn = [*_examples(dataset)]
    for record in load_datasets(path)[0]:
        positives, negatives = ([doc["text"] for doc in record[f"{side}_doc"]] for side in _SIDES)
        drawn += [(record["question"], positive, tuple(negatives)) for positive in positives]
    return same_by_query(files, drawn)


if __name__ == "__main__":
    main("nemo-automodel", "transformers", "datasets", "torch")
