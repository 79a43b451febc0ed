"""Encoders in a module of their own, so that workers find their classes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from foolsgold.errors import TextError


class Letters:
    """Encodes a text by how often it has each letter, and remembers what it was asked; chunks of four texts."""

    chunk_texts = 4
    fingerprint: str | None = "letters 1"

    def __init__(self, stop_after: int | None = None) -> None:
        self.asked: list[str] = []
        self._stop_after = stop_after

    def encode_queries(self, texts: Any) -> Any:
        self.asked += texts
        if self._stop_after is not None and len(self.asked) > self._stop_after:
            raise KeyboardInterrupt
        return [[1.0 * text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz 0123456789?"] for text in texts]

    def encode_documents(self, texts: Any) -> Any:
        return self.encode_queries(texts)


class Nameless(Letters):
    """Nothing tells it from another."""

    fingerprint = None


class Choosy(Letters):
    """Takes no text with a certain word."""

    def encode_queries(self, texts: Any) -> Any:
        for row, text in enumerate(texts):
            if "poison" in text:
                raise TextError("is not taken.", row=row)
        return super().encode_queries(texts)


class Slow(Letters):
    """Takes its time, and says in a folder which process it is."""

    def __init__(self, folder: Path, seconds: float = 0.3, chunk_texts: int = Letters.chunk_texts) -> None:
        super().__init__()
        self._folder, self._seconds, self.chunk_texts = folder, seconds, chunk_texts

    def encode_queries(self, texts: Any) -> Any:
        (self._folder / str(os.getpid())).touch()
        time.sleep(self._seconds)
        return super().encode_queries(texts)


class Hungry(Letters):
    """Takes memory on its worker until there is none."""

    def encode_queries(self, texts: Any) -> Any:
        held = []
        while "RAY_memory_usage_threshold" in os.environ:
            held.append(b"m" * 100_000_000)
        return super().encode_queries(texts)


class Numbers:
    """Encodes a text as the numbers that it holds."""

    chunk_texts = 2
    fingerprint = "numbers"

    def encode_queries(self, texts: Any) -> Any:
        return [[float(word) for word in text.split()] for text in texts]

    encode_documents = encode_queries
