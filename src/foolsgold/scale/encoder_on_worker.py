"""An encoder as workers have it: named, or sent to them; and the same on all of them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from foolsgold.encode import as_encoder
from foolsgold.encode.chunks import chunk_texts
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.identity import CacheIdentity, cache_identity, describe_encoder
from foolsgold.encode.known_models import package_versions
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.errors import ModelError
from foolsgold.settings import MiningSettings


@dataclass(frozen=True)
class EncoderFacts:
    """What an encoder is where it was loaded.

    Attributes:
        description: as `describe_encoder` gives it.
        chunk_texts: how many texts it encodes, and the cache keeps, at once.
        sides: what the vectors of each side are kept under; None without a fingerprint.
        host: the machine.
        packages: versions of what computes vectors.
    """

    description: dict[str, Any]
    chunk_texts: int
    sides: dict[Side, CacheIdentity | None]
    host: str
    packages: dict[str, str | None]

    @classmethod
    def of(cls, encoder: Encoder, settings: MiningSettings) -> EncoderFacts:
        """Of one that is loaded here."""
        sides: dict[Side, CacheIdentity | None] = {
            side: cache_identity(encoder, side, settings.vector_type) for side in get_args(Side)
        }
        description = describe_encoder(encoder, settings)
        return cls(description, chunk_texts(encoder), sides, platform.node(), package_versions())

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> EncoderFacts:
        """Of what JSON made of them."""
        sides: dict[Side, CacheIdentity | None] = {
            side: None if kept is None else CacheIdentity(*kept) for side, kept in content["sides"].items()
        }
        return cls(**{**content, "sides": sides})

    def check(self, other: EncoderFacts) -> None:
        """Refuse another worker's encoder that makes other vectors.

        Raises:
            ModelError: it says what differs, and where.
        """
        mine, others = self._comparable(), other._comparable()
        differing = [name for name in mine if mine[name] != others.get(name)]
        if not differing:
            return
        here, there = (", ".join(f"{name} {one[name]}" for name in differing) for one in (mine, others))
        raise ModelError(
            f"model: it is not the same on all workers: on {self.host} with {here}, and on {other.host} with {there}. "
            "Install the same packages on all of them, and give all the same model and the same kind of device; what "
            "was encoded so far is kept."
        )

    def _comparable(self) -> dict[str, Any]:
        """Names and values, what explains a difference first."""
        of_model = {name: self.description.get(name) for name in ("backend", "precision", "fingerprint")}
        sides: dict[Any, Any] = {
            side: None if kept is None else kept.identity["encoder"] for side, kept in self.sides.items()
        }
        values = {**self.packages, **of_model, **sides, "texts a chunk": self.chunk_texts}
        return {name: value if value is not None else "none" for name, value in values.items()}


class Named(NamedTuple):
    """A model by name; `folder` is where it lies, if it is a folder: workers may have another current folder."""

    name: str
    folder: str | None


class Loaded(NamedTuple):
    """An encoder that was given as an object, and the device of its model, if it has one."""

    encoder: Any
    device: str | None


def load_on_worker(given: Any, settings: MiningSettings, threads: int) -> Encoder:
    """The encoder, where it works.

    Args:
        given: a `Named` or a `Loaded`.
        settings: prompts, precision, device.
        threads: of this worker.

    Raises:
        ModelError: it cannot be loaded here.
    """
    import torch

    torch.set_num_threads(threads)
    n_gpus = torch.cuda.device_count() if settings.device is None else 0  # Ray shows a worker its own
    settings = settings.replace(num_workers=max(1, n_gpus))
    if isinstance(given, Named):
        _check_seen(given)
        encoder = cast(Encoder, as_encoder(given.folder or given.name, settings))
        if isinstance(encoder, SentenceTransformerEncoder):
            encoder.name = given.name
        return encoder
    encoder = cast(Encoder, as_encoder(given.encoder, settings))
    if isinstance(encoder, SentenceTransformerEncoder):
        encoder.num_workers = settings.num_workers
        if given.device is not None and given.device.startswith("cuda"):
            encoder.model.to("cuda" if n_gpus else "cpu")
    return encoder


def _check_seen(given: Named) -> None:
    if given.folder is not None and not Path(given.folder).is_dir():
        raise ModelError(
            f"model: {given.folder} is not there on the worker {platform.node()}. Put the model into a folder that "
            "all workers see under the same name, or give a hub id."
        )
