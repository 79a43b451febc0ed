"""Label Studio: its SDK checks configuration, tasks and annotations, and its converter exports them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from common import Files, check, main

CHOICES = ("relevant", "not relevant", "drop")


def _read(files: Files) -> tuple[str, list[Any]]:
    folder = files.folder / "label-studio"
    return (folder / "labelling_config.xml").read_text("utf-8"), json.loads((folder / "tasks.json").read_text("utf-8"))


@check("label-studio", "LabelInterface: configuration and tasks")
def configuration(files: Files) -> int:
    """Each task has what the tags show, as it was mined."""
    from label_studio_sdk.label_interface import LabelInterface

    config, tasks = _read(files)
    interface = LabelInterface(config)
    interface.validate()
    assert set(interface.get_control("relevance").labels) == set(CHOICES)
    texts = {(pair["query_id"], each["id"]): (pair["query"], each["text"]) for pair in files.pairs
             for each in pair["negatives"]}  # fmt: skip
    for task in tasks:
        data = task["data"]
        assert interface.validate_task(task), data
        assert (data["query"], data["document"]) == texts[data["query_id"], data["doc_id"]]
        positives = {pair["positive"]["text"] for pair in files.pairs if pair["query_id"] == data["query_id"]}
        assert all(positive in data["positives"] for positive in positives)
    assert len(tasks) == len(texts)
    return len(tasks)


@check("label-studio", "Converter: JSON and JSON-MIN exports, taken in again")
def exports(files: Files) -> int:
    """Annotated as its editor does, and exported as its server does; `run.py` has foolsgold read both."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.label_interface import LabelInterface

    config, tasks = _read(files)
    interface = LabelInterface(config)
    annotated = [_annotated(number, task, interface) for number, task in enumerate(tasks)]
    folder = files.scratch / "answers"
    folder.mkdir()
    (folder / "JSON.json").write_text(json.dumps(annotated), "utf-8")
    converter = Converter(config=str(files.folder / "label-studio" / "labelling_config.xml"), project_dir=None)
    converter.convert(str(folder / "JSON.json"), str(files.scratch / "min"), "JSON_MIN", is_dir=False)
    (Path(files.scratch) / "min" / "result.json").rename(folder / "JSON-MIN.json")
    expected = [
        [task["data"]["query_id"], task["data"]["doc_id"], ("positive", "negative", "drop")[number % 3]]
        for number, task in enumerate(tasks)
    ]
    (folder / "expected.txt").write_text(json.dumps(expected), "utf-8")
    return len(annotated)


def _annotated(number: int, task: dict[str, Any], interface: Any) -> dict[str, Any]:
    """Two annotators agree, one says otherwise, and one has skipped it."""
    answers = [CHOICES[number % 3], CHOICES[number % 3], CHOICES[(number + 1) % 3], None]
    annotations = []
    for user, choice in enumerate(answers, start=1):
        region = {"id": f"r{user}", "from_name": "relevance", "to_name": "document", "type": "choices",
                  "origin": "manual", "value": {"choices": [choice]}}  # fmt: skip
        annotation = {
            "id": 10 * number + user, "completed_by": user, "was_cancelled": choice is None,
            "result": [] if choice is None else [region], "created_at": "2026-01-01T10:00:00Z",
            "updated_at": "2026-01-01T10:00:00Z", "lead_time": 1.0,
        }  # fmt: skip
        assert interface.validate_annotation(annotation), annotation
        annotations.append(annotation)
    return {"id": number + 1, **task, "annotations": annotations, "predictions": []}


if __name__ == "__main__":
    main("label-studio-sdk")
