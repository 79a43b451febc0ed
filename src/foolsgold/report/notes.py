"""What a person should know beyond the numbers and the verdict: what was left out, and what there is to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foolsgold.report.wording import shown
from foolsgold.sources import RUN


def notes_on(report: Mapping[str, Any]) -> list[str]:
    """In sentences, the counts first."""
    counted = [*_left_out(report), *_relabelling(report["relabelled"] or {})]
    notes = [
        f"{count:,} {what}" + (f", the first: {shown(examples[0])}" if examples else "")
        for count, what, examples in counted
        if count
    ]
    return [*notes, *_to_judge(report)]


def _left_out(report: Mapping[str, Any]) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Counts, what was counted, and examples."""
    for name, run in report["search"].items():
        if name.startswith(RUN):
            yield run["unknown_ids"], f"lines of {name} name unknown ids and were left out", run["unknown_id_examples"]
            yield run["bad_lines_skipped"], f"bad lines of {name} were skipped", run["bad_line_examples"]
    collection = report["collection"]
    yield collection["bad_lines_skipped"], "bad lines were skipped", collection["bad_line_examples"]
    yield (
        collection["unknown_ids"], "judgements name unknown ids and were left out", collection["unknown_id_examples"],
    )  # fmt: skip
    yield collection["contradicting_judgements"], "judgements contradict each other and count as positive", ()
    yield (
        collection["queries_without_positives"], "queries have no positive: mined by window, not for training", (),
    )  # fmt: skip
    doubtful = [f"query {query_id}, document {doc_id}" for query_id, doc_id in report["pairs"]["doubtful_examples"]]
    yield (
        report["pairs"]["doubtful"],
        "pairs were dropped: their positive stands as low among the candidates as a wrong label does",
        doubtful,
    )
    given = report["given_negatives"] or {"by_fate": {}, "beyond_row": 0}
    yield (
        given["by_fate"].get("known_positive", 0), "given negatives are known positives of their query: left out", (),
    )  # fmt: skip
    yield given["beyond_row"], f"given negatives have no place in rows of {report['negatives']['format']}", ()
    yield report["negatives"]["random"], "negatives are random documents", ()


def _relabelling(relabelled: Mapping[str, Any]) -> Iterator[tuple[int, str, Sequence[str]]]:
    notes = {
        "taken_back": "decisions that an earlier selection took in were taken back",
        "overruled_positives": "known positives were overruled by relabelling",
        "overruled_judged_negatives": "judgements of not relevant were overruled by relabelling",
        "held_out": "relabelled pairs are positives of another split: they stay held out",
        "positives_without_score": "positives are no candidates and have no score: never negatives, but without a row",
    }
    return ((relabelled.get(name, 0), what, ()) for name, what in notes.items())


def _to_judge(report: Mapping[str, Any]) -> Iterator[str]:
    if n_suspected := report["false_negatives"]["suspected_positives"]:
        yield (
            f"{n_suspected:,} candidates are probably relevant: judge them with foolsgold review, or in "
            "suspected_positives.parquet, and take the labels in with select --relabel"
        )
