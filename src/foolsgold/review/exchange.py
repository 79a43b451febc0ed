"""Pairs written for Label Studio and Argilla, and the answers of annotators taken in from there."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import BadRowError, CollectionError, SettingsError
from foolsgold.output import OutputFolder
from foolsgold.provenance import Provenance
from foolsgold.relabel import judged_again
from foolsgold.review import argilla, label_studio
from foolsgold.review.answer_fields import shown
from foolsgold.review.chosen_pairs import chosen_pairs
from foolsgold.review.decision_log import DECISIONS_FILE, DecisionLog
from foolsgold.review.exchange_flags import MOST_PAIRS, Tool
from foolsgold.review.pair_to_decide import Answer, PairToDecide

Pair = tuple[str, str]  # query_id, doc_id

_WRITERS = {"label-studio": label_studio.write_tasks, "argilla": argilla.write_dataset}


class Imported(NamedTuple):
    """What came of answers.

    Attributes:
        tool: which they come from.
        pairs: that were answered.
        added: decisions that are new.
        known: decisions that an earlier import took in.
        tied: pairs of which no label has most of the votes; they are undecided.
        taken_back: of these, pairs that an earlier import had decided.
        overriding: new decisions that say something else than what was decided before, at the desk or elsewhere.
    """

    tool: Tool
    pairs: int
    added: int
    known: int
    tied: int
    taken_back: int
    overriding: int

    def __str__(self) -> str:
        parts = [
            f"{self.pairs:,} pairs answered in {self.tool}: {self.added:,} new decisions, {self.known:,} known already",
            f"{self.tied:,} undecided, for annotators disagree evenly" if self.tied else "",
            f"{self.taken_back:,} earlier decisions taken back" if self.taken_back else "",
            f"{self.overriding:,} override what was decided before" if self.overriding else "",
        ]
        return ", ".join(filter(None, parts))


def export_pairs(
    folder: str | Path,
    tool: Tool,
    to: str | Path,
    *,
    pairs: Iterable[PairToDecide] | None = None,
    most: int = MOST_PAIRS,
    collection: Any = None,
) -> int:
    """Write pairs to be decided in Label Studio or Argilla.

    Args:
        folder: the output folder of `mine` or `select`.
        tool: "label-studio": tasks.json and the labelling configuration; "argilla": what `Dataset.from_disk` reads.
        to: a new or empty folder.
        pairs: in the order in which they are to be decided; None: chosen negatives that are not decided yet, the most
            probable false negatives first.
        most: of them.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.

    Returns:
        How many were written.

    Raises:
        FoolsgoldError: no such output, a collection that has changed, nothing to decide, or a folder that holds
            something.
    """
    if most < 1:
        raise SettingsError(f"most is {most}; it takes 1 or more.")
    if pairs is None:
        pairs = _open_pairs(Path(folder), most, collection)
    with OutputFolder(to, check=_check_empty, argument="to") as target:
        assert target.scratch is not None  # a folder was given
        count = _WRITERS[tool](_first(pairs, most), target.scratch)
        if not count:
            raise CollectionError(f"{folder} has no pairs to decide: all of them are decided, or nothing was chosen.")
        target.publish()
    return count


def import_answers(folder: str | Path, file: str | Path, *, collection: Any = None) -> Imported:
    """Take in what annotators answered in Label Studio or Argilla: it is added to decisions.jsonl of an output folder.

    Of several annotators of a pair the majority decides; of an annotator's several answers the last, which may be that
    it was withdrawn. What an earlier import of the same tool said already is not added again, whatever the desk has
    said since; what it said and nobody has decided anew is taken back where annotators now disagree or have withdrawn.

    Args:
        folder: the output folder that the pairs come from.
        file: Label Studio's export, JSON or JSON-MIN; or Argilla's records, of `to_json` or `to_list`.
        collection: as for `export_pairs`.

    Raises:
        SettingsError: the file is not there.
        BadRowError: with its place, what cannot be read, an answer that was not offered, or an unknown id.
        CollectionError: the file is neither export. After any error nothing is added.
    """
    origin = Provenance.read(Path(folder))
    tool, answers = read_answers(Path(file))
    _check_ids(answers, origin.collection_again(collection))
    votes = majorities(answers)
    if not votes:
        return Imported(tool, 0, 0, 0, 0, 0, 0)
    with DecisionLog(Path(folder) / DECISIONS_FILE).locked() as log:
        return _added(votes, log, tool)


def _added(votes: dict[Pair, Vote], log: DecisionLog, tool: Tool) -> Imported:
    said = {(one.query_id, one.doc_id): one.label for one in log.decisions if one.by == tool}
    held = log.labels
    last = {(one.query_id, one.doc_id): one for one in log.decisions}
    decided = {pair: vote.label for pair, vote in votes.items() if vote.label is not None}
    new = {pair: label for pair, label in decided.items() if said.get(pair) != label}
    taken_back = [
        pair
        for pair, vote in votes.items()
        if vote.label is None and pair in last and last[pair].by == tool and last[pair].label is not None
    ]
    overriding = sum(held.get(pair) not in (None, label) for pair, label in new.items())
    lines = [*((*pair, label) for pair, label in new.items()), *((*pair, None) for pair in taken_back)]
    if lines:
        log.add_all(lines, action=None, by=tool)
    n_answered = sum(vote.n_answers > 0 for vote in votes.values())
    n_tied = n_answered - len(decided)
    return Imported(tool, n_answered, len(new), len(decided) - len(new), n_tied, len(taken_back), overriding)


def read_answers(path: Path) -> tuple[Tool, list[Answer]]:
    """What annotators answered, and where; raises as `import_answers`."""
    rows = _items(path)
    first = rows[0] if isinstance(rows[0], dict) else {}
    if label_studio.is_export(first):
        return "label-studio", list(label_studio.answers(rows, str(path)))
    if argilla.is_export(first):
        return "argilla", list(argilla.answers(rows, str(path)))
    if label_studio.is_task(first):
        raise CollectionError(
            f"{path}: these are tasks to be annotated. Give what Label Studio exports, as JSON or JSON-MIN."
        )
    raise CollectionError(
        f"{path}: neither an export of Label Studio (JSON or JSON-MIN) nor records of Argilla 2. Other decisions are "
        "taken by foolsgold select --relabel: query_id, doc_id, label."
    )


class Vote(NamedTuple):
    """What annotators say of a pair: the label that most of them gave, None where several have most; and how many."""

    label: str | None
    n_answers: int


def majorities(answers: Iterable[Answer]) -> dict[Pair, Vote]:
    """The vote on each pair, each annotator's last answer counting; one who withdrew has none."""
    votes: dict[Pair, dict[str | tuple[int], Answer]] = {}
    for number, answer in enumerate(answers):
        of_pair = votes.setdefault((answer.query_id, answer.doc_id), {})
        who = (number,) if answer.annotator is None else answer.annotator
        earlier = of_pair.get(who)
        if earlier is None or answer.at >= earlier.at:
            of_pair[who] = answer
    return {pair: _most_voted([one.label for one in of_pair.values() if one.label]) for pair, of_pair in votes.items()}


