from __future__ import annotations

import dataclasses
import gzip
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foolsgold import Collection, MiningSettings, read_beir, read_files
from foolsgold.cached import entries, prune
from foolsgold.collection import CollectionFiles, Judgements, read_pairs, write_beir_parquet
from foolsgold.encode.texts import Texts
from foolsgold.errors import BadRowError, CollectionError, SettingsError
from foolsgold.scale import InProcessPool, corpus, pieces, ranges
from foolsgold.scale.corpus_of import corpus_of
from foolsgold.scale.read_range import RangeReader
from foolsgold.scale.read_sharded import read_sharded
from foolsgold.scale.remote_collection import RemoteCollection

QUIET = MiningSettings(quiet=True)
N = 23
Row = dict[str, Any]


class CountingPool(InProcessPool):
    """Notes which files it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def map(self, call: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        items = list(items)
        if isinstance(call, RangeReader):
            self.read += [part.path.name for _, part in items]
        return super().map(call, items)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that twenty documents lie in many batches, pieces and stretches."""
    monkeypatch.setattr(pieces, "BATCH_ROWS", 2)
    monkeypatch.setattr(corpus, "BATCH_ROWS", 2)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 4)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 200)


def documents() -> list[Row]:
    """Of which d2 and d14 say the same, and d3 and d20."""
    rows = [{"_id": f"d{n}", "title": "" if n % 3 else f"Title {n}", "text": f"text № {n}"} for n in range(N)]
    rows[14]["text"] = "TEXT  № 2"
    rows[20] = {"_id": "d20", "title": "", "text": "Title 3 text № 3"}
    rows[9] = {"_id": "d9", "title": "A title alone", "text": ""}
    return rows


def lay(folder: Path, rows: list[Row] | None = None, *, ending: str = "jsonl", shards: list[str] | None = None) -> Path:
    """A BEIR folder; the corpus in one file, or as many shards as there are names."""
    folder.mkdir(exist_ok=True)
    rows = documents() if rows is None else rows
    if shards is None:
        write_as(folder / f"corpus.{ending}", rows)
    else:
        (folder / "corpus").mkdir()
        cuts = np.linspace(0, len(rows), len(shards) + 1).astype(int)
        for name, start, stop in zip(shards, cuts, cuts[1:], strict=False):
            write_as(folder / "corpus" / f"{name}.{ending}", rows[start:stop])
    queries = [{"_id": f"q{n}", "text": text} for n, text in enumerate(["text № 5", "other", "TEXT № 5"])]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td5\t1\nq1\td12\t2\nq1\td1\t0\nq2\td22\t1\n")
    return folder


def write_as(path: Path, rows: list[Row]) -> None:
    kind = path.name.split(".")[1]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
        return
    if kind == "jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        separator = "\t" if kind == "tsv" else ","
        text = "".join(separator.join(line) + "\n" for line in [list(rows[0]), *(list(row.values()) for row in rows)])
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def both(folder: Path, store: Path, pool: InProcessPool | None = None, **options: Any) -> RemoteCollection:
    """Read by workers, and found the same as read here."""
    found = read_sharded(CollectionFiles(str(folder), **options), QUIET, pool or InProcessPool(), store)
    assert_same(found, read_beir(folder, **options))
    return found


def assert_same(found: RemoteCollection, local: Collection) -> None:
    assert found.corpus.column_names == ["doc_id"]
    assert found.doc_ids.equals(local.doc_ids)
    assert found.queries.equals(local.queries)
    for name in ("positives", "judged_negatives", "held_out_positives", "set_aside", "given_negatives"):
        ours, theirs = getattr(found, name), getattr(local, name)
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_array_equal(ours.offsets, theirs.offsets)
            np.testing.assert_array_equal(ours.doc_rows, theirs.doc_rows)
    assert dict(found.reading) == dict(local.reading)
    assert found.source == local.source
    assert found.n_documents == local.n_documents
    np.testing.assert_array_equal(found.document_keys, local.document_keys)
    np.testing.assert_array_equal(found.query_keys, local.query_keys)
    np.testing.assert_array_equal(found.query_groups, local.query_groups)
    np.testing.assert_array_equal(found.given_fates, local.given_fates)
    assert found.documents_fingerprint == local.documents_fingerprint
    assert found.fingerprint == local.fingerprint
    assert found.pieces.read(0, local.n_documents).equals(local.corpus)
    assert found.document_texts() == list(found.texts) == local.document_texts()
    rows = np.array([local.n_documents - 1, 0, 3, 3, 2])
    assert found.document_texts(rows) == local.document_texts(rows)
    assert found.document_text(3) == local.document_text(3)
    assert found.text_hashes().to_pylist() == Texts.of_documents(local).keys().to_pylist()


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "parquet", "csv", "tsv.gz"])
@pytest.mark.parametrize("shards", [None, ["part-1", "part-9", "part-10"]])
def test_workers_read_what_one_process_reads(tmp_path: Path, ending: str, shards: list[str] | None) -> None:
    folder = lay(tmp_path / "beir", ending=ending, shards=shards)
    found = both(folder, tmp_path / "store")
    assert found.n_documents == N and len(found.pieces.pieces) > 5
    assert found.document_keys[14] == found.document_keys[2] and found.document_keys[20] == found.document_keys[3]
    assert found.query_keys.tolist() == [5, -1, 5]


