"""What went wrong at an embeddings endpoint, and how to mend it; never with the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foolsgold.errors import ModelError
from foolsgold.keys import without_secret

if TYPE_CHECKING:
    from openai import APIError

_SHOWN_CHARACTERS = 300
_OF_THE_CALL = ("model", "dimensions")  # what a server may refuse apart from texts
_GO_ON = "What the cache has by now is not asked for again: run it once more."


def is_refused(error: APIError) -> bool:
    """Whether the endpoint refuses the texts, or so many of them."""
    return getattr(error, "status_code", None) in (400, 413, 422) and error.param not in _OF_THE_CALL


def is_for_now(error: APIError) -> bool:
    """Whether the same request may be taken later."""
    status = getattr(error, "status_code", 0)
    return (status == 429 and error.code != "insufficient_quota") or status >= 500


def said(error: Any, key: str | None) -> str:
    """What the server said: status, and the start of its message in one line, without the key."""
    body = error.body if isinstance(error.body, dict) else {}
    message = without_secret(str(body.get("message") or body.get("detail") or error.message), key)
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    line = line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"
    return f"HTTP {error.status_code}: {line}" if hasattr(error, "status_code") else line


def in_our_words(error: APIError, encoder: Any, *, key: str | None) -> ModelError:
    """The error to raise for one that the client library gave up with.

    Args:
        error: of the library.
        encoder: the OpenAIEncoder, for names and limits.
        key: to be kept out of the message.
    """
    import openai

    url, name = encoder.base_url, encoder.name
    if isinstance(error, openai.APITimeoutError):
        return ModelError(f"model: {url} has not answered within {encoder.timeout_seconds:g} seconds. {_GO_ON}")
    if isinstance(error, openai.APIConnectionError):
        reason = f" ({_shown_cause(error, key)})" if error.__cause__ else ""
        return ModelError(f"model: {url} cannot be reached{reason}. Is it running, and is --base-url right? {_GO_ON}")
    if not isinstance(error, openai.APIStatusError):
        return ModelError(f"model: {url} failed ({said(error, key)}). {_GO_ON}")
    status = error.status_code
    if status in (401, 403):
        return ModelError(
            f"model: {url} refuses the key, or there is none (HTTP {status}). Set the environment variable "
            f"OPENAI_API_KEY to one that may use {name!r}."
        )
    if status == 404:
        return ModelError(
            f"model: {url} has no embeddings endpoint, or no model {name!r} ({said(error, key)}). Check --base-url, "
            "which usually ends in /v1, and the name after openai:."
        )
    if status == 429 and error.code == "insufficient_quota":
        return ModelError(f"model: the quota at {url} is used up ({said(error, key)}). Raise it. {_GO_ON}")
    if status == 429:
        return ModelError(
            f"model: {url} still limits the rate after {encoder.max_retries} retries ({said(error, key)}). {_GO_ON}"
        )
    if status >= 500:
        return ModelError(f"model: {url} goes on failing ({said(error, key)}). {_GO_ON}")
    return ModelError(f"model: {url} refuses the request ({said(error, key)}).")


def _shown_cause(error: APIError, key: str | None) -> str:
    cause = error.__cause__
    return without_secret(str(cause), key).strip() or type(cause).__name__
