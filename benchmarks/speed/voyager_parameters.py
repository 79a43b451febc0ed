"""Voyager on real vectors: what its parameters cost, and the recall that they bring."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from foolsgold import exact_topk, read_beir
from foolsgold.cache_folder import AUTO, open_cache
from foolsgold.encode import encode
from foolsgold.search.voyager import recall_of
from foolsgold.settings import MiningSettings

K = 110
GRAPHS = [(8, 200), (12, 100), (12, 200), (16, 100), (16, 200), (24, 200), (32, 200), (16, 400)]
QUERY_EFS = (110, 200, 400, 800)
_QUERIES = 1_000


def measure(data: Path) -> dict[str, Any]:
    """Processor time, of one thread, of building and asking; share of the true 110 nearest that are found."""
    import voyager

    encoded = encode(read_beir(data / "medquad"), "offline", MiningSettings(quiet=True), cache=open_cache(AUTO))
    docs = np.asarray(encoded.doc_vecs.values)
    every = max(1, len(encoded.query_vecs) // _QUERIES)
    queries = np.ascontiguousarray(encoded.query_vecs.values[::every])
    true, _ = exact_topk(queries, docs, K)
    rows = []
    for m, ef_construction in GRAPHS:
        index = voyager.Index(
            voyager.Space.Cosine, docs.shape[1], M=m, ef_construction=ef_construction, random_seed=42,
            max_elements=len(docs),
        )  # fmt: skip
        started = time.process_time()
        index.add_items(docs, num_threads=1)
        row = {"M": m, "ef_construction": ef_construction,
               "build_ms_per_document": 1e3 * (time.process_time() - started) / len(docs)}  # fmt: skip
        for ef in QUERY_EFS:
            started = time.process_time()
            found, _ = index.query(queries, k=K, query_ef=ef, num_threads=1)
            row[f"query_ms_{ef}"] = 1e3 * (time.process_time() - started) / len(queries)
            row[f"recall_{ef}"] = recall_of(found, true)
        rows.append(row)
    return {"collection": "medquad", "n_documents": len(docs), "n_queries": len(queries), "k": K, "table": rows}


def main() -> None:
    """Print the numbers, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = measure(options.data)
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
