"""A dataset card: what the hub shows of training data, with the numbers of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any

from foolsgold.report.notes import notes_on
from foolsgold.report.summary import Example
from foolsgold.report.wording import as_number, as_percent, shown
from foolsgold.settings import MiningSettings
from foolsgold.sources import parse_sources

_TAGS = ["sentence-transformers", "hard-negatives", "foolsgold"]
_TASKS = ["sentence-similarity", "text-retrieval"]
_OF_THE_MACHINE = (
    "out", "cache", "quiet", "device", "num_workers", "batch_size", "block_size", "memory", "base_url",
    "trust_remote_code",
)  # fmt: skip
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))  # fmt: skip
_PUNCTUATION = re.compile(
    r"([!-/:-@\[-`{-~])"
)  # all that Markdown can take for markup, and may stand after a backslash


@dataclass(frozen=True)
class PushedData:
    """What a card is about.

    Attributes:
        repo_id: owner and name on the hub.
        format: of the training data.
        columns: their names.
        n_rows: of the split.
        split: that was mined, such as "train".
        splits: all that the dataset has.
        language: codes of its texts' languages; None where that is not known.
        given_left_out: given negatives that its rows have no place for.
    """

    repo_id: str
    format: str
    columns: Sequence[str]
    n_rows: int
    split: str = "train"
    splits: Sequence[str] = ("train",)
    language: str | Sequence[str] | None = None
    given_left_out: int = 0


def dataset_card(
    report: Mapping[str, Any], about: Mapping[str, Any], data: PushedData, examples: Sequence[Example] = ()
) -> str:
    """The card, README.md of a dataset on the hub: metadata in YAML, then Markdown.

    Texts stand in it as text, whatever they hold. Paths and addresses of the machine are left out; of a model in a
    folder, the folder's name is given.

    Args:
        report: what report.json holds.
        about: what settings.json holds.
        data: the dataset.
        examples: to be shown.
    """
    parts = [
        [f"# {_escaped(data.repo_id.split('/')[-1])}", "", _introduction(report, data)],
        _loading(data), _examples(examples), _numbers(report), _fates(report), _notes(report, data), _origin(about),
    ]  # fmt: skip
    body = "\n\n".join("\n".join(part) for part in parts if part)
    return f"---\n{_metadata(data, about)}\n---\n\n{body}\n"


def _metadata(data: PushedData, about: Mapping[str, Any]) -> str:
    from huggingface_hub import DatasetCardData

    stemmer = about["settings"].get("language")
    known = data.language or (stemmer if stemmer != "none" else None)
    files = [{"split": split, "path": f"data/{split}-*"} for split in data.splits]
    metadata = DatasetCardData(
        language=known if known is None or isinstance(known, str) else list(known),
        tags=_TAGS,
        task_categories=_TASKS,
        size_categories=[next((name for most, name in _SIZES if data.n_rows < most), "n>1B")],
        pretty_name=data.repo_id.split("/")[-1],
        configs=[{"config_name": "default", "data_files": files}],
    )
    return str(metadata.to_yaml())


def _introduction(report: Mapping[str, Any], data: PushedData) -> str:
    collection, negatives = report["collection"], report["negatives"]
    return (
        f"Training data with hard negatives: {negatives['total']:,} negatives for {report['pairs']['total']:,} (query, "
        f"positive) pairs, mined by foolsgold among {collection['documents']:,} documents for "
        f"{collection['queries']:,} queries. {data.n_rows:,} rows of the form `{data.format}`, with the columns "
        f"{', '.join(f'`{name}`' for name in data.columns)}."
    )


def _loading(data: PushedData) -> list[str]:
    return [
        "## Load it", "", "```python", "from datasets import load_dataset", "",
        f"dataset = load_dataset({data.repo_id!r}, split={data.split!r})", "```",
    ]  # fmt: skip


def _examples(examples: Sequence[Example]) -> list[str]:
    rows = [(_escaped(example.query), _escaped(example.positive), _escaped(example.negative)) for example in examples]
    return _table("## Examples", ("query", "positive", "hardest negative"), rows) if rows else []


def _numbers(report: Mapping[str, Any]) -> list[str]:
    found = report["false_negatives"]
    allowed = "" if found["max_rate"] is None else f" ({as_percent(found['max_rate'])} allowed)"
    rows = [
        ("yield: queries that got all negatives, for a positive", as_percent(report["yield_ratio"])),
        ("likewise of (query, positive) pairs", as_percent(report["pair_yield_ratio"])),
        ("hardness: mean similarity of query and negative", as_number(report["hardness"])),
        (
            "similarity of query and positive (median)",
            as_number(report["scores"]["positives_of_chosen_pairs"].get("p50")),
        ),
        ("expected false-negative rate" + allowed, as_percent(found["expected_ratio"])),
        *_leak_test(found["leak_test"]),
    ]
    return _table("## How hard, and how many are false", ("", ""), rows)


def _leak_test(leak: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not leak["measurable"]:
        yield "leak test", f"not measurable: {leak['reason']}"
        return
    low, high = leak["leak_ratio_interval"]
    yield (
        f"leak test: positives hidden from the miner that it chose ({leak['hidden_positives_chosen']:,} of "
        f"{leak['hidden_positives']:,}; 95% interval)",
        f"{as_percent(leak['leak_ratio'])} ({as_percent(low)}–{as_percent(high)})",
    )
    low, high = leak["false_negative_ratio_interval"]
    yield (
        f"false negatives among the {leak['negatives']:,} negatives of those queries (95% interval; "
        f"{as_percent(leak['expected_false_negative_ratio'])} expected)",
        f"{as_percent(leak['false_negative_ratio'])} ({as_percent(low)}–{as_percent(high)})",
    )


def _fates(report: Mapping[str, Any]) -> list[str]:
    fates = {name: count for name, count in report["candidates"]["by_fate"].items() if count}
    rows = [(_escaped(name), f"{count:,}") for name, count in fates.items()]
    rows.append(("all", f"{report['candidates']['total']:,}"))
    return _table("## What became of the candidates", ("", "candidates"), rows)


def _notes(report: Mapping[str, Any], data: PushedData) -> list[str]:
    given = report["given_negatives"] and {**report["given_negatives"], "beyond_row": data.given_left_out}
    negatives = {**report["negatives"], "format": data.format}  # that of the rows pushed, not of those mined
    notes = notes_on({**report, "given_negatives": given, "negatives": negatives})
    return ["## Notes", "", *(f"- {_escaped(note, whole=True)}" for note in notes)] if notes else []


def _origin(about: Mapping[str, Any]) -> list[str]:
    encoder, reranker = about["encoder"], about.get("cross_encoder") or {}
    rows = [
        ("model", _name(encoder.get("name") or encoder.get("kind"))),
        ("fingerprint of the model", _code(encoder.get("fingerprint"))),
        ("cross-encoder", _name(reranker.get("name"))),
        ("fingerprint of the cross-encoder", _code(reranker.get("fingerprint"))),
        ("fingerprint of the collection", _code(about["collection"].get("fingerprint"))),
        ("foolsgold", _escaped(str(about["foolsgold"]))),
        ("versions", _escaped(", ".join(f"{name} {version}" for name, version in about["versions"].items()), True)),
    ]
    table = _table("## How it was made", ("", ""), [row for row in rows if row[1]])
    return [*table, "", "From the same collection and model, the same data again:", "", *_mining(about)]


def _mining(about: Mapping[str, Any]) -> list[str]:
    encoder = about["encoder"]
    name, is_endpoint = _base_name(encoder.get("name")), encoder.get("kind") == "OpenAIEncoder"
    given = ", ".join(f"{name}={value!r}" for name, value in _given(about["settings"]))
    model = "vectors" if name is None else repr(f"openai:{name}" if is_endpoint else name)
    return [
        "```python", "import foolsgold", "",
        *(["# with base_url=... of the endpoint, where it is not OpenAI's own"] if is_endpoint else []),
        f"settings = foolsgold.MiningSettings({given})",
        f"result = foolsgold.mine(collection, {model}, settings)", "```",
    ]  # fmt: skip


def _given(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings that are not as they are by default, with the names of files and folders alone."""
    for field in fields(MiningSettings):
        value = settings.get(field.name, field.default)
        if value != field.default and field.name not in _OF_THE_MACHINE:
            if field.name == "source":
                value = ",".join(source.name for source in parse_sources(value))
            yield field.name, _base_name(value) if field.name == "cross_encoder" else value


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in (heads, *rows)]
    return [title, "", lines[0], "|" + "---|" * len(heads), *lines[1:]]


def _base_name(name: str | None) -> str | None:
    """A hub id as it is, of a folder its last part."""
    if name is None or (name.count("/") <= 1 and not name.startswith(("/", ".", "~")) and "\\" not in name):
        return name
    return PurePath(name.replace("\\", "/")).name


def _name(name: str | None) -> str:
    return "" if name is None else _escaped(_base_name(name) or "")


def _code(fingerprint: str | None) -> str:
    return "" if fingerprint is None else f"`{fingerprint}`"


def _escaped(text: str, whole: bool = False) -> str:
    """Text that Markdown shows as it is: one line without control characters, all punctuation after a backslash."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()) if whole else shown(text))
