"""Tevatron as the package index has it, of 2022: what it makes of a row's texts."""

from __future__ import annotations

from common import Files, check, main, same
from tiny import tiny_bert


@check("tevatron", "TrainPreProcessor")
def passages(files: Files) -> int:
    """A row becomes the tokens of its query, its positives and its negatives."""
    from datasets import load_dataset
    from tevatron.datasets.preprocessor import TrainPreProcessor
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_bert(files.scratch / "tiny", files.texts()))
    rows = load_dataset("json", data_files=files.path("tevatron.jsonl"), split="train")
    processed = rows.map(TrainPreProcessor(tokenizer, 512, 512), remove_columns=rows.column_names)

    def tokens(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(text, add_special_tokens=False))

    sides = ("positives", "negatives")
    same(
        [(tuple(row["query"]), *(sorted(map(tuple, row[side])) for side in sides)) for row in processed],
        [(tokens(query), *(sorted(map(tokens, side)) for side in texts)) for query, texts in files.by_query.items()],
    )
    return len(processed)


if __name__ == "__main__":
    main("tevatron", "transformers", "datasets", "torch")
