"""The report in a few lines for a terminal, with examples to judge by eye."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from foolsgold.sources import RUN

_TEXT_WIDTH = 100
_MANY_NEAR = 1 / 3


class Example(NamedTuple):
    """A query, its positive, and the hardest negative chosen for the pair, with scores; None where there is none."""

    query: str
    positive: str
    negative: str
    positive_score: float | None
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
        *_false_negative_lines(report["false_negatives"]),
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
    if len(negatives["by_source"]) > 1:
        lines.append("source    " + ", ".join(f"{count:,} {name}" for name, count in negatives["by_source"].items()))
    relabelled = report["relabelled"]
    if relabelled:
        counts = ", ".join(f"{relabelled[label]:,} {label}" for label in ("positive", "negative", "drop", "undecided"))
        lines.append(f"relabel   {counts}")
    lines += _warnings(report)
    for number, example in enumerate(examples, start=1):
        lines += [
            "",
            f"example {number}",
            f"  query              {_shown(example.query)}",
            f"  positive   {_number(example.positive_score):>6}  {_shown(example.positive)}",
            f"  negative   {_number(example.negative_score):>6}  {_shown(example.negative)}",
        ]
    return lines


def _scored(cross_encoder: Mapping[str, Any]) -> str:
    return (
        f"scored    {_percent(cross_encoder['candidates_scored_ratio'])} of candidates "
        f"({cross_encoder['candidates_scored']:,}) and {cross_encoder['positives_scored']:,} positives by "
        f"{_shown(cross_encoder['name'] or 'the cross-encoder')}, in {cross_encoder['waves']} waves"
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
    allowed = "" if found["max_rate"] is None else f", {_percent(found['max_rate'])} allowed"
    lines = [f"false     {_percent(found['expected_ratio'])} of negatives expected to be relevant{allowed} ({basis})"]
    if not leak["measurable"]:
        return [*lines, f"leak      not measurable: {leak['reason']}"]
    low, high = leak["false_negative_ratio_interval"]
    return [
        *lines,
        f"leak      {leak['hidden_positives_chosen']:,} of {leak['hidden_positives']:,} positives hidden of "
        f"{leak['queries']:,} queries were chosen: {_percent(leak['false_negative_ratio'])} of their negatives "
        f"({_percent(low)}–{_percent(high)}), {_percent(leak['expected_false_negative_ratio'])} expected",
    ]


def _warnings(report: Mapping[str, Any]) -> list[str]:
    collection = report["collection"]
    runs = [(name, run) for name, run in report["search"].items() if name.startswith(RUN)]
    counted: tuple[tuple[int, str, Sequence[str]], ...] = (
        *(
            (run["unknown_ids"], f"lines of {name} name unknown ids and were left out", run["unknown_id_examples"])
            for name, run in runs
        ),
        *(
            (run["bad_lines_skipped"], f"bad lines of {name} were skipped", run["bad_line_examples"])
            for name, run in runs
        ),
        (collection["bad_lines_skipped"], "bad lines were skipped", collection["bad_line_examples"]),
        (collection["unknown_ids"], "judgements name unknown ids and were left out", collection["unknown_id_examples"]),
        (collection["contradicting_judgements"], "judgements contradict each other and count as positive", ()),
        (collection["queries_without_positives"], "queries have no positive: mined by window, not for training", ()),
        (report["negatives"]["random"], "negatives are random documents", ()),
        *_relabelling_notes(report["relabelled"] or {}),
    )
    notes = [
        f"note      {count:,} {what}" + (f", the first: {_shown(examples[0])}" if examples else "")
        for count, what, examples in counted
        if count
    ]
    found = report["false_negatives"]
    expected, allowed = found["expected_ratio"], found["max_rate"]
    if expected is not None and allowed is not None and expected > 1.1 * allowed + 1e-3:
        notes.append(
            f"note      {_percent(expected)} false negatives expected, {_percent(allowed)} allowed: there are too few "
            "safe candidates; raise depth, or ask for fewer negatives"
        )
    if found["suspected_positives"]:
        notes.append(
            f"note      {found['suspected_positives']:,} candidates are probably relevant: judge them in "
            "suspected_positives.parquet, and take the labels in with select --relabel"
        )
    fates, total = report["candidates"]["by_fate"], max(report["candidates"]["total"], 1)
    near = sum(fates.get(name, 0) for name in ("near_positive", "near_negative")) / total
    if near > _MANY_NEAR:
        notes.append(
            f"note      {_percent(near)} of candidates were dropped as near-duplicates: this encoder's cosines lie "
            "close together; raise max_similarity_to_positive and max_similarity_to_negative, or switch them off"
        )
    if not report["negatives"]["total"]:
        notes.append("note      nothing was chosen: look at the reasons above, and loosen the rule that drops most")
    return notes


def _relabelling_notes(relabelled: Mapping[str, Any]) -> tuple[tuple[int, str, Sequence[str]], ...]:
    notes = {
        "overruled_positives": "known positives were overruled by relabelling",
        "overruled_judged_negatives": "judgements of not relevant were overruled by relabelling",
        "held_out": "relabelled pairs are positives of another split: they stay held out",
        "positives_without_score": "positives are no candidates and have no score: never negatives, but without a row",
    }
    return tuple((relabelled.get(name, 0), what, ()) for name, what in notes.items())


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shown(text: str) -> str:
    """One line without control characters, cut to fit."""
    line = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[:1000]).split())
    return line if len(line) <= _TEXT_WIDTH else line[: _TEXT_WIDTH - 1] + "…"
