"""Pairs for Label Studio and Argilla, and answers from there; the collection is that of test_relabel.

The real packages read what is written, and write what is read, in benchmarks/interop.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from conftest import PLAIN
from foolsgold import MiningSettings, mine, select
from foolsgold.errors import BadRowError, CollectionError, FoolsgoldError, SettingsError
from foolsgold.review.argilla import record
from foolsgold.review.decision_log import DecisionLog
from foolsgold.review.exchange import export_pairs, import_answers, run_exchange
from foolsgold.review.exchange_flags import add_exchange_arguments
from foolsgold.review.pair_to_decide import PairToDecide
from test_mine import VECTORS, contents

GOLDEN = Path(__file__).parent / "golden"
NASTY = PairToDecide(
    'q "1" <b>&amp;</b>', "docs/1\t</Text>", "red\nrose\x00 $document {{x}}",
    '<script>alert("1")</script>\r\nשלום\u2028',
    ["crimson", "<img src=x onerror=alert(1)>"], float("nan"), None, 0.123456789, False, "margin",
)  # fmt: skip
PLAIN_PAIR = PairToDecide("q1", "d3", "red flower", "T3 scarlet rose", [], 0.9396926, 1, 0.25, True, "")


@pytest.fixture
def out(beir: Path, tmp_path: Path) -> Path:
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=2, quiet=True, out=str(tmp_path / "out")))
    return tmp_path / "out"


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tool", ["label-studio", "argilla"])
def test_what_is_written(tool: Any, out: Path, tmp_path: Path) -> None:
    assert export_pairs(out, tool, tmp_path / "to", pairs=[NASTY, PLAIN_PAIR]) == 2
    if os.environ.get("FOOLSGOLD_WRITE_GOLDEN"):
        export_pairs(out, tool, GOLDEN / tool, pairs=[NASTY, PLAIN_PAIR])
    assert files_in(tmp_path / "to") == files_in(GOLDEN / tool)


def test_texts_are_no_part_of_the_labelling_configuration(out: Path, tmp_path: Path) -> None:
    for name, pairs in (("a", [NASTY]), ("b", [PLAIN_PAIR])):
        export_pairs(out, "label-studio", tmp_path / name, pairs=pairs)
    config = (tmp_path / "a" / "labelling_config.xml").read_text()
    assert config == (tmp_path / "b" / "labelling_config.xml").read_text()
    root = ElementTree.fromstring(config)
    assert [tag.get("value") for tag in root.iter("Text")] == ["$query", "$positives", "$document"]
    assert [tag.get("value") for tag in root.iter("Choice")] == ["relevant", "not relevant", "drop"]
    data = json.loads((tmp_path / "a" / "tasks.json").read_text())[0]["data"]
    assert data["document"] == NASTY.document
    assert data["query"] == NASTY.query.replace("\x00", "␀")
    assert (data["query_id"], data["doc_id"]) == (NASTY.query_id, NASTY.doc_id)
    assert "score" not in data and "rank" not in data and data["false_negative_probability"] == 0.123457


def test_a_record_has_the_same_id_again(out: Path) -> None:
    assert record(NASTY)["id"] == record(NASTY._replace(query="x", chosen=True))["id"] != record(PLAIN_PAIR)["id"]


def test_without_pairs_chosen_negatives_are_written_until_they_are_decided(out: Path, tmp_path: Path) -> None:
    def pairs(name: str, most: int = 1_000) -> set[tuple[str, str]]:
        export_pairs(out, "label-studio", tmp_path / name, most=most)
        tasks = json.loads((tmp_path / name / "tasks.json").read_text())
        assert {task["data"]["reason"] for task in tasks} == {"chosen"}
        return {(task["data"]["query_id"], task["data"]["doc_id"]) for task in tasks}

    everything = {("q1", "d5"), ("q1", "d4"), ("q2", "d4"), ("q2", "d5")}
    assert pairs("all") == everything
    assert len(pairs("some", most=3)) == 3
    DecisionLog(out / "decisions.jsonl").add_all([("q1", "d5", "negative"), ("q2", "d4", None)])
    assert pairs("open") == everything - {("q1", "d5")}
    data = json.loads((tmp_path / "open" / "tasks.json").read_text())[0]["data"]
    assert data["query"] in ("red flower", "blue thing") and data["positives"] in ("T1 red rose", "T2 blue sky")
    DecisionLog(out / "decisions.jsonl").add_all([(*pair, "drop") for pair in everything])
    with pytest.raises(CollectionError, match="has no pairs to decide"):
        pairs("none")
    assert not (tmp_path / "none").exists()


def test_the_most_probable_false_negatives_come_first(tmp_path: Path) -> None:
    from test_false_negatives import Topics

    made = Topics(visible=2)
    settings = MiningSettings(relative_margin=None, quiet=True, cache=None, out=str(tmp_path / "out"))
    result = mine(made.write(tmp_path / "c"), made.vectors, settings)
    export_pairs(tmp_path / "out", "argilla", tmp_path / "to", most=20)
    metadata = [row["metadata"] for row in json.loads((tmp_path / "to" / "records.json").read_text())]
    written = [row["false_negative_probability"] for row in metadata]
    pairs = {
        (row["query_id"], row["doc_id"]): row["false_negative_probability"] for row in result.negatives.to_pylist()
    }
    assert written == pytest.approx(sorted(pairs.values(), reverse=True)[:20], abs=1e-6)
    assert len({(row["query_id"], row["doc_id"]) for row in metadata}) == 20


def test_the_folder_is_new_or_empty_and_written_whole_or_not_at_all(out: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    export_pairs(out, "argilla", tmp_path / "empty", pairs=[NASTY])
    with pytest.raises(SettingsError, match=r"to: .*empty holds something. Give a new or empty folder"):
        export_pairs(out, "argilla", tmp_path / "empty", pairs=[NASTY])
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"to: .*file is a file"):
        export_pairs(out, "label-studio", tmp_path / "file", pairs=[NASTY])

    def broken() -> Any:
        yield NASTY
        raise CollectionError("gone")

    with pytest.raises(CollectionError, match="gone"):
        export_pairs(out, "label-studio", tmp_path / "deep" / "new", pairs=broken())
    assert not (tmp_path / "deep").exists()


# answers

Votes = dict[str, list[tuple[str, str]]]  # of "query document": annotator and answer
VOTES: Votes = {
    "q1 d3": [("ann", "relevant"), ("bob", "relevant"), ("cyd", "drop")],
    "q1 d4": [("ann", "not relevant")],
    "q2 d6": [("ann", "relevant"), ("bob", "not relevant")],
    "q2 d5": [("ann", "")],
}
EXPECTED = {("q1", "d3"): "positive", ("q1", "d4"): "negative"}
LABELS = {"relevant": "positive", "not relevant": "negative", "drop": "drop"}


def label_studio(votes: Votes) -> list[Any]:
    """As Label Studio exports JSON: skipped tasks have a cancelled annotation."""
    tasks = []
    for number, (pair, given) in enumerate(votes.items(), start=1):
        annotations = [
            {
                "id": 10 * number + place, "completed_by": {"id": name, "email": f"{name}@example.org"},
                "was_cancelled": not answer, "created_at": "2026-01-01T10:00:00Z",
                "updated_at": f"2026-01-02T10:00:0{place}Z",
                "result": [{"id": "x", "from_name": "relevance", "to_name": "document", "type": "choices",
                            "origin": "manual", "value": {"choices": [answer]}}] if answer else [],
            }
            for place, (name, answer) in enumerate(given)
        ]  # fmt: skip
        tasks.append({"id": number, "data": data_of(pair), "annotations": annotations, "predictions": [], "meta": {}})
    return tasks


def data_of(pair: str) -> dict[str, str]:
    query_id, doc_id = pair.split()
    return {"query": "…", "positives": "…", "document": "…", "query_id": query_id, "doc_id": doc_id}


def label_studio_min(votes: Votes) -> list[Any]:
    """As it exports JSON-MIN: a row an annotation, cancelled ones left out."""
    return [
        {**data_of(pair), "id": 1, "relevance": answer, "annotator": name, "annotation_id": 7, "lead_time": 1.5,
         "created_at": "2026-01-01T10:00:00Z", "updated_at": f"2026-01-02T10:00:0{place}Z"}
        for pair, given in votes.items() for place, (name, answer) in enumerate(given) if answer
    ]  # fmt: skip


def argilla(votes: Votes) -> list[Any]:
    """As `records.to_json` has it."""
    return [
        {
            "id": pair, "fields": {"query": "…"}, "metadata": data_of(pair), "suggestions": {}, "vectors": {},
            "responses": {"relevance": [{"value": LABELS[each], "user_id": name} for name, each in given if each]},
            "_server_id": "1",
        }
        for pair, given in votes.items()
    ]  # fmt: skip


def argilla_flat(votes: Votes) -> list[Any]:
    """As `to_list(flatten=True)` has it, with a draft and a discarded response."""
    rows = []
    for pair, given in votes.items():
        answers = [("ann", "draft", "drop"), *((name, "submitted", answer) for name, answer in given if answer),
                   ("dee", "discarded", "drop"), ("eve", "discarded", "drop")]  # fmt: skip
        rows.append({
            "id": pair, "_server_id": "1", **data_of(pair),
            "relevance.responses": [LABELS[answer] for _, _, answer in answers],
            "relevance.responses.users": [name for name, _, _ in answers],
            "relevance.responses.status": [status for _, status, _ in answers],
        })  # fmt: skip
    return [*rows, {**dict.fromkeys(rows[0]), "id": "x", "_server_id": "2", "query_id": "q2", "doc_id": "d1"}]


FORMS: dict[str, tuple[str, Callable[[Votes], list[Any]]]] = {
    "label-studio": ("label-studio", label_studio),
    "label-studio-min": ("label-studio", label_studio_min),
    "argilla": ("argilla", argilla),
    "argilla-flat": ("argilla", argilla_flat),
}


def written(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def said(out: Path) -> dict[tuple[str, str], str | None]:
    return DecisionLog(out / "decisions.jsonl").labels


@pytest.mark.parametrize("form", FORMS)
def test_the_majority_of_annotators_decides(form: str, out: Path, tmp_path: Path) -> None:
    tool, made = FORMS[form]
    found = import_answers(out, written(tmp_path / "export.json", made(VOTES)))
    assert found == (tool, 3, 2, 0, 1, 0, 0)
    assert str(found) == (
        f"3 pairs answered in {tool}: 2 new decisions, 0 known already, 1 undecided, for annotators disagree evenly"
    )
    assert said(out) == EXPECTED
    log = DecisionLog(out / "decisions.jsonl").decisions
    assert {(one.by, one.action) for one in log} == {(tool, "decide")}
    select(out, relabel=out / "decisions.jsonl", quiet=True)


@pytest.mark.parametrize("export", ["JSON", "JSON-MIN", "to_json", "to_list"])
def test_what_the_real_tools_exported(export: str, out: Path) -> None:
    """By label-studio-sdk 2.1.2 and argilla 2.8.0 (benchmarks/interop): of three annotators one says otherwise."""
    found = import_answers(out, GOLDEN / "exports" / f"{export}.json")
    assert (found.pairs, found.added, found.tied) == (3, 3, 0)
    assert said(out) == {("q1", "d3"): "positive", ("q1", "d4"): "negative", ("q2", "d6"): "drop"}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_file_twice_adds_nothing(form: str, out: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "export.json", FORMS[form][1](VOTES))
    import_answers(out, file)
    before = (out / "decisions.jsonl").read_bytes()
    again = import_answers(out, file)
    assert (again.added, again.known, again.tied) == (0, 2, 1)
    assert (out / "decisions.jsonl").read_bytes() == before


def test_what_the_desk_said_since_stays(out: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "export.json", label_studio(VOTES))
    import_answers(out, file)
    DecisionLog(out / "decisions.jsonl").add_all([("q1", "d3", "drop"), ("q1", "d4", None)])
    assert import_answers(out, file).added == 0
    assert said(out) == {("q1", "d3"): "drop", ("q1", "d4"): None}


def test_a_tie_takes_back_nobody_elses_decision(out: Path, tmp_path: Path) -> None:
    import_answers(out, written(tmp_path / "1.json", label_studio({"q1 d3": [("ann", "relevant")]})))
    DecisionLog(out / "decisions.jsonl").add("q1", "d3", "drop")
    tied: Votes = {"q1 d3": [("ann", "relevant"), ("bob", "not relevant")]}
    found = import_answers(out, written(tmp_path / "2.json", label_studio(tied)))
    assert (found.tied, found.taken_back) == (1, 0)
    assert said(out) == {("q1", "d3"): "drop"}


def test_an_answer_that_was_withdrawn_is_taken_back(out: Path, tmp_path: Path) -> None:
    import_answers(out, written(tmp_path / "1.json", label_studio({"q1 d3": [("ann", "relevant")]})))
    withdrawn: Votes = {"q1 d3": [("ann", "relevant"), ("ann", "")]}
    found = import_answers(out, written(tmp_path / "2.json", label_studio(withdrawn)))
    assert (found.tied, found.taken_back) == (0, 1)
    assert said(out) == {("q1", "d3"): None}


@pytest.mark.parametrize("id", ["query_id", "doc_id"])
def test_an_id_that_is_no_unicode(out: Path, tmp_path: Path, id: str) -> None:
    tasks = label_studio({"q1 d3": [("ann", "relevant")]})
    tasks[0]["data"][id] = "\ud800"
    with pytest.raises(BadRowError, match="not valid Unicode"):
        import_answers(out, written(tmp_path / "1.json", tasks))


def test_other_answers_than_before_are_added_and_counted(out: Path, tmp_path: Path) -> None:
    DecisionLog(out / "decisions.jsonl").add_all([("q1", "d3", "drop"), ("q1", "d4", "negative")])
    first = import_answers(out, written(tmp_path / "1.json", label_studio(VOTES)))
    assert (first.added, first.overriding) == (2, 1)  # d3: what the desk said; d4: the same again
    changed: Votes = {**VOTES, "q1 d3": VOTES["q1 d3"][1:], "q1 d4": [("ann", "drop")]}
    second = import_answers(out, written(tmp_path / "2.json", label_studio(changed)))
    assert (second.added, second.tied, second.taken_back, second.overriding) == (1, 2, 1, 1)
    assert said(out) == {("q1", "d3"): None, ("q1", "d4"): "drop"}
    assert import_answers(out, tmp_path / "2.json").taken_back == 0


def test_an_annotator_has_one_vote_the_last(out: Path, tmp_path: Path) -> None:
    votes: Votes = {"q1 d3": [("ann", "drop"), ("ann", "relevant"), ("bob", "relevant"), ("ann", "")]}
    import_answers(out, written(tmp_path / "1.json", label_studio(votes)))
    assert said(out) == {("q1", "d3"): "positive"}
    rows = label_studio_min({"q1 d4": [("ann", "drop"), ("ann", "relevant"), ("ann", "drop")]})
    rows[1]["updated_at"] = "2026-03-01T10:00:00Z"  # later than what stands below it
    import_answers(out, written(tmp_path / "2.json", rows))
    assert said(out)["q1", "d4"] == "positive"
    for row in rows:
        row["annotator"] = None  # nobody knows: each is a vote
    import_answers(out, written(tmp_path / "3.json", rows))
    assert said(out)["q1", "d4"] == "drop"


def test_what_was_written_is_no_answer(out: Path, tmp_path: Path) -> None:
    export_pairs(out, "argilla", tmp_path / "a")
    assert import_answers(out, tmp_path / "a" / "records.json") == ("argilla", 0, 0, 0, 0, 0, 0)
    export_pairs(out, "label-studio", tmp_path / "b")
    with pytest.raises(CollectionError, match="these are tasks to be annotated. Give what Label Studio exports"):
        import_answers(out, tmp_path / "b" / "tasks.json")
    assert not (out / "decisions.jsonl").exists()


def broken(form: str, change: Callable[[Any], Any]) -> list[Any]:
    rows = FORMS[form][1]({"q1 d5": [("ann", "drop")], **VOTES})
    replaced = change(rows[1])
    return rows if replaced is None else [rows[0], replaced]


def at(*keys: Any, value: Any) -> Callable[[Any], None]:
    def change(row: Any) -> None:
        for key in keys[:-1]:
            row = row[key]
        row[keys[-1]] = value

    return change


FIRST, RESULT = ("annotations", 0), ("annotations", 0, "result", 0)
MISTAKES: dict[str, tuple[list[Any], str]] = {
    "another label": (
        broken("label-studio", at(*RESULT, "value", "choices", value=["maybe"])),
        '{file}, task 2, annotation 1: the answer is "maybe"; it takes relevant, not relevant, drop.',
    ),
    "two choices": (
        broken("label-studio", at(*RESULT, "value", "choices", value=["drop", "relevant"])),
        '{file}, task 2, annotation 1: the answer is ["drop", "relevant"]; it takes',
    ),
    "unknown query": (broken("label-studio", at("data", "query_id", value="q9")),
                      '{file}, task 2, annotation 1: the collection has no query "q9" (3 answers name unknown ids)'),
    "unknown document": (broken("label-studio-min", at("doc_id", value="d9")),
                         '{file}, task 2: the collection has no document "d9". Check that the answers belong'),
    "no id": (broken("label-studio", lambda row: row["data"].pop("doc_id") and None),
              '{file}, task 2: it takes the "doc_id" that foolsgold gave it, and has null.'),
    "no data": (broken("label-studio", at("data", value=[])), '{file}, task 2: it takes the "query_id"'),
    "annotations": (broken("label-studio", at("annotations", value={})),
                    '{file}, task 2: "annotations" is {{}}; it takes a list.'),
    "an annotation": (broken("label-studio", at(*FIRST, value=3)),
                      "{file}, task 2, annotation 1: an annotation is 3; it takes an object."),
    "result": (broken("label-studio", at(*FIRST, "result", value="x")), '"result" is "x"; it takes a list.'),
    "value": (broken("label-studio", at(*RESULT, "value", value=1)), '"value" is 1; it takes an object.'),
    "an item": (broken("label-studio", lambda _: "x"), '{file}, task 2: "x" is no item of a Label Studio export.'),
    "short row": (broken("label-studio-min", lambda _: {}), "{file}, task 2: {{}} is no item of a Label Studio"),
    "short label": (broken("label-studio-min", at("relevance", value=["drop", "drop"])),
                    '{file}, task 2: the answer is ["drop", "drop"]; it takes'),
    "argilla's label": (broken("argilla", at("responses", "relevance", 0, "value", value="good")),
                        '{file}, record 2: the answer is "good"; it takes relevant, not relevant, drop.'),
    "argilla's responses": (broken("argilla", at("responses", "relevance", value=1)),
                            '{file}, record 2: the responses to "relevance" is 1; it takes a list.'),
    "argilla's metadata": (broken("argilla", at("metadata", value={})), '{file}, record 2: it takes the "query_id"'),
    "argilla's record": (broken("argilla", lambda _: [1]), "{file}, record 2: [1] is no record of Argilla 2."),
    "flat": (broken("argilla-flat", at("relevance.responses", value="positive")),
             '{file}, record 2: relevance.responses is "positive"; it takes a list.'),
    "unknown in argilla": (broken("argilla", at("metadata", "doc_id", value="d9")), 'no document "d9" (3 answers'),
    "neither": ([{"query_id": "q1", "doc_id": "d1", "label": "drop"}],
                "{file}: neither an export of Label Studio (JSON or JSON-MIN) nor records of Argilla 2."),
    "empty": ([], "{file}: an empty list; it takes a list of annotated tasks or records."),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_the_place_and_change_nothing(mistake: str, out: Path, tmp_path: Path) -> None:
    rows, message = MISTAKES[mistake]
    file = written(tmp_path / "export.json", rows)
    before = contents(out)
    with pytest.raises((BadRowError, CollectionError)) as caught:
        import_answers(out, file)
    assert message.format(file=file) in str(caught.value)
    assert contents(out) == before


def test_files_that_are_no_json(out: Path, tmp_path: Path) -> None:
    for content, message in [(b"{}", "a JSON dict"), (b"[", "not readable JSON"), (b"\xff\xfe", "not readable JSON"),
                             (b"[" * 100_000, "not readable JSON"), (b"", "not readable JSON")]:  # fmt: skip
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(CollectionError, match=message):
            import_answers(out, tmp_path / "x.json")
    for path, message in [(tmp_path / "none", "does not exist"), (tmp_path, "is a folder")]:
        with pytest.raises(SettingsError, match=message):
            import_answers(out, path)
    with pytest.raises(SettingsError, match="it takes a folder that `foolsgold mine` wrote"):
        import_answers(tmp_path / "nowhere", tmp_path / "x.json")


# flags


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("folder")
    add_exchange_arguments(parser)
    return parser.parse_args(arguments)


def test_the_flags(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "to"
    assert not run_exchange(options(str(out)))
    assert run_exchange(options(str(out), "--export", "label-studio", "--to", str(to), "--most", "3"))
    printed = capsys.readouterr()
    assert printed.out == f"{to}\n"
    assert printed.err == "3 pairs to decide in label-studio; how to go on: README.md\n"
    file = written(tmp_path / "export.json", label_studio(VOTES))
    assert run_exchange(options(str(out), "--import", str(file)))
    printed = capsys.readouterr()
    assert printed.out == f"{out / 'decisions.jsonl'}\n"
    assert printed.err.startswith("3 pairs answered in label-studio: 2 new decisions, 0 known already")
    assert run_exchange(options(str(out), "--export", "argilla", "--to", str(tmp_path / "a")), pairs=[NASTY])
    assert json.loads((tmp_path / "a" / "records.json").read_text())[0]["metadata"]["doc_id"] == NASTY.doc_id


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--to", "x"], "--to and --most say where --export writes"),
        (["--most", "5"], "--to and --most say where --export writes"),
        (["--export", "argilla"], "--to is missing"),
        (["--export", "argilla", "--to", "x", "--import", "y"], "--export and --import exclude each other"),
        (["--export", "argilla", "--to", "x", "--most", "0"], "most is 0; it takes 1 or more"),
    ],
)
def test_flags_that_do_not_go_together(flags: list[str], message: str, out: Path) -> None:
    with pytest.raises(FoolsgoldError, match=message) as caught:
        run_exchange(options(str(out), *flags))
    assert caught.value.exit_status == 2
