"""The report in a few lines for a terminal, with examples to judge by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.report.notes import notes_on
from foolsgold.report.wording import as_number, as_percent, shown


class Example(NamedTuple):
    """A query, its positive, and the hardest negative chosen for the pair, with scores; None where there is none."""

    query: str
    positive: str
    negative: str
    positive_score: float | None
    negative_score: float


def summary_lines(report: Mapping[str, Any], examples: Sequence[Example] = (), page: Path | None = None) -> list[str]:
    """The verdict first, then the numbers behind it, about ten lines; then examples.

    Args:
        report: what report.json holds.
        examples: to be shown.
        page: where report.html lies, if anywhere.
    """
    lines = [
        f"verdict   {report['verdict']['sentence']}",
        *(f"change    {one['finding']}: {one['mend']}" for one in report["verdict"]["advice"]),
        *_pair_lines(report),
        *_false_negative_lines(report["false_negatives"]),
        *_fate_and_time(report),
    ]
    if report["cross_encoder"]:
        lines.append(_scored(report["cross_encoder"]))
    lines += _search_lines(report)
    lines += [f"note      {note}" for note in notes_on(report)]
    if page is not None:
        lines.append(f"page      {page}")
    for number, example in enumerate(examples, start=1):
        lines += _example_lines(number, example)
    return lines


def _pair_lines(report: Mapping[str, Any]) -> list[str]:
    collection, pairs, negatives = report["collection"], report["pairs"], report["negatives"]
    n_pairs = pairs["total"] - (0 if pairs["short_rows"] == "keep" else pairs["short"])
    return [
        f"pairs     {negatives['total']:,} negatives for {n_pairs:,} of "
        f"{pairs['total']:,} (query, positive) pairs; {collection['queries']:,} queries, "
        f"{collection['documents']:,} documents",
        f"yield     {as_percent(report['yield_ratio'])} of queries got all negatives for a positive, "
        f"{as_percent(report['pair_yield_ratio'])} of pairs (short rows: {pairs['short_rows']})",
        f"hardness  {as_number(report['hardness'])} mean similarity of query and negative; positives have "
        f"{as_number(report['scores']['positives_of_chosen_pairs'].get('p50'))} (median)",
    ]


def _fate_and_time(report: Mapping[str, Any]) -> list[str]:
    candidates, stages = report["candidates"], report["stages"]
    return [
        f"fate      {candidates['total']:,} candidates: "
        + ", ".join(f"{count:,} {name}" for name, count in candidates["by_fate"].items() if count),
        "time      " + ", ".join(f"{stage['stage']} {stage['seconds']:.1f} s" for stage in stages)
        + f"; peak memory {max(stage['peak_memory_bytes'] for stage in stages) / 2**20:,.0f} MiB",
    ]  # fmt: skip


def _search_lines(report: Mapping[str, Any]) -> list[str]:
    """Recall of the search, given negatives, sources, and what was relabelled, as far as there is something to say."""
    lines, search, by_source = [], report["search"], report["negatives"]["by_source"]
    if "recall" in search:
        lines.append(
            f"recall    {as_number(search['recall'])} of the true candidates, on a sample of "
            f"{search['recall_sample_queries']} queries"
        )
    if given := report["given_negatives"]:
        fates = ", ".join(f"{count:,} {name}" for name, count in given["by_fate"].items() if count)
        lines.append(f"given     {given['total']:,} negatives of the training data: {fates}")
    if len(by_source) > 1:
        lines.append("source    " + ", ".join(f"{count:,} {name}" for name, count in by_source.items()))
    if relabelled := report["relabelled"]:
        labels = ("positive", "negative", "drop", "undecided")
        lines.append("relabel   " + ", ".join(f"{relabelled[label]:,} {label}" for label in labels))
    return lines


def _example_lines(number: int, example: Example) -> list[str]:
    return [
        "",
        f"example {number}",
        f"  query              {shown(example.query)}",
        f"  positive   {as_number(example.positive_score):>6}  {shown(example.positive)}",
        f"  negative   {as_number(example.negative_score):>6}  {shown(example.negative)}",
    ]


def _scored(cross_encoder: Mapping[str, Any]) -> str:
    return (
        f"scored    {as_percent(cross_encoder['candidates_scored_ratio'])} of candidates "
        f"({cross_encoder['candidates_scored']:,}) and {cross_encoder['positives_scored']:,} positives by "
        f"{shown(cross_encoder['name'] or 'the cross-encoder')}, in {cross_encoder['waves']} waves"
    )


def _false_negative_lines(found: Mapping[str, Any]) -> list[str]:
    """What is expected of the choice, and what the positives hidden from it say."""
    calibration, leak = found["calibration"] or {"method": "none"}, found["leak_test"]
    basis = {
        "calibrated": "calibrated on positives hidden of {queries:,} queries",
        "base rate": "default model, base rate judged by the known positives",
        "default": "default model, not calibrated: too little is known here",
        "none": "not estimated without a model or vectors",
    }[calibration["method"]].format(**calibration)
    allowed = "" if found["max_rate"] is None else f", {as_percent(found['max_rate'])} allowed"
    lines = [f"false     {as_percent(found['expected_ratio'])} of negatives expected to be relevant{allowed} ({basis})"]
    if not leak["measurable"]:
        return [*lines, f"leak      not measurable: {leak['reason']}"]
    low, high = leak["false_negative_ratio_interval"]
    return [
        *lines,
        f"leak      {leak['hidden_positives_chosen']:,} of {leak['hidden_positives']:,} positives hidden of "
        f"{leak['queries']:,} queries were chosen: {as_percent(leak['false_negative_ratio'])} of their negatives "
        f"({as_percent(low)}–{as_percent(high)}), {as_percent(leak['expected_false_negative_ratio'])} expected",
    ]
