"""An Encoder around an embeddings endpoint that speaks OpenAI's protocol: OpenAI's own, or any server that does."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.encoder import Side
from foolsgold.encode.endpoint_errors import in_our_words, is_for_now, is_refused, said
from foolsgold.encode.endpoint_requests import requests_of, vectors_in
from foolsgold.errors import MissingExtraError, ModelError, SettingsError, TextError, VectorError
from foolsgold.keys import NO_KEY, checked_secret
from foolsgold.settings import Similarity

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")
PREFIX = "openai:"  # of a model's name
OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE, URL_VARIABLE = "OPENAI_API_KEY", "OPENAI_BASE_URL"  # as the client library has them
_TEXTS_A_REQUEST = 128
_USUAL_BATCH_SIZE = 32
_RETRIES_BEFORE_AN_ANSWER = 2  # a wrong address should not be tried for a minute


class OpenAIEncoder:
    """Encodes by an OpenAI-compatible embeddings endpoint; the key is read from OPENAI_API_KEY, and kept nowhere.

    A request has at most 128 texts and 300,000 bytes, the latter unless it is a single text; where a server takes fewer
    texts, so many are sent. Rate limits, failures of the server, time-outs and lost connections are tried again by
    the client library, after as long as the server says or 0.5 to 8 seconds. What a server serves under a name is taken
    to stay as it is: the cache tells models apart by address, name, dimensions and prompt.

    Args:
        model: its name at the endpoint, such as "text-embedding-3-small".
        base_url: of the endpoint, usually ending in /v1; None is OPENAI_BASE_URL, or if that is not set OpenAI's own.
        dimensions: to ask for, from models that can shorten their vectors; None is the model's own number.
        query_prompt: put before each query.
        document_prompt: put before each document.
        batch_size: below 32, requests have proportionally fewer texts.
        similarity: "cosine" or "dot".
        concurrency: requests at once.
        timeout_seconds: for one request.
        max_retries: of a request, once the endpoint has answered; 10 take about a minute.

    Raises:
        SettingsError: an address or a number that cannot work.
        ModelError: OpenAI's own endpoint without a key, or with one that cannot be.
        MissingExtraError: the package openai is not installed.
    """

    chunk_texts = 2_048  # in the cache at once: what a run that is killed has asked for in vain

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        dimensions: int | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        batch_size: int = _USUAL_BATCH_SIZE,
        similarity: Similarity = "cosine",
        concurrency: int = 8,
        timeout_seconds: float = 120.0,
        max_retries: int = 10,
    ) -> None:
        _check_numbers(dimensions=dimensions, batch_size=batch_size, concurrency=concurrency)
        _check_package(model)
        self.name = model
        self.base_url = checked_url(base_url or os.environ.get(URL_VARIABLE) or OPENAI_URL)
        self.dimensions = dimensions
        self.query_prompt = query_prompt or ""
        self.document_prompt = document_prompt or ""
        self.similarity = similarity
        self.concurrency = concurrency
        self.timeout_seconds = timeout_seconds
        self.max_retries = max_retries
        self._most_texts = max(1, _TEXTS_A_REQUEST * min(batch_size, _USUAL_BATCH_SIZE) // _USUAL_BATCH_SIZE)
        self._encoding: Literal["base64", "float"] = "base64"  # a quarter of the bytes
        self._has_answered = False
        if not _key() and self.base_url == OPENAI_URL:
            raise ModelError(
                f"model: there is no key for {OPENAI_URL}. Set the environment variable {KEY_VARIABLE}, or name "
                "another endpoint with base_url (--base-url http://localhost:8000/v1)."
            )

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of queries, shape (len(texts), D), float32."""
        return self.encode(texts, "queries")

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of documents, shape (len(texts), D), float32."""
        return self.encode(texts, "documents")

    def encode(
        self, texts: Sequence[str], side: Side, *, advance: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of texts of one side, shape (len(texts), D), float32, in their order.

        Args:
            texts: of any lengths.
            side: "queries" or "documents".
            advance: called with the number of texts that were just encoded.

        Raises:
            ModelError: the endpoint cannot be reached, refuses the key, or goes on failing.
            TextError: it takes all but one text.
            VectorError: it answers with something else than one vector a text.
        """
        if not texts:
            return np.empty((0, self.dimensions or 0), np.float32)
        prompt = self.prompt(side)
        return _run(self._encode([prompt + text for text in texts], advance))

    def prompt(self, side: Side) -> str:
        """What is put before each text of a side."""
        return self.query_prompt if side == "queries" else self.document_prompt

    @property
    def fingerprint(self) -> str:
        """A hash of the endpoint's address, the model's name, the dimensions asked for, and both prompts."""
        return self._hash(self.query_prompt, self.document_prompt)

    def side_fingerprint(self, side: Side) -> str:
        """Likewise, with the prompt of one side alone."""
        return self._hash(side, self.prompt(side))

    def _hash(self, *parts: str) -> str:
        about = (self.base_url, self.name, self.dimensions, *parts)
        return blake2b(repr(about).encode(), digest_size=16).hexdigest()

    async def _encode(self, texts: Sequence[str], advance: Callable[[int], object] | None) -> NDArray[np.float32]:
        """Several requests at once; the first that fails ends the others."""
        from openai import AsyncOpenAI

        turns = asyncio.Semaphore(self.concurrency)

        async def in_turn(rows: list[int]) -> tuple[list[int], NDArray[np.float32]]:
            async with turns:
                vecs = await self._vectors(client, texts, rows)
            if advance is not None:
                advance(len(rows))
            return rows, vecs

        key = _key() or "none"  # the library insists on one; a server that needs none does not look at it
        async with AsyncOpenAI(api_key=key, base_url=self.base_url, timeout=self.timeout_seconds) as client:
            tasks = [asyncio.ensure_future(in_turn(rows)) for rows in requests_of(texts, self._most_texts)]
            try:
                parts = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return self._in_order(parts, len(texts))

    def _in_order(self, parts: list[tuple[list[int], NDArray[np.float32]]], n_texts: int) -> NDArray[np.float32]:
        dimensions = {part.shape[1] for _, part in parts}
        if len(dimensions) > 1 or (self.dimensions is not None and dimensions != {self.dimensions}):
            asked = "" if self.dimensions is None else f", asked for {self.dimensions}"
            found = " and of ".join(map(str, sorted(dimensions)))
            raise self._wrong(VectorError(f"it returned vectors of {found} dimensions{asked}."))
        vecs = np.empty((n_texts, dimensions.pop()), np.float32)
        for rows, part in parts:
            vecs[rows] = part
        return vecs

    async def _vectors(self, client: AsyncOpenAI, texts: Sequence[str], rows: list[int]) -> NDArray[np.float32]:
        """Of some rows of the texts, (B, D); a request that is refused as too large is made in halves."""
        was_asked = len(rows) <= self._most_texts
        vecs = await self._asked(client, texts, rows) if was_asked else None
        if vecs is not None:
            return vecs
        half = (len(rows) + 1) // 2
        parts = [await self._vectors(client, texts, part) for part in (rows[:half], rows[half:])]
        if was_asked:
            self._most_texts = min(self._most_texts, half)
        return np.concatenate(parts)

    async def _asked(self, client: AsyncOpenAI, texts: Sequence[str], rows: list[int]) -> NDArray[np.float32] | None:
        """Likewise in one request; None where the endpoint refuses so many texts."""
        import openai

        try:
            return vectors_in(await self._answer(client, [texts[row] for row in rows]), len(rows))
        except VectorError as error:
            raise self._wrong(error) from error
        except openai.APIError as error:
            if not is_refused(error):
                raise in_our_words(error, self, key=_key()) from None  # its own message may hold a part of the key
            if len(rows) > 1:
                return None
            raise TextError(
                f"of {len(texts[rows[0]]):,} characters is refused by {self.base_url} ({said(error, _key())}). Cut it, "
                "split it, or leave it out.",
                row=rows[0],
            ) from None

    async def _answer(self, client: AsyncOpenAI, texts: list[str]) -> bytes:
        """The answer to one request, as it came.

        Raises:
            openai.APIError: there is none, after all tries.
        """
        import openai

        is_known, encoding = self._has_answered, self._encoding
        asked: dict[str, Any] = {} if self.dimensions is None else {"dimensions": self.dimensions}
        retries = self.max_retries if is_known else min(self.max_retries, _RETRIES_BEFORE_AN_ANSWER)
        embeddings = client.with_options(max_retries=retries).embeddings.with_raw_response
        try:
            answer = await embeddings.create(input=texts, model=self.name, encoding_format=encoding, **asked)
        except openai.APIStatusError as error:
            self._has_answered = True
            if encoding == "base64" and is_refused(error) and "encoding_format" in f"{error.param} {error.message}":
                self._encoding = "float"
            elif is_known or not is_for_now(error):
                raise
            return await self._answer(client, texts)
        self._has_answered = True
        return bytes(answer.content)

    def _wrong(self, error: VectorError) -> VectorError:
        return VectorError(f"{self.base_url} does not answer as an embeddings endpoint: {error}")


def checked_url(url: str) -> str:
    """An endpoint's address, without a slash at its end.

    Raises:
        SettingsError: it is no address of a web server, or holds a password or a key.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingsError(f"base_url is {url!r}; it takes an address such as 'http://localhost:8000/v1'.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise SettingsError(
            "base_url holds more than an address (a user, a password, or what follows a ? or a #), and would be kept "
            f"in settings.json. Leave that out; the key is read from the environment variable {KEY_VARIABLE}."
        )
    return url.rstrip("/")


def _check_numbers(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise SettingsError(f"{name} is {value}; it takes a whole number of at least 1.")


def _check_package(model: str) -> None:
    if not model:
        raise SettingsError(f"model names no model; give its name at the endpoint: {PREFIX}text-embedding-3-small.")
    if importlib.util.find_spec("openai") is None:
        raise MissingExtraError(
            f"model '{PREFIX}{model}' needs the extra `openai`. Install it: pip install \"foolsgold[openai]\""
        )


def _key() -> str | None:
    return checked_secret(os.environ.get(KEY_VARIABLE), ModelError(f"{KEY_VARIABLE} {NO_KEY}"))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end; in a notebook, whose thread runs such work already, in another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
