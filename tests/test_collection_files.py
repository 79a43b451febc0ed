from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, write_jsonl
from foolsgold import Collection, MiningSettings, PrecomputedVectors, mine, read_beir, read_files
from foolsgold.errors import BadRowError, CollectionError, SettingsError


def positives(collection: Collection) -> dict[str, list[str]]:
    query_ids, doc_ids = collection.query_ids.to_pylist(), collection.doc_ids.to_pylist()
    return {query_id: [doc_ids[row] for row in collection.positives.of(q)] for q, query_id in enumerate(query_ids)}


def test_beir_folder(beir: Path) -> None:
    collection = read_beir(beir)
    assert collection.doc_ids.to_pylist() == ["d1", "d2", "d3", "d4", "d5", "d6"]
    assert collection.query_texts() == ["red flower", "blue thing"]
    assert collection.document_texts([0, 2]) == ["T1 red rose", "T3 scarlet rose"]
    assert collection.corpus["title"].to_pylist()[0] == "T1"
    assert positives(collection) == {"q1": ["d1"], "q2": ["d2"]}
    assert collection.judged_negatives.of(0).tolist() == [4]
    assert collection.judged_negatives.of(1).tolist() == []


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "parquet", "csv", "csv.gz", "tsv", "tsv.gz"])
def test_every_file_type_gives_the_same_collection(beir: Path, tmp_path: Path, ending: str) -> None:
    paths = {}
    for name in ("corpus", "queries"):
        rows = [json.loads(line) for line in (beir / f"{name}.jsonl").read_text("utf-8").splitlines()]
        paths[name] = write_as(tmp_path / f"{name}.{ending}", rows)
    judged = [("q1", "d1", 1), ("q2", "d2", 2), ("q1", "d5", 0)]
    rows = [{"query-id": q, "corpus-id": d, "score": s} for q, d, s in judged]
    paths["qrels"] = write_as(tmp_path / f"qrels.{ending}", rows)
    assert read_files(**paths).fingerprint == read_beir(beir).fingerprint


