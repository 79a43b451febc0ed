"""A collection of texts that break careless writers and readers, in BEIR's layout."""

from __future__ import annotations

import json
from pathlib import Path

FRAGMENTS = {
    "tab": "red\tgreen",
    "newline": "first line\nsecond line\n\nthird",
    "carriage return": "one\rtwo\r\nthree",
    "quotes": '"quoted", it\'s a \\ backslash',
    "emoji": "👩‍🚀 🏳️‍🌈 ü é",
    "right to left": "שלום, كيف الحال؟ \u200fok",
    "Chinese": "中文，问答“引号”。",
    "separators": "a\u2028b\u0085c",
    "JSON": '{"a": [1, null]}',
    "markup": "<b>&amp;</b> %s {0} | $x ||",
    "number": "0012 NaN -1e5",
    "spaces": "two  spaces   three",
}
"""Each stands in a query, in a positive, and in two other documents."""

_TOPICS = [
    ("How is bread made to rise?", "Yeast makes dough rise", "Sourdough rises slowly", "Bread is baked at 230 degrees"),
    ("Why do cats purr?", "Cats purr when content", "Cats also purr when hurt", "Dogs bark at strangers"),
    ("What melts ice on roads?", "Salt melts ice on roads", "Ice makes roads slippery", "Roads are built of asphalt"),
    ("How do bees make honey?", "Bees make honey of nectar", "Honey keeps for years", "Wasps build nests of paper"),
    ("What causes tides?", "The moon causes tides", "Tides are highest at new moon", "Waves come from the wind"),
    ("How does a bicycle stay up?", "A moving bicycle steers itself", "Bicycles need good tyres", "Cars have gears"),
    ("How is tea brewed?", "Tea is brewed for three minutes", "Green tea wants cooler water", "Coffee is roasted"),
    ("Why is the sky blue?", "Air scatters blue light most", "The sky is red at sunset", "The sea looks blue too"),
    ("How are violins tuned?", "Violins are tuned in fifths", "Violin strings break easily", "Pianos have 88 keys"),
    ("What do whales eat?", "Many whales eat krill", "Whales sing to each other", "Sharks are fish and eat fish"),
    ("How is glass made?", "Glass is made of molten sand", "Glass can be recycled", "Windows let the light in"),
    ("When do tulips bloom?", "Tulips bloom in spring", "Tulips come from Asia", "Roses bloom in summer"),
]
"""A query, its positive, and two other documents; the second is a positive, too, of every third query."""


def write_collection(folder: Path) -> dict[str, tuple[str, str]]:
    """Write it, and give title and text of each document, and of each query (without a title), by id."""
    fragments = list(FRAGMENTS.values())
    texts: dict[str, tuple[str, str]] = {}
    judgements = []
    for number, (query, *documents) in enumerate(_TOPICS):
        query_id = f"{number:04d}"
        texts[query_id] = ("", f"{query} {fragments[number]}")
        for place, document in enumerate(documents):
            doc_id = f"docs/{number}.{place}"
            fragment = fragments[(number + 1 + place) % len(fragments)]
            title = f"On {fragment}" if place == 1 else ""
            texts[doc_id] = (title, f"{document}. {fragment} It is number {number}.{place}")
            if place == 0 or (place == 1 and number % 3 == 0):
                judgements.append((query_id, doc_id))
    folder.mkdir(parents=True)
    queries = [{"_id": key, "text": text} for key, (_, text) in texts.items() if "/" not in key]
    corpus = [{"_id": key, "title": title, "text": text} for key, (title, text) in texts.items() if "/" in key]
    for name, rows in (("queries", queries), ("corpus", corpus)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "qrels").mkdir()
    lines = ["query-id\tcorpus-id\tscore", *(f"{query_id}\t{doc_id}\t1" for query_id, doc_id in judgements)]
    (folder / "qrels" / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return texts
