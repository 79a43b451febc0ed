"""The cross-encoder filter, with a BERT whose logits are known: that of a document is what `LOGITS` says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, cross_encoder_saying, on_circle
from foolsgold import Collection, MiningResult, MiningSettings, PrecomputedVectors, mine, select
from foolsgold.cli import main
from foolsgold.errors import ModelError, SettingsError
from foolsgold.rerank import PairScorer
from test_filters import circle_collection, fates

LOGITS = {
    "positive": 4.0, "second": -2.0, "better": 6.0, "near": 2.0, "inside": 1.5, "outside": 0.5, "far": -5.0,
    "farther": -9.0, "last": -12.0,
}  # fmt: skip
WORDS = list(LOGITS)
SETTINGS = MiningSettings(
    **{**PLAIN, "short_rows": "keep", "relative_margin": None, "negatives": 2}, format="triplet", quiet=True
)


@pytest.fixture(scope="session")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cross_encoder_saying(LOGITS, tmp_path_factory.mktemp("reranker") / "model")


@pytest.fixture
def rerank(reranker: Path) -> Callable[..., MiningResult]:
    def run(
        collection: Collection | None = None, cross_encoder: Any = reranker, words: list[str] = WORDS, **changes: Any
    ) -> MiningResult:
        collection = circle_collection(words, [[0]], queries=["query"]) if collection is None else collection
        doc_vecs = on_circle(*range(collection.n_documents))  # ranks are rows
        vectors = PrecomputedVectors(on_circle(*[0] * collection.n_queries), doc_vecs)
        return mine(collection, vectors, SETTINGS.replace(**changes), cross_encoder=cross_encoder)

    return run


def chosen(result: MiningResult, query_id: str = "q0") -> dict[str, list[str]]:
    """Words by the positive's word."""
    found: dict[str, list[str]] = {}
    texts = dict(zip(result.collection.doc_ids.to_pylist(), result.collection.document_texts(), strict=True))
    for row in result.negatives.to_pylist():
        if row["query_id"] == query_id:
            found.setdefault(texts.get(row["positive_id"], ""), []).append(texts[row["doc_id"]])
    return found


def scores(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "candidates.parquet").to_pylist()  # type: ignore[no-any-return]


def test_the_model_says_what_the_docstring_promises(reranker: Path) -> None:
    """A query is any one word, a document is one of the words."""
    logits = PairScorer(str(reranker)).logits([("query", word) for word in [*WORDS, "unknown"]], lambda _: None)
    assert logits.tolist() == pytest.approx([*LOGITS.values(), 0], abs=1e-3)


def test_a_candidate_must_lie_a_gap_below_its_positive(rerank: Callable[..., MiningResult]) -> None:
    """Each pair by itself: 4 - 3.2 = 0.8 lets pass what says 0.5, -2 - 3.2 = -5.2 lets pass what says -9."""
    collection = circle_collection(WORDS, [[0, 1]], queries=["query"])
    result = rerank(collection, cross_encoder_margin=3.2)
    assert chosen(result) == {"positive": ["outside", "far"], "second": ["farther", "last"]}
    result = rerank(collection, cross_encoder_margin=3.2, negatives=1)
    assert chosen(result) == {"positive": ["outside"], "second": ["farther"]}
    assert fates(result) == {"known_positive_id": 2, "cross_encoder": 3, "not_needed": 2, "chosen": 2}


def test_a_candidate_must_be_improbable(rerank: Callable[..., MiningResult]) -> None:
    """sigmoid(0.5) = .62, sigmoid(-2) = .12, sigmoid(-5) = .007."""
    for probability, expected in [(0.7, "outside"), (0.6, "second"), (0.1, "far")]:
        words = ["positive", "inside", "outside", "second", "far"]
        result = rerank(words=words, cross_encoder_margin=None, cross_encoder_max_probability=probability, negatives=1)
        assert chosen(result) == {"positive": [expected]}
    assert result.report["cross_encoder"]["positives_scored"] == 0  # nothing is compared with them


def test_both_thresholds_bind(rerank: Callable[..., MiningResult]) -> None:
    for margin, probability, expected in [(1.0, 0.1, "far"), (8.0, 0.99, "far"), (1.0, 0.99, "near")]:
        result = rerank(
            words=["positive", "better", "near", "outside", "far"], negatives=1,
            cross_encoder_margin=margin, cross_encoder_max_probability=probability,
        )  # fmt: skip
        assert chosen(result) == {"positive": [expected]}


