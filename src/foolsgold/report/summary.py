"""The report in a few lines for a terminal, with examples to judge by eye."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_TEXT_WIDTH = 100


class Example(NamedTuple):
    """A query, its positive, and the hardest negative chosen for the pair, with scores."""

    query: str
    positive: str
    negative: str
    positive_score: float
    negative_score: float


def summary_lines(report: Mapping[str, Any], examples: Sequence[Example]) -> list[str]:
    """What a person wants to know first."""
    collection, pairs, negatives = report["collection"], report["pairs"], report["negatives"]
    candidates = report["candidates"]
    n_pairs = pairs["total"] - (0 if pairs["short_rows"] == "keep" else pairs["short"])
    lines = [
        f"{negatives['total']:,} negatives for {n_pairs:,} of "
        f"{pairs['total']:,} (query, positive) pairs; {collection['queries']:,} queries, "
        f"{collection['documents']:,} documents",
        f"yield     {_percent(report['yield_ratio'])} of queries got all negatives for a positive, "
        f"{_percent(report['pair_yield_ratio'])} of pairs (short rows: {pairs['short_rows']})",
        f"hardness  {_number(report['hardness'])} mean similarity of query and negative; positives have "
        f"{_number(report['scores']['positives_of_chosen_pairs'].get('p50'))} (median)",
        f"fate      {candidates['total']:,} candidates: "
        + ", ".join(f"{count:,} {name}" for name, count in candidates["by_fate"].items() if count),
        "time      " + ", ".join(f"{stage['stage']} {stage['seconds']:.1f} s" for stage in report["stages"])
        + f"; peak memory {max(stage['peak_memory_bytes'] for stage in report['stages']) / 2**20:,.0f} MiB",
    ]  # fmt: skip
    if report["cross_encoder"]:
        lines.append(_scored(report["cross_encoder"]))
    search = report["search"]
    if "recall" in search:
        lines.append(
            f"recall    {_number(search['recall'])} of the true candidates, on a sample of "
            f"{search['recall_sample_queries']} queries"
        )
    lines += _warnings(report)
    for number, example in enumerate(examples, start=1):
        lines += [
            "",
            f"example {number}",
            f"  query              {_shown(example.query)}",
            f"  positive   {example.positive_score:6.3f}  {_shown(example.positive)}",
            f"  negative   {example.negative_score:6.3f}  {_shown(example.negative)}",
        ]
    return lines


def _scored(cross_encoder: Mapping[str, Any]) -> str:
    return (
        f"scored    {_percent(cross_encoder['candidates_scored_ratio'])} of candidates "
        f"({cross_encoder['candidates_scored']:,}) and {cross_encoder['positives_scored']:,} positives by "
        f"{_shown(cross_encoder['name'] or 'the cross-encoder')}, in {cross_encoder['waves']} waves"
    )


def _warnings(report: Mapping[str, Any]) -> list[str]:
    collection = report["collection"]
    counted: tuple[tuple[int, str, Sequence[str]], ...] = (
        (collection["bad_lines_skipped"], "bad lines were skipped", collection["bad_line_examples"]),
        (collection["unknown_ids"], "judgements name unknown ids and were left out", collection["unknown_id_examples"]),
        (collection["contradicting_judgements"], "judgements contradict each other and count as positive", ()),
        (collection["queries_without_positives"], "queries have no positive: mined by window, not for training", ()),
        (report["negatives"]["random"], "negatives are random documents", ()),
    )
    notes = [
        f"note      {count:,} {what}" + (f", the first: {_shown(examples[0])}" if examples else "")
        for count, what, examples in counted
        if count
    ]
    if not report["negatives"]["total"]:
        notes.append("note      nothing was chosen: look at the reasons above, and loosen the rule that drops most")
    return notes


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shown(text: str) -> str:
    """One line without control characters, cut to fit."""
    line = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[:1000]).split())
    return line if len(line) <= _TEXT_WIDTH else line[: _TEXT_WIDTH - 1] + "…"
