"""The rates that `foolsgold plan` reckons with, measured: raw numbers and medians in results.json.

python benchmarks/plan/run.py --data DATA
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tracemalloc
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection import read_beir
from foolsgold.cores import n_cores
from foolsgold.plan import measure
from foolsgold.plan.measure import CoreClock, MeasureSizes
from foolsgold.search import tokens

HERE = Path(__file__).parent
SIZES = MeasureSizes(documents=262_144, queries=8_192, texts=10_000, heard=1_024, keys=1_000_000)
DIMENSIONS = (96, 768)  # of the witnesses, to tell what grows with them
_LONG = 400  # words of longer texts, to tell what grows with those
_SAMPLE = 2_000
_CHARACTERS = 675  # about 150 tokens: the longer a text, the more of its words it repeats

_START = """
from time import perf_counter
started = perf_counter()
import ray
ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=200_000_000, log_to_driver=False)
@ray.remote(num_cpus=1)
class Worker:
    def ready(self):
        import torch, foolsgold.mine, foolsgold.encode, foolsgold.search
        return True
ray.get([worker.ready.remote() for worker in [Worker.remote(), Worker.remote()]])
print(perf_counter() - started)
"""


def one_round(data: Path) -> dict[str, float]:
    """Each rate once, of a core by processor time; `driver` and `start` by the clock."""
    clock = CoreClock()
    searched, prepared = measure.search_rates(clock, SIZES)
    texts = read_beir(data / "medquad").document_texts()
    made = measure.made_texts(SIZES.texts)
    few, many = (measure.hear_seconds(clock, made, SIZES.heard, dim) for dim in DIMENSIONS)
    of_dimension = max(many - few, 0.0) / (DIMENSIONS[1] - DIMENSIONS[0])
    longer = measure.made_texts(SIZES.texts, _LONG)
    n_bytes, n_more = (sum(map(len, of)) / len(of) for of in (made, longer))
    of_byte = max(measure.hear_seconds(clock, longer, SIZES.heard, DIMENSIONS[0]) - few, 0.0) / (n_more - n_bytes)
    return {
        "multiply": measure.multiply_rate(clock),
        "search": searched,
        "prepare": prepared,
        "hubs": measure.hubs_rate(clock, SIZES.texts),
        "read": measure.read_rate(clock, texts),
        "words": measure.words_rate(clock, texts),
        "hear": max(few - of_dimension * DIMENSIONS[0] - of_byte * n_bytes, 0.0),
        "hear_value": of_dimension,
        "hear_byte": of_byte,
        "tokenize": tokenize_rate(clock, texts[:_SAMPLE]),
        "driver": measure.driver_rate(CoreClock(1), SIZES.keys).value,
        "driver_bytes": driver_bytes(),
        "start": start_seconds(),
    }


def driver_bytes() -> float:
    """Memory that the driver takes for each document while it puts them together; ids are mapped from files."""
    tracemalloc.start()
    work = measure.driver_work(SIZES.keys)
    tracemalloc.reset_peak()
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    work()
    pa.set_memory_pool(usual)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak + counted.max_memory()) / SIZES.keys


def tokenize_rate(clock: CoreClock, texts: list[str]) -> float:
    """Tokens a second, by the tokenizer of all-MiniLM-L6-v2."""
    tokenizer = offline_tokenizer()
    seconds = clock(lambda: tokenizer.encode_batch(texts))
    return sum(len(one.ids) for one in tokenizer.encode_batch(texts)) / seconds


def offline_tokenizer() -> Any:
    """Of all-MiniLM-L6-v2, without an end of its texts."""
    from tokenizers import Tokenizer

    from foolsgold.encode.load_model import offline_model_folder

    tokenizer = Tokenizer.from_file(str(offline_model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def start_seconds() -> float:
    """Until Ray and two workers with all libraries have started; NaN where Ray is not installed."""
    run = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=False)
    return float(run.stdout.split()[-1]) if run.returncode == 0 else float("nan")


def of_texts(data: Path) -> dict[str, float]:
    """What texts are like: bytes a token, and bytes of words kept for each byte of text."""
    texts = read_beir(data / "medquad").document_texts()[:_SAMPLE]
    texts = [text[:_CHARACTERS] for text in texts]
    n_bytes = sum(len(text.encode()) for text in texts)
    tokenizer = offline_tokenizer()
    n_tokens = sum(len(one.ids) for one in tokenizer.encode_batch(texts))
    stem = tokens.stemmer("en")
    entries = sum(len(set(map(stem, tokens.tokenize(text)))) for text in texts)
    return {"token_bytes": n_bytes / n_tokens, "word_bytes": (12 * entries + 8 * len(texts)) / n_bytes,
            "mean_bytes": n_bytes / len(texts)}  # fmt: skip


def main() -> None:
    """Measure in rounds, and keep all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    rounds = [one_round(options.data) for _ in range(options.rounds)]
    result = {
        "machine": {"processor": platform.machine(), "cores": n_cores(), "python": platform.python_version()},
        "sizes": SIZES._asdict() | {"dimensions": measure.DIM, "witness_dimensions": DIMENSIONS, "k": measure.K},
        "texts": of_texts(options.data),
        "rounds": rounds,
        "median": {name: float(np.round(median(one[name] for one in rounds), 12)) for name in rounds[0]},
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, value in {**result["median"], **result["texts"]}.items():
        print(f"{name:12} {value:.4g}")


if __name__ == "__main__":
    main()
