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
from foolsgold.languages import STEMMERS
from foolsgold.size import parse_size
from foolsgold.sources import parse_sources
from foolsgold.training_formats import FIXED_LENGTH_FORMATS as FIXED_LENGTH_FORMATS
from foolsgold.training_formats import TRAINING_FORMATS, check_format
from foolsgold.training_formats import FileType as FileType
from foolsgold.training_formats import TrainingFormat as TrainingFormat

IndexKind = Literal["auto", "exact", "voyager"]
SamplerName = Literal["top", "uniform", "softmax", "simans"]
ShortRows = Literal["relax", "drop", "keep", "random"]
PairsFormat = Literal["flagembedding", "tevatron", "dpr", "sentence-transformers", "msmarco"]
OnBadLine = Literal["error", "skip"]
Similarity = Literal["cosine", "dot"]
Precision = Literal["auto", "float32", "float16", "bfloat16", "int8"]
VectorType = Literal["float32", "float16"]

SELECTABLE = (
    "negatives", "min_rank", "max_rank", "relative_margin", "absolute_margin", "margin_min_probability",
    "max_false_negative_rate",
    "max_false_negative_probability", "max_similarity_to_positive", "suspect_probability", "max_score", "min_score",
    "min_rank_without_positive", "answer_match", "cross_encoder", "cross_encoder_margin",
    "cross_encoder_max_probability", "sampler", "sample_from", "softmax_temperature", "simans_a", "simans_b",
    "prefer_judged", "random_ratio", "short_rows", "doubtful_ratio", "format", "file_type", "with_scores",
    "seed", "block_size", "memory", "batch_size", "device", "trust_remote_code", "out", "quiet",
)  # fmt: skip
"""The settings that choosing again may change; the others made the candidates."""

