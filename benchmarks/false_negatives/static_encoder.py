"""A second encoder, as unlike the first as can be made from it: a static vector for each word piece, averaged.

Each word piece goes through all-MiniLM-L6-v2 by itself; its vector is cut to 256 principal components and weighted by
the logarithm of its place in the vocabulary, where frequent pieces come first (Model2Vec's recipe).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np

from foolsgold.encode.load_model import load_sentence_transformer

_DIMENSIONS = 256


def main() -> None:
    """Distil and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to save the model, such as benchmarks/.cache/static")
    folder = parser.parse_args().folder
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    with warnings.catch_warnings(action="ignore"):
        from sentence_transformers.models import StaticEmbedding

    model = load_sentence_transformer("offline", device="cpu")
    pieces = sorted(model.tokenizer.get_vocab(), key=model.tokenizer.get_vocab().get)
    vecs = model.encode([piece.removeprefix("##") for piece in pieces], batch_size=256)  # (V, D)
    vecs = vecs - vecs.mean(axis=0)
    _, _, components = np.linalg.svd(vecs, full_matrices=False)
    vecs = vecs @ components[:_DIMENSIONS].T * np.log1p(np.arange(len(pieces)))[:, None]
    tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    static = StaticEmbedding(tokenizer, embedding_weights=vecs.astype(np.float32))
    SentenceTransformer(modules=[static]).save(str(folder))
    print(folder)


if __name__ == "__main__":
    main()
