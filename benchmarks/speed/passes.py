"""Tokens of a forward pass on a CPU: one process with all cores, and a process for each core, as workers are.

    python benchmarks/speed/passes.py --data shared/data --json passes.json

Each way is encoded once a round by processes of its own, which begin together; medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SIZES, PRECISIONS = (1_024, 2_048), ("float32", "int8")


def measure(data: Path, rounds: int = 3, *, documents: int = 256, n_cores: int = 2) -> dict[str, Any]:
    """Seconds of each precision, number of processes, and size of a pass, on documents of MedQuAD.

    Args:
        data: folder that holds the collection `medquad` in BEIR layout.
        rounds: of each way, taken in turn.
        documents: how many are encoded, evenly spread over the corpus.
        n_cores: of this machine that are used.
    """
    ways = [(precision, n, size) for precision in PRECISIONS for n in (1, n_cores) for size in SIZES]
    times: dict[tuple[str, int, int], list[float]] = {way: [] for way in ways}
    with TemporaryDirectory() as scratch:
        for way in ways[:: len(SIZES)]:
            _seconds(way, data, 16 * n_cores, n_cores, scratch)  # the graph is written
        for _ in range(rounds):
            for way in ways:
                times[way].append(_seconds(way, data, documents, n_cores, scratch))
    rows = [
        {"precision": way[0], "processes": way[1], "tokens": way[2], "seconds": seconds,
         "to_2048": _ratio(seconds, times[way[0], way[1], SIZES[-1]])}
        for way, seconds in times.items()
    ]  # fmt: skip
    return {"documents": documents, "cores": n_cores, "rounds": rounds, "table": rows}


def _ratio(seconds: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(seconds, others, strict=True))


def _seconds(way: tuple[str, int, int], data: Path, documents: int, n_cores: int, scratch: str) -> float:
    """The mean over the processes, each of which has its share of the texts."""
    precision, n_processes, size = way
    common = [str(data), precision, str(size), str(n_cores // n_processes), str(documents), str(n_processes), scratch]
    command = [sys.executable, __file__, "--process", *common]
    begun = [
        subprocess.Popen([*command, str(part)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for part in range(n_processes)
    ]
    for process in begun:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    for process in begun:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return statistics.mean(float(process.communicate()[0]) for process in begun)


def _process(
    data: str, precision: Any, size: str, threads: str, documents: str, n_processes: str, cache: str, part: str
) -> None:
    import torch

    import foolsgold.encode.batches as passes
    from foolsgold import read_beir
    from foolsgold.encode import SentenceTransformerEncoder

    torch.set_num_threads(int(threads))
    passes._CPU_TOKENS = passes._CPU_INT8_TOKENS = int(size)
    texts = list(dict.fromkeys(read_beir(Path(data) / "medquad").document_texts()))
    texts = texts[:: max(1, len(texts) // int(documents))][: int(documents)]
    encoder = SentenceTransformerEncoder("offline", precision=precision, cache=cache)
    encoder.encode_documents(texts[:16])
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    encoder.encode_documents(texts[int(part) :: int(n_processes)])
    print(time.perf_counter() - started, flush=True)


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = measure(options.data, options.rounds)
    for row in result["table"]:
        print(f"{row['precision']:8} {row['processes']} x {row['tokens']:5}: {row['to_2048']:.2f} of 2,048's time")
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        _process(*sys.argv[2:])
    else:
        main()
