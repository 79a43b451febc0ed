"""The command that makes a run again."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from foolsgold.collection_flags import OF_PAIRS
from foolsgold.settings import MiningSettings

_OF_SOURCE = {
    "folder": "--collection", "split": "--split", "corpus": "--corpus", "queries": "--queries", "qrels": "--qrels",
    **OF_PAIRS,
}  # fmt: skip
_MODELS = ("SentenceTransformerEncoder", "OpenAIEncoder")


def commands_again(about: Mapping[str, Any]) -> list[str]:
    """`foolsgold mine` with the flags of a run; where decisions were taken in, into a new folder, and `select` there.

    What only Python knows stands in capitals: a MODEL that was given as an object, VECTORS, a CROSS_ENCODER.

    Args:
        about: what settings.json holds.
    """
    settings = about["settings"]
    out, relabelled = settings["out"] or "OUT", bool(about.get("relabelled"))
    if relabelled:  # mining into the folder itself would remove the decisions
        settings = {**settings, "out": f"{out}-again"}
    words = [*_collection(about, out), *_encoder(about["encoder"], settings), *_settings(settings)]
    if about.get("cross_encoder") and settings.get("cross_encoder") is None:
        words += ["--cross-encoder", "CROSS_ENCODER"]
    commands = [_joined(["foolsgold", "mine", *words])]
    if relabelled:
        commands.append(_joined(["foolsgold", "select", settings["out"], "--relabel", f"{out}/relabelled.parquet"]))
    return commands


def _collection(about: Mapping[str, Any], out: str) -> Iterator[str]:
    source = about["collection"].get("source")
    if source is None:
        yield from _flag("--collection", f"{out}/collection")
        return
    for name, flag in _OF_SOURCE.items():
        value = source.get(name)
        if name == "given_negatives":
            yield from [flag] if value is False else []
        elif isinstance(value, (list, tuple)):
            yield from (word for one in value for word in _flag(flag, str(one)))
        elif value is not None:
            yield from _flag(flag, str(value))


def _encoder(encoder: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    if not encoder:
        return
    if encoder["kind"] == "PrecomputedVectors":
        yield from _flag("--doc-vectors", encoder.get("doc_vecs", "VECTORS.npy"))
        yield from _flag("--query-vectors", encoder.get("query_vecs", "VECTORS.npy"))
        if settings.get("similarity") is None and encoder["similarity"] != "cosine":
            yield from _flag("--similarity", encoder["similarity"])
        return
    name = encoder.get("name") if encoder["kind"] in _MODELS else None
    yield from _flag("--model", "MODEL" if not name else f"openai:{name}" if encoder["kind"] == _MODELS[1] else name)


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    for field in dataclasses.fields(MiningSettings):
        value = settings.get(field.name, field.default)
        if value == field.default or field.name == "quiet":
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            yield flag if value else f"--no-{flag[2:]}"
        else:
            yield from _flag(flag, "none" if value is None else str(value))


def _flag(flag: str, value: str) -> Iterator[str]:
    """A value that begins with a dash would be taken for another flag."""
    yield from [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def _joined(words: list[str]) -> str:
    """For a shell: each flag with its value on a line of its own where there are many."""
    lines: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--"):
            lines.append([])
        lines[-1].append(shlex.quote(word))
    return " \\\n  ".join(" ".join(line) for line in lines)
