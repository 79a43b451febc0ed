"""An encoder as workers have it: named, or sent to them; and the same on all of them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from foolsgold.encode import PrecomputedVectors, as_encoder, identify
from foolsgold.encode.chunks import chunk_texts
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.identity import CacheIdentity, cache_identity, describe_encoder
from foolsgold.encode.known_models import KnownModel, package_versions
from foolsgold.encode.load_model import OFFLINE
from foolsgold.encode.openai_endpoint import PREFIX, OpenAIEncoder
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.errors import ModelError
from foolsgold.scale.pool import InProcessPool, Pool, Ref
from foolsgold.settings import MiningSettings

_PURPOSE = "workers"  # of what is kept of a known model


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


class WorkerEncoder(NamedTuple):
    """What workers make an encoder of, and what it is then.

    Attributes:
        given: a `Named`, a Ref of a `Loaded`, or in this process the encoder itself.
        facts: of one that was made of it.
        gpus: of each worker that makes one.
    """

    given: Any
    facts: EncoderFacts
    gpus: float


def identify_on(
    pool: Pool, encoder: Any, settings: MiningSettings, cache: Path | None
) -> tuple[Any, dict[str, Any] | None]:
    """As `identify`, by a worker: this process need not have room for the model, nor the workers' devices.

    Args:
        pool: where encoding will be.
        encoder: as `as_encoder` takes it; None: there is none.
        settings: prompts, precision, device.
        cache: the cache folder, which may know a model already.

    Returns:
        What `encode_on` takes, and what `describe_encoder` says.

    Raises:
        ModelError: it cannot be loaded or used, or not be sent to workers.
        OutputError: the cache cannot be written to.
    """
    if encoder is None or isinstance(encoder, PrecomputedVectors) or isinstance(pool, InProcessPool):
        return identify(encoder, settings, cache)
    on_workers = worker_encoder(pool, encoder, settings, cache)
    return on_workers, on_workers.facts.description


def worker_encoder(pool: Pool, encoder: Any, settings: MiningSettings, cache: Path | None) -> WorkerEncoder:
    """Send an encoder to where it works, and learn what it is there.

    Raises:
        ModelError: it cannot be loaded or used, or not be sent to workers.
    """
    if isinstance(encoder, WorkerEncoder):
        return encoder
    if isinstance(pool, InProcessPool):
        encoder = cast(Encoder, as_encoder(encoder, settings))
        return WorkerEncoder(encoder, EncoderFacts.of(encoder, settings), 0)
    gpus = pool.gpus_per_worker if _may_use_gpus(encoder, settings) else 0
    given = _named(encoder) if isinstance(encoder, (str, Path)) else _sent(pool, encoder, settings)
    settings = settings.replace(cache=None if cache is None else str(cache))  # one graph of the model for all workers
    (actor,) = pool.actors(_Describing, [(given, settings, cache, pool.threads_per_worker)], gpus=gpus)
    try:
        facts = actor.result("known")
        if facts is None:
            if pool.on_one_machine and isinstance(given, Named) and not given.name.startswith(PREFIX):
                for _ in range(pool.n_workers):
                    pool.submit(load_libraries)  # by processes that will encode
            facts = actor.result("facts")
        return WorkerEncoder(given, EncoderFacts.from_dict(facts), gpus)
    finally:
        actor.stop()


def load_libraries() -> None:
    """Load what encoding takes, while another process looks at the model."""
    import sentence_transformers  # noqa: F401

    with suppress(ImportError):
        import onnxruntime  # noqa: F401


def load_on_worker(given: Any, settings: MiningSettings, threads: int | None) -> Encoder:
    """The encoder, where it works.

    Args:
        given: see `WorkerEncoder`.
        settings: prompts, precision, device.
        threads: of this worker; None: this is the process of the command, whose own rules hold.
    """
    if threads is None:
        return cast(Encoder, given)
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


class _Describing:
    """Says what an encoder is, as a dict, as JSON has it."""

    def __init__(self, given: Any, settings: MiningSettings, cache: Path | None, threads: int) -> None:
        self._given, self._settings, self._threads = given, settings, threads
        by_name = (given.folder or given.name) if isinstance(given, Named) else given
        self._model = KnownModel(cache, by_name, settings, purpose=_PURPOSE)

    def known(self) -> dict[str, Any] | None:
        """What the cache knows; None where the encoder must be loaded."""
        return self._model.description()

    def facts(self) -> dict[str, Any]:
        """Of the encoder, loaded."""
        facts = asdict(EncoderFacts.of(load_on_worker(self._given, self._settings, self._threads), self._settings))
        self._model.keep(facts)
        return facts


def _may_use_gpus(encoder: Any, settings: MiningSettings) -> bool:
    """A model on a CPU stays there, and an endpoint's is elsewhere."""
    model = encoder.model if isinstance(encoder, SentenceTransformerEncoder) else encoder
    place = str(getattr(model, "device", None) or settings.device or "cuda")
    is_elsewhere = isinstance(encoder, OpenAIEncoder) or (isinstance(encoder, str) and encoder.startswith(PREFIX))
    return place.startswith("cuda") and not is_elsewhere


def _named(encoder: str | Path) -> Named:
    name = str(encoder)
    folder = None if name == OFFLINE or name.startswith(PREFIX) else Path(name).expanduser()
    return Named(name, str(folder.absolute()) if folder is not None and folder.is_dir() else None)


def _sent(pool: Pool, encoder: Any, settings: MiningSettings) -> Ref[Loaded]:
    """From the CPU: a worker has other GPUs than this process."""
    encoder = as_encoder(encoder, settings)
    model = encoder.model if isinstance(encoder, SentenceTransformerEncoder) else None
    device = None if model is None else model.device
    try:
        if model is not None:
            model.to("cpu")
        return pool.put(Loaded(encoder, None if device is None else str(device)))
    except Exception as error:  # whatever an object's own pickling raises
        reason = str(error.__cause__ or error).partition("\n")[0]  # Ray explains at length
        raise ModelError(
            f"encoder is a {type(encoder).__name__}, which cannot be sent to workers ({reason}). Give the model's name "
            "or folder, or an encoder whose class stands in a module and holds nothing but what can be pickled."
        ) from error
    finally:
        if model is not None:
            model.to(device)
