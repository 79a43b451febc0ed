"""Which numbers of two runs may be set against each other, and which may not."""

from __future__ import annotations

from foolsgold.compare.run_folder import RunFolder

_OF_ENCODER = ("fingerprint", "similarity", "query_prompt", "document_prompt")
_OF_CALIBRATION = ("method", "weights", "intercept")


def why_scores_differ(first: RunFolder, second: RunFolder) -> str | None:
    """Why a score of one run says nothing beside a score of the other; None where both are of one kind.

    Dense scores are of one kind where encoder, prompts and similarity are the same; those of BM25 where its parameters
    and the corpus are, which its weights come from; those of a run where the file is.
    """
    kind = first.scored_by
    if second.scored_by != kind:
        return f"scores are of different kinds ({kind}, {second.scored_by})"
    if kind == "dense":
        return _why_encoders_differ(first, second)
    if first.origin.search.get(kind) != second.origin.search.get(kind):
        return f"{kind} has other parameters in each run"
    if kind == "bm25" and first.fingerprint != second.fingerprint:
        return "scores of BM25 depend on the corpus, and the collections are different"
    return None


def _why_encoders_differ(first: RunFolder, second: RunFolder) -> str | None:
    encoders = first.origin.encoder, second.origin.encoder
    if None in (encoder.get("fingerprint") for encoder in encoders):
        return "an encoder has no fingerprint, so that nobody knows whether both are the same"
    if any(encoders[0].get(name) != encoders[1].get(name) for name in _OF_ENCODER):
        return "scores come from different encoders"
    return None


def same_judge(first: RunFolder, second: RunFolder) -> bool:
    """Whether one model gave the probabilities of both runs."""
    models = [run.origin.calibration or {} for run in (first, second)]
    return _why_encoders_differ(first, second) is None and all(
        models[0].get(name) == models[1].get(name) for name in _OF_CALIBRATION
    )
