"""DPR, from a checkout (no package index has it): the dataset of its bi-encoder trainer."""

from __future__ import annotations

import os
import sys

from common import Files, check, main, same_by_query


@check("dpr", "JsonQADataset")
def contexts(files: Files) -> int:
    """Its passages have title and text apart, and its tokenizer joins them."""
    sys.path.insert(0, str(files.source("DPR")))
    _empty_english(files)
    from dpr.data.biencoder_data import JsonQADataset

    dataset = JsonQADataset(files.path("dpr.json"))
    dataset.load_data()
    named = {
        (document["title"], document["body"]): document["text"]
        for pair in files.pairs
        for document in (pair["positive"], *pair["negatives"])
    }
    drawn = []
    for row in range(len(dataset.data)):
        sample = dataset[row]
        negatives = tuple(
            named[passage.title, passage.text]
            for passage in (*sample.negative_passages, *sample.hard_negative_passages)
        )
        drawn += [(sample.query, named[each.title, each.text], negatives) for each in sample.positive_passages]
    return same_by_query(files, drawn)


def _empty_english(files: Files) -> None:
    """Its module for tables, which is not used here, loads a language model by name as it is imported."""
    import spacy

    os.chdir(files.scratch)
    spacy.blank("en").to_disk("en_core_web_sm")


if __name__ == "__main__":
    main("transformers", "torch")