_MAX_WHOLE = 2**31 - 1
_MAX_SEED = 2**63 - 1
_MIN_TEMPERATURE = 0.001  # colder, softmax is top


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
    margin_min_probability: float = _setting(
        0.05, "margins drop only what is as likely to be relevant; what is hardly so and scores high teaches most"
    )
    max_false_negative_rate: float | None = _setting(
        0.3, "expected share of false negatives that the chosen may have: the riskiest give way; less costs hardness"
    )
    max_false_negative_probability: float | None = _setting(
        None, "drop candidates that are unlabelled positives with a higher probability (default: off)"
    )
    max_similarity_to_positive: float | None = _setting(
        0.95, "drop candidates whose cosine with a positive is higher, or of which one text contains the other"
    )
    max_similarity_to_negative: float | None = _setting(
        0.95, "of candidates whose cosine is higher take one; set when mining"
    )
    suspect_probability: float = _setting(
        0.8, "candidates at least this probably relevant are listed in suspected_positives.parquet, to be judged"
    )
    max_score: float | None = _setting(None, "drop candidates scoring above this (default: off)")
    min_score: float | None = _setting(None, "drop candidates scoring below this (default: off)")
    min_rank_without_positive: int = _setting(
        10, "first rank where no positive has a score, and only a window can guard against false negatives"
    )
    answer_match: bool = _setting(
        True, "drop candidates that contain an answer of the query, where there are any (default: on)"
    )
    sampler: SamplerName = _setting(
        "top", "which survivors become negatives: the hardest, any, the harder the likelier, or those near the positive"
    )
    sample_from: int = _setting(10, "softmax draws from this many best survivors; in NV-Retriever more did worse")
    softmax_temperature: float = _setting(
        1.0, "softmax: p ~ exp(s / t), s in standard deviations of the query's candidates; the higher, the more even"
    )
    simans_a: float = _setting(0.5, "simans: p ~ exp(-a (s - s_pos - b)^2), s as for softmax; the higher, the narrower")
    simans_b: float = _setting(0.0, "simans: how far above (or below: negative) the positive it draws most")
    prefer_judged: bool = _setting(
        True, "take survivors judged not relevant before others: they are the safest (default: on)"
    )
    random_ratio: float = _setting(
        0.0, "share of a pair's negatives that are random documents, rounded half up; hard ones alone can hurt recall"
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
    short_rows: ShortRows = _setting(
        "relax", "a pair with too few negatives: relax the margins for it, drop it, keep it, or fill it at random"
    )
    doubtful_ratio: float = _setting(
        0.01, "share of pairs, whose positives stand lowest, that are dropped rather than relaxed: labels may be wrong"
    )
    format: TrainingFormat = _setting(
        "n-tuple", "the training file's form, see foolsgold export --help; n-tuple fits most losses"
    )
    file_type: FileType | None = _setting(
        None, "the training file's type (default: the format's own, jsonl where it can be, since it reads by eye)"
    )
    with_scores: bool = _setting(
        False, "scores of positives and negatives in the training file, where its format has a place for them"
    )
    source: str = _setting(
        "dense",
        "what finds candidates: dense (vectors), bm25, both, run:FILE (a TREC run), or several with commas between, "
        "fused by rank",
    )
    index: IndexKind = _setting("auto", "how candidates are searched; auto is exact until that costs too much")
    language: str | None = _setting(
        None,
        "of the words that BM25 compares, as an ISO 639-1 code such as en; 'none' is no stemming (default: guessed)",
    )
    similarity: Similarity | None = _setting(None, "how vectors are compared (default: the model's own way)")
    query_prompt: str | None = _setting(None, "text put before each query (default: the model's own prompt)")
    document_prompt: str | None = _setting(None, "text put before each document (default: the model's own prompt)")
    base_url: str | None = _setting(
        None, "of an OpenAI-compatible endpoint, for the model openai:NAME (default: OPENAI_BASE_URL, or OpenAI's own)"
    )
    batch_size: int = _setting(
        32,
        "forward passes of a bi-encoder have 2,048 tokens, on a GPU 65,536, and below 32 proportionally fewer, for "
        "where memory is short; those of a cross-encoder as many pairs",
    )
    precision: Precision = _setting(
        "auto",
        "in which the model multiplies; auto is float32, on a GPU float16, which decides the same; int8 is faster on "
        "a CPU, with vectors of cosine .998",
    )
    device: str | None = _setting(None, "where the model runs: cpu, cuda, cuda:1, mps (default: the best there is)")
    num_workers: int | None = _setting(
        None, "encoding processes (default: one a GPU; on CPUs one per 8 cores from 16 cores on)"
    )
    vector_type: VectorType = _setting(
        "float32", "how vectors are kept and searched; float16 halves memory and cache, and rounds to three digits"
    )
    cache: str | None = _setting(
        "auto", "folder of what a later run need not encode or search again; auto is the user's own, 'none' is off"
    )
    block_size: int = _setting(1024, "queries handled at once; changes memory, never the result")
    memory: str | None = _setting(
        None,
        "most memory to use beside mapped files, such as 4GB: blocks are made to fit (default: what makes it fast)",
    )
    seed: int = _setting(42, "of all that is random; the same seed gives the same bytes")
    on_bad_line: OnBadLine = _setting("error", "a line that cannot be read: stop, or count it and go on")
    max_unknown_ratio: float = _setting(0.1, "share of judgements that may name unknown ids; more means the wrong file")
    trust_remote_code: bool = _setting(False, "let the model bring and run its own Python code")
    out: str | None = _setting(None, "output folder")
    quiet: bool = _setting(False, "no progress and no summary")

    def __post_init__(self) -> None:
        for name, kind in setting_kinds().items():
            object.__setattr__(self, name, _checked(name, kind, getattr(self, name)))
        object.__setattr__(self, "source", ",".join(map(str, parse_sources(self.source))))  # paths become absolute
        if self.memory is not None:
            parse_size(self.memory, "memory")
        self._check_ranges()
        self._check_window()
        if self.language is not None and self.language not in STEMMERS:
            raise SettingsError(
                f"language is {self.language!r}; it takes one of {', '.join(STEMMERS)}. Take 'none' for any other "
                "language: its words are then compared as they are."
            )
        self._check_sampler()
        check_format(self)

    def replace(self, **changes: Any) -> MiningSettings:
        """A copy with other values, checked again."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """All values by field name, as settings.json keeps them."""
        return dataclasses.asdict(self)

    @property
    def training_file_type(self) -> FileType:
        """The training file's type: the one asked for, or the format's own."""
        return self.file_type or TRAINING_FORMATS[self.format].file_types[0]

    @property
    def random_negatives(self) -> int:
        """Negatives of each pair that are random documents, rounded half up."""
        return math.floor(round(self.negatives * self.random_ratio, 6) + 0.5)

    @property
    def hard_negatives(self) -> int:
        """Negatives of each pair that are candidates."""
        return self.negatives - self.random_negatives

    def _check_ranges(self) -> None:
        for name in ("negatives", "depth", "sample_from", "batch_size", "block_size", "num_workers"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= _MAX_WHOLE:
                raise SettingsError(f"{name} is {value}; it takes a whole number from 1 to {_MAX_WHOLE}.")
        for name in ("min_rank", "min_rank_without_positive", "relative_margin", "absolute_margin", "simans_a",
                     "cross_encoder_margin"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _MAX_WHOLE:
                raise SettingsError(f"{name} is {value}; it takes a number from 0 to {_MAX_WHOLE}.")
        if not 0 <= self.seed <= _MAX_SEED:
            raise SettingsError(f"seed is {self.seed}; it takes a whole number from 0 to {_MAX_SEED}.")
        self._check_shares()
        if self.max_score is not None and self.min_score is not None and self.min_score > self.max_score:
            raise SettingsError(
                f"min_score {self.min_score} is above max_score {self.max_score}: nothing lies between."
            )

    def _check_shares(self) -> None:
        for name in ("max_unknown_ratio", "random_ratio", "doubtful_ratio", "max_false_negative_rate",
                     "margin_min_probability", "max_false_negative_probability", "suspect_probability"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise SettingsError(f"{name} is {value}; it takes a share between 0 and 1.")
        for name in ("max_similarity_to_positive", "max_similarity_to_negative"):
            value = getattr(self, name)
            if value is not None and not -1 <= value <= 1:
                raise SettingsError(f"{name} is {value}; it takes a cosine from -1 to 1.")
        if self.cross_encoder_max_probability is not None and not 0 < self.cross_encoder_max_probability < 1:
            raise SettingsError(
                f"cross_encoder_max_probability is {self.cross_encoder_max_probability}; it takes a number between 0 "
                "and 1, both excluded."
            )

    def _check_window(self) -> None:
        end = self.depth if self.max_rank is None else self.max_rank
        if end > self.depth:
            raise SettingsError(
                f"max_rank is {end}, but only {self.depth} candidates are kept per query. Raise depth to {end}."
            )
        if end - self.min_rank < self.hard_negatives:
            raise SettingsError(
                f"The rank window [{self.min_rank}, {end}) holds {max(0, end - self.min_rank)} candidates, fewer than "
                f"the {self.hard_negatives} negatives asked for. Lower min_rank or negatives, or raise max_rank or "
                "depth."
            )

    def _check_sampler(self) -> None:
        if self.sampler == "softmax" and self.sample_from < self.hard_negatives:
            raise SettingsError(
                f"sample_from is {self.sample_from}, fewer than the {self.hard_negatives} candidates that become "
                f"negatives. Raise sample_from to at least {self.hard_negatives}, or lower negatives."
            )
        if not _MIN_TEMPERATURE <= self.softmax_temperature <= _MAX_WHOLE:
            raise SettingsError(
                f"softmax_temperature is {self.softmax_temperature}; it takes a number from {_MIN_TEMPERATURE} to "
                f"{_MAX_WHOLE}."
            )
        if abs(self.simans_b) > _MAX_WHOLE:
            raise SettingsError(f"simans_b is {self.simans_b}; it takes a number from {-_MAX_WHOLE} to {_MAX_WHOLE}.")


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
