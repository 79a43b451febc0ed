"""What tells one model from another: all that decides its vectors, the texts apart."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from foolsgold.encode.loaded_model import weights_hash, weights_state
from foolsgold.encode.own_methods import mark_of_class, methods_of_object

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_NO_PART = ("_name_or_path", "transformers_version")  # of a transformer's config: where it lay, who saved it
_STATE = ("truncation", "padding")  # of a tokenizer: how it was last called


class ModelIdentity:
    """A hash of a loaded model's weights, tokenizer and modules; weights are hashed again only after they changed."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self._known: tuple[Any, str] | None = None

    def hash(self) -> str | None:
        """Of the model as it is now; None where it has methods that nothing tells from others."""
        model = self._model
        own = self._own_methods()
        if own is None:
            return None
        parts = (
            self._weights_and_tokenizer(), [_description(module) for module in model], model.max_seq_length,
            model.truncate_dim, sorted(model.prompts.items()), model.default_prompt_name, *own,
        )  # fmt: skip
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def _own_methods(self) -> tuple[str, ...] | None:
        """Nothing for a SentenceTransformer that is one and no more."""
        from sentence_transformers import SentenceTransformer

        if methods_of_object(self._model):
            return None
        if type(self._model) is SentenceTransformer:
            return ()
        mark = mark_of_class(self._model)
        return None if mark is None else (mark,)

    def _weights_and_tokenizer(self) -> str:
        state = (weights_state(self._model), id(self._model.tokenizer))
        if self._known is None or self._known[0] != state:
            digest = weights_hash(self._model)
            digest.update(_tokenizer(self._model.tokenizer).encode())
            self._known = state, digest.hexdigest()
        return self._known[1]


def _description(module: Any) -> str:
    """A module's class, and how it was set up."""
    kinds = [f"{type(one).__module__}.{type(one).__qualname__}" for one in module.modules()]
    own = sorted(module.get_config_dict().items()) if hasattr(module, "get_config_dict") else repr(module)
    config: Any = getattr(module, "config", None)
    inner = config.to_dict() if hasattr(config, "to_dict") else {}
    return repr((kinds, own, sorted((name, repr(value)) for name, value in inner.items() if name not in _NO_PART)))


def _tokenizer(tokenizer: Any) -> str:
    """The content of a fast tokenizer, and of any other its class, vocabulary and settings."""
    sides = [getattr(tokenizer, name, None) for name in ("padding_side", "truncation_side", "model_max_length")]
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        content = json.loads(backend.to_str())
        return repr(({name: value for name, value in content.items() if name not in _STATE}, sides))
    vocabulary = sorted(tokenizer.get_vocab().items()) if hasattr(tokenizer, "get_vocab") else None
    return repr((type(tokenizer).__qualname__, vocabulary, sides))