def write_as(path: Path, rows: list[dict[str, object]]) -> Path:
    kind = path.name.split(".")[1]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    if kind == "jsonl":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        separator = "\t" if kind == "tsv" else ","
        lines = [list(rows[0]), *(map(str, row.values()) for row in rows)]
        text = "".join(separator.join(line) + "\n" for line in lines)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_csv_fields_may_hold_commas_quotes_and_line_breaks(beir: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.csv").write_text('_id,title,text\nd1,,"a ""b"", c\nd"\nd2,T,plain\n', encoding="utf-8")
    collection = read_files(tmp_path / "corpus.csv", beir / "queries.jsonl", beir / "qrels.tsv", max_unknown_ratio=1)
    assert collection.document_texts() == ['a "b", c\nd', "T plain"]


def test_tsv_quotes_are_ordinary_characters(beir: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.tsv").write_text('id\ttext\nd1\t"so-called\nd2\tsaid "no"\n', encoding="utf-8")
    collection = read_files(tmp_path / "corpus.tsv", beir / "queries.jsonl", beir / "qrels.tsv", max_unknown_ratio=1)
    assert collection.document_texts() == ['"so-called', 'said "no"']


def test_byte_order_mark_windows_lines_and_number_ids(beir: Path, tmp_path: Path) -> None:
    lines = ['{"_id": 1, "text": "one"}', "", '{"id": "2", "text": "two", "title": null}']
    (tmp_path / "c.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    collection = read_files(tmp_path / "c.jsonl", beir / "queries.jsonl", write_qrels(tmp_path, "q1\t1\t1"))
    assert collection.doc_ids.to_pylist() == ["1", "2"]


def test_several_positives_and_a_contradiction(beir: Path, tmp_path: Path) -> None:
    qrels = write_qrels(tmp_path, "q1\td3\t1", "q1\td1\t2", "q1\td3\t1", "q2\td2\t1", "q2\td2\t0", "q2\td4\t-1")
    collection = read_files(beir / "corpus.jsonl", beir / "queries.jsonl", qrels)
    assert positives(collection) == {"q1": ["d3", "d1"], "q2": ["d2"]}
    assert collection.judged_negatives.of(1).tolist() == [3]
    assert collection.reading["contradicting_judgements"] == 1


def test_splits(beir: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels.tsv").rename(beir / "qrels" / "test.tsv")
    assert read_beir(beir).n_queries == 2  # the only one
    write_qrels(beir / "qrels", "q2\td2\t1", name="dev.tsv")
    with pytest.raises(SettingsError, match=r"split is None.*dev, test.*--split"):
        read_beir(beir)
    assert read_beir(beir, "dev").query_ids.to_pylist() == ["q2"]
    write_qrels(beir / "qrels", "q1\td1\t1", name="train.tsv")
    assert read_beir(beir).query_ids.to_pylist() == ["q1"]


def test_only_queries_of_other_splits_are_left_out(beir: Path) -> None:
    names = {"q1": "alpha", "q2": "ALPHA", "q3": "nobody judges me"}
    write_jsonl(beir / "queries.jsonl", [{"_id": query_id, "text": text} for query_id, text in names.items()])
    (beir / "qrels").mkdir()
    write_qrels(beir / "qrels", "q1\td1\t1", name="train.tsv")
    write_qrels(beir / "qrels", "q2\td4\t1", name="test.tsv")
    collection = read_beir(beir)
    assert collection.query_ids.to_pylist() == ["q1", "q3"]
    assert collection.held_out_positives.of(0).tolist() == [3]  # of the query with the same text


def test_positives_of_other_splits_are_never_negatives(beir: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels.tsv").unlink()
    write_qrels(beir / "qrels", "q1\td1\t1", name="train.tsv")
    write_qrels(beir / "qrels", "q1\td3\t1", "q1\td4\t0", "q2\td2\t1", name="test.tsv")
    collection = read_beir(beir)
    assert positives(collection) == {"q1": ["d1"]}
    vectors = PrecomputedVectors(np.ones((1, 2), np.float32), np.eye(6, 2, dtype=np.float32) + np.float32(0.1))
    chosen = MiningSettings(**PLAIN, negatives=4, relative_margin=None, quiet=True)
    assert mine(collection, vectors, chosen).negatives["doc_id"].to_pylist() == ["d4", "d5", "d6", "d2"]


def write_qrels(folder: Path, *lines: str, name: str = "some_qrels.tsv") -> Path:
    (folder / name).write_text("\n".join(("query-id\tcorpus-id\tscore", *lines)) + "\n", encoding="utf-8")
    return folder / name


BAD_LINES = {
    '{"_id": "x", "text": "unclosed}': "malformed JSON",
    '["a list"]': "a JSON list, not an object",
    '{"text": "no id"}': 'needs a field "_id"',
    '{"_id": "x"}': r'needs a field "text".*there are: "_id"',
    '{"_id": "x", "text": null}': r"text of document \"x\" is None",
    '{"_id": "x", "text": 7}': r"is 7 \(int\)",
    '{"_id": "x", "text": " "}': "is empty",
    '{"_id": "", "text": "t"}': "id in the field",
    '{"_id": "x", "text": "t", "title": 5}': "title of document",
    '{"_id": "x", "text": "\\ud800"}': "not valid Unicode",
    '{"_id": "d1", "text": "again"}': r'the id "d1" stands already at .*corpus.jsonl:1',
    '{"_id": 1' + "0" * 5_000 + ', "text": "t"}': "JSON that cannot be read",
    json.dumps({"_id": "x", "text": "long " * 2_000_000}): "10,000,000 bytes long",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=list(BAD_LINES.values()))
def test_a_bad_line_stops_with_file_and_number_or_is_skipped(beir: Path, line: str) -> None:
    with (beir / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n" + line + "\n")
    with pytest.raises(BadRowError, match=f"corpus.jsonl:8: .*{BAD_LINES[line]}.*--on-bad-line skip"):
        read_beir(beir)
    collection = read_beir(beir, on_bad_line="skip")
    assert collection.n_documents == 6
    assert collection.reading["bad_lines_skipped"] == 1
    assert "corpus.jsonl:8" in collection.reading["bad_line_examples"][0]


def test_bytes_that_are_not_utf8(beir: Path) -> None:
    with (beir / "queries.jsonl").open("ab") as file:
        file.write(b'{"_id": "q3", "text": "caf\xe9"}\n')
    with pytest.raises(BadRowError, match=r"queries.jsonl:3: not valid UTF-8"):
        read_beir(beir)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", "", r"corpus.jsonl: no documents"),
        ("queries.jsonl", "\n\n", r"queries.jsonl: no queries"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\n", r"qrels.tsv: no judgements"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t0\n", r"no positives.*score above 0"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", r"qrels.tsv:2: 2 fields where the header has 3"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tyes\n", r'qrels.tsv:2: the field "score" is \'yes\''),
        ("qrels.tsv", "q1 0 d1 1\nq1 d2\n", r"qrels.tsv:2: 2 fields; TREC qrels have four"),
    ],
)
def test_what_is_missing(beir: Path, name: str, content: str, message: str) -> None:
    (beir / name).write_text(content, encoding="utf-8")
    with pytest.raises(CollectionError, match=message):
        read_beir(beir)


def test_unknown_ids_are_counted_and_refused_above_a_share(beir: Path) -> None:
    with (beir / "qrels.tsv").open("a", encoding="utf-8") as file:
        file.write("q9\td1\t1\nq1\td9\t1\n")
    with pytest.raises(CollectionError, match=r'2 of 5 judgements \(40%\).*qrels.tsv:5: query "q9".*ratio 0.4 '):
        read_beir(beir)
    assert read_beir(beir, max_unknown_ratio=0.4).reading["unknown_ids"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: folder / "nowhere", "does not exist"),
        (lambda folder: folder / "corpus.jsonl", "is a file"),
        (lambda folder: (folder / "corpus.jsonl").rename(folder / "docs.jsonl").parent, "no corpus.jsonl.*docs.jsonl"),
    ],
)
def test_folders_that_are_none(beir: Path, change: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_beir(change(beir))  # type: ignore[operator]


def test_files_that_are_none(beir: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"corpus: .*nowhere.jsonl does not exist"):
        read_files(tmp_path / "nowhere.jsonl", beir / "queries.jsonl", beir / "qrels.tsv")
    (tmp_path / "corpus.xml").touch()
    with pytest.raises(SettingsError, match=r"unknown ending.*\.jsonl"):
        read_files(tmp_path / "corpus.xml", beir / "queries.jsonl", beir / "qrels.tsv")
    (tmp_path / "corpus.parquet").write_bytes(b"no parquet")
    with pytest.raises(CollectionError, match="not a readable parquet file"):
        read_files(tmp_path / "corpus.parquet", beir / "queries.jsonl", beir / "qrels.tsv")
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(b'{"_id": "d1", "text": "t"}\n' * 999)[:-20])
    with pytest.raises(CollectionError, match=r"not a whole gzip file|stands already"):
        read_files(tmp_path / "corpus.jsonl.gz", beir / "queries.jsonl", beir / "qrels.tsv", on_bad_line="skip")


def test_a_csv_cut_off_in_gzip_or_in_a_quote(beir: Path, tmp_path: Path) -> None:
    text = "query-id,corpus-id,score\n" + "q1,d1,1\n" * 999
    (tmp_path / "qrels.csv.gz").write_bytes(gzip.compress(text.encode())[:-12])
    with pytest.raises(CollectionError, match=r"qrels.csv.gz: not a whole gzip file"):
        read_files(beir / "corpus.jsonl", beir / "queries.jsonl", tmp_path / "qrels.csv.gz")
    (tmp_path / "corpus.csv").write_text('_id,text\nd1,"never closed\nd2,b\n')
    with pytest.raises(CollectionError, match=r"corpus.csv:2: a quote is opened here and never closed"):
        read_files(tmp_path / "corpus.csv", beir / "queries.jsonl", beir / "qrels.tsv", on_bad_line="skip")


def test_texts_in_any_script_survive(beir: Path) -> None:
    texts = ["战国无双3 是", "où l’été", "שלום", "👩‍🚀 tab\there", 'quotes "and" \\ back']
    write_jsonl(beir / "corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": t} for n, t in enumerate(texts, 1)])
    assert read_beir(beir).document_texts() == texts
