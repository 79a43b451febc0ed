"""A second run on the candidates of the first: forty topics, whose relevant documents are known or hidden."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import MiningResult, MiningSettings, mine
from test_false_negatives import Topics


class OfTopics:
    """Knows the vector of each text of the topics, and how many it was asked for."""

    def __init__(self, fingerprint: str = "topics") -> None:
        topics = Topics()
        texts = [row["text"] for row in (*topics.queries, *topics.docs)]
        vecs = np.concatenate([topics.vectors.query_vecs, topics.vectors.doc_vecs])
        self._vecs = dict(zip(texts, vecs, strict=True))
        self.fingerprint = fingerprint
        self.n_asked = 0

    def encode_queries(self, texts: Any) -> Any:
        self.n_asked += len(texts)
        return np.stack([self._vecs[text] for text in texts])

    encode_documents = encode_queries


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    return Topics().write(tmp_path / "topics")


def run(collection: Path, out: Path | None, encoder: Any = None, **changes: Any) -> MiningResult:
    values: dict[str, Any] = {"quiet": True, "out": None if out is None else str(out), "depth": 50}
    return mine(collection, OfTopics() if encoder is None else encoder, MiningSettings(**{**values, **changes}))


def stages(result: MiningResult) -> list[str]:
    return [stage["stage"] for stage in result.report["stages"]]


def contents(out: Path) -> dict[str, bytes]:
    own = {"report.json", "report.html", "settings.json"}  # which tell times, and the folders
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in own}


OTHER_CHOICES: dict[str, Any] = {"relative_margin": 0.2, "negatives": 2, "sampler": "uniform", "format": "triplet",
                                 "block_size": 7, "batch_size": 5}  # fmt: skip


def test_other_choices_encode_and_search_nothing(topics: Path, tmp_path: Path) -> None:
    run(topics, tmp_path / "first")
    encoder = OfTopics()
    again = run(topics, tmp_path / "again", encoder, **OTHER_CHOICES)
    assert encoder.n_asked == 0
    assert stages(again) == ["read", "load", "choose and write", "leak test"]
    alone = run(topics, tmp_path / "alone", **OTHER_CHOICES, cache=None)
    assert "encode" in stages(alone) and "search" in stages(alone)
    assert "hidden_positives.parquet" in contents(tmp_path / "alone")
    assert contents(tmp_path / "again") == contents(tmp_path / "alone")
    assert {**again.report, "stages": 0} == {**alone.report, "stages": 0}


def test_words_alone_are_found_again_too(topics: Path, tmp_path: Path) -> None:
    first, again = (
        mine(topics, None, MiningSettings(source="bm25", quiet=True, out=str(tmp_path / name))) for name in ("a", "b")
    )
    assert ("search" in stages(first), "search" in stages(again)) == (True, False)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize(
    "changes",
    [{"depth": 40}, {"seed": 1}, {"source": "both"}, {"max_similarity_to_negative": 0.5}, {"similarity": "dot"},
     {"vector_type": "float16"}, {"encoder": OfTopics("trained further")}, {"out": None}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_what_has_a_part_in_candidates_makes_them_anew(changes: dict[str, Any], topics: Path, tmp_path: Path) -> None:
    run(topics, tmp_path / "first")
    assert "search" in stages(run(topics, **{"out": tmp_path / "again", **changes}))


def test_another_collection_or_run_is_searched(topics: Path, tmp_path: Path) -> None:
    trec = tmp_path / "other.trec"
    trec.write_text("q0 Q0 d1-1 1 9.0 x\n")
    source = {"source": f"dense,run:{trec}"}
    run(topics, tmp_path / "first", **source)
    assert "search" not in stages(run(topics, tmp_path / "again", **source))
    trec.write_text("q0 Q0 d1-2 1 9.0 x\n")
    assert "search" in stages(run(topics, tmp_path / "other run", **source))
    with (topics / "qrels.tsv").open("a") as file:
        file.write("q0\td1-1\t0\n")
    assert "search" in stages(run(topics, tmp_path / "other judgements", **source))


@pytest.mark.parametrize("name", ["candidates.parquet", "hidden_positives.parquet", "record.json"])
@pytest.mark.parametrize("how", ["altered", "truncated"])
def test_damaged_candidates_are_noticed_and_made_again(
    name: str, how: str, topics: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(topics, tmp_path / "first", cache=str(tmp_path / "cache"))
    (path,) = tmp_path.glob(f"cache/candidates/*/{name}")
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] if how == "truncated" else whole[:middle] + b"7" + whole[middle + 1 :])
    again = run(topics, tmp_path / "again", cache=str(tmp_path / "cache"))
    assert "search" in stages(again)
    assert [record.levelno for record in caplog.records if record.name.startswith("foolsgold")] == [logging.WARNING]
    assert name in caplog.text
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    assert path.read_bytes() == whole


def test_what_the_cache_keeps_is_no_part_of_the_output(topics: Path, tmp_path: Path) -> None:
    """Writing into the output does not change the cache, and pruning does not change the output."""
    run(topics, tmp_path / "first", cache=str(tmp_path / "cache"))
    before = contents(tmp_path / "first")
    again = run(topics, tmp_path / "again", cache=str(tmp_path / "cache"))
    for path in (tmp_path / "again").glob("*.parquet"):
        path.write_bytes(b"")
    assert "search" not in stages(again)
    run(topics, tmp_path / "third", cache=str(tmp_path / "cache"))
    assert contents(tmp_path / "third") == contents(tmp_path / "first") == before
