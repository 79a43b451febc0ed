from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import foolsgold
from conftest import PLAIN, heed_ctrl_c, on_circle
from foolsgold import MiningSettings, PrecomputedVectors, mine, read_beir, read_pairs, select
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.output import OutputFolder

# six documents of `beir`, by angle to the query at 0
ANGLES = (10.0, 80, 20, 60, 30, 90)
VECTORS = PrecomputedVectors(on_circle(0, 90), on_circle(*ANGLES))


def settings(out: Path | None = None, **changes: Any) -> MiningSettings:
    values = {**PLAIN, "negatives": 2, "quiet": True, "out": None if out is None else str(out), **changes}
    return MiningSettings(**values)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_output_folder(beir: Path, tmp_path: Path) -> None:
    result = mine(beir, VECTORS, settings(tmp_path / "out"))
    assert set(contents(tmp_path / "out")) == {
        "candidates.parquet", "negatives.parquet", "report.html", "report.json", "settings.json",
        "suspected_positives.parquet", "train.jsonl",
    }  # fmt: skip
    candidates = pq.read_table(tmp_path / "out" / "candidates.parquet").to_pylist()
    assert candidates[0]["doc_ids"] == ["d1", "d3", "d5", "d4", "d2", "d6"]
    assert candidates[0]["scores"] == pytest.approx(np.cos(np.deg2rad([10, 20, 30, 60, 80, 90])), abs=1e-6)
    assert (candidates[0]["positive_ids"], candidates[0]["sources"]) == (["d1"], ["dense"] * 6)
    negatives = pq.read_table(tmp_path / "out" / "negatives.parquet")
    assert negatives.equals(result.negatives)
    # d3 at 20 degrees lies within the margin (cos 20 = .94 > .95 * cos 10); d5 was judged not relevant
    chosen = [(row["query_id"], row["doc_id"], row["rank"], row["source"]) for row in negatives.to_pylist()]
    assert chosen[:2] == [("q1", "d5", 2, "dense"), ("q1", "d4", 3, "dense")]
    stored = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert stored["settings"]["negatives"] == 2
    assert stored["collection"]["source"]["folder"] == str(beir.resolve())
    assert "numpy" in stored["versions"]


