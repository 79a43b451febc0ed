"""How many false negatives does each rule leave, at what hardness? On collections whose positives can be hidden.

The model is fitted on all collections but the one it is tried on; then also calibrated on half of that one's queries
and tried on the other half.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from protocol import Trial, arguments, encoded_collection, trial
from refit import fit
from rules import (
    Chosen,
    Outcome,
    as_hard_as,
    at_rate,
    margin,
    naive,
    outcome,
    priced,
    shift,
    window,
)  # fmt: skip

from foolsgold.calibration import fitted_from
from foolsgold.filters import FalseNegativeModel

_RATES = (0.02, 0.05, 0.1)
_RESAMPLES = 1_000
_FIXED: dict[str, Callable[[Trial], Chosen]] = {
    "naive": naive,
    "window 10-110": lambda trial: window(trial, 10, 110),
    "BGE 10-210": lambda trial: window(trial, 10, 210),
    "shift 10": shift,
    "MarginPos 0.05": lambda trial: margin(trial, absolute=0.05),
    "PercPos 95%": lambda trial: margin(trial, relative=0.05),
    "PercPos 80%": lambda trial: margin(trial, relative=0.2),
}
_CURVE = {
    "PercPos": [lambda trial, share=share: margin(trial, relative=share) for share in np.linspace(-0.3, 0.5, 17)],
    "shift": [lambda trial, start=start: shift(trial, start) for start in (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 80)],
}


def main() -> None:
    """Measure everything, and write results.json, the tables and the figure."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the results")
    options = parser.parse_args()
    trials = {}
    for name in options.collections:
        for model in options.models:
            collection = encoded_collection(name, options.data, model, options.cache)
            trials[name, Path(model).name] = (trial(name, *collection), trial(name, *collection, depth=210))
            print(f"{name}, {model}: heard", flush=True)
    results = [_measured(key, trials) for key in trials]
    summary = _summary(results)
    everything = {"command": _command(options), "collections": results, "summary": summary}
    (options.out / "results.json").write_text(json.dumps(everything, indent=1) + "\n")
    print(tables(everything))
    figure(results, options.out / "false_negatives.svg")


def _measured(key: tuple[str, str], trials: dict[tuple[str, str], tuple[Trial, Trial]]) -> dict[str, Any]:
    near, deep = trials[key]
    model = fit([each for (name, _), (each, _) in trials.items() if name != key[0]])
    left_out = model.probabilities(near.features)
    calibrated = self_calibrated(near, model)
    reference = outcome(near, margin(near, relative=0.05))
    found: dict[str, Any] = {
        "collection": key[0], "model": key[1], "queries": len(near.scores),
        "base_rate": float(near.relevant.sum() / near.unknown.sum()),
        "rules": {name: _described(outcome(deep if "210" in name else near, rule(deep if "210" in name else near)))
                  for name, rule in _FIXED.items()},
    }  # fmt: skip
    for name, probabilities in (("foolsgold", left_out), ("foolsgold, calibrated", calibrated)):
        ours = outcome(near, as_hard_as(near, probabilities, reference.mean_hardness))
        found["rules"][name] = _described(ours)
        found["rules"][name]["ratio"] = _ratio(ours, reference)
    found["calibration"] = [_calibration(near, calibrated, rate) for rate in _RATES]
    found["curves"] = {
        **{name: [_point(outcome(near, rule(near))) for rule in rules] for name, rules in _CURVE.items()},
        "foolsgold": [_point(outcome(near, priced(near, left_out, price))) for price in _prices(near)],
        "foolsgold, calibrated": [_point(outcome(near, priced(near, calibrated, price))) for price in _prices(near)],
    }
    return found


def self_calibrated(trial: Trial, prior: FalseNegativeModel) -> NDArray[np.float64]:
    """Probabilities of each half of the queries, by a model that was calibrated on the other half."""
    probabilities = np.zeros(trial.scores.shape)
    odd = np.arange(len(trial.scores)) % 2 == 1
    for seen, unseen in ((odd, ~odd), (~odd, odd)):
        use = trial.unknown & seen[:, None]
        model = fitted_from(prior, trial.features[use], trial.relevant[use])
        if model is not None:
            probabilities[unseen] = model.probabilities(trial.features[unseen])
    return probabilities


def _calibration(trial: Trial, probabilities: NDArray[np.float64], rate: float) -> dict[str, float]:
    chosen, expected = at_rate(trial, probabilities, rate)
    found = outcome(trial, chosen)
    low, high = _interval(found.false_negatives)
    return {"rate": rate, "expected": expected, "measured": found.rate, "low": low, "high": high,
            "hardness": found.mean_hardness}  # fmt: skip


def _prices(trial: Trial) -> NDArray[np.float64]:
    return np.concatenate([[0], np.geomspace(0.003, 300, 30) * trial.scores[trial.unknown].std()])


def _described(found: Outcome) -> dict[str, Any]:
    low, high = _interval(found.false_negatives)
    return {"false_negative_ratio": found.rate, "low": low, "high": high, "hardness": found.mean_hardness,
            "yield_ratio": found.yield_ratio}  # fmt: skip


def _point(found: Outcome) -> dict[str, float] | None:
    if found.yield_ratio == 0:
        return None
    return {"hardness": found.mean_hardness, "false_negative_ratio": found.rate, "yield_ratio": found.yield_ratio}


