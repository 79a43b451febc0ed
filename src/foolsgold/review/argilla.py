"""Argilla 2: pairs as a dataset that its `Dataset.from_disk` reads, and answers from its exported records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from foolsgold.errors import BadRowError
from foolsgold.review.answer_fields import ids_in, label_of, list_of, mapping_of, shown
from foolsgold.review.pair_to_decide import CHOICES, QUESTION, Answer, PairToDecide

RECORDS_FILE, SETTINGS_FILE, DATASET_FILE = "records.json", ".argilla/settings.json", ".argilla/dataset.json"
_NAME = "foolsgold-review"
_GUIDELINES = (
    "Is the candidate relevant to the query? Who cannot tell, discards the record; drop is for a document that should "
    "be neither a positive nor a negative."
)
_FIELDS = {"query": "Query", "positives": "Known to be relevant", "document": "Candidate"}
_METADATA = {
    "query_id": "terms", "doc_id": "terms", "rank": "integer", "score": "float",
    "false_negative_probability": "float", "chosen": "terms", "reason": "terms",
}  # fmt: skip
_LIMITS = {"terms": {"values": None}, "integer": {"min": None, "max": None}, "float": {"min": None, "max": None}}
README = """# Pairs to decide, in Argilla 2

    import argilla as rg
    client = rg.Argilla(api_url=..., api_key=...)
    dataset = rg.Dataset.from_disk("this folder", workspace=..., client=client)

Records stand in the order of how much a decision teaches. Who cannot tell, discards the record; *drop* is for a
document that should be neither a positive nor a negative. To take the answers in, export the records; in this form
they say which answers were submitted, and drafts and discarded ones do not count:

    import json
    with open("export.json", "w") as file:
        json.dump(dataset.records(with_responses=True).to_list(flatten=True), file)

    foolsgold review OUT --import export.json
    foolsgold select OUT --relabel OUT/decisions.jsonl

`dataset.records.to_json("export.json")` is read too, but does not tell drafts from answers.

Of several annotators of a pair the majority decides; without one it stays undecided.
"""


def settings() -> dict[str, Any]:
    """Fields, the question and metadata, as Argilla's `Settings.to_json` writes them."""
    options = [{"value": label, "text": choice, "description": None} for label, choice in CHOICES.items()]
    return {
        "guidelines": _GUIDELINES,
        "questions": [
            {
                "name": QUESTION,
                "title": "Is the candidate relevant to the query?",
                "description": None,
                "required": True,
                "settings": {"type": "label_selection", "options": options, "visible_options": None},
            }
        ],
        "fields": [
            {"name": name, "title": title, "required": True, "settings": {"type": "text", "use_markdown": False}}
            for name, title in _FIELDS.items()
        ],
        "vectors": [],
        "metadata": [
            {
                "name": name,
                "title": name.replace("_", " "),
                "type": kind,
                "settings": {"type": kind, **_LIMITS[kind]},
                "visible_for_annotators": False,  # what a model says is not to sway them
            }
            for name, kind in _METADATA.items()
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def record(pair: PairToDecide) -> dict[str, Any]:
    """A record, as Argilla's `Record.to_dict` makes it; its id follows from the pair's."""
    digest = blake2b(json.dumps([pair.query_id, pair.doc_id]).encode(), digest_size=16)
    return {
        "id": digest.hexdigest(),
        "fields": pair.texts(),
        "metadata": pair.facts(),
        "suggestions": {},
        "responses": {},
        "vectors": {},
        "_server_id": None,
    }


def write_dataset(pairs: Iterable[PairToDecide], folder: Path) -> int:
    """Write settings, records and README to a folder that is there; returns how many records."""
    (folder / SETTINGS_FILE).parent.mkdir()
    dataset = {
        "name": _NAME, "status": "draft", "guidelines": _GUIDELINES, "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }  # fmt: skip
    for name, content in ((SETTINGS_FILE, settings()), (DATASET_FILE, dataset)):
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    count = 0
    with (folder / RECORDS_FILE).open("w", encoding="utf-8") as file:
        file.write("[")
        for count, pair in enumerate(pairs, start=1):
            file.write(("\n" if count == 1 else ",\n") + json.dumps(record(pair), allow_nan=False))
        file.write("\n]\n")
    (folder / "README.md").write_text(README, encoding="utf-8")
    return count


def is_export(row: Mapping[str, Any]) -> bool:
    """Whether the first item of a file is a record, nested or flat."""
    return ("fields" in row and "responses" in row) or "_server_id" in row


def answers(rows: Iterable[Any], name: str) -> Iterator[Answer]:
    """What annotators answered.

    Args:
        rows: items of `records.to_json`, or of `to_list`, flat or not.
        name: of the file.

    Raises:
        BadRowError: with its place, an item that Argilla does not write, or an answer that was not offered.
    """
    for number, row in enumerate(rows, start=1):
        place = f"{name}, record {number}"
        if not isinstance(row, Mapping) or not is_export(row):
            raise BadRowError(f"{place}: {shown(row)} is no record of Argilla 2. Export it again.")
        is_nested = "fields" in row
        query_id, doc_id = ids_in(row.get("metadata") if is_nested else row, place)
        for value, user, status in (_nested if is_nested else _flat)(row, place):
            label = label_of(value, place) if status in (None, "submitted") else None
            yield Answer(query_id, doc_id, label, None if user is None else str(user), "", place)


def _nested(row: Mapping[str, Any], place: str) -> Iterator[tuple[Any, Any, Any]]:
    """Value, user and status of each response."""
    responses = mapping_of(row.get("responses"), '"responses"', place).get(QUESTION)
    for response in list_of(responses, f'the responses to "{QUESTION}"', place):
        response = mapping_of(response, "a response", place)
        yield response.get("value"), response.get("user_id"), response.get("status")


def _flat(row: Mapping[str, Any], place: str) -> Iterator[tuple[Any, Any, Any]]:
    key = f"{QUESTION}.responses"
    values, users, statuses = (list_of(row.get(name), name, place) for name in (key, f"{key}.users", f"{key}.status"))
    for number, value in enumerate(values):
        yield value, *(column[number] if number < len(column) else None for column in (users, statuses))