def test_only_what_is_needed_is_scored_and_kept(rerank: Callable[..., MiningResult], tmp_path: Path) -> None:
    result = rerank(out=str(tmp_path / "out"), words=["positive", "better", "outside", "far", "farther", "last"])
    assert chosen(result) == {"positive": ["outside", "far"]}
    assert fates(result) == {"known_positive_id": 1, "cross_encoder": 1, "not_needed": 2, "chosen": 2}
    (row,) = scores(tmp_path / "out")
    assert row["cross_encoder_scores"][:1] + row["cross_encoder_scores"][4:] == [None] * 3
    assert row["cross_encoder_scores"][1:4] == pytest.approx([6, 0.5, -5], abs=1e-3)
    assert row["positive_cross_encoder_scores"] == pytest.approx([4], abs=1e-3)
    report = json.loads((tmp_path / "out" / "report.json").read_text())["cross_encoder"]
    assert {name: report[name] for name in ("pairs_scored", "candidates_scored", "positives_scored", "waves")} == {
        "pairs_scored": 4, "candidates_scored": 3, "positives_scored": 1, "waves": 2,
    }  # fmt: skip
    assert (report["margin"], report["max_probability"], report["candidates_scored_ratio"]) == (3.0, None, 3 / 6)
    assert "scored    50.0% of candidates (3) and 1 positives by" in result.summary()
    assert ", in 2 waves" in result.summary()


def test_pairs_of_a_query_share_scores_and_duplicates_too(rerank: Callable[..., MiningResult]) -> None:
    words = ["positive", "second", "far", "FAR", "farther", "Farther"]
    collection = circle_collection(words, [[0, 1]], queries=["query"])
    # cos 0 - .0005 = cos 1.8 leaves the first pair "far" at 2 degrees, cos 1 - .0005 = cos 2.1 the second only "FAR"
    result = rerank(collection, absolute_margin=0.0005, cross_encoder_margin=1.0)
    assert chosen(result) == {"positive": ["far", "farther"], "second": ["FAR", "farther"]}
    assert result.report["cross_encoder"]["candidates_scored"] == 2


def test_the_judged_are_exempt(rerank: Callable[..., MiningResult]) -> None:
    collection = circle_collection(WORDS, [[0]], judged=[[2]], queries=["query"])  # "better", judged not relevant
    result = rerank(collection)
    assert chosen(result) == {"positive": ["second", "better"]}
    assert result.report["cross_encoder"]["candidates_scored"] == 1
    only_judged = rerank(circle_collection(WORDS, [[0]], judged=[list(range(1, 9))], queries=["query"]))
    assert only_judged.report["cross_encoder"]["pairs_scored"] == 0


def test_without_a_positive_only_the_probability_can_speak(rerank: Callable[..., MiningResult]) -> None:
    collection = circle_collection(WORDS, [[]], queries=["query"])
    result = rerank(collection, min_rank_without_positive=0)
    assert chosen(result) == {"": ["positive", "second"]}
    assert result.report["cross_encoder"]["pairs_scored"] == 0
    result = rerank(collection, min_rank_without_positive=0, cross_encoder_max_probability=0.1)
    assert chosen(result) == {"": ["far", "farther"]}


def test_a_pair_that_runs_out_is_short(rerank: Callable[..., MiningResult]) -> None:
    words = ["positive", "better", "near", "inside", "far"]
    assert chosen(rerank(words=words)) == {"positive": ["far"]}
    dropped = rerank(words=words, short_rows="drop")
    assert chosen(dropped) == {}
    assert fates(dropped) == {"known_positive_id": 1, "cross_encoder": 3, "short_row": 1}
    filled = rerank(words=[*words, *WORDS[6:8]], depth=5, short_rows="random")
    assert chosen(filled) == {"positive": ["far", "farther"]}  # neither "far" again nor what was rejected


def test_the_sampler_gives_the_order(rerank: Callable[..., MiningResult]) -> None:
    """With `uniform` any that pass may be chosen, and no more are scored than are drawn."""
    collection = circle_collection(WORDS, [[0]] * 20, queries=[f"query{n}" for n in range(20)])
    result = rerank(collection, sampler="uniform")
    assert {word for n in range(20) for word in chosen(result, f"q{n}")["positive"]} == {
        "second", "outside", "far", "farther", "last",
    }  # fmt: skip
    assert result.report["cross_encoder"]["candidates_scored"] < 20 * 8