def test_shards_are_read_by_the_numbers_in_their_names(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", shards=["part-10", "part-9", "part-1"])
    ids = both(folder, tmp_path / "store").doc_ids.to_pylist()
    assert ids[0] == "d15" and ids[-1] == "d6"  # of part-1 the first, of part-10 the last
    assert sorted(ids) == sorted(row["_id"] for row in documents())
    assert read_files(folder / "corpus", folder / "queries.jsonl", folder / "qrels.tsv").doc_ids.to_pylist() == ids


def test_any_rows_in_any_columns(tmp_path: Path) -> None:
    found, local = both(lay(tmp_path / "beir"), tmp_path / "store").pieces, read_beir(tmp_path / "beir").corpus
    for start in range(N):
        for stop in range(start, N + 1):
            assert found.read(start, stop).equals(local.slice(start, stop - start))
    rows = np.array([0, 1, 6, 7, 8, 22])
    assert found.take(rows, ["text"])["text"].to_pylist() == local["text"].take(pa.array(rows)).to_pylist()
    assert found.take(rows[:0]).equals(local.slice(0, 0))


def test_a_byte_order_mark_windows_lines_and_blank_lines(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir")
    lines = (folder / "corpus.jsonl").read_bytes().splitlines()
    lines[4:4] = [b"", b"   "]
    (folder / "corpus.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([*lines, b"no json", b"", b""]))
    found = both(folder, tmp_path / "store", on_bad_line="skip")
    assert found.reading["bad_line_examples"][0].startswith(f"{folder}/corpus.jsonl:{N + 3}: malformed JSON")


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "csv.gz"])
@pytest.mark.parametrize("shards", [None, ["a", "b", "c"]])
def test_one_bad_row_is_named_as_one_process_names_it(tmp_path: Path, ending: str, shards: list[str] | None) -> None:
    rows = documents()
    rows[17]["text"] = ""
    folder = lay(tmp_path / "beir", rows, ending=ending, shards=shards)
    with pytest.raises(BadRowError) as local:
        read_beir(folder)
    with pytest.raises(BadRowError) as found:
        read_sharded(CollectionFiles(str(folder)), QUIET, InProcessPool(), tmp_path / "store")
    assert str(found.value) == str(local.value)
    assert 'the text of document "d17" is empty' in str(found.value)
    assert both(folder, tmp_path / "store", on_bad_line="skip").reading["bad_lines_skipped"] == 1


@pytest.mark.parametrize("shards", [None, ["a", "b", "c"]])
def test_ids_that_stand_in_two_shards(tmp_path: Path, shards: list[str] | None) -> None:
    rows = documents()
    for row, first in ((21, 3), (19, 3), (4, 3)):
        rows[row]["_id"] = f"d{first}"
    rows[8]["text"] = " "
    folder = lay(tmp_path / "beir", rows, shards=shards)
    found = both(folder, tmp_path / "store", on_bad_line="skip")
    assert found.reading["bad_lines_skipped"] == 4 and found.n_documents == N - 4
    assert found.doc_ids.to_pylist().count("d3") == 1
    again = both(folder, tmp_path / "store", on_bad_line="skip")
    assert again.pieces == found.pieces
    rows[8]["text"] = "text № 8"
    other = lay(tmp_path / "other", rows, shards=shards)
    with pytest.raises(BadRowError) as local:
        read_beir(other)
    with pytest.raises(BadRowError) as remote:
        read_sharded(CollectionFiles(str(other)), QUIET, InProcessPool(), tmp_path / "store")
    assert str(remote.value) == str(local.value)
    assert 'the id "d3" stands already at' in str(remote.value)


def test_all_rows_of_a_piece_stand_already(tmp_path: Path) -> None:
    rows = documents()
    found = both(lay(tmp_path / "beir", [*rows, *rows[:8]]), tmp_path / "store", on_bad_line="skip")
    assert found.n_documents == N and found.reading["bad_lines_skipped"] == 8
    assert len(found.reading["bad_line_examples"]) == 5


def test_unknown_ids(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", ending="parquet", shards=["a", "b"])
    with (folder / "qrels.tsv").open("a") as file:
        file.write("q1\tnobody\t1\n")
    with pytest.raises(CollectionError) as local:
        read_beir(folder)
    with pytest.raises(CollectionError) as found:
        read_sharded(CollectionFiles(str(folder)), QUIET, InProcessPool(), tmp_path / "store")
    assert str(found.value) == str(local.value)
    assert both(folder, tmp_path / "store", max_unknown_ratio=0.5).reading["unknown_ids"] == 1


def test_splits_and_given_negatives(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", shards=["a", "b"])
    (folder / "qrels").mkdir()
    (folder / "qrels.tsv").rename(folder / "qrels" / "train.tsv")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq0\td7\t1\n")
    (folder / "given_negatives.tsv").write_text("query-id\tcorpus-id\nq0\td5\nq0\td14\nq0\td2\n")
    found = both(folder, tmp_path / "store", split="train")
    assert found.has_given_negatives and found.held_out_positives.of(2).tolist() == [7]  # which says the same as q0
    rows = np.array([0, 2])
    part = found.with_queries(rows, found.positives.of_queries(rows))
    local = read_beir(folder, "train")
    expected = local.with_queries(rows, local.positives.of_queries(rows))
    assert isinstance(part, RemoteCollection)
    assert part.fingerprint == expected.fingerprint and part.document_texts([6]) == expected.document_texts([6])
    np.testing.assert_array_equal(part.query_keys, expected.query_keys)


@pytest.mark.parametrize(
    ("ending", "n_bytes", "message"),
    [
        ("jsonl.gz", -10, "c.jsonl.gz: not a whole gzip file"),
        ("parquet", -10, "c.parquet: not a readable parquet file"),
    ],
)
def test_a_shard_that_cannot_be_read(tmp_path: Path, ending: str, n_bytes: int, message: str) -> None:
    folder, store, pool = lay(tmp_path / "beir", ending=ending, shards=list("abcd")), tmp_path / "store", CountingPool()
    broken = folder / "corpus" / f"c.{ending}"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:n_bytes])
    with pytest.raises(CollectionError, match=message):
        read_sharded(CollectionFiles(str(folder)), QUIET, pool, store)
    broken.write_bytes(whole)
    n_read = len(pool.read)
    both(folder, store, pool)
    if ending != "parquet":  # of which all shards are looked at before any is read
        assert set(pool.read[n_read:]) == {f"{name}.{ending}" for name in "cd"}


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    folder, store, pool = lay(tmp_path / "beir", shards=list("abc")), tmp_path / "store", CountingPool()
    first = both(folder, store, pool)
    assert {name[0] for name in pool.read} == set("abc")
    pool.read.clear()
    assert both(folder, store, pool).pieces == first.pieces
    assert pool.read == []
    changed = folder / "corpus" / "b.jsonl"
    changed.write_text(changed.read_text().replace("text № 9", "text № nine").replace("text № 8", "text № eight"))
    assert both(folder, store, pool).fingerprint != first.fingerprint
    assert {name[0] for name in pool.read} == {"b"}
    pool.read.clear()
    Path(first.pieces.pieces[0].path).unlink()
    both(folder, store, pool)
    assert {name[0] for name in pool.read} == {"a"}


def test_a_killed_run_keeps_the_stretches_that_it_read(tmp_path: Path) -> None:
    class Killed(CountingPool):
        def map(self, call: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            for number, result in enumerate(super().map(call, items)):
                if number == 2:
                    raise KeyboardInterrupt
                yield result

    folder, store = lay(tmp_path / "beir", shards=list("abcdef"), ending="parquet"), tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        read_sharded(CollectionFiles(str(folder)), QUIET, Killed(), store)
    pool = CountingPool()
    both(folder, store, pool)
    assert {"a.parquet", "b.parquet"}.isdisjoint(pool.read) and "f.parquet" in pool.read


def test_other_kinds_of_input_become_pieces(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"query": f"q{n}", "positive": f"answer {n}"}) + "\n" for n in range(11)))
    found = read_sharded(CollectionFiles(pairs=str(path)), QUIET, InProcessPool(), tmp_path / "store")
    assert_same(found, CollectionFiles(pairs=str(path)).read(QUIET))
    assert corpus_of(found, tmp_path / "store", InProcessPool()) is found.pieces


