"""The numbers that a plan rests on, each with where it comes from."""

from __future__ import annotations

from typing import Any, NamedTuple

from foolsgold.plan.units import show_scaled

_RATES = "measured: benchmarks/plan/results.json, "
_SPEED = "measured: benchmarks/speed/results.json, "


class Constant(NamedTuple):
    """A number and its source.

    Attributes:
        name: what it is.
        value: in `unit`.
        unit: such as "FLOP/s".
        source: a measurement by file and key, a data sheet by name, the line of code, or "assumed", and why.
    """

    name: str
    value: float
    unit: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {show_scaled(self.value, self.unit)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self._asdict()


class CoreRates(NamedTuple):
    """What one processor core does.

    Attributes:
        encode: FLOP/s that encoding in float32 reaches.
        search: FLOP/s (2 · Q · N · D) that exact search reaches, comparing included.
        prepare: values of document vectors a second that search makes ready, its 8-bit copy included.
        hubs: FLOP/s of comparing documents with a sample of queries.
        read: bytes of jsonl a second.
        tokenize: tokens a second for the model.
        words: bytes of text a second that BM25 takes in.
        hear: seconds a candidate for the witnesses, whatever its text and vector.
        hear_value: seconds a candidate and dimension.
        hear_byte: seconds a candidate and byte of its text.
        choose: seconds a candidate, to filter, choose and write.
    """

    encode: Constant
    search: Constant
    prepare: Constant
    hubs: Constant
    read: Constant
    tokenize: Constant
    words: Constant
    hear: Constant
    hear_value: Constant
    hear_byte: Constant
    choose: Constant

    def hear_seconds(self, dim: float, n_bytes: float) -> float:
        """Of the witnesses, for a candidate with so many dimensions and bytes of text."""
        return self.hear.value + self.hear_value.value * dim + self.hear_byte.value * n_bytes


MINILM_PARAMETERS = 10_646_784
"""Of all-MiniLM-L6-v2's six layers, which multiply: each 12 · 384² weights, biases and norms."""

MEASURED_CORE = CoreRates(
    encode=Constant("encoding, a core", 1.355e11, "FLOP/s", _SPEED + "encoding: float32, all-MiniLM-L6-v2"),
    search=Constant("exact search, a core", 1.58e11, "FLOP/s", _SPEED + "growth: 1,000,000 documents"),
    prepare=Constant("making vectors ready for search, a core", 1.755e8, "values/s", _RATES + "prepare"),
    hubs=Constant("hubs, a core", 4.96e10, "FLOP/s", _RATES + "hubs"),
    read=Constant("reading jsonl, a core", 4.84e7, "B/s", _SPEED + "reading"),
    tokenize=Constant("tokenising, a core", 9.48e5, "tokens/s", _RATES + "tokenize"),
    words=Constant("words of texts for BM25, a core", 1.628e7, "B/s", _RATES + "words"),
    hear=Constant("witnesses, a candidate on a core", 8.66e-7, "s", _RATES + "hear"),
    hear_value=Constant("witnesses, a candidate and dimension on a core", 5.19e-9, "s", _RATES + "hear_value"),
    hear_byte=Constant("witnesses, a candidate and byte of text on a core", 6.41e-10, "s", _RATES + "hear_byte"),
    choose=Constant("choosing and writing, a candidate on a core", 7.13e-7, "s", _SPEED + "choosing"),
)
"""Of a server processor with AVX-512, by processor time, or divided by the two cores that were busy."""

MULTIPLY = Constant("bare float32 multiplication, a core", 1.092e11, "FLOP/s", _SPEED + "search: alone")
START = Constant("start of Ray and of all processes, and their end", 9.67, "s", _RATES + "start")
DRIVER = Constant("ids and hashes put together by the driver", 2.05e6, "documents/s", _RATES + "driver")
DISK = Constant("disk or object storage, a worker", 4.81e8, "B/s", _SPEED + "choosing: bytes alone, jsonl")

UTILISATION = Constant("share of tensor peak that encoding reaches", 0.4, "of peak", "assumed; --utilisation sets it")
MULTIPLIED = Constant("share of float32 peak that search reaches", 0.8, "of peak", "assumed: a large multiplication")
LOOKED_AT = Constant(
    "device memory read and written for each score", 11, "B", "search/device_contenders.py: written, compared, a mask"
)
BUS = Constant("share of the bus that copies reach", 0.8, "of peak", "assumed: pinned memory does, pageable does not")
NETWORK_SHARE = Constant("share of the network that is reached", 0.7, "of peak", "assumed")

TOKEN_BYTES = Constant("text for each token", 4.49, "B", _RATES + "token_bytes")
WORD_BYTES = Constant("words kept for each byte of text", 1.143, "B", _RATES + "word_bytes")
DRIVER_BYTES = Constant(
    "driver's memory for each document", 122, "B", _RATES + "driver_bytes: ids found, three keys, and sorting them"
)
QUERY_DRIVER_BYTES = Constant("driver's memory for each query beside its text", 80, "B", "as for documents, and terms")
HUB_QUERIES = Constant("queries that hubs are found with", 2_048, "queries", "witness/hubs.py")
HUB_BYTES = Constant("memory of hubs for each document", 88, "B", "witness/hubs.py: 11 rows and scores")
PILOT_QUERIES = Constant(
    "queries that are heard beforehand, too", 6_000, "queries",
    "calibration/hidden.py 2,000, choose.py 4,000",
)  # fmt: skip
SWEEP_QUERIES = Constant("queries for which the corpus goes by once", 8_192, "queries", "search/sweep.py")
PROCESS_BYTES = Constant("memory of a worker process and its blocks", 1.5e9, "B", _SPEED + "whole: peaks")
FOUND_BYTES = Constant("a document found, on its way", 16, "B", "row int64, score float64")
STORED_BYTES = Constant("a candidate in candidates.parquet", 12, "B", "row, score, probability; before compression")
DEVICE_SHARE = Constant("share of device memory for vectors", 0.6, "of it", "search/device_index.py")
