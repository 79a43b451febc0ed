"""Which encoder it is: found out by a worker, since this process need have neither room for the model nor a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from foolsgold.encode import PrecomputedVectors, as_encoder, identify
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.load_model import OFFLINE
from foolsgold.encode.openai_endpoint import PREFIX, OpenAIEncoder
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.errors import ModelError
from foolsgold.scale.encoder_on_worker import EncoderFacts, Loaded, Named
from foolsgold.scale.encoding import Encoded, Encoding, Stretch, ToEncode
from foolsgold.scale.encoding_worker import EncodingWorker, encoding
from foolsgold.scale.pool import Actor, InProcessPool, Pool, Ref
from foolsgold.settings import MiningSettings


class WorkerEncoder(NamedTuple):
    """What workers make an encoder of, and what it is then.

    Attributes:
        given: a `Named`, a Ref of a `Loaded`, or in this process the encoder itself.
        facts: of one that was made of it.
        gpus: of each worker that makes one.
        settings: prompts, precision, device, batches, and where workers keep the model's graph.
        workers: those that are there already, on one machine; on several, where nodes come and go, there are none.
    """

    given: Any
    facts: EncoderFacts
    gpus: float
    settings: MiningSettings
    workers: list[Actor[EncodingWorker]]

    def encode(self, pool: Pool, sides: Mapping[Side, ToEncode], stretches: Sequence[Stretch]) -> Iterator[Encoded]:
        """What becomes of each stretch, as they are done.

        Raises:
            ModelError: the encoder cannot be loaded, or is another on another worker.
        """
        if not self.workers:
            args = self.given, self.facts, sides, self.settings
            if isinstance(pool, InProcessPool):
                return pool.stream(Encoding, args, stretches)
            return pool.stream(encoding, (*args, pool.threads_per_worker), stretches, gpus=self.gpus)
        n_missing = min(pool.n_workers, len(stretches)) - len(self.workers)
        self.workers.extend(_workers(pool, self.given, self.settings, self.gpus, n_missing))
        return pool.over(self.workers, "encode", (pool.put(self.facts), pool.put(sides)), stretches)

    def stop(self) -> None:
        """Free what the workers hold."""
        _stop(self.workers)


def identify_on(pool: Pool, encoder: Any, settings: MiningSettings, cache: Path) -> tuple[Any, dict[str, Any] | None]:
    """As `identify`, by a worker: this process need not have room for the model, nor the workers' devices.

    Args:
        pool: where encoding will be.
        encoder: as `as_encoder` takes it; None: there is none.
        settings: prompts, precision, device.
        cache: the cache folder, which may know a model already, or where there is none a folder of this run.

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


def worker_encoder(pool: Pool, encoder: Any, settings: MiningSettings, cache: Path) -> WorkerEncoder:
    """Send an encoder to where it works, and learn what it is there.

    Raises:
        ModelError: it cannot be loaded or used, or not be sent to workers.
    """
    if isinstance(encoder, WorkerEncoder):
        return encoder
    if isinstance(pool, InProcessPool):
        encoder = cast(Encoder, as_encoder(encoder, settings))
        return WorkerEncoder(encoder, EncoderFacts.of(encoder, settings), 0, settings, [])
    gpus = pool.gpus_per_worker if _may_use_gpus(encoder, settings) else 0
    given = _named(encoder) if isinstance(encoder, (str, Path)) else _sent(pool, encoder, settings)
    settings = settings.replace(cache=str(cache))  # one graph of the model for all workers
    workers = _workers(pool, given, settings, gpus, 1)
    try:
        facts = workers[0].result("known")
        if facts is None:
            if pool.on_one_machine:  # the others load it while it is described
                workers += _workers(pool, given, settings, gpus, pool.n_workers - 1)
            for worker in workers[1:]:
                worker.call("load")
            facts = workers[0].result("facts")
    except BaseException:
        _stop(workers)
        raise
    if not pool.on_one_machine:
        _stop(workers)
    return WorkerEncoder(given, EncoderFacts.from_dict(facts), gpus, settings, workers)


def _stop(workers: list[Actor[EncodingWorker]]) -> None:
    while workers:
        workers.pop().stop()


def _workers(
    pool: Pool, given: Any, settings: MiningSettings, gpus: float, n_workers: int
) -> list[Actor[EncodingWorker]]:
    return pool.actors(EncodingWorker, [(given, settings, pool.threads_per_worker)] * n_workers, gpus=gpus)


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