def test_a_collection_in_pieces_is_written_as_files(tmp_path: Path) -> None:
    found = both(lay(tmp_path / "beir"), tmp_path / "store")
    write_beir_parquet(found, tmp_path / "copy")
    assert read_beir(tmp_path / "copy").fingerprint == found.fingerprint


def test_a_collection_that_is_here_is_written_once(tmp_path: Path) -> None:
    collection = read_pairs([("q", "eins"), *(("r", f"{n}") for n in range(6))])
    first = corpus_of(collection, tmp_path, InProcessPool())
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.arrow")}
    fewer = dataclasses.replace(collection, positives=Judgements.none(2))  # the same documents
    assert corpus_of(fewer, tmp_path, InProcessPool()) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.arrow")} == times
    assert_same(RemoteCollection.of(collection, first), collection)


def test_a_piece_that_is_gone_is_named(tmp_path: Path) -> None:
    found = corpus_of(read_pairs([("q", "eins")]), tmp_path, InProcessPool())
    Path(found.pieces[0].path).unlink()
    with pytest.raises(CollectionError, match=r"\.arrow: a piece of the corpus.*cannot be read.*Run again"):
        found.read(0, 1)


def test_the_cache_shows_pieces_and_removes_them(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", [*documents(), documents()[0]])
    both(folder, tmp_path / "store", on_bad_line="skip")
    (entry,) = entries(tmp_path / "store")
    assert (entry.kind, entry.about["corpus"]) == ("corpora", str(folder / "corpus.jsonl"))
    files = [path for path in entry.path.iterdir()]
    assert entry.n_bytes == sum(path.stat().st_size for path in files)
    prune(tmp_path / "store", max_bytes=-1)
    assert not entry.path.exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"corpus: the folder .*corpus has no shards .*it has nothing"),
        (["README.md"], r"no shards .*it has README.md"),
        (["a.jsonl", "b.parquet"], r"holds b.parquet; .*all end in \.jsonl"),
        (["a.jsonl", "b.jsonl.gz"], r"holds b.jsonl.gz"),
        (["a.jsonl", "notes.txt"], r"holds notes.txt"),
    ],
)
def test_folders_that_hold_something_else(tmp_path: Path, names: list[str], message: str) -> None:
    folder = lay(tmp_path / "beir", [], shards=[])
    for name in names:
        (folder / "corpus" / name).touch()
    for read in (read_beir, lambda path: read_sharded(CollectionFiles(str(path)), QUIET, InProcessPool(), tmp_path)):
        with pytest.raises(SettingsError, match=message):
            read(folder)


