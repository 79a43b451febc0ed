"""A model of a few thousand weights, made on disk: a model hub is not needed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path


def vocabulary(texts: Iterable[str]) -> list[str]:
    """Every character that the texts have, at the start of a word and within one."""
    characters = sorted({character for text in texts for character in text if not character.isspace()})
    markers = [f"[unused{number}]" for number in range(10)]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *markers, *characters, *(f"##{each}" for each in characters)]


def tiny_bert(folder: Path, texts: Iterable[str], *, head: str = "BertModel", labels: int = 1) -> str:
    """Save a BERT of two layers, 32 wide, with a tokenizer that knows each character; give its folder."""
    import torch
    import transformers

    if not folder.exists():
        torch.manual_seed(0)
        folder.mkdir(parents=True)
        words = vocabulary(texts)
        config = transformers.BertConfig(
            vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=512, num_labels=labels,
        )  # fmt: skip
        getattr(transformers, head)(config).save_pretrained(folder)
        (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 512}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        transformers.BertTokenizerFast.from_pretrained(str(folder)).save_pretrained(folder)
    return str(folder)
