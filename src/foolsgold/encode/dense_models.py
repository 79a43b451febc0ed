"""The models that SimpleMiner takes by language and size, and the prompts that they were trained with."""

from __future__ import annotations

from enum import Enum

from foolsgold.errors import SettingsError

MODEL_SIZES = ("small", "base", "large")

_QUERY_PREFIXES = {
    "en": "Represent this sentence for searching relevant passages: ",
    "zh": "",
    "fr": "query : ",
    "other": "query: ",
}
_DOCUMENT_PREFIXES = {"en": "", "zh": "", "fr": "", "other": "passage: "}


class DenseModels(Enum):
    """Twelve models, `language_size`; the value is the hub id.

    >>> DenseModels["other_small"].query_prefix, DenseModels["other_small"].document_prefix
    ('query: ', 'passage: ')
    """

    en_small = "BAAI/bge-small-en-v1.5"
    en_base = "BAAI/bge-base-en-v1.5"
    en_large = "BAAI/bge-large-en-v1.5"
    zh_small = "thenlper/gte-small-zh"
    zh_base = "thenlper/gte-base-zh"
    zh_large = "thenlper/gte-large-zh"
    fr_small = "OrdalieTech/Solon-embeddings-base-0.1"  # there is no smaller one: an alias of fr_base
    fr_base = "OrdalieTech/Solon-embeddings-base-0.1"
    fr_large = "OrdalieTech/Solon-embeddings-large-0.1"
    other_small = "intfloat/multilingual-e5-small"
    other_base = "intfloat/multilingual-e5-base"
    other_large = "intfloat/multilingual-e5-large"

    @property
    def language(self) -> str:
        """The language: en, zh, fr or other."""
        return self.name.split("_")[0]

    @property
    def query_prefix(self) -> str:
        """Put before each query."""
        return _QUERY_PREFIXES[self.language]

    @property
    def document_prefix(self) -> str:
        """Put before each document."""
        return _DOCUMENT_PREFIXES[self.language]


def dense_model(language_code: str, model_size: str) -> DenseModels:
    """The model for a language and a size; a language other than en, zh and fr gets a multilingual model.

    Raises:
        SettingsError: the language is no code, or the size is not one of small, base, large.
    """
    if not isinstance(language_code, str) or not language_code.strip():
        raise SettingsError(f"language_code is {language_code!r}; it takes a code such as 'en', 'zh', 'fr' or 'de'.")
    if model_size not in MODEL_SIZES:
        raise SettingsError(f"model_size is {model_size!r}; it takes one of {', '.join(map(repr, MODEL_SIZES))}.")
    language = language_code if language_code in ("en", "zh", "fr") else "other"
    return DenseModels[f"{language}_{model_size}"]


def known_prompts(model_name: str) -> tuple[str, str] | None:
    """The (query, document) prefixes of one of the twelve models by hub id, None for any other."""
    for model in DenseModels:
        if model.value == model_name:
            return model.query_prefix, model.document_prefix
    return None
