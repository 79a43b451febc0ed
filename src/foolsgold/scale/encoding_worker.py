"""What an encoding worker of one machine is: it says which encoder it has, and encodes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.known_models import KnownModel
from foolsgold.errors import FoolsgoldError
from foolsgold.scale.encoder_on_worker import EncoderFacts, Named, load_on_worker
from foolsgold.scale.encoding import Encoded, Encoding, Stretch, ToEncode
from foolsgold.settings import MiningSettings

_PURPOSE = "workers"  # of what is kept of a known model


def encoding(
    given: Any, facts: EncoderFacts, sides: Mapping[Side, ToEncode], settings: MiningSettings, threads: int
) -> Callable[[Stretch], Encoded]:
    """What encodes stretches on a worker that has not described the encoder."""
    return partial(EncodingWorker(given, settings, threads).encode, facts, sides)


class EncodingWorker:
    """Loads an encoder once, whether it is to describe it, to encode with it, or both.

    Args:
        given: see `WorkerEncoder`.
        settings: prompts, precision, device, batches, and the cache folder, which may know the model.
        threads: of this worker.
    """

    def __init__(self, given: Any, settings: MiningSettings, threads: int) -> None:
        self._given, self._settings, self._threads = given, settings, threads
        cache = None if settings.cache is None else Path(settings.cache)
        by_name = (given.folder or given.name) if isinstance(given, Named) else given
        self._model = KnownModel(cache, by_name, settings, purpose=_PURPOSE)
        self._encoder: Encoder | None = None
        self._encoding: Encoding | None = None

    def known(self) -> dict[str, Any] | None:
        """What the cache knows of it, as `facts` gives it; None where the encoder must be loaded."""
        return self._model.description()

    def facts(self) -> dict[str, Any]:
        """`EncoderFacts`, as a dict, as JSON has it.

        Raises:
            ModelError: it cannot be loaded or used.
        """
        facts = asdict(EncoderFacts.of(self._loaded(), self._settings))
        self._model.keep(facts)
        return facts

    def load(self) -> None:
        """Load it meanwhile; what is wrong with it is said by whoever needs it."""
        with suppress(ImportError):
            import onnxruntime  # noqa: F401
        with suppress(FoolsgoldError):
            self._loaded()

    def encode(self, facts: EncoderFacts, sides: Mapping[Side, ToEncode], stretch: Stretch) -> Encoded:
        """As an `Encoding` does.

        Args:
            facts: what the encoder must be here, too.
            sides: what there is to encode; the same in each call.
            stretch: which of it.

        Raises:
            ModelError: the encoder cannot be loaded here, or is another one.
        """
        if self._encoding is None:
            encoder = self._loaded()
            facts.check(EncoderFacts.of(encoder, self._settings))
            self._encoding = Encoding(encoder, facts, sides, self._settings)
        return self._encoding(stretch)

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            self._encoder = load_on_worker(self._given, self._settings, self._threads)
        return self._encoder
