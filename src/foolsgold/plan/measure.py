"""Rates of a core of this machine, each by a small piece of the work itself, on made data."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from foolsgold.plan.constant import DRIVER, MEASURED_CORE, MULTIPLY, Constant, CoreRates

if TYPE_CHECKING:
    from foolsgold.collection import Collection

_HERE = "measured here"
_SEED = 42
DIM = 384
K = 100
_WORDS_OF_TEXT = 100
_HUBS_PART = 4  # of the documents: enough for what is tried before the first comparison to weigh little


class MeasureSizes(NamedTuple):
    """How much is measured: seconds of the work itself take about three seconds with these.

    Attributes:
        documents: of the search; comparing costs less with more.
        queries: of the search: with fewer products than 2e8 it does not look for the faster pass.
        texts: of the words, and of the witnesses' corpus.
        heard: queries of the witnesses.
        keys: documents that the driver puts together.
    """

    documents: int = 65_536
    queries: int = 4_096
    texts: int = 4_000
    heard: int = 256
    keys: int = 100_000


class CoreClock:
    """How long work takes a core.

    Args:
        n_cores: that are taken for busy as long as the work lasts, as they are in a single process; None: processor
            time, of work that runs as often as there are cores, and on a machine that has other work too.
    """

    def __init__(self, n_cores: int | None = None) -> None:
        self._n_cores = n_cores

    def __call__(self, run: Callable[[], object]) -> float:
        """Seconds of one core."""
        if self._n_cores is None:
            started = time.process_time()
            run()
            return time.process_time() - started
        started = time.perf_counter()
        run()
        return (time.perf_counter() - started) * self._n_cores


def rates_of_core(clock: CoreClock, threaded: CoreClock, sizes: MeasureSizes | None = None) -> CoreRates:
    """What a core of this machine does.

    Args:
        clock: what counts as a core's time.
        threaded: the same for work that takes all cores by itself, and waits for the slowest of them now and then.
        sizes: how much is measured; more is steadier.
    """
    sizes = sizes or MeasureSizes()
    searched, prepared = search_rates(threaded, sizes)
    texts = made_texts(sizes.texts)
    heard = hear_seconds(clock, texts, sizes.heard, DIM)
    slower = heard / MEASURED_CORE.hear_seconds(DIM, sum(map(len, texts)) / len(texts))
    values = {
        "encode": MEASURED_CORE.encode.value * multiply_rate(threaded) / MULTIPLY.value,
        "search": searched,
        "prepare": prepared,
        "hubs": hubs_rate(threaded, sizes.documents // _HUBS_PART),
        "read": read_rate(clock, texts),
        "tokenize": MEASURED_CORE.tokenize.value / slower,
        "words": words_rate(clock, texts),
        "hear": MEASURED_CORE.hear.value * slower,
        "hear_value": MEASURED_CORE.hear_value.value * slower,
        "hear_byte": MEASURED_CORE.hear_byte.value * slower,
        "choose": MEASURED_CORE.choose.value * slower,
    }
    by_ratio = {"encode": "the bare multiplication", "tokenize": "the witnesses", "choose": "the witnesses"}
    return CoreRates(**{
        name: getattr(MEASURED_CORE, name)._replace(value=value, source=_source(name, by_ratio))
        for name, value in values.items()
    })  # fmt: skip


def driver_rate(clock: CoreClock, n_documents: int = MeasureSizes().keys) -> Constant:
    """How many documents a second the driver puts together."""
    return DRIVER._replace(value=n_documents / clock(driver_work(n_documents)), source=_HERE)


def driver_work(n_documents: int) -> Callable[[], None]:
    """What the driver does with ids and hashes: finds ids that stand twice, texts that say the same, and some ids."""
    import numpy as np
    import pyarrow as pa

    from foolsgold.collection.collection import rows_of
    from foolsgold.collection.text import same_keys

    rng = np.random.default_rng(_SEED)
    id_keys, of_texts, of_joined = rng.integers(0, 2**63, (3, n_documents), np.uint64)
    ids = pa.chunked_array([pa.array([f"document-{row}" for row in range(n_documents)], pa.large_string())])

    def work() -> None:
        np.sort(id_keys)
        same_keys(of_texts, of_joined, of_texts[:1_000])
        rows_of(ids.slice(0, n_documents // 50), ids)

    return work


def made_texts(n: int, n_words: int = _WORDS_OF_TEXT) -> list[str]:
    """Texts of made words, which are as frequent as words are: the r-th with a probability of about 1 / r."""
    import numpy as np

    rng = np.random.default_rng(_SEED)
    letters = rng.integers(97, 123, (60_000, 7)).astype(np.uint8)
    words = [bytes(word[: 2 + row % 6]).decode() for row, word in enumerate(letters)]
    rows = np.exp(rng.random((n, n_words)) * np.log(len(words))).astype(np.int64) - 1
    return [" ".join(words[row] for row in of_text) for of_text in rows.tolist()]


def words_rate(clock: CoreClock, texts: list[str]) -> float:
    """Bytes of text a second that BM25 takes in."""
    from foolsgold.search import Bm25Index

    seconds = clock(lambda: Bm25Index(texts, language="en", quiet=True))
    return sum(map(len, texts)) / seconds


def read_rate(clock: CoreClock, texts: list[str]) -> float:
    """Bytes of jsonl a second that are read, and hashed for what says the same."""
    from foolsgold.collection import read_files

    with tempfile.TemporaryDirectory() as folder:
        corpus, queries, qrels = (Path(folder) / name for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"))
        rows = [json.dumps({"_id": f"d{row}", "title": "", "text": text}) for row, text in enumerate(texts)]
        corpus.write_text("\n".join(rows) + "\n", "utf-8")
        queries.write_text(json.dumps({"_id": "q0", "text": "a query"}) + "\n", "utf-8")
        qrels.write_text("query-id\tcorpus-id\tscore\nq0\td0\t1\n", "utf-8")
        seconds = clock(lambda: read_files(corpus, queries, qrels).document_keys)
        return corpus.stat().st_size / seconds


def multiply_rate(clock: CoreClock) -> float:
    """FLOP/s of the bare float32 multiplication."""
    import numpy as np

    a, b = _unit_vecs(2_048), _unit_vecs(8_192)
    out = np.empty((len(a), len(b)), np.float32)
    return 2.0 * out.size * DIM / min(clock(lambda: np.matmul(a, b.T, out=out)) for _ in range(3))


def search_rates(clock: CoreClock, sizes: MeasureSizes) -> tuple[float, float]:
    """FLOP/s of exact search, and values a second that are made ready for it."""
    from foolsgold.encode import Vectors
    from foolsgold.search import ExactIndex

    documents = Vectors.of(_unit_vecs(sizes.documents), "dot")
    queries = Vectors.of(_unit_vecs(sizes.queries, seed=1), "dot")
    index = ExactIndex(documents)
    ready = clock(lambda: index.search(queries, slice(0, 1), K))
    searched = clock(lambda: index.search(queries, slice(0, sizes.queries), K))
    return 2.0 * sizes.documents * sizes.queries * DIM / searched, sizes.documents * DIM / ready


def hubs_rate(clock: CoreClock, n_documents: int) -> float:
    """FLOP/s of finding the queries that are nearest to each document."""
    from foolsgold.encode import Vectors
    from foolsgold.witness.hubs import Hubs, HubSample

    queries, documents = _unit_vecs(2_048, seed=1), _unit_vecs(n_documents)
    of_queries, of_documents = Vectors.of(queries, "dot"), Vectors.of(documents, "dot")
    seconds = clock(lambda: Hubs.of_documents(of_documents, HubSample.of(of_queries, seed=_SEED), quiet=True))
    return 2.0 * len(queries) * n_documents * DIM / seconds


def hear_seconds(clock: CoreClock, texts: list[str], n_queries: int, dim: int) -> float:
    """Of the witnesses, for each candidate of some queries."""
    import numpy as np

    from foolsgold.encode import Encoded, Vectors
    from foolsgold.filters import Relevance
    from foolsgold.search import Candidates
    from foolsgold.settings import MiningSettings
    from foolsgold.witness import Witnesses

    collection = _collection(texts, n_queries)
    vecs = Vectors.of(_unit_vecs(len(texts) + n_queries, dim), "dot")
    queries, documents = Vectors.of(vecs.values[:n_queries], "dot"), Vectors.of(vecs.values[n_queries:], "dot")
    rng = np.random.default_rng(_SEED)
    rows = np.stack([rng.choice(len(texts), K, replace=False) for _ in range(n_queries)]).astype(np.int32)
    block = Candidates(
        np.arange(n_queries), rows, -np.sort(-rng.random(rows.shape).astype(np.float32)), np.arange(n_queries + 1),
        collection.positives.doc_rows.astype(np.int32), np.ones(n_queries, np.float32), np.zeros(rows.shape, np.int8),
        ("dense",),
    )  # fmt: skip
    witnesses = Witnesses(collection, Encoded(queries, documents, {}), MiningSettings(quiet=True, language="en"))
    relevance = Relevance(collection)
    witnesses.of(block.of_queries(block.query_rows < 2), relevance)  # the first call also sets up
    return clock(lambda: witnesses.of(block, relevance)) / rows.size


def _collection(texts: list[str], n_queries: int) -> Collection:
    """Each query is the beginning of the document that is its positive."""
    from foolsgold.collection import read_pairs

    pairs = [(f"{' '.join(text.split()[:6])} {row}", text) for row, text in enumerate(texts[:n_queries])]
    return read_pairs(pairs, corpus=texts)


def _unit_vecs(n: int, dim: int = DIM, seed: int = _SEED) -> Any:
    import numpy as np

    vecs = np.random.default_rng(seed).standard_normal((n, dim), np.float32)
    vecs /= np.linalg.norm(vecs, axis=1, keepdims=True)
    return vecs


def _source(name: str, by_ratio: dict[str, str]) -> str:
    if name not in by_ratio:
        return _HERE
    return f"{getattr(MEASURED_CORE, name).source}; here by the ratio of {by_ratio[name]}"
