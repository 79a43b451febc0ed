"""The verdict on a run: one sentence, and what to change where anything looks wrong, each with its flag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from foolsgold.report.wording import as_number, as_percent
from foolsgold.sources import DENSE

FEWEST_COMPLETE = 0.9
LEAST_RECALL = 0.95
_MANY_NEAR = 1 / 3
_NEAR_RANDOM = 0.25  # of the way from random pairs to positives
_ABOVE_TARGET = 1.1
_HUBS, _FEWEST_DOCUMENTS = 0.5, 1_000
_OFTEN = 10  # times as many negatives as the top 1% are documents: else these are simply the few that were chosen

_LOOSENED_BY = {
    "near_positive": "--max-similarity-to-positive none",
    "near_negative": "--max-similarity-to-negative none",
    "margin": "--relative-margin with a smaller number, or --short-rows relax",
    "relative_margin": "--relative-margin with a smaller number, or --short-rows relax",
    "absolute_margin": "--absolute-margin with a smaller number, or --short-rows relax",
    "max_score": "--max-score with a larger number",
    "min_score": "--min-score with a smaller number",
    "rank_window": "--min-rank or --min-rank-without-positive with a smaller number, or --max-rank with a larger one",
    "answer_match": "--no-answer-match",
    "false_negative_probability": "--max-false-negative-probability with a larger number",
    "false_negative_rate": "--max-false-negative-rate with a larger number",
    "cross_encoder": "--cross-encoder-margin with a smaller number",
}


class Advice(NamedTuple):
    """Something that looks wrong, and what to do about it.

    Attributes:
        finding: what was found.
        mend: what to do, with the flag.
    """

    finding: str
    mend: str

    def __str__(self) -> str:
        return f"{self.finding}: {self.mend}"


class Verdict(NamedTuple):
    """What a person wants to know first.

    Attributes:
        sentence: yield, hardness, and false negatives expected, with the interval that was measured.
        advice: what to change; empty where nothing looks wrong.
    """

    sentence: str
    advice: list[Advice]

    def describe(self) -> dict[str, Any]:
        """As report.json keeps it."""
        return {"sentence": self.sentence, "advice": [one._asdict() for one in self.advice]}


def verdict_on(report: Mapping[str, Any]) -> Verdict:
    """The verdict on the numbers of a report."""
    if not report["negatives"]["total"]:
        nothing = Advice("nothing was chosen", _more(report))
        return Verdict("No negatives were found.", [nothing, *_on_near_duplicates(report)])
    advice = [*_on_yield(report), *_on_hardness(report), *_on_false_negatives(report), *_on_random(report)]
    advice += [*_on_search(report), *_on_near_duplicates(report), *_on_hubs(report)]
    return Verdict(_sentence(report), advice)


def _sentence(report: Mapping[str, Any]) -> str:
    negatives, hardness = report["negatives"]["total"], report["hardness"]
    if report["yield_ratio"] is None:
        got = f"{negatives:,} negatives for queries without positives"
    else:
        got = f"{as_percent(report['yield_ratio'])} of queries got all their negatives ({negatives:,} in all)"
    by_chance, positives = _median_by_chance(report), report["scores"]["positives_of_chosen_pairs"].get("p50")
    hard = f"hardness {as_number(hardness)}"
    beside = [f"{name} {as_number(value)}" for name, value in (("random pairs", by_chance), ("positives", positives))
              if value is not None]  # fmt: skip
    hard += f" ({', '.join(beside)})" if beside else ""
    return f"{got}; {hard}; {_false_negatives(report['false_negatives'])}."


def _false_negatives(found: Mapping[str, Any]) -> str:
    expected, leak = found["expected_ratio"], found["leak_test"]
    words = "false negatives not estimated" if expected is None else f"{as_percent(expected)} false negatives expected"
    if leak["measurable"]:
        low, high = leak["false_negative_ratio_interval"]
        words += f", {as_percent(leak['false_negative_ratio'])} measured ({as_percent(low)}–{as_percent(high)})"
    return words


def _on_yield(report: Mapping[str, Any]) -> Iterator[Advice]:
    if report["yield_ratio"] is not None and report["yield_ratio"] < FEWEST_COMPLETE:
        yield Advice(
            f"only {as_percent(report['yield_ratio'])} of queries got all their negatives",
            _more(report),
        )


def _more(report: Mapping[str, Any]) -> str:
    """How more negatives are to be had: deeper, fewer a pair, or by loosening the rule that drops most."""
    fates, total = report["candidates"]["by_fate"], max(report["candidates"]["total"], 1)
    ways = ["ask for fewer with --negatives", "keep short pairs with --short-rows keep or random"]
    if report["search"].get("depth", 0) < report["collection"]["documents"]:
        ways.insert(0, "look deeper with --depth")
    dropping = {name: fates[name] for name in _LOOSENED_BY if fates.get(name)}
    if dropping:
        most = max(dropping, key=lambda name: dropping[name])
        ways.append(f"loosen {_LOOSENED_BY[most]} ({most} dropped {as_percent(dropping[most] / total)})")
    return ", or ".join([", ".join(ways[:-1]), ways[-1]])


def _on_hardness(report: Mapping[str, Any]) -> Iterator[Advice]:
    by_chance, positives = _median_by_chance(report), report["scores"]["positives_of_chosen_pairs"].get("p50")
    hardness = report["hardness"]
    if by_chance is None or positives is None or hardness is None:
        return
    if hardness > positives:
        which = "the model" if report["search"]["scores"] == DENSE else str(report["search"]["scores"])
        yield Advice(
            f"half of the positives score below {as_number(positives)}, the negatives {as_number(hardness)} on average",
            f"{which} hardly tells them apart, as a model for another language or domain does: try another --model",
        )
    elif hardness < by_chance + _NEAR_RANDOM * (positives - by_chance):
        yield Advice(
            f"negatives are hardly harder ({as_number(hardness)}) than random pairs ({as_number(by_chance)})",
            "take the first ranks with --min-rank 0, the hardest with --sampler top, or a larger "
            "--max-false-negative-rate; or the model does not fit these texts: try another --model",
        )


def _median_by_chance(report: Mapping[str, Any]) -> float | None:
    median: float | None = (report["search"].get("random_pairs") or {}).get("median")
    return median


def _on_false_negatives(report: Mapping[str, Any]) -> Iterator[Advice]:
    found = report["false_negatives"]
    expected, allowed, leak = found["expected_ratio"], found["max_rate"], found["leak_test"]
    if not allowed:  # off, or nothing may be false
        return
    if expected is not None and expected > _ABOVE_TARGET * allowed + 1e-3:
        yield Advice(
            f"{as_percent(expected)} false negatives expected, {as_percent(allowed)} allowed",
            "there are too few safe candidates: look deeper with --depth, or ask for fewer with --negatives",
        )
    elif leak["measurable"] and leak["false_negative_ratio_interval"][0] > allowed:
        yield Advice(
            f"{as_percent(leak['false_negative_ratio'])} false negatives measured, {as_percent(allowed)} allowed",
            "allow fewer with --max-false-negative-rate, or judge pairs with foolsgold review and select --relabel",
        )


def _on_random(report: Mapping[str, Any]) -> Iterator[Advice]:
    gave_way = report["candidates"]["by_fate"].get("false_negative_rate", 0)
    random, total = report["negatives"]["random"], report["negatives"]["total"]
    if gave_way and random > total / 2:
        yield Advice(
            f"{as_percent(random / total)} of the negatives are random documents",
            "hard ones gave way to them, since too few are safe: allow more with --max-false-negative-rate",
        )


def _on_search(report: Mapping[str, Any]) -> Iterator[Advice]:
    recall = report["search"].get("recall")
    if recall is not None and recall < LEAST_RECALL:
        yield Advice(f"the index found {as_percent(recall)} of the true candidates", "search all with --index exact")


def _on_near_duplicates(report: Mapping[str, Any]) -> Iterator[Advice]:
    fates, total = report["candidates"]["by_fate"], max(report["candidates"]["total"], 1)
    near = sum(fates.get(name, 0) for name in ("near_positive", "near_negative")) / total
    if near > _MANY_NEAR:
        yield Advice(
            f"{as_percent(near)} of candidates were dropped as near-duplicates",
            "this encoder's cosines may lie close together: raise --max-similarity-to-positive and "
            "--max-similarity-to-negative (then mine again), or switch them off with 'none'",
        )


def _on_hubs(report: Mapping[str, Any]) -> Iterator[Advice]:
    documents, n_documents = report["documents"], report["collection"]["documents"]
    ratio = documents["top_percent_ratio"]
    often = report["negatives"]["total"] >= _OFTEN * documents["top_percent"]
    if ratio is not None and ratio > _HUBS and often and n_documents >= _FEWEST_DOCUMENTS:
        yield Advice(
            f"1% of the documents supply {as_percent(ratio)} of the negatives",
            "look at those (report.html), and draw more evenly with --sampler softmax or --random-ratio 0.25",
        )
