"""SimpleMiner: a language and a size in, hard negatives out."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Set
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection.fields import check_text
from foolsgold.encode import Encoder, SentenceTransformerEncoder, Vectors, as_encoder, dense_model, encode_texts
from foolsgold.errors import CollectionError, SettingsError, VectorError
from foolsgold.filters import first_rank, rank_window
from foolsgold.saved_miner import SavedMiner, check_miner_folder, read_miner, write_miner
from foolsgold.search import build_voyager, nearest_stored
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from voyager import Index, StorageDataType

ModelSize = Literal["small", "base", "large"]
FULL_PRECISION_DOCUMENTS = 500_000  # up to here vectors are stored as float32 whatever is asked for


class SimpleMiner:
    """Mines hard negatives for queries from a list of documents, without knowing positives.

    The nearest documents are likely to be relevant, so negatives come from a window of ranks further down:
    `[min_rank, max_rank)`, where `max_rank` is a tenth of the collection and at most 110, with room for small
    collections (`foolsgold.filters.rank_window` states the rule). With known positives, `mine` chooses better.

    Args:
        language_code: "en", "zh", "fr"; any other gets a multilingual model.
        model_size: "small", "base" or "large".
        model: instead of the language's model: a hub id, a folder, a SentenceTransformer, any Encoder, or "offline".
        seed: of the index.

    Raises:
        SettingsError: an unknown size, or a language that is no code.
        ModelError: the model cannot be loaded.

    >>> miner = SimpleMiner("en", model="offline")
    >>> miner.build_index(["Cats purr.", "Kittens purr softly.", "Dogs bark.", "Stocks fell on Monday."])
    >>> miner.mine_hard_negatives("What sound does a cat make?")
    ['Dogs bark.', 'Stocks fell on Monday.']
    """

    def __init__(
        self, language_code: str, model_size: ModelSize = "small", *, model: Any = None, seed: int = 42
    ) -> None:
        chosen = dense_model(language_code, model_size)
        self._settings = MiningSettings(seed=seed, quiet=True)
        encoder = as_encoder(chosen.value if model is None else model, self._settings)
        if not isinstance(encoder, Encoder):
            raise SettingsError("model: SimpleMiner encodes queries as they come, so it takes no precomputed vectors.")
        self._encoder = encoder
        self.language_code = language_code
        self.model_size = model_size
        self.min_rank = 10
        self.max_rank: int | None = None
        self.voyager_index: Index | None = None
        self.corpus_map: dict[int, str] = {}

    @property
    def model(self) -> Any:
        """The SentenceTransformer, or the Encoder that was given."""
        return self._encoder.model if isinstance(self._encoder, SentenceTransformerEncoder) else self._encoder

    @property
    def has_index(self) -> bool:
        """Whether there is an index to mine from."""
        return self.voyager_index is not None

    def build_index(
        self,
        collection: list[str],
        batch_size: int = 128,
        save_index: bool = False,
        save_path: str | Path | None = None,
        force_fp32: bool = True,
        *,
        num_workers: int | None = None,
        show_progress: bool = True,
    ) -> None:
        """Encode the documents and index them for cosine similarity.

        Args:
            collection: the documents.
            batch_size: texts per forward pass.
            save_index: write the index to `save_path`.
            save_path: a new folder, or one that was written here before.
            force_fp32: store vectors as float32 in any case; if False, above 500,000 documents as 8-bit floats (E4M3).
            num_workers: encoding processes for more than 1,000 documents; None: one a GPU, or on CPUs one per 8 cores
                from 16 cores on.
            show_progress: a progress bar on stderr.

        Raises:
            CollectionError: no documents, or one that is no text (says which).
            SettingsError: `save_index` without `save_path`, or a path that holds something else.
        """
        documents = _checked_texts(collection, "collection")
        _check_whole("batch_size", batch_size)
        if num_workers is not None:
            _check_whole("num_workers", num_workers)
        _check_save_path(save_index, save_path)
        with _encoding(self._encoder, batch_size=batch_size, num_workers=num_workers):
            values = encode_texts(documents, self._encoder, "documents", batch_size=batch_size, quiet=not show_progress)
        storage = storage_type(len(documents), force_fp32=force_fp32)
        vecs = Vectors.of(values, "cosine", "collection")
        self.voyager_index = build_voyager(vecs, seed=self._settings.seed, storage=storage, show_progress=show_progress)
        self.corpus_map = dict(enumerate(documents))
        self.max_rank = rank_window(len(documents), self.min_rank)[1]
        if save_index and save_path is not None:
            self.export_index(save_path)

    @overload
    def mine_hard_negatives(self, queries: str, collection: list[str] | None = ..., save_index: bool = ...,
                            save_path: str | Path | None = ..., force_fp32: bool = ...) -> list[str]: ...  # fmt: skip

    @overload
    def mine_hard_negatives(self, queries: list[str], collection: list[str] | None = ..., save_index: bool = ...,
                            save_path: str | Path | None = ..., force_fp32: bool = ...
                            ) -> list[list[str]]: ...  # fmt: skip

    def mine_hard_negatives(
        self,
        queries: str | list[str],
        collection: list[str] | None = None,
        save_index: bool = False,
        save_path: str | Path | None = None,
        force_fp32: bool = True,
    ) -> list[str] | list[list[str]]:
        """The documents in the rank window of each query, most similar first.

        Args:
            queries: one query, or several.
            collection: documents to index first; not needed once there is an index, and indexed again only if they are
                others.
            save_index: as in `build_index`.
            save_path: as in `build_index`.
            force_fp32: as in `build_index`.

        Returns:
            A list for one query; for several a list of lists, with the same documents.

        Raises:
            SettingsError: no index and no collection.
            CollectionError: a query that is no text (says which).
        """
        single = isinstance(queries, str)
        texts = _checked_texts([queries] if isinstance(queries, str) else queries, "queries", may_be_empty=True)
        if collection is not None:
            collection = _checked_texts(collection, "collection")
        if collection is not None and (not self.has_index or collection != list(self.corpus_map.values())):
            self.build_index(collection, save_index=save_index, save_path=save_path, force_fp32=force_fp32)
        elif save_index:
            _check_save_path(save_index, save_path)
            self.export_index(save_path or "")
        if not self.has_index:
            raise SettingsError("there is no index to mine from. Call build_index first, or pass collection=.")
        if not texts:
            return []
        first, stop = self.rank_window
        query_vecs = encode_texts(texts, self._encoder, "queries", batch_size=self._settings.batch_size, quiet=True)
        ids, _ = self.query_index(query_vecs, top_k=stop)
        found = [[self.corpus_map[row] for row in rows] for rows in ids[:, first:].tolist()]
        return found[0] if single else found

    @property
    def rank_window(self) -> tuple[int, int]:
        """The first rank returned and the one after the last, by `min_rank`, `max_rank` and the corpus size."""
        stop = rank_window(len(self.corpus_map))[1] if self.max_rank is None else self.max_rank
        _check_whole("max_rank", stop)
        _check_whole("min_rank", self.min_rank, least=0)
        stop = min(stop, len(self.corpus_map))
        return first_rank(stop, self.min_rank), stop

    def query_index(
        self, query_vec: NDArray[np.floating], top_k: int = 110
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The nearest documents of one query vector, or of several.

        Args:
            query_vec: shape (D,) or (Q, D).
            top_k: how many; at most the size of the collection.

        Returns:
            ids (k,) and cosine distances (k,), or both of shape (Q, k): nearest first, equal distances by id.

        Raises:
            SettingsError: no index, or top_k below 1.
            VectorError: vectors of another shape, NaN or zeros.
        """
        index = self.voyager_index
        if index is None:
            raise SettingsError("there is no index to query. Call build_index first.")
        _check_whole("top_k", top_k)
        try:
            vecs = np.asarray(query_vec, np.float32)
        except (ValueError, TypeError) as error:
            raise VectorError(f"query_vec is no array of numbers ({error}).") from error
        queries = Vectors.of(np.atleast_2d(vecs), "cosine", "query_vec")
        if queries.dimensions != index.num_dimensions:
            raise VectorError(f"query_vec has {queries.dimensions} dimensions, the index {index.num_dimensions}.")
        ids, distances = nearest_stored(index, queries, min(top_k, len(index)))
        return (ids[0], distances[0]) if vecs.ndim == 1 else (ids, distances)

    def export_index(self, path: str | Path) -> bool:
        """Write vectors, texts, model identity and window to a folder that `load` reads back; True when it is there.

        Raises:
            SettingsError: no index, or a folder that holds something else.
            OutputError: it could not be written; what was there before is untouched.
        """
        if self.voyager_index is None or self.max_rank is None:
            raise SettingsError("there is no index to export. Call build_index first.")
        write_miner(
            Path(path),
            SavedMiner(
                language_code=self.language_code,
                model_size=self.model_size,
                model_name=_name_of(self._encoder),
                model_fingerprint=_fingerprint_of(self._encoder),
                seed=self._settings.seed,
                min_rank=self.min_rank,
                max_rank=self.max_rank,
                index=self.voyager_index,
                texts=list(self.corpus_map.values()),
            ),
        )
        return True

    @classmethod
    def load(cls, path: str | Path, model: Any = None) -> SimpleMiner:
        """Read back what `export_index` or `save_index` wrote.

        Args:
            path: the folder.
            model: the model, where it was given as an object; otherwise it is loaded by the name that was saved.

        Raises:
            SettingsError: no such folder, or a model is needed.
            CollectionError: the folder is damaged.
            ModelError: the model is not the one that the index was built with, or cannot be loaded.
        """
        saved = read_miner(Path(path))
        if model is None and saved.model_name is None:
            raise SettingsError(
                f"{path} was built with a model given as an object. Pass the same one: load(path, model=…)."
            )
        size: Any = saved.model_size
        miner = cls(saved.language_code, size, model=model or saved.model_name, seed=saved.seed)
        saved.check_model(_fingerprint_of(miner._encoder), path)
        miner.min_rank, miner.max_rank = saved.min_rank, saved.max_rank
        miner.voyager_index = saved.index
        miner.corpus_map = dict(enumerate(saved.texts))
        return miner


