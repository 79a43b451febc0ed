from __future__ import annotations

from pathlib import Path

import pytest

from foolsgold import read_beir, write_sample_collection
from foolsgold.errors import SettingsError


@pytest.mark.slow
def test_a_collection_of_several_thousand_documents(tmp_path: Path) -> None:
    n_documents = write_sample_collection(tmp_path / "docs")
    collection = read_beir(tmp_path / "docs")
    assert collection.n_documents == n_documents > 2_000
    titles = collection.corpus["title"].to_pylist()
    row = titles.index("textwrap.wrap")
    assert collection.corpus["text"][row].as_py().startswith("Reformat the single paragraph in 'text'")
    query_row = [q for q in range(collection.n_queries) if row in collection.positives.of(q)]
    assert collection.query_texts(query_row) == ["Wrap a single paragraph of text, returning a list of wrapped lines."]


@pytest.mark.slow
def test_the_same_files_again(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):  # the second time into a folder that is its own
        write_sample_collection(tmp_path)
        contents.append([(tmp_path / name).read_bytes() for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")])
    assert contents[0] == contents[1]


def test_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SettingsError, match="holds something else"):
        write_sample_collection(tmp_path)
