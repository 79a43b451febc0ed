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
    """`foolsgold mine` with the flags of a run, and `select` where decisions were taken in.

    What only Python knows stands in capitals: a MODEL that was given as an object, VECTORS, a CROSS_ENCODER.

    Args:
        about: what settings.json holds.
    """
    settings = about["settings"]
    words = [*_collection(about, settings["out"]), *_encoder(about["encoder"]), *_settings(settings)]
    if about.get("cross_encoder") and settings.get("cross_encoder") is None:
        words += ["--cross-encoder", "CROSS_ENCODER"]
    commands = [_joined(["foolsgold", "mine", *words])]
    if about.get("relabelled"):
        out = settings["out"] or "OUT"
        commands.append(_joined(["foolsgold", "select", out, "--relabel", f"{out}/relabelled.parquet"]))
    return commands


def _collection(about: Mapping[str, Any], out: str | None) -> Iterator[str]:
    source = about["collection"].get("source")
    if source is None:
        yield from ("--collection", f"{out or 'OUT'}/collection")
        return
    for name, flag in _OF_SOURCE.items():
        value = source.get(name)
        if name == "given_negatives":
            yield from [flag] if value is False else []
        elif isinstance(value, (list, tuple)):
            yield from (word for one in value for word in (flag, str(one)))
        elif value is not None:
            yield from (flag, str(value))


def _encoder(encoder: Mapping[str, Any]) -> Iterator[str]:
    if not encoder:
        return
    if encoder["kind"] == "PrecomputedVectors":
        yield from ("--doc-vectors", encoder.get("doc_vecs", "VECTORS.npy"))
        yield from ("--query-vectors", encoder.get("query_vecs", "VECTORS.npy"))
        return
    name = encoder.get("name") if encoder["kind"] in _MODELS else None
    yield from ("--model", "MODEL" if not name else f"openai:{name}" if encoder["kind"] == _MODELS[1] else name)


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    for field in dataclasses.fields(MiningSettings):
        value = settings.get(field.name, field.default)
        if value == field.default or field.name == "quiet":
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            yield flag if value else f"--no-{flag[2:]}"
        elif str(value).startswith("-"):
            yield f"{flag}={value}"
        else:
            yield from (flag, "none" if value is None else str(value))


def _joined(words: list[str]) -> str:
    """For a shell: each flag with its value on a line of its own where there are many."""
    lines: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--"):
            lines.append([])
        lines[-1].append(shlex.quote(word))
    return " \\\n  ".join(" ".join(line) for line in lines)
