"""Fit the default coefficients of the false-negative model anew, and write them into the package with their provenance.

Each collection and encoder has the same weight, whatever its size.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from protocol import Trial, arguments, encoded_collection, trial

import foolsgold.filters
from foolsgold.calibration import fit_near
from foolsgold.filters import FalseNegativeModel
from foolsgold.witness import WITNESSES

_ENCODERS = {"offline": "all-MiniLM-L6-v2", "static": "static vectors distilled from all-MiniLM-L6-v2"}


def fit(trials: Sequence[Trial]) -> FalseNegativeModel:
    """One model for all of them, each counting the same."""
    features = np.concatenate([each.features[each.unknown] for each in trials])
    relevant = np.concatenate([each.relevant[each.unknown] for each in trials])
    sizes = np.array([int(each.unknown.sum()) for each in trials])
    weights = np.repeat(sizes.sum() / len(sizes) / sizes, sizes)
    nothing_known = FalseNegativeModel((0.0,) * features.shape[1], 0.0)
    return fit_near(nothing_known, features, relevant, trust=1.0, weights=weights)


def main() -> None:
    """Fit and write."""
    options = arguments(__doc__ or "").parse_args()
    trials = []
    for name in options.collections:
        for model in options.models:
            trials.append(trial(name, *encoded_collection(name, options.data, model, options.cache)))
            print(f"{name}, {model}: {trials[-1].relevant.mean():.1%} of candidates are hidden positives")
    found = fit(trials)
    stored = {
        "weights": dict(zip(WITNESSES, found.weights, strict=True)),
        "intercept": found.intercept,
        "provenance": {
            "collections": options.collections,
            "encoders": [_ENCODERS.get(Path(model).name, Path(model).name) for model in options.models],
            "queries": sum(len(each.scores) for each in trials),
            "protocol": "all positives of a query hidden but one; 100 nearest documents; collections weighted alike",
            "script": "benchmarks/false_negatives/refit.py",
            "date": datetime.date.today().isoformat(),
        },
    }
    path = Path(foolsgold.filters.__file__).with_name("false_negatives.json")
    path.write_text(json.dumps(stored, indent=2) + "\n")
    print(path.read_text())


if __name__ == "__main__":
    main()
