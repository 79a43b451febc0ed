"""Does the model hold for an encoder that it was not fitted on? Neither collection nor encoder were in the fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from protocol import arguments, encoded_collection, trial
from refit import fit
from rules import as_hard_as, margin, outcome


def main() -> None:
    """Fit with each encoder on all collections but one, try with every other on that one; write other_encoder.json."""
    options = arguments(__doc__ or "").parse_args()
    keys = [(name, model) for name in options.collections for model in options.models]
    trials = {key: trial(key[0], *encoded_collection(key[0], options.data, key[1], options.cache)) for key in keys}
    results = []
    for (name, model), tried in trials.items():
        reference = outcome(tried, margin(tried, relative=0.05))
        for other in options.models:
            fitted = fit([each for (at, by), each in trials.items() if at != name and by == other])
            ours = outcome(tried, as_hard_as(tried, fitted.probabilities(tried.features), reference.mean_hardness))
            half = 0.5 / (4 * len(tried.scores))  # a collection where none is left counts as half a false negative
            results.append({
                "collection": name, "tried_with": Path(model).name, "fitted_with": Path(other).name,
                "percpos_95": reference.rate, "foolsgold": ours.rate,
                "ratio": max(ours.rate, half) / reference.rate if reference.rate else None,
            })  # fmt: skip
    Path(__file__).with_name("other_encoder.json").write_text(json.dumps(results, indent=1) + "\n")
    print("| tried with | fitted with | ratio, geometric mean |\n|---|---|---|")
    for model in (Path(each).name for each in options.models):
        for other in (Path(each).name for each in options.models):
            found = [row for row in results if (row["tried_with"], row["fitted_with"]) == (model, other)]
            ratios = [row["ratio"] for row in found if row["ratio"] is not None]
            print(f"| {model} | {other} | {np.exp(np.mean(np.log(ratios))):.3f} ({len(ratios)} collections) |")


if __name__ == "__main__":
    main()
