"""Fields of one record of any format, checked."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from foolsgold.errors import BadRowError

MAX_TEXT_BYTES = 5_000_000  # no encoder reads on so far: a longer text is a file that was not split


class Problem(Exception):
    """Why a record cannot be taken."""


def field_in(record: Mapping[str, Any], names: Sequence[str], what: str) -> str:
    """Which of several names a field goes by here."""
    for name in names:
        if name in record:
            return name
    there = ", ".join(f'"{name}"' for name in record) or "none"
    wanted = f'"{names[0]}"' + (f" (or {', '.join(names[1:])})" if names[1:] else "")
    raise Problem(f"{what} needs a field {wanted}; the fields there are: {there}.")


def id_in(record: Mapping[str, Any], names: Sequence[str], what: str) -> str:
    """The id under one of several names, a number as text."""
    name = field_in(record, names, what)
    return checked_id(record[name], name)


def checked_id(value: Any, name: str) -> str:
    """An id that stands in the field of a name."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise Problem(f'the id in the field "{name}" is {shown(value)}; it takes a string that is not empty.')
    check_encoding(value, "the id")
    return value


def text_in(record: Mapping[str, Any], names: Sequence[str], what: str, *, may_be_empty: bool = False) -> str:
    """The text under one of several names."""
    return checked_text(record[field_in(record, names, what)], f"the text of {what}", may_be_empty=may_be_empty)


def checked_text(value: Any, what: str, *, may_be_empty: bool = False) -> str:
    """A text of which `what` says where it stands."""
    if not isinstance(value, str):
        raise Problem(f"{what} is {shown(value)}; it takes a string.")
    if not may_be_empty and not value.strip():
        raise Problem(f"{what} is empty.")
    check_encoding(value, what)
    return value


def answers_of(value: Any, what: str) -> list[str]:
    """A list of answers; one text is a list of one, and nothing or an empty text is none."""
    answers = [value] if isinstance(value, str) else [] if value is None else value
    if is_list(answers):
        answers = as_list(answers, f"the answers of {what}")
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise Problem(f"the answers of {what} are {shown(value)}; a list of strings is taken, or one string.")
    for answer in answers:
        check_encoding(answer, f"an answer of {what}")
    return [answer for answer in answers if answer.strip()]


def list_in(record: Mapping[str, Any], name: str, what: str) -> Sequence[Any]:
    """The list, array or series under a name; none where the field is missing or null.

    Raises:
        Problem: a text or anything else that is no list.
    """
    value = record.get(name)
    if value is not None and not is_list(value):
        raise Problem(f'the field "{name}" is {shown(value)}; it takes a list of {what}, also of a single one: […].')
    return () if value is None else as_list(value, f'the field "{name}"')


def is_list(value: Any) -> bool:
    """Whether a value holds several."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def as_list(value: Iterable[Any], what: str) -> list[Any]:
    """Any list, array or series as a list.

    Raises:
        Problem: a set.
    """
    if isinstance(value, Set):
        raise Problem(f"{what}: a {type(value).__name__} has no stable order; give a sorted list.")
    return list(value)


def check_encoding(value: str, what: str) -> None:
    """That it is valid Unicode and not too long."""
    try:
        n_bytes = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as error:
        raise Problem(f"{what} is not valid Unicode (character {error.start + 1}).") from None
    if n_bytes > MAX_TEXT_BYTES:
        raise Problem(f"{what} is {n_bytes:,} bytes long; the most is {MAX_TEXT_BYTES:,}. Split it into passages.")


def check_text(value: Any, place: str) -> str:
    """The text itself, for texts that stand in Python values.

    Raises:
        BadRowError: it is no string, is empty, is not valid Unicode or is too long; `place` says where it stands.
    """
    try:
        return checked_text(value, place)
    except Problem as problem:
        raise BadRowError(str(problem)) from None


def check_answers(value: Any, place: str) -> list[str]:
    """Answers that stand in Python values, as a list.

    Raises:
        BadRowError: they are neither texts nor one text; `place` says where they stand.
    """
    try:
        return answers_of(value, place)
    except Problem as problem:
        raise BadRowError(str(problem)) from None


def shown(value: Any) -> str:
    """A value in a message, with its type."""
    shown = repr(value)
    return f"{shown[:40]}… ({type(value).__name__})" if len(shown) > 40 else f"{shown} ({type(value).__name__})"
