from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foolsgold.collection import read_files, read_pairs
from foolsgold.collection.collection import CORPUS_SCHEMA, rows_of
from foolsgold.collection.table_writer import BATCH_ROWS, TableWriter
from foolsgold.collection.unique_ids import UniqueIds
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.gather import gathered_table

N = BATCH_ROWS * 2 + 5  # two batches and a bit


def rows(n: int) -> list[tuple[str, str, str]]:
    return [(f"d{row}", "" if row % 3 else f"Title {row}", f"text № {row}") for row in range(n)]


@pytest.mark.parametrize("in_memory_bytes", [0, 300_000, 2**40])
@pytest.mark.parametrize("n", [0, 1, N])
def test_a_table_is_the_same_wherever_its_texts_lie(n: int, in_memory_bytes: int) -> None:
    writer = TableWriter(CORPUS_SCHEMA, in_memory_bytes)
    for row in rows(n):
        writer.add(row)
    assert [writer.id_at(row) for row in range(0, n, 4001)] == [f"d{row}" for row in range(0, n, 4001)]
    table = writer.table()
    assert table.schema == CORPUS_SCHEMA
    assert list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True)) == rows(n)


def test_large_texts_leave_arrows_memory_and_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writer = TableWriter(CORPUS_SCHEMA, in_memory_bytes=0)
    before = pa.total_allocated_bytes()
    for row in range(BATCH_ROWS * 4):
        writer.add((f"d{row}", "", "x" * 1000))
    table = writer.table()
    assert table["text"].nbytes > 32e6
    assert pa.total_allocated_bytes() - before < 4e6  # the ids
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_the_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    writer = TableWriter(CORPUS_SCHEMA, in_memory_bytes=0)
    with pytest.raises(CollectionError, match=r"do not fit into .*gone.* Set the environment variable TMPDIR"):
        for row in rows(BATCH_ROWS):
            writer.add(row)


def test_an_id_that_stands_twice_far_apart_is_named_with_both_lines(tmp_path: Path) -> None:
    corpus, queries, qrels = (tmp_path / name for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"))
    lines = [json.dumps({"_id": doc_id, "title": title, "text": text}) for doc_id, title, text in rows(N)]
    lines[7] = ""  # a blank line counts
    corpus.write_text("\n".join([*lines, lines[3], lines[BATCH_ROWS + 1]]), "utf-8")
    queries.write_text('{"_id": "q", "text": "what?"}')
    qrels.write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    with pytest.raises(BadRowError, match=rf'corpus.jsonl:{N + 1}: the id "d3" stands already at .*corpus.jsonl:4\.'):
        read_files(corpus, queries, qrels)
    skipped = read_files(corpus, queries, qrels, on_bad_line="skip")
    assert skipped.n_documents == N - 1 and skipped.reading["bad_lines_skipped"] == 2
    assert skipped.reading["bad_line_examples"][1].endswith(f"corpus.jsonl:{BATCH_ROWS + 2}.")


def test_ids_are_told_apart_even_if_their_hashes_are_equal() -> None:
    kept = ["other"]
    ids = UniqueIds(lambda row: kept[row])
    assert ids.line_of("this", 10) is None  # kept as "other": as if another id had its hash
    assert ids.line_of("this", 11) is None
    kept[0] = "this"
    assert ids.line_of("this", 12) == 10


@pytest.mark.parametrize("chosen", [[], [5], [9, 0, 3, 3, 8], list(range(10))])
def test_rows_are_taken_from_many_batches_in_the_order_asked(chosen: list[int]) -> None:
    table = pa.table({"text": pa.chunked_array([["a", "b"], [], ["c", "d", "e", "f"], ["g", "h", "i", "j"]])})
    assert gathered_table(table, chosen)["text"].to_pylist() == ["abcdefghij"[row] for row in chosen]
    assert gathered_table(table, np.array(chosen, np.int32))["text"].to_pylist() == [
        "abcdefghij"[row] for row in chosen
    ]


def test_the_fingerprint_does_not_depend_on_batches_or_offsets() -> None:
    collection = read_pairs([("q", "eins"), ("q", "zwei"), ("r", "drei"), ("r", "vier — 四")])
    whole = collection.corpus
    cut = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2), whole.slice(3)])
    assert replace(collection, corpus=cut).fingerprint == collection.fingerprint
    names = ["doc_id", "title", "text"]
    shifted = [whole.column(name).to_pylist() for name in names]
    shifted[2][0], shifted[2][1] = "einsz", "wei"  # the same characters, cut elsewhere
    other = pa.table([pa.array(column, pa.large_string()) for column in shifted], names=names)
    assert replace(collection, corpus=other).fingerprint != collection.fingerprint


def test_texts_come_as_they_are_asked_for() -> None:
    collection = read_pairs([("q", "eins"), ("q", "zwei")], {"x": {"title": "Drei", "text": "vier"}})
    texts = collection.texts
    assert list(texts) == collection.document_texts() == ["Drei vier", "eins", "zwei"]
    assert (len(texts), texts[-1], texts[1:]) == (3, "zwei", ["eins", "zwei"])
    with pytest.raises(IndexError):
        texts[3]


ASKED = {"few": ["d999", "unknown"], "many": ["d3", "d500", None] * 10}
FOUND = {"few": [999, None], "many": [3, 500, None] * 10}


@pytest.mark.parametrize("how_many", ASKED)
def test_ids_are_found_whether_few_are_asked_for_or_many(how_many: str) -> None:
    ids = [f"d{row}" for row in range(1_000)]
    known, asked = pa.chunked_array([ids[:500], ids[500:]], pa.large_string()), pa.array(ASKED[how_many])
    found = rows_of(asked, known)
    assert found.type == pa.int32() and found.to_pylist() == FOUND[how_many]
    assert rows_of(asked, known.combine_chunks()).equals(found)
