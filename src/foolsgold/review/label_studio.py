"""Label Studio: pairs as its tasks, and answers from its JSON and JSON-MIN exports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from foolsgold.errors import BadRowError
from foolsgold.review.answer_fields import ids_in, label_of, list_of, mapping_of, shown
from foolsgold.review.pair_to_decide import CHOICES, QUESTION, Answer, PairToDecide

TASKS_FILE, CONFIG_FILE = "tasks.json", "labelling_config.xml"

# Texts stand in task data alone: a tag Text shows them escaped.
CONFIG = f"""<View>
  <Header value="Query" size="6"/>
  <Text name="query" value="$query" valueType="text"/>
  <Header value="Known to be relevant" size="6"/>
  <Text name="positives" value="$positives" valueType="text"/>
  <Header value="Candidate" size="6"/>
  <Text name="document" value="$document" valueType="text"/>
  <Header value="Is the candidate relevant to the query?" size="5"/>
  <Choices name="{QUESTION}" toName="document" choice="single" showInLine="true">
{"".join(f'    <Choice value="{choice}" hotkey="{key}"/>{chr(10)}' for key, choice in enumerate(CHOICES.values(), 1))}\
  </Choices>
</View>
"""
README = """# Pairs to decide, in Label Studio

1. Make a project. In *Settings*, *Labeling Interface*, *Code*, paste `labelling_config.xml`.
2. *Import* `tasks.json`. Tasks stand in the order of how much a decision teaches: keep that order (*Settings*,
   *General*, *Task Sampling*: *Sequential*), so that a part of them is worth most.
3. Who cannot tell, skips; *drop* is for a document that should be neither a positive nor a negative.
4. *Export* as JSON or JSON-MIN, and take the answers in:

       foolsgold review OUT --import EXPORT.json
       foolsgold select OUT --relabel OUT/decisions.jsonl

Of several annotators of a pair the majority decides; without one it stays undecided.
"""


def write_tasks(pairs: Iterable[PairToDecide], folder: Path) -> int:
    """Write tasks, labelling configuration and README to a folder that is there; returns how many tasks."""
    count = 0
    with (folder / TASKS_FILE).open("w", encoding="utf-8") as file:
        file.write("[")
        for count, pair in enumerate(pairs, start=1):
            task = {"data": {**pair.texts(), **pair.facts()}}
            file.write(("\n" if count == 1 else ",\n") + json.dumps(task, allow_nan=False))
        file.write("\n]\n")
    (folder / CONFIG_FILE).write_text(CONFIG, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    return count


def is_export(row: Mapping[str, Any]) -> bool:
    """Whether the first item of a file is one that Label Studio exports."""
    return ("data" in row and "annotations" in row) or "annotation_id" in row


def is_task(row: Mapping[str, Any]) -> bool:
    """Whether it is one of the tasks that were to be annotated."""
    return "data" in row and "annotations" not in row


def answers(rows: Iterable[Any], name: str) -> Iterator[Answer]:
    """What annotators answered.

    Args:
        rows: items of an export, either of the two.
        name: of the file.

    Raises:
        BadRowError: with its place, an item that Label Studio does not write, or an answer that was not offered.
    """
    for number, row in enumerate(rows, start=1):
        place = f"{name}, task {number}"
        if isinstance(row, Mapping) and "annotations" in row:
            yield from _of_task(row, place)
        elif isinstance(row, Mapping) and "annotation_id" in row:
            yield _of_short_row(row, place)
        else:
            raise BadRowError(f"{place}: {shown(row)} is no item of a Label Studio export. Export it again.")


def _of_task(task: Mapping[str, Any], place: str) -> Iterator[Answer]:
    query_id, doc_id = ids_in(task.get("data"), place)
    for number, annotation in enumerate(list_of(task["annotations"], '"annotations"', place), start=1):
        at = f"{place}, annotation {number}"
        annotation = mapping_of(annotation, "an annotation", at)
        label = None if annotation.get("was_cancelled") or annotation.get("skipped") else _label_in(annotation, at)
        yield Answer(query_id, doc_id, label, _annotator(annotation.get("completed_by")), _time(annotation), at)


def _label_in(annotation: Mapping[str, Any], place: str) -> str | None:
    """None for an annotation that was submitted without an answer."""
    results = [mapping_of(result, "a result", place) for result in list_of(annotation.get("result"), '"result"', place)]
    for result in results:
        if result.get("from_name") == QUESTION:
            chosen = mapping_of(result.get("value"), '"value"', place).get("choices")
            return label_of(chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else chosen, place)
    return None


def _of_short_row(row: Mapping[str, Any], place: str) -> Answer:
    """JSON-MIN: a row an annotation, task data and answers side by side."""
    answer = row.get(QUESTION)
    label = None if answer in (None, "", []) else label_of(answer, place)
    return Answer(*ids_in(row, place), label, _annotator(row.get("annotator")), _time(row), place)


def _annotator(given: Any) -> str | None:
    """An id, or a description with one."""
    if isinstance(given, Mapping):
        given = given.get("id", given.get("email"))
    return None if given in (None, "", "None") else str(given)


def _time(annotation: Mapping[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")
