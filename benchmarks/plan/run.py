"""The rates that `foolsgold plan` reckons with, measured: raw numbers and medians in results.json.

python benchmarks/plan/run.py --data DATA
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
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
_TINY = 100  # documents, with which a run is nothing but its start and its end
_CHARACTERS = 675  # about 150 tokens: the longer a text, the more of its words it repeats


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
        "driver": driver_rate(),
        "driver_bytes": driver_bytes(),
        "start": start_seconds(),
    }


def driver_rate() -> float:
    """Documents a second that the driver puts together, by the clock."""
    return measure.driver_rate(CoreClock(1), SIZES.keys).value


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
    """Of a run on Ray with two workers and next to nothing to do; NaN where Ray is not installed."""
    if find_spec("ray") is None:
        return float("nan")
    with tempfile.TemporaryDirectory() as folder:
        flags = tiny_collection(Path(folder))
        command = ["-c", "import sys; from foolsgold.cli import main; sys.exit(main())", "mine", *flags, "--quiet",
                   "--engine", "ray", "--address", "local", "--workers", "2", "--cache", "none"]  # fmt: skip
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        return time.perf_counter() - started


def tiny_collection(folder: Path) -> list[str]:
    """A hundred documents and ten queries with vectors, in files; the flags that name them."""
    texts = measure.made_texts(_TINY)
    asked = [f"{text[:20]} {row}" for row, text in enumerate(texts[: _TINY // 10])]
    for name, of in (("corpus", texts), ("queries", asked)):
        lines = [json.dumps({"_id": str(row), "text": text}) for row, text in enumerate(of)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        np.save(folder / f"{name}.npy", np.random.default_rng(len(of)).standard_normal((len(of), 8), np.float32))
    judged = "".join(f"{row}\t{row}\t1\n" for row in range(len(asked)))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", "utf-8")
    return ["--collection", str(folder), "--out", str(folder / "out"), "--doc-vectors", str(folder / "corpus.npy"),
            "--query-vectors", str(folder / "queries.npy")]  # fmt: skip


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


def again(results: dict[str, Any], names: list[str]) -> None:
    """Measure some rates anew, in as many rounds as there were."""
    for one in results["rounds"]:
        one.update({name: BY_THEMSELVES[name]() for name in names})
    results["median"] = medians(results["rounds"])


BY_THEMSELVES: dict[str, Callable[[], float]] = {
    "driver": driver_rate, "driver_bytes": driver_bytes, "start": start_seconds,
}  # fmt: skip


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of each rate."""
    return {name: float(np.round(median(one[name] for one in rounds), 12)) for name in rounds[0]}


def all_of(data: Path, n_rounds: int) -> dict[str, Any]:
    """Everything."""
    rounds = [one_round(data) for _ in range(n_rounds)]
    return {
        "machine": {"processor": platform.machine(), "cores": n_cores(), "python": platform.python_version()},
        "sizes": SIZES._asdict() | {"dimensions": measure.DIM, "witness_dimensions": DIMENSIONS, "k": measure.K},
        "texts": of_texts(data),
        "rounds": rounds,
        "median": medians(rounds),
    }


def main() -> None:
    """Measure in rounds, and keep all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=BY_THEMSELVES, help="measure these anew, and keep all others")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    if options.only:
        result = json.loads(options.out.read_text("utf-8"))
        again(result, options.only)
    else:
        result = all_of(options.data, options.rounds)
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, value in {**result["median"], **result["texts"]}.items():
        print(f"{name:12} {value:.4g}")


if __name__ == "__main__":
    main()
