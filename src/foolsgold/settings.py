"""MiningSettings: all that decides which negatives are chosen, each default with its reason."""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_type_hints

from foolsgold.errors import SettingsError

IndexKind = Literal["auto", "exact", "voyager"]
SamplerName = Literal["top", "uniform"]
ShortRows = Literal["drop", "keep", "random"]
TrainingFormat = Literal["triplet", "n-tuple", "labeled-pair", "labeled-list", "flagembedding"]
FileType = Literal["jsonl", "parquet"]
OnBadLine = Literal["error", "skip"]
Similarity = Literal["cosine", "dot"]

SELECTABLE = (
    "negatives", "min_rank", "max_rank", "relative_margin", "absolute_margin", "max_score", "min_score",
    "min_rank_without_positive", "cross_encoder", "cross_encoder_margin", "cross_encoder_max_probability",
    "sampler", "short_rows", "format", "file_type", "seed", "block_size", "batch_size", "device",
    "trust_remote_code", "out", "quiet",
)  # fmt: skip
"""The settings that choosing again may change; the others made the candidates."""

_MAX_WHOLE = 2**31 - 1
_MAX_SEED = 2**63 - 1


def _setting(default: Any, help_text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class MiningSettings:
    """What `mine` and `select` do; each field is also a flag of the command line.

    Raises:
        SettingsError: a value out of its range, or values that exclude each other.

    >>> MiningSettings(negatives=2, relative_margin=None, max_score=0.8).negatives
    2
    """

    negatives: int = _setting(4, "negatives per (query, positive) pair; four teach most of what more would")
    depth: int = _setting(100, "candidates kept per query; choosing again later reaches no deeper")
    min_rank: int = _setting(0, "first rank that may be a negative; 0, since the margin guards the top better")
    max_rank: int | None = _setting(None, "rank at which the window ends, itself excluded (default: the depth)")
    relative_margin: float | None = _setting(
        0.05, "drop candidates scoring above s_pos - m*|s_pos|; the best fixed rule of NV-Retriever; 'none' is off"
    )
    absolute_margin: float | None = _setting(None, "drop candidates scoring above s_pos - m (default: off)")
    max_score: float | None = _setting(None, "drop candidates scoring above this (default: off)")
    min_score: float | None = _setting(None, "drop candidates scoring below this (default: off)")
    min_rank_without_positive: int = _setting(
        10, "first rank for a query that has no positive, where only a window can guard against false negatives"
    )
    cross_encoder: str | None = _setting(
        None, "reranker that judges survivors until a pair has its negatives: hub id or folder (default: none)"
    )
    cross_encoder_margin: float | None = _setting(
        3.0, "drop candidates whose cross-encoder logit is above that of the positive - m; 'none' is off"
    )
    cross_encoder_max_probability: float | None = _setting(
        None, "drop candidates with sigmoid(logit) above this; RocketQA takes 0.1 (default: off)"
    )
    sampler: SamplerName = _setting("top", "which survivors become negatives: the hardest, or any (seeded by query)")
    short_rows: ShortRows = _setting("drop", "a pair with too few negatives: drop it, keep it, or fill it at random")
    format: TrainingFormat = _setting("n-tuple", "the training file's form; n-tuple fits the usual contrastive losses")
    file_type: FileType = _setting("jsonl", "the training file's type; jsonl reads by eye")
    index: IndexKind = _setting("auto", "how candidates are searched; auto is exact until that costs too much")
    similarity: Similarity | None = _setting(None, "how vectors are compared (default: the model's own way)")
    query_prompt: str | None = _setting(None, "text put before each query (default: the model's own prompt)")
    document_prompt: str | None = _setting(None, "text put before each document (default: the model's own prompt)")
    batch_size: int = _setting(32, "texts per forward pass; larger pays on a GPU")
    device: str | None = _setting(None, "where the model runs: cpu, cuda, cuda:1, mps (default: the best there is)")
    num_workers: int | None = _setting(
        None, "encoding processes (default: one a GPU; on CPUs one per 8 cores from 16 cores on)"
    )
    block_size: int = _setting(1024, "queries handled at once; changes memory, never the result")
    seed: int = _setting(42, "of all that is random; the same seed gives the same bytes")
    on_bad_line: OnBadLine = _setting("error", "a line that cannot be read: stop, or count it and go on")
    max_unknown_ratio: float = _setting(0.1, "share of judgements that may name unknown ids; more means the wrong file")
    trust_remote_code: bool = _setting(False, "let the model bring and run its own Python code")
    out: str | None = _setting(None, "output folder")
    quiet: bool = _setting(False, "no progress and no summary")

    def __post_init__(self) -> None:
        for name, kind in setting_kinds().items():
            object.__setattr__(self, name, _checked(name, kind, getattr(self, name)))
        self._check_ranges()
        self._check_window()
        if self.format == "n-tuple" and self.short_rows == "keep":
            raise SettingsError(
                "short_rows='keep' cannot be written as 'n-tuple', whose rows all have the same number of negatives. "
                "Take short_rows='drop' or 'random', or the format triplet, labeled-pair, labeled-list, flagembedding."
            )
        if self.format == "flagembedding" and self.file_type != "jsonl":
            raise SettingsError("format='flagembedding' is read as jsonl only. Take file_type='jsonl'.")

    def replace(self, **changes: Any) -> MiningSettings:
        """A copy with other values, checked again."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """All values by field name, as settings.json keeps them."""
        return dataclasses.asdict(self)

    def _check_ranges(self) -> None:
        for name in ("negatives", "depth", "batch_size", "block_size", "num_workers"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= _MAX_WHOLE:
                raise SettingsError(f"{name} is {value}; it takes a whole number from 1 to {_MAX_WHOLE}.")
        for name in ("min_rank", "min_rank_without_positive", "relative_margin", "absolute_margin",
                     "cross_encoder_margin"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _MAX_WHOLE:
                raise SettingsError(f"{name} is {value}; it takes a number from 0 to {_MAX_WHOLE}.")
        if not 0 <= self.seed <= _MAX_SEED:
            raise SettingsError(f"seed is {self.seed}; it takes a whole number from 0 to {_MAX_SEED}.")
        if not 0 <= self.max_unknown_ratio <= 1:
            raise SettingsError(f"max_unknown_ratio is {self.max_unknown_ratio}; it takes a share between 0 and 1.")
        if self.cross_encoder_max_probability is not None and not 0 < self.cross_encoder_max_probability < 1:
            raise SettingsError(
                f"cross_encoder_max_probability is {self.cross_encoder_max_probability}; it takes a number between 0 "
                "and 1, both excluded."
            )
        if self.max_score is not None and self.min_score is not None and self.min_score > self.max_score:
            raise SettingsError(
                f"min_score {self.min_score} is above max_score {self.max_score}: nothing lies between."
            )

    def _check_window(self) -> None:
        end = self.depth if self.max_rank is None else self.max_rank
        if end > self.depth:
            raise SettingsError(
                f"max_rank is {end}, but only {self.depth} candidates are kept per query. Raise depth to {end}."
            )
        if end - self.min_rank < self.negatives:
            raise SettingsError(
                f"The rank window [{self.min_rank}, {end}) holds {max(0, end - self.min_rank)} candidates, fewer than "
                f"the {self.negatives} negatives asked for. Lower min_rank or negatives, or raise max_rank or depth."
            )


class Kind(NamedTuple):
    """What a setting takes."""

    type: type
    may_be_none: bool
    choices: tuple[str, ...]


@cache
def setting_kinds() -> dict[str, Kind]:
    """What each setting takes, read from its annotation."""
    kinds = {}
    for name, hint in get_type_hints(MiningSettings).items():
        parts = [part for part in get_args(hint) if part is not NoneType] or [hint]
        literal = isinstance(parts[0], str) or get_args(parts[0])
        choices = tuple(parts if isinstance(parts[0], str) else get_args(parts[0])) if literal else ()
        kinds[name] = Kind(str if literal else parts[0], NoneType in get_args(hint), choices)
    return kinds


def _checked(name: str, kind: Kind, value: Any) -> Any:
    """The value as a plain Python one."""
    if value is None and kind.may_be_none:
        return None
    if kind.choices:
        if value not in kind.choices:
            raise SettingsError(f"{name} is {value!r}; it takes one of {', '.join(map(repr, kind.choices))}.")
    elif kind.type is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    elif kind.type is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise SettingsError(f"{name} is {value}; it takes a finite number.")
    elif kind.type is str and isinstance(value, Path):
        return str(value)
    elif kind.type not in (str, bool) or not isinstance(value, kind.type):
        wanted = kind.type.__name__ + (" or None" if kind.may_be_none else "")
        raise SettingsError(f"{name} is {value!r}; it takes {wanted}.")
    return value
