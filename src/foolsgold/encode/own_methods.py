"""Methods that a SentenceTransformer has of its own: those of a subclass, and those that were put on the object."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_METHODS = ("encode", "encode_query", "encode_document", "forward", "preprocess", "tokenize")  # all that make vectors


def methods_of_class(model: SentenceTransformer) -> tuple[str, ...]:
    """Those that its class defines otherwise than SentenceTransformer."""
    from sentence_transformers import SentenceTransformer

    usual, own = SentenceTransformer, type(model)
    return tuple(name for name in _METHODS if getattr(own, name, None) is not getattr(usual, name, None))


def methods_of_object(model: SentenceTransformer) -> tuple[str, ...]:
    """Those that were put on this object, such as `model.encode = …`."""
    return tuple(name for name in _METHODS if name in vars(model) and not _is_accelerates(model, name))


def mark_of_class(model: SentenceTransformer) -> str | None:
    """Its class, and what the code of its own methods says; None where that is not all they go by.

    What functions do that these call is not seen.
    """
    kind = type(model)
    codes = [(name, _code_of(getattr(kind, name, None))) for name in methods_of_class(model)]
    if any(code is None for _, code in codes):
        return None
    return repr((kind.__module__, kind.__qualname__, codes))


def _is_accelerates(model: Any, name: str) -> bool:
    """Accelerate, for training in half precision, replaces `forward` by the same in autocast, and keeps the other."""
    kept = getattr(vars(model).get("_original_forward"), "__func__", None)
    return name == "forward" and kept is type(model).forward


def _code_of(method: Any) -> str | None:
    """The content of a function; None for what is none, or holds values of the place where it was made."""
    function: Any = inspect.unwrap(method) if callable(method) else None
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or set(code.co_freevars) - {"__class__"}:  # which super() needs
        return None
    return repr((_content(code), function.__defaults__, function.__kwdefaults__))


def _content(code: CodeType) -> tuple[Any, ...]:
    """Without its file and line, and without the addresses in the text of inner functions."""
    constants = tuple(_content(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, constants)