def storage_type(n_documents: int, *, force_fp32: bool) -> StorageDataType:
    """Float32, or E4M3 for more than 500,000 documents where float32 is not insisted on."""
    from voyager import StorageDataType

    small = force_fp32 or n_documents <= FULL_PRECISION_DOCUMENTS
    return StorageDataType.Float32 if small else StorageDataType.E4M3


def _encoding(encoder: Any, **options: Any) -> Any:
    """With batch size and workers as asked for, where the encoder has such options."""
    return encoder.using(**options) if isinstance(encoder, SentenceTransformerEncoder) else nullcontext()


def _name_of(encoder: Encoder) -> str | None:
    """The name by which a model can be loaded again."""
    return encoder.name if isinstance(encoder, SentenceTransformerEncoder) else None


def _fingerprint_of(encoder: Encoder) -> str | None:
    fingerprint = getattr(encoder, "fingerprint", None)
    return fingerprint if isinstance(fingerprint, str) else None


def _check_save_path(save_index: bool, save_path: str | Path | None) -> None:
    """Before anything is encoded."""
    if save_index and save_path is None:
        raise SettingsError("save_path is None; with save_index=True it takes the path of a folder.")
    if save_index and save_path is not None:
        check_miner_folder(Path(save_path))


def _check_whole(name: str, value: Any, *, least: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise SettingsError(f"{name} is {value!r}; it takes a whole number of at least {least}.")


def _checked_texts(texts: Any, argument: str, *, may_be_empty: bool = False) -> list[str]:
    if isinstance(texts, (str, bytes, Set, Mapping)) or not isinstance(texts, Iterable):
        raise CollectionError(f"{argument} is a {type(texts).__name__}; it takes a list of texts.")
    checked = [check_text(text, f"{argument}[{number}]") for number, text in enumerate(texts)]
    if not checked and not may_be_empty:
        raise CollectionError(f"{argument} is empty. Give at least one document.")
    return checked
