"""What was asked for: the settings in which two runs differ."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

from foolsgold.compare.run_folder import RunFolder
from foolsgold.settings import MiningSettings

_NO_MATTER = (
    "out", "quiet", "cache", "device", "num_workers", "batch_size", "block_size", "memory", "base_url",
    "trust_remote_code", "file_type", "with_scores",
)  # fmt: skip
NOT_THERE = "–"  # an older foolsgold had no such setting


class DifferingSetting(NamedTuple):
    """A setting with its value in each run, as it is shown."""

    name: str
    first: str
    second: str


def settings_that_differ(first: RunFolder, second: RunFolder) -> list[DifferingSetting]:
    """In the order of MiningSettings; those that only say where and how fast are left out."""
    values = [dict(run.about["settings"]) for run in (first, second)]
    known = [field.name for field in fields(MiningSettings)]
    names = [*known, *sorted({*values[0], *values[1]} - set(known))]
    missing = object()
    return [
        DifferingSetting(name, *(_shown(one.get(name, missing), missing) for one in values))
        for name in names
        if name not in _NO_MATTER and values[0].get(name, missing) != values[1].get(name, missing)
    ]


def _shown(value: Any, missing: object) -> str:
    if value is missing:
        return NOT_THERE
    return {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)
