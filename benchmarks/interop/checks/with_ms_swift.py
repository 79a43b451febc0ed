"""ms-swift: its dataset loader, and the inputs that its templates are given."""

from __future__ import annotations

from typing import Any

from common import Files, check, main, same


def _rows(path: str, role: str) -> list[tuple[str, ...]]:
    """Query, positive and negatives of each row, as a template encodes them for training."""
    from swift.dataset import load_dataset
    from swift.template.template_inputs import TemplateInputs

    dataset, _ = load_dataset(path, strict=True, num_proc=1, load_from_cache_file=False)
    inputs = [TemplateInputs.from_dict(row) for row in dataset]
    assert all(len(each.positive) == 1 for each in inputs), "not just one positive"
    return [
        (_text(each.chosen, "user"), *(_text(side, role) for side in (*each.positive, *each.negative)))
        for each in inputs
    ]


def _text(side: Any, role: str) -> str:
    (message,) = side.messages
    assert message["role"] == role, message["role"]
    assert not side.images and not side.videos and not side.audios, "a text was taken for an image"
    content: str = message["content"]
    return content


def _check(files: Files, name: str, role: str) -> int:
    rows = _rows(files.path(f"{name}.jsonl"), role)
    same(rows, [(query, positive, *negatives) for query, positive, negatives in files.examples])
    return len(rows)


@check("ms-swift-embedding", "load_dataset, TemplateInputs")
def embedding(files: Files) -> int:
    return _check(files, "ms-swift-embedding", "user")


@check("ms-swift-reranker", "load_dataset, TemplateInputs")
def reranker(files: Files) -> int:
    return _check(files, "ms-swift-reranker", "assistant")


if __name__ == "__main__":
    main("ms-swift", "transformers", "datasets", "torch")