def _resamples(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(42).integers(0, n, (_RESAMPLES, n))


def _interval(by_query: NDArray[np.float64]) -> tuple[float, float]:
    """95%, by bootstrap over queries."""
    known = by_query[~np.isnan(by_query)]
    if not len(known):
        return float("nan"), float("nan")
    means = known[_resamples(len(known))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _ratio(ours: Outcome, theirs: Outcome) -> dict[str, float | None]:
    """Our false negatives by theirs, with 95% by bootstrap over queries; None where theirs are none."""
    if not theirs.rate > 0:
        return {"ratio": None, "low": None, "high": None}
    rows = _resamples(len(ours.false_negatives))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.nanmean(ours.false_negatives[rows], axis=1) / np.nanmean(theirs.false_negatives[rows], axis=1)
    ratios = ratios[np.isfinite(ratios)]
    low, high = np.quantile(ratios, [0.025, 0.975]).tolist()
    return {"ratio": ours.rate / theirs.rate, "low": low, "high": high}


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Geometric mean over collections of the ratio; one that left none counts as half a false negative."""
    summary = {}
    for model in dict.fromkeys(found["model"] for found in results):
        for name in ("foolsgold", "foolsgold, calibrated"):
            ratios, yields = [], []
            for found in (each for each in results if each["model"] == model):
                ours, theirs = found["rules"][name], found["rules"]["PercPos 95%"]
                yields.append(ours["yield_ratio"])
                if theirs["false_negative_ratio"] > 0:
                    half = 0.5 / (4 * found["queries"])
                    ratios.append(max(ours["false_negative_ratio"], half) / theirs["false_negative_ratio"])
            mean = float(np.exp(np.mean(np.log(ratios))))
            summary[f"{model}: {name}"] = {
                "geometric_mean_ratio": mean, "collections": len(ratios), "lowest_yield": min(yields),
            }  # fmt: skip
    return summary


def _command(options: Any) -> str:
    models = " ".join(Path(model).name for model in options.models)
    return f"python benchmarks/false_negatives/run.py --data DATA --models {models}"


def tables(everything: dict[str, Any]) -> str:
    """The results as Markdown."""
    rules = [*_FIXED, "foolsgold", "foolsgold, calibrated"]
    lines = ["| collection | encoder | base rate | " + " | ".join(rules) + " |", "|---" * (len(rules) + 3) + "|"]
    for found in everything["collections"]:
        cells = []
        for name in rules:
            rule = found["rules"][name]
            rate = "–" if np.isnan(rule["false_negative_ratio"]) else f"{rule['false_negative_ratio']:.1%}"
            cells.append(f"{rate} ({rule['hardness']:.3f}, {rule['yield_ratio']:.0%})")
        lines.append(
            f"| {found['collection']} | {found['model']} | {found['base_rate']:.1%} | " + " | ".join(cells) + " |"
        )
    lines += ["", "| at the hardness of PercPos 95% | geometric mean of the ratio | lowest yield |", "|---|---|---|"]
    for name, row in everything["summary"].items():
        lines.append(
            f"| {name} ({row['collections']} collections) | {row['geometric_mean_ratio']:.3f} "
            f"| {row['lowest_yield']:.1%} |"
        )
    columns = " | ".join(f"allowed {rate:.0%}: expected, measured" for rate in _RATES)
    lines += ["", f"| collection | encoder | {columns} |", "|---" * (len(_RATES) + 2) + "|"]
    for found in everything["collections"]:
        cells = [
            f"{row['expected']:.1%}, {row['measured']:.1%} ({row['low']:.1%}–{row['high']:.1%})"
            for row in found["calibration"]
        ]
        lines.append(f"| {found['collection']} | {found['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure(results: list[dict[str, Any]], path: Path) -> None:
    """False negatives against hardness, a panel a collection, for the first encoder."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "foolsgold", "font.size": 9})
    from matplotlib import pyplot

    panels = [found for found in results if found["model"] == results[0]["model"]]
    canvas, axes = pyplot.subplots(
        1, len(panels), figsize=(3 * len(panels), 3.2), constrained_layout=True, squeeze=False
    )
    styles = {"shift": ("tab:gray", ":"), "PercPos": ("tab:red", "--"), "foolsgold": ("tab:blue", "-"),
              "foolsgold, calibrated": ("tab:green", "-")}  # fmt: skip
    for panel, found in zip(axes[0], panels, strict=True):
        for name, (color, line) in styles.items():
            points = [point for point in found["curves"][name] if point is not None]
            panel.plot(
                [p["hardness"] for p in points],
                [100 * p["false_negative_ratio"] for p in points],
                line,
                color=color,
                label=name,
            )
        for name in ("window 10-110", "BGE 10-210", "MarginPos 0.05", "PercPos 95%"):
            rule = found["rules"][name]
            panel.plot(rule["hardness"], 100 * rule["false_negative_ratio"], "o", ms=3, color="black")
            panel.annotate(
                name,
                (rule["hardness"], 100 * rule["false_negative_ratio"]),
                fontsize=6,
                xytext=(2, 2),
                textcoords="offset points",
            )
        panel.set_title(found["collection"])
        panel.set_xlabel("hardness (mean similarity)")
        panel.set_ylim(bottom=0)
    axes[0][0].set_ylabel("false negatives, %")
    axes[0][0].legend(frameon=False, fontsize=7)
    canvas.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