def _most_voted(labels: Sequence[str]) -> Vote:
    ranking = Counter(labels).most_common(2)
    tied = not ranking or (len(ranking) == 2 and ranking[0][1] == ranking[1][1])
    return Vote(None if tied else ranking[0][0], len(labels))


def _items(path: Path) -> list[Any]:
    """The items of a JSON list."""
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise SettingsError(f"import: {path} {what}. Give the file that Label Studio or Argilla exported.")
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CollectionError(f"{path}: not readable JSON ({error}). Export it again.") from error
    if not isinstance(rows, list) or not rows:
        what = "an empty list" if rows == [] else f"a JSON {type(rows).__name__}"
        raise CollectionError(f"{path}: {what}; it takes a list of annotated tasks or records. Export it again.")
    return rows


def _check_ids(answers: Sequence[Answer], collection: Collection) -> None:
    for what, known in (("query", collection.query_ids), ("document", collection.doc_ids)):
        ids = [answer.query_id if what == "query" else answer.doc_id for answer in answers]
        unknown = rows_of(pa.array(ids, pa.large_string()), known).is_null().to_pylist()
        if any(unknown):
            first = unknown.index(True)
            more = f" ({sum(unknown):,} answers name unknown ids)" if sum(unknown) > 1 else ""
            raise BadRowError(
                f"{answers[first].place}: the collection has no {what} {shown(ids[first])}{more}. Check that the "
                "answers belong to this output folder."
            )


def _open_pairs(folder: Path, most: int, collection: Any) -> Iterable[PairToDecide]:
    origin = Provenance.read(folder)
    found = judged_again(origin.collection_again(collection), origin)
    path = folder / DECISIONS_FILE
    decided = {pair for pair, label in DecisionLog(path).labels.items() if label is not None}
    return chosen_pairs(folder, found, most=most, decided=decided)


def _first(pairs: Iterable[PairToDecide], most: int) -> Iterable[PairToDecide]:
    return (pair for _, pair in zip(range(most), pairs, strict=False))


def _check_empty(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "holds something" if path.is_dir() else "is a file"
        raise SettingsError(f"to: {path} {what}. Give a new or empty folder.")


def run_exchange(
    options: argparse.Namespace, pairs: Iterable[PairToDecide] | None = None, collection: Any = None
) -> bool:
    """Do what the flags of the exchange ask for; False where they ask for nothing.

    Args:
        options: with `folder`, the output folder.
        pairs: as for `export_pairs`.
        collection: likewise.

    Raises:
        FoolsgoldError: flags that do not go together, and as `export_pairs` and `import_answers`.
    """
    if options.export is None and (options.to is not None or options.most is not None):
        raise SettingsError("--to and --most say where --export writes, and how much; give --export TOOL, too.")
    if options.export is not None and options.import_file is not None:
        raise SettingsError("--export and --import exclude each other; export first, and import what was answered.")
    if options.export is not None:
        if options.to is None:
            raise SettingsError("--to is missing; give a new or empty folder for what --export writes.")
        most = MOST_PAIRS if options.most is None else options.most
        count = export_pairs(options.folder, options.export, options.to, pairs=pairs, most=most, collection=collection)
        _say(f"{count:,} pairs to decide in {options.export}; how to go on: README.md", options.to)
    elif options.import_file is not None:
        imported = import_answers(options.folder, options.import_file, collection=collection)
        _say(str(imported), Path(options.folder) / DECISIONS_FILE)
    return options.export is not None or options.import_file is not None


def _say(progress: str, path: str | Path) -> None:
    print(progress, file=sys.stderr)  # noqa: T201 (for the command line alone)
    print(path)  # noqa: T201