@pytest.mark.slow
def test_the_same_bytes_whatever_the_block_size(rerank: Callable[..., MiningResult], tmp_path: Path) -> None:
    n = 1030  # more than one group
    collection = circle_collection(WORDS, [[q % 2] for q in range(n)], queries=[f"query{q}" for q in range(n)])
    for size in (7, 4096):
        result = rerank(collection, block_size=size, batch_size=1024, out=str(tmp_path / str(size)))
        in_memory = rerank(collection, block_size=size, batch_size=1024)
        assert in_memory.negatives.equals(result.negatives)
        assert in_memory.report["cross_encoder"] == result.report["cross_encoder"]
        assert result.report["cross_encoder"]["groups"] == 2
    for name in ("candidates.parquet", "negatives.parquet", "train.jsonl"):
        assert (tmp_path / "7" / name).read_bytes() == (tmp_path / "4096" / name).read_bytes()


def test_select_scores_only_what_is_missing(
    rerank: Callable[..., MiningResult], reranker: Path, tmp_path: Path
) -> None:
    first, out = tmp_path / "first", tmp_path / "out"
    rerank(out=str(first))
    before = (first / "candidates.parquet").read_bytes()
    again = select(first, out=str(out), quiet=True)
    assert again.report["cross_encoder"]["pairs_scored"] == 0
    assert (out / "candidates.parquet").read_bytes() == before
    more = select(first, out=str(out), negatives=3, quiet=True)  # "second", "outside", and now "far"
    assert more.report["cross_encoder"]["pairs_scored"] == 1
    assert chosen(more) == chosen(rerank(negatives=3))
    assert (first / "candidates.parquet").read_bytes() == before  # another folder's file is not touched
    off = select(out, cross_encoder=None, quiet=True, negatives=2)
    assert (chosen(off), off.report["cross_encoder"]) == ({"positive": ["second", "better"]}, None)
    assert select(out, cross_encoder=reranker, negatives=3, quiet=True).report["cross_encoder"]["pairs_scored"] == 0


def test_another_cross_encoder_starts_afresh(rerank: Callable[..., MiningResult], tmp_path: Path) -> None:
    out = tmp_path / "out"
    rerank(out=str(out))
    table = pq.read_table(out / "candidates.parquet")
    witness = pa.array([[0.5] * len(WORDS)], pa.list_(pa.float32()))
    pq.write_table(table.append_column("witness", witness), out / "candidates.parquet")  # what others may add
    other = cross_encoder_saying({**LOGITS, "second": 5.0, "far": 0.0}, tmp_path / "other")
    result = select(out, cross_encoder=str(other), quiet=True)
    assert chosen(result) == {"positive": ["outside", "far"]}
    (row,) = scores(out)
    assert row["witness"] == [0.5] * len(WORDS)
    assert row["cross_encoder_scores"][:7] == pytest.approx([None, 5, 6, 2, 1.5, 0.5, 0], abs=1e-3)
    assert row["cross_encoder_scores"][7:] == [None, None]


