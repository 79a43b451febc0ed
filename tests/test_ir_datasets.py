"""Collections of ir_datasets; the library is real, its data are made here."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from conftest import PLAIN
from foolsgold import FoolsgoldError, MiningSettings, mine, select
from foolsgold.cli import main
from foolsgold.collection import CollectionFiles
from foolsgold.errors import CollectionError
from test_read_training_data import shape

pytest.importorskip("ir_datasets", reason="the extra ir-datasets is not installed")

DOCS = 'd1\tred rose 中文\nd/2\tblue "sky"\nd3\tgreen grass\nd4\tgrey stone\n'
QUERIES = "1\tred flower?\n2\tblue thing 🙂?\n"
QRELS = "1 0 d1 1\n2 0 d/2 2\n1 0 d3 0\n"
PAIRS = "1\td1\td3\n2\td/2\td1\n"


@pytest.fixture
def registered(tmp_path: Path) -> Callable[..., str]:
    import ir_datasets
    from ir_datasets.formats import TrecQrels, TsvDocPairs, TsvDocs, TsvQueries

    class Text:
        """What ir_datasets calls a download, of a text that is here."""

        def __init__(self, text: str, name: str) -> None:
            self._file = tmp_path / f"{name}.tsv"
            self._file.write_text(text, encoding="utf-8")

        def stream(self) -> io.BufferedReader:
            return self._file.open("rb")

        def path(self, force: bool = True) -> str:
            return str(self._file)

    parts: dict[str, Any] = {
        "docs": lambda: TsvDocs(Text(DOCS, "docs")),
        "queries": lambda: TsvQueries(Text(QUERIES, "queries")),
        "qrels": lambda: TrecQrels(Text(QRELS, "qrels"), {}),
        "docpairs": lambda: TsvDocPairs(Text(PAIRS, "docpairs")),
    }

    def register(*names: str) -> str:
        id = f"foolsgold-test-{uuid.uuid4().hex}"
        ir_datasets.registry.register(id, ir_datasets.Dataset(*(parts[name]() for name in names)))
        return f"ir_datasets:{id}"

    return register


SETTINGS = MiningSettings(**{**PLAIN, "relative_margin": None}, negatives=1, source="bm25", quiet=True)


def test_documents_queries_and_qrels(registered: Callable[..., str]) -> None:
    collection = CollectionFiles(folder=registered("docs", "queries", "qrels")).read(SETTINGS)
    assert shape(collection) == {"red flower?": (["red rose 中文"], []), "blue thing 🙂?": (['blue "sky"'], [])}
    assert collection.doc_ids.to_pylist() == ["d1", "d/2", "d3", "d4"]
    assert collection.judged_negatives.of(0).tolist() == [2]


def test_triples_give_negatives(registered: Callable[..., str]) -> None:
    collection = CollectionFiles(folder=registered("docs", "queries", "docpairs")).read(SETTINGS)
    assert shape(collection)["blue thing 🙂?"] == (['blue "sky"'], ["red rose 中文"])


def test_triples_beside_qrels_give_negatives(registered: Callable[..., str]) -> None:
    name = registered("docs", "queries", "qrels", "docpairs")
    collection = CollectionFiles(folder=name).read(SETTINGS)
    assert shape(collection) == {
        "red flower?": (["red rose 中文"], ["green grass"]),
        "blue thing 🙂?": (['blue "sky"'], ["red rose 中文"]),
    }
    assert collection.judged_negatives.of(0).tolist() == [2]
    without = CollectionFiles(folder=name, given_negatives=False).read(SETTINGS)
    assert without.given_negatives is None
    assert CollectionFiles(**without.source or {}).read(SETTINGS).fingerprint == without.fingerprint


def test_given_negatives_left_out_on_the_command_line(registered: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--source", "bm25", "--negatives", "1", "--short-rows", "keep", "--format", "triplet", "--cache", "none"]
    command = [
        "mine",
        "--collection",
        registered("docs", "queries", "qrels", "docpairs"),
        "--out",
        str(out),
        "--quiet",
        *flags,
    ]
    assert main([*command, "--no-given-negatives"]) == 0
    assert "given" not in pq.read_table(out / "negatives.parquet")["source"].to_pylist()
    assert main(["select", str(out), "--quiet"]) == 0


@pytest.mark.parametrize("part", ["docs", "queries", "qrels", "docpairs"])
def test_a_part_that_cannot_be_downloaded(registered: Callable[..., str], tmp_path: Path, part: str) -> None:
    name = registered("docs", "queries", "qrels", "docpairs")
    (tmp_path / f"{part}.tsv").unlink()
    with pytest.raises(CollectionError, match=rf"cannot read its {part} \(FileNotFoundError: .*Check the network"):
        CollectionFiles(folder=name).read(SETTINGS)


def test_mined_and_selected_from_again(registered: Callable[..., str], tmp_path: Path) -> None:
    name = registered("docs", "queries", "docpairs")
    first = mine(name, None, SETTINGS.replace(out=str(tmp_path / "out")))
    assert first.negatives["doc_id"].to_pylist() == ["d3", "d1"]
    assert not (tmp_path / "out" / "collection").exists()
    assert select(tmp_path / "out").negatives.equals(first.negatives)
    out = str(tmp_path / "cli")
    flags = ["--source", "bm25", "--negatives", "1", "--short-rows", "keep", "--format", "triplet", "--cache", "none"]
    assert main(["mine", "--collection", name, "--out", out, "--quiet", *flags]) == 0


def test_what_is_missing(registered: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(FoolsgoldError, match="has no queries and no judgements"):
        mine(registered("docs"), None, SETTINGS)
    assert (
        main(["mine", "--collection", "ir_datasets:nothing", "--model", "offline", "--out", str(tmp_path / "o")]) == 2
    )
    assert "ir_datasets knows no 'nothing'" in capsys.readouterr().err