def test_without_a_folder_nothing_is_written(beir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    kept = mine(beir, VECTORS, settings())
    assert kept.negatives.equals(mine(beir, VECTORS, settings(tmp_path / "out")).negatives)
    assert list((tmp_path / "here").iterdir()) == []


def test_voyager_gives_the_same_and_reports_its_recall(beir: Path) -> None:
    exact, voyager = (mine(beir, VECTORS, settings(index=index)) for index in ("exact", "voyager"))
    assert voyager.negatives.equals(exact.negatives)
    assert (voyager.report["search"]["recall"], voyager.report["search"]["recall_sample_queries"]) == (1.0, 2)
    assert "recall    1.000" in voyager.summary()


RUN = """
import sys
import numpy as np
from foolsgold import MiningSettings, PrecomputedVectors, mine, read_pairs
rng = np.random.default_rng(0)
docs = rng.standard_normal((1500, 48)).astype(np.float32)
docs[700:] = docs[:800]  # ties
queries = docs[:300] + 0.5 * rng.standard_normal((300, 48)).astype(np.float32)
collection = read_pairs([(f"query {n}", f"text {n}") for n in range(300)], [f"text {n}" for n in range(1500)])
out, block_size, *samplers = sys.argv[1:]
for sampler in samplers:
    settings = MiningSettings(out=f"{out}/{sampler}", block_size=int(block_size), sampler=sampler, short_rows="random",
                              random_ratio=0.25, depth=30, relative_margin=0.3, index="exact", cache=None, quiet=True)
    mine(collection, PrecomputedVectors(queries, docs), settings)
"""


@pytest.mark.slow
def test_the_same_bytes_whatever_hash_seed_threads_and_blocks(tmp_path: Path) -> None:
    samplers = ("top", "uniform", "softmax", "simans")
    outputs: dict[str, list[list[bytes]]] = {sampler: [] for sampler in samplers}
    for number, (hash_seed, threads, block_size) in enumerate([("0", "1", 1024), ("1", "2", 7), ("2", "4", 100)]):
        out = tmp_path / str(number)
        variables = {"PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        out.mkdir()
        run = [sys.executable, "-c", RUN, str(out), str(block_size), *samplers]
        subprocess.run(run, check=True, env={**os.environ, **variables})
        for sampler in samplers:
            files = contents(out / sampler)
            outputs[sampler].append(
                [files[name] for name in ("candidates.parquet", "negatives.parquet", "train.jsonl")]
            )
    for first, *others in outputs.values():
        assert len(first[2].splitlines()) > 200
        assert others == [first, first]


def test_blocks_may_span_the_groups_of_the_candidates_file(tmp_path: Path) -> None:
    n = 1100  # the file has groups of 1,024 queries
    collection = read_pairs([(f"query {i}", f"text {i}") for i in range(n)], [f"text {i}" for i in range(n)])
    vectors = np.random.default_rng(0).standard_normal((n, 8)).astype(np.float32)
    first, *others = (
        mine(collection, PrecomputedVectors(vectors, vectors), settings(tmp_path / str(size), depth=5, block_size=size))
        for size in (1024, 300, 2000)
    )
    assert first.negatives.num_rows == 2 * n
    assert all(other.negatives.equals(first.negatives) for other in others)


@pytest.mark.parametrize("source", ["folder", "pairs"])
def test_select_chooses_what_mine_would_have(beir: Path, tmp_path: Path, source: str) -> None:
    pairs = read_pairs([("red flower", "red rose"), ("blue thing", "blue sky")], read_beir(beir).document_texts())
    collection = beir if source == "folder" else pairs
    vectors = VECTORS if source == "folder" else PrecomputedVectors(on_circle(0, 90), on_circle(*ANGLES, 5, 85))
    mine(collection, vectors, settings(tmp_path / "a"))
    changes = {"negatives": 1, "relative_margin": 0.3, "sampler": "uniform", "format": "triplet"}
    again = select(tmp_path / "a", out=str(tmp_path / "b"), **changes)
    expected = mine(collection, vectors, settings(tmp_path / "c", **changes))
    assert again.negatives.equals(expected.negatives)
    left, right = contents(tmp_path / "b"), contents(tmp_path / "c")
    assert set(left) == set(right)
    for name in set(left) - {"report.json", "report.html", "settings.json"}:
        assert left[name] == right[name], name
    # and once more, from what select wrote, in place; the old training file goes
    select(tmp_path / "b", file_type="parquet", quiet=True)
    assert "train.jsonl" not in contents(tmp_path / "b")
    assert pq.read_table(tmp_path / "b" / "train.parquet").num_rows == len(right["train.jsonl"].splitlines())


def test_select_refuses_what_cannot_be_chosen_again(beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine(beir, VECTORS, settings(out))
    before = contents(out)
    with pytest.raises(SettingsError, match="depth cannot be changed by select"):
        select(out, depth=50)
    with pytest.raises(SettingsError, match="Raise depth to 200"):
        select(out, max_rank=200)
    with pytest.raises(SettingsError, match=r"nowhere does not exist"):
        select(tmp_path / "nowhere")
    with (beir / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d7", "text": "new"}\n')
    with pytest.raises(CollectionError, match="has changed since"):
        select(out, negatives=1)
    beir.rename(tmp_path / "moved")
    with pytest.raises(CollectionError, match="no longer where it was mined from"):
        select(out, negatives=1)
    assert contents(out) == before


def test_select_finds_a_collection_that_was_moved(beir: Path, tmp_path: Path) -> None:
    mine(beir, VECTORS, settings(tmp_path / "out"))
    beir.rename(tmp_path / "moved")
    result = select(tmp_path / "out", collection=tmp_path / "moved", negatives=1)
    assert result.report["negatives"]["total"] == 2
    assert select(tmp_path / "out", quiet=True).negatives.equals(result.negatives)  # and remembers where it is


def test_select_reads_as_the_collection_was_read(beir: Path, tmp_path: Path) -> None:
    with (beir / "corpus.jsonl").open("a") as file:
        file.write("{oops\n")
    mine(read_beir(beir, on_bad_line="skip"), VECTORS, settings(tmp_path / "out"))
    assert select(tmp_path / "out", negatives=1, quiet=True).report["collection"]["bad_lines_skipped"] == 1


def test_damaged_output_is_said(beir: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first", tmp_path / "out"
    for folder in (first, out):
        mine(beir, VECTORS, settings(folder))
    (out / "candidates.parquet").write_bytes(b"half a fi")
    with pytest.raises(CollectionError, match="not a readable candidates file"):
        select(out)
    pq.write_table(pq.read_table(first / "candidates.parquet").slice(1), out / "candidates.parquet")
    with pytest.raises(CollectionError, match="1 rows for 2 queries"):
        select(out)
    (out / "candidates.parquet").unlink()
    with pytest.raises(CollectionError, match=r"has no candidates.parquet"):
        select(out)
    stored = json.loads((out / "settings.json").read_text())
    for damage in ({**stored, "collection": None}, {**stored, "settings": {"negatives": "x"}}, {}):
        (out / "settings.json").write_text(json.dumps(damage))
        with pytest.raises(CollectionError, match="not what foolsgold writes"):
            select(out)
    (out / "settings.json").write_text("{")
    with pytest.raises(CollectionError, match="not what foolsgold writes"):
        select(out)


def test_a_folder_that_holds_something_else_is_left_alone(beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("precious")
    with pytest.raises(SettingsError, match=r"holds something else \(thesis.tex\)"):
        mine(beir, VECTORS, settings(out))
    with pytest.raises(SettingsError, match="is a file"):
        mine(beir, VECTORS, settings(out / "thesis.tex"))
    assert contents(out) == {"thesis.tex": b"precious"}


def test_earlier_output_survives_an_error_and_is_replaced_by_a_good_run(beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine(beir, VECTORS, settings(out))
    before = contents(out)
    wrong = PrecomputedVectors(on_circle(0), on_circle(*ANGLES))
    with pytest.raises(foolsgold.FoolsgoldError):
        mine(beir, wrong, settings(out))
    assert contents(out) == before
    mine(beir, VECTORS, settings(out, negatives=1))
    assert contents(out)["negatives.parquet"] != before["negatives.parquet"]


def test_a_failed_first_run_leaves_no_folder(beir: Path, tmp_path: Path) -> None:
    with pytest.raises(foolsgold.FoolsgoldError):
        mine(beir, PrecomputedVectors(on_circle(0), on_circle(*ANGLES)), settings(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_one_run_at_a_time_and_what_a_killed_run_left_is_removed(beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = out / ".foolsgold-partial"
    killed = (
        "import os, sys; from foolsgold.output import OutputFolder; OutputFolder(sys.argv[1]).__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(out)], check=False)
    (left / "train.jsonl").touch()
    with OutputFolder(out):
        assert not (left / "train.jsonl").exists()
        with pytest.raises(SettingsError, match="another run is writing to"):
            mine(beir, VECTORS, settings(out))
    mine(beir, VECTORS, settings(out))
    assert not left.exists()


PAIRS = [("red flower", "red rose"), ("blue thing", "blue sky")]
PAIR_VECTORS = PrecomputedVectors(on_circle(0, 90), on_circle(50, 60, 10, 80))


@pytest.mark.parametrize("when", range(1, 13))
def test_publishing_is_all_or_nothing(when: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after any of the moves, the last ones included."""
    out = tmp_path / "out"
    mine(read_pairs(PAIRS, ["x", "y"]), PAIR_VECTORS, settings(out))
    before = contents(out)
    replace, calls = os.replace, []

    def interrupted(source: Any, target: Any) -> None:
        replace(source, target)
        calls.append(target)
        if len(calls) == when:  # six earlier things go aside, six new ones come
            raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mine(read_pairs(PAIRS, ["x", "z"]), PAIR_VECTORS, settings(out, negatives=1))
    monkeypatch.undo()
    assert contents(out) == before


KILLED = """
import os, sys
import test_mine as t
replace, calls = os.replace, []
def killed(source, target):
    replace(source, target)
    calls.append(target)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
os.replace = killed
t.mine(t.read_pairs(t.PAIRS, ["x", "z"]), t.PAIR_VECTORS, t.settings(sys.argv[1], negatives=1, format="triplet",
                                                                     file_type="parquet"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", [1, 4, 6, 7, 9, 12, 14, 16, 18])
def test_a_run_killed_while_publishing_is_undone_by_the_next(when: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine(read_pairs(PAIRS, ["x", "y"]), PAIR_VECTORS, settings(out))
    before = contents(out)
    tests = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.run([sys.executable, "-c", KILLED, str(out), str(when)], env=tests, check=False)
    assert run.returncode == -signal.SIGKILL
    with OutputFolder(out):
        pass
    if when < 18:
        assert contents(out) == before
    else:  # killed after the last move: the new result is whole
        assert select(out, quiet=True).report["negatives"]["total"] == 2


def test_mining_a_results_own_collection_again_keeps_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(50, 60, 10, 80))
    mine(read_pairs([("red", "rose"), ("blue", "sky")], ["x", "y"]), vectors, settings(out))
    mine(out / "collection", vectors, settings(out, negatives=1))
    assert (out / "collection" / "corpus.parquet").is_file()
    assert select(out, quiet=True).report["negatives"]["total"] == 2


def test_a_collection_made_in_python_can_be_given_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    collection = read_pairs([("red", "rose"), ("blue", "sky")], ["x", "y"])
    mine(collection, PrecomputedVectors(on_circle(0, 90), on_circle(50, 60, 10, 80)), settings(out))
    (out / "collection").rename(tmp_path / "moved")
    with pytest.raises(CollectionError, match="name it with"):
        select(out, quiet=True)
    for target in (tmp_path / "elsewhere", out):
        select(out, collection=collection, quiet=True, out=str(target))
        assert select(target, quiet=True).report["negatives"]["total"] == 4
    select(out, collection=tmp_path / "moved", quiet=True)
    assert select(out, quiet=True).report["negatives"]["total"] == 4


@pytest.mark.skipif(sys.platform == "win32", reason="file-size limits are POSIX")
def test_a_full_disk(beir: Path, tmp_path: Path) -> None:
    """A limit on file sizes is the full disk that needs no mount: writing fails in the middle of a file."""
    out = tmp_path / "out"
    mine(beir, VECTORS, settings(out))
    before = contents(out)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OutputError, match="writing to .* failed .* earlier output is untouched"):
            mine(beir, VECTORS, settings(out, negatives=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(out) == before


@pytest.mark.slow
def test_ctrl_c_leaves_earlier_output_and_no_parts(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys, time
        import numpy as np
        from foolsgold import MiningSettings, mine

        class Slow:
            def encode_documents(self, texts):
                print("encoding", flush=True)
                time.sleep(60)
            encode_queries = encode_documents

        mine([("a", "b"), ("c", "d")], Slow(), MiningSettings(negatives=1, out=sys.argv[1], quiet=True))
        """)
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"encoding\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    process.stdout.close()
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "loss"),
    [("triplet", "MultipleNegativesRankingLoss"), ("n-tuple", "MultipleNegativesRankingLoss"),
     ("labeled-pair", "ContrastiveLoss")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_sentence_transformers_trains_on_it(format: Any, loss: str, model_folder: str, tmp_path: Path) -> None:
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer import losses

    model = SentenceTransformer(model_folder, device="cpu")
    pairs = [(f"what is number {n}?", f"number {n} is {n * n} squared") for n in range(20)]
    dataset = mine(pairs, model, settings(format="triplet")).to_dataset(format)
    assert len(dataset) > 8
    before = model.encode("what is number 3?")
    arguments = SentenceTransformerTrainingArguments(
        str(tmp_path), max_steps=1, per_device_train_batch_size=4, learning_rate=1e-3, use_cpu=True, report_to=[],
        warmup_steps=0, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=dataset, loss=getattr(losses, loss)(model)
    )
    assert np.isfinite(trainer.train().training_loss)
    assert not np.allclose(before, model.encode("what is number 3?"))