def test_a_loaded_cross_encoder(rerank: Callable[..., MiningResult], reranker: Path, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    model, out = CrossEncoder(str(reranker), device="cpu"), tmp_path / "out"  # its own activation is the sigmoid
    result = rerank(cross_encoder=model, out=str(out))
    assert chosen(result) == chosen(rerank()) == {"positive": ["second", "outside"]}
    stored = json.loads((out / "settings.json").read_text())
    assert (stored["settings"]["cross_encoder"], stored["cross_encoder"]["name"]) == (None, None)
    assert stored["cross_encoder"]["fingerprint"] == PairScorer(str(reranker)).fingerprint
    with pytest.raises(SettingsError, match="was given as an object"):
        select(out, negatives=1, quiet=True)
    assert select(out, negatives=1, cross_encoder=model, quiet=True).report["cross_encoder"]["pairs_scored"] == 0
    assert chosen(select(out, negatives=1, cross_encoder=None, quiet=True)) == {"positive": ["second"]}


@pytest.mark.parametrize("saved", ["by transformers", "by sentence-transformers"])
def test_a_saved_cross_encoder(saved: str, rerank: Callable[..., MiningResult], reranker: Path, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    if saved == "by sentence-transformers":
        CrossEncoder(str(reranker), device="cpu").save_pretrained(str(tmp_path / "model"))
        reranker = tmp_path / "model"
    assert chosen(rerank(cross_encoder=None, **{"cross_encoder_margin": 3.0})) == {"positive": ["second", "better"]}
    result = rerank(cross_encoder=str(reranker))
    assert chosen(result) == {"positive": ["second", "outside"]}
    assert result.settings.cross_encoder == str(reranker)


def test_models_that_are_no_cross_encoder(
    rerank: Callable[..., MiningResult], model_folder: str, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = cross_encoder_saying(LOGITS, tmp_path / "nli", outputs=2)
    cases = [
        (str(classifier), r"nli has 2 outputs a pair.*Give a reranker"),
        (model_folder, "is a SentenceTransformer, which encodes texts one by one"),
        (str(tmp_path / "nowhere"), r"cross_encoder: .*nowhere does not exist. Give a reranker"),
        (__file__, "is a file, not a model folder"),
        (str(tmp_path), "cannot be loaded"),
        (model, "cross_encoder is a SentenceTransformer; it takes a hub id"),
        (5, "cross_encoder is a int"),
        ("my model!", "neither a folder nor a hub id such as 'cross-encoder/ms-marco-MiniLM-L6-v2'"),
    ]
    for given, message in cases:
        with pytest.raises(ModelError, match=message):
            rerank(cross_encoder=given)
    headless = tmp_path / "headless"
    shutil.copytree(model_folder, headless)
    (headless / "modules.json").unlink()
    with pytest.raises(ModelError, match="is BertModel, which has no trained head"):
        rerank(cross_encoder=str(headless))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"hub cannot be reached.*--cross-encoder PATH"):
        rerank(cross_encoder="cross-encoder/ms-marco-MiniLM-L6-v2")


def test_a_logit_that_is_no_number(rerank: Callable[..., MiningResult], tmp_path: Path) -> None:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(cross_encoder_saying(LOGITS, tmp_path / "model")), device="cpu")
    with torch.no_grad():
        model.model.classifier.bias.fill_(np.nan)
    with pytest.raises(ModelError, match="the logit of query 'query' and document 'positive' is no finite number"):
        rerank(cross_encoder=model)


def test_code_in_a_cross_encoders_folder_is_not_run(
    rerank: Callable[..., MiningResult], reranker: Path, tmp_path: Path
) -> None:
    """Neither that of a model, nor, by a later `select`, because an output folder's settings.json allows it."""
    from sentence_transformers import CrossEncoder

    folder, out, ran = tmp_path / "model", tmp_path / "out", tmp_path / "ran"
    CrossEncoder(str(reranker), device="cpu").save_pretrained(str(folder))
    rerank(cross_encoder=str(folder), out=str(out))
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Evil: ...\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "evil.Evil"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="--trust-remote-code runs it"):
        rerank(cross_encoder=str(folder))
    stored = json.loads((out / "settings.json").read_text())
    stored["settings"]["trust_remote_code"] = True
    (out / "settings.json").write_text(json.dumps(stored))
    with pytest.raises(ModelError, match="--trust-remote-code runs it"):
        select(out, quiet=True)
    assert not ran.exists()


def test_what_cannot_work_is_said_before_anything_is_encoded(rerank: Callable[..., MiningResult]) -> None:
    with pytest.raises(SettingsError, match="are both None"):
        rerank(cross_encoder_margin=None)
    with pytest.raises(SettingsError, match=r"cross_encoder_max_probability is 0.1, but there is no cross_encoder"):
        rerank(cross_encoder=None, cross_encoder_max_probability=0.1)
    for wrong in (0.0, 1.0, -1.0, 2.0):
        with pytest.raises(SettingsError, match="a number between 0 and 1, both excluded"):
            MiningSettings(cross_encoder_max_probability=wrong)
    with pytest.raises(SettingsError, match="cross_encoder_margin is -1"):
        MiningSettings(cross_encoder_margin=-1)


def test_on_the_command_line(reranker: Path, beir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "q.npy", on_circle(0, 90))
    np.save(tmp_path / "d.npy", on_circle(10, 80, 20, 60, 30, 90))
    vectors = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy")]
    out = str(tmp_path / "out")
    flags = ["mine", "--collection", str(beir), *vectors, "--out", out, "--negatives", "1", "--relative-margin", "none"]
    assert main([*flags, "--cross-encoder", str(reranker), "--cross-encoder-margin", "0"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert "of candidates (" in printed.err and f"positives by {reranker}"[:60] in printed.err
    assert main(["select", out, "--cross-encoder", "none", "--quiet"]) == 0
    stored = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert (stored["settings"]["cross_encoder"], stored["cross_encoder"]) == (None, None)
    assert main(["select", out, "--cross-encoder", "./nowhere", "--quiet"]) == 1
    assert "cross_encoder: ./nowhere does not exist" in capsys.readouterr().err