def test_marks_of_spark_are_left_out(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", shards=["part-0", "part-1"], ending="parquet")
    (folder / "corpus" / "_SUCCESS").touch()
    (folder / "corpus" / ".part-0.parquet.crc").touch()
    (folder / "corpus").rename(folder / "corpus.parquet")
    assert both(folder, tmp_path / "store").n_documents == N


def test_no_documents(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", [])
    for read in (read_beir, lambda path: read_sharded(CollectionFiles(str(path)), QUIET, InProcessPool(), tmp_path)):
        with pytest.raises(CollectionError, match=r"corpus.jsonl: no documents"):
            read(folder)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "parquet"])
def test_files_and_pieces_at_a_uri(tmp_path: Path, ending: str) -> None:
    import fsspec

    from foolsgold.collection.places import located

    local, name = lay(tmp_path / "beir", ending=ending, shards=["part-2", "part-10"]), uuid.uuid4().hex
    memory = fsspec.filesystem("memory")
    memory.put(str(local), f"/{name}/beir", recursive=True)
    uri = f"memory://{name}/beir"
    store = located(f"memory://{name}/store")
    found = read_sharded(CollectionFiles(uri), QUIET, InProcessPool(), store)
    assert all(piece.path.startswith(f"memory://{name}/store/corpora/") for piece in found.pieces.pieces)
    assert_same(found, read_beir(uri))
    assert found.fingerprint == read_beir(local).fingerprint
    assert found.source is not None and found.source["folder"] == uri
    pool = CountingPool()
    assert_same(read_sharded(CollectionFiles(uri), QUIET, pool, store), read_beir(uri))
    assert pool.read == []
    with pytest.raises(SettingsError, match=r"folder memory://.*/nowhere does not exist"):
        read_beir(f"memory://{name}/nowhere")


def test_uris_of_this_machine_and_uris_that_are_none(tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir dir")
    uri = folder.as_uri()
    assert "%20" in uri and read_beir(uri).fingerprint == read_beir(folder).fingerprint
    found = read_sharded(CollectionFiles(uri), QUIET, InProcessPool(), tmp_path / "store")
    assert_same(found, read_beir(folder))
    with pytest.raises(SettingsError, match=r"file:///… with three slashes"):
        read_beir("file://relative/folder")
    with pytest.raises(SettingsError, match=r"nosuch://bucket: no store that is known"):
        read_beir("nosuch://bucket/folder")
    with pytest.raises(SettingsError, match=r"holds a key or password") as refused:
        read_beir("s3://KEY:hidden@bucket/folder")
    assert "hidden" not in str(refused.value)
