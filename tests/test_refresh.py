"""Negatives mined again while a model is trained, for real, by the trainer of sentence-transformers."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, on_circle
from foolsgold import Collection, MiningSettings, RefreshNegatives, mine, read_pairs
from foolsgold.errors import CollectionError, FoolsgoldError, ModelError, SettingsError

pytestmark = pytest.mark.filterwarnings("ignore")

N_PAIRS = 16
NAMES = [f"{kind}{n}" for n in range(N_PAIRS) for kind in "qdx"]
FILE = "foolsgold_negatives.parquet"


def static_model(vecs: dict[str, Any]) -> Any:
    """A model of one vector a word, which training moves."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: row for row, word in enumerate(vecs)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=next(iter(words))))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.stack(list(vecs.values())).astype(np.float32)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")


def scattered() -> Any:
    """Sixteen queries, their positives and as many other documents, all anywhere."""
    return static_model(dict(zip(NAMES, np.random.default_rng(0).normal(size=(len(NAMES), 8)), strict=True)))


def settings(**changes: Any) -> MiningSettings:
    return MiningSettings(**{**PLAIN, "relative_margin": None, "negatives": 2, "quiet": True, **changes})


def collection() -> Collection:
    return read_pairs([(f"q{n}", f"d{n}") for n in range(N_PAIRS)], [f"x{n}" for n in range(N_PAIRS)])


def refreshing(changes: dict[str, Any] | None = None, **interval: Any) -> RefreshNegatives:
    return RefreshNegatives(collection(), settings(**changes or {}), **interval)


def trainer_of(model: Any, dataset: Any, folder: Path, callbacks: Any = (), loss: Any = None, **changes: Any) -> Any:
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    options = {
        "num_train_epochs": 3, "per_device_train_batch_size": 4, "learning_rate": 0.2, "use_cpu": True, "report_to": [],
        "save_strategy": "no", "disable_tqdm": True, "seed": 7,
    }  # fmt: skip
    arguments = SentenceTransformerTrainingArguments(str(folder), **{**options, **changes})
    return SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=dataset, loss=loss or MultipleNegativesRankingLoss(model),
        callbacks=list(callbacks),
    )  # fmt: skip


def weights_of(model: Any) -> np.ndarray:
    return np.concatenate([weight.detach().numpy().ravel() for weight in model.parameters()])


def watcher(dataset: Any, seen: dict[int, list[dict[str, str]]]) -> Any:
    """A callback that notes the training rows before each step; it stands behind the one that refreshes."""
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            seen[state.global_step] = list(dataset)

    return Watcher()


def noting_loss(model: Any, trained: list[list[tuple[str, ...]]]) -> Any:
    """The usual loss, which notes the words of the rows it is given."""
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    class Noting(MultipleNegativesRankingLoss):
        def forward(self, sentence_features: Any, labels: Any) -> Any:
            columns = [[NAMES[row] for row in features["input_ids"].tolist()] for features in sentence_features]
            trained.append(list(zip(*columns, strict=True)))
            return super().forward(sentence_features, labels)

    return Noting(model)


def mined_steps(trainer: Any) -> list[int]:
    return [logs["step"] for logs in trainer.state.log_history if "foolsgold/hardness" in logs]


@pytest.mark.parametrize("name", ["n-tuple", "triplet"])
def test_the_first_rows_are_those_that_mine_gives(name: Any) -> None:
    pairs = [(f"q{n}", f"d{n}") for n in range(N_PAIRS)]
    model, chosen = scattered(), settings(format=name)
    dataset = RefreshNegatives(pairs, chosen, every_n_epochs=1).dataset(model)
    expected = mine(pairs, model, chosen).to_dataset()
    assert list(dataset) == list(expected)
    assert dataset.column_names == expected.column_names
    assert list(dataset["positive"]) == list(expected["positive"])


def test_a_negative_that_was_pushed_away_gives_way_to_the_next(tmp_path: Path) -> None:
    """Near the query stands "near", then "far"; training moves "near" to the other side."""
    model = static_model(dict(zip(["q", "d", "near", "far"], on_circle(0, 80, 20, 60), strict=True)))
    refresh = RefreshNegatives(read_pairs([("q", "d")], ["near", "far"]), settings(negatives=1), every_n_steps=10)
    dataset = refresh.dataset(model)
    assert dataset[0] == {"anchor": "q", "positive": "d", "negative": "near"}
    trainer = trainer_of(model, dataset, tmp_path, [refresh], max_steps=11, learning_rate=0.1)
    trainer.train()
    assert dataset[0]["negative"] == "far"
    first, second = (logs for logs in trainer.state.log_history if "foolsgold/hardness" in logs)
    assert first["foolsgold/hardness"] == pytest.approx(np.cos(np.deg2rad(20)))
    assert (second["step"], second["foolsgold/changed"], second["foolsgold/pairs_kept"]) == (10, 1.0, 0.0)
    assert second["foolsgold/yield"] == first["foolsgold/yield"] == 1.0
    assert second["foolsgold/seconds"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interval", "mined"), [({"every_n_epochs": 2}, [0, 8, 16]), ({"every_n_steps": 6}, [0, 6, 12, 18])]
)
def test_rows_have_the_negatives_of_the_latest_mining(interval: Any, mined: list[int], tmp_path: Path) -> None:
    """But for the one batch that accelerate has drawn before, which is not there when an epoch begins."""
    model, refresh = scattered(), refreshing(**interval)
    dataset = refresh.dataset(model)
    rows: dict[int, list[dict[str, str]]] = {}
    trained: list[list[tuple[str, ...]]] = []
    trainer = trainer_of(
        model, dataset, tmp_path, [refresh, watcher(dataset, rows)], noting_loss(model, trained), num_train_epochs=6
    )
    trainer.train()
    assert mined_steps(trainer) == mined
    contents = [{tuple(row.values()) for row in rows[step]} for step in range(24)]
    changes = [step for step in range(1, 24) if contents[step] != contents[step - 1]]
    assert changes == mined[1:]
    for step, batch in enumerate(trained):
        drawn_before = "every_n_steps" in interval and step in mined[1:] and step % 4  # of four steps in an epoch
        assert set(batch) <= contents[step - 1 if drawn_before else step]


@pytest.mark.slow
@pytest.mark.parametrize("interval", [{"every_n_epochs": 1}, {"every_n_steps": 3}])
def test_the_same_seeds_give_the_same_weights_and_negatives(interval: Any, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        model, refresh = scattered(), refreshing({"sampler": "uniform"}, **interval)
        dataset = refresh.dataset(model)
        trainer_of(model, dataset, tmp_path, [refresh]).train()
        found.append((weights_of(model), list(dataset)))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_mining_leaves_random_numbers_modes_and_gradients_as_they_were() -> None:
    import torch

    model = tiny_transformer()
    model.train()
    model[0].eval()  # as if frozen
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    modes = [module.training for module in model.modules()]
    refreshing(every_n_epochs=1).dataset(model)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())


def tiny_transformer() -> Any:
    """A transformer with dropout, of one layer, and random weights."""
    from tempfile import TemporaryDirectory

    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *NAMES]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=16,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        BertModel(config).save_pretrained(folder)
        BertTokenizer(str(Path(folder) / "vocab.txt"), model_max_length=16).save_pretrained(folder)
        body = Transformer(folder)
        return SentenceTransformer(modules=[body, Pooling(body.get_embedding_dimension(), "mean")], device="cpu")


@pytest.mark.slow
def test_a_transformer_is_mined_with_as_it_is_now_and_no_graph_is_exported(tmp_path: Path) -> None:
    """The negatives after training are those that its last weights before the mining give."""
    from foolsgold.encode import SentenceTransformerEncoder

    model, refresh = tiny_transformer(), refreshing(every_n_steps=5)
    encoder = SentenceTransformerEncoder(model, export=False)
    assert (encoder.backend, encoder.backend_reason) == ("torch", "a graph was not wanted")
    dataset = refresh.dataset(model)
    before = list(dataset)
    trainer = trainer_of(model, dataset, tmp_path, [refresh], max_steps=5, save_steps=4, save_strategy="steps")
    trainer.train()
    assert list(dataset) == before  # nothing after the last step
    model_then, again = tiny_transformer(), refreshing(every_n_steps=5)
    dataset = again.dataset(model_then)
    trainer = trainer_of(model_then, dataset, tmp_path, [again], max_steps=6, learning_rate=0.05)
    after_step = snapshots(trainer, 5)
    trainer.train()
    expected = refreshing(every_n_steps=5).dataset(after_step[0])
    assert list(dataset) == list(expected) != before
    assert model_then.training


def snapshots(trainer: Any, step: int) -> list[Any]:
    """Copies of the model as it was after a step, when training is over."""
    import copy

    from transformers import TrainerCallback

    models: list[Any] = []

    class Copying(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == step:
                models.append(copy.deepcopy(kwargs["model"]))

    trainer.add_callback(Copying())
    return models


@pytest.mark.slow
def test_numbers_reach_what_the_trainer_reports_to(tmp_path: Path) -> None:
    from transformers import TrainerCallback

    reported: list[tuple[int, dict[str, float]]] = []

    class Tracker(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "foolsgold/hardness" in logs:
                reported.append((state.global_step, dict(logs)))

    model, refresh = scattered(), refreshing(every_n_epochs=1)
    trainer = trainer_of(model, refresh.dataset(model), tmp_path, [Tracker()])
    refresh.attach(trainer)
    refresh.attach(trainer)  # it is there once
    trainer.train()
    assert [step for step, _ in reported] == mined_steps(trainer) == [0, 4, 8]
    names = ["hardness", "yield", "expected_false_negative_rate", "seconds", "changed", "pairs_kept", "epoch"]
    assert set(reported[1][1]) == {name if name == "epoch" else f"foolsgold/{name}" for name in names}


def test_a_pair_that_gets_too_few_keeps_what_it_had(tmp_path: Path) -> None:
    """All documents come nearer to the first query than is allowed; the second one's exchange places."""
    from transformers import TrainerCallback

    names = ["p", "q", "dp", "dq", "a", "b"]
    vecs = dict(zip(names, on_circle(0, 180, 70, 110, 80, 100), strict=True))

    class Moving(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            import torch

            with torch.no_grad():
                next(kwargs["model"].parameters()).copy_(torch.tensor(on_circle(0, 140, 20, 30, 60, 50)))

    model = static_model(vecs)
    refresh = RefreshNegatives(
        read_pairs([("p", "dp"), ("q", "dq")], ["a", "b"]), settings(negatives=1, max_score=0.45), every_n_steps=1
    )
    dataset = refresh.dataset(model)
    assert list(dataset["negative"]) == ["a", "b"]
    trainer = trainer_of(model, dataset, tmp_path, [Moving(), refresh], max_steps=2, num_train_epochs=2)
    trainer.train()
    assert list(dataset["negative"]) == ["a", "a"]
    logs = next(logs for logs in trainer.state.log_history if logs["step"] == 1)
    assert (logs["foolsgold/pairs_kept"], logs["foolsgold/changed"], logs["foolsgold/yield"]) == (1, 0.5, 0.5)


@pytest.mark.slow
def test_resuming_between_epochs_gives_the_weights_of_a_training_without_a_break(tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(every_n_epochs=1)
    dataset = refresh.dataset(model)
    trainer_of(model, dataset, tmp_path, [refresh], save_strategy="epoch").train()
    again, refresh = scattered(), refreshing(every_n_epochs=1)
    resumed = refresh.dataset(again)
    trainer = trainer_of(again, resumed, tmp_path, [refresh], save_strategy="epoch")
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert np.array_equal(weights_of(again), weights_of(model))
    assert list(resumed) == list(dataset)
    assert mined_steps(trainer) == [0, 4, 8]


@pytest.mark.slow
@pytest.mark.parametrize("interval", [{"every_n_epochs": 1}, {"every_n_steps": 5}])
def test_resuming_amid_an_epoch_reads_the_negatives_of_the_checkpoint(interval: Any, tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(**interval)
    trainer_of(model, refresh.dataset(model), tmp_path, [refresh], save_strategy="steps", save_steps=6).train()
    checkpoint = tmp_path / "checkpoint-6"
    saved = pq.read_table(checkpoint / FILE)
    again, refresh = scattered(), refreshing(**interval)
    dataset = refresh.dataset(again, checkpoint=checkpoint)
    texts = dict(zip(collection().doc_ids.to_pylist(), collection().document_texts(), strict=True))
    expected = [[texts[doc_id] for doc_id in doc_ids] for doc_ids in saved["doc_ids"].to_pylist()]
    rows: dict[int, list[dict[str, str]]] = {}
    trainer = trainer_of(again, dataset, tmp_path, [refresh, watcher(dataset, rows)])
    trainer.train(resume_from_checkpoint=str(checkpoint))
    assert [[row["negative_1"], row["negative_2"]] for row in rows[6]] == expected
    assert np.array_equal(weights_of(again), weights_of(model))
    assert mined_steps(trainer) == ([0, 4, 8] if "every_n_epochs" in interval else [0, 5, 10])


@pytest.mark.slow
def test_resuming_without_the_file_mines_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, refresh = scattered(), refreshing(every_n_steps=100)
    trainer_of(model, refresh.dataset(model), tmp_path, [refresh], save_strategy="steps", save_steps=6).train()
    (tmp_path / "checkpoint-6" / FILE).unlink()
    again, refresh = scattered(), refreshing(every_n_steps=100)
    trainer = trainer_of(again, refresh.dataset(again), tmp_path, [refresh])
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert mined_steps(trainer) == [0, 6]
    assert "negatives are mined again" in caplog.text


@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit(tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(every_n_steps=100)
    trainer_of(model, refresh.dataset(model), tmp_path, [refresh], save_strategy="steps", save_steps=6).train()
    checkpoint = tmp_path / "checkpoint-6"
    fewer = RefreshNegatives([("q1", "d1"), ("q2", "d2")], settings(negatives=1), every_n_steps=1)
    with pytest.raises(CollectionError, match="names ids that the collection does not have"):
        fewer.dataset(model, checkpoint=checkpoint)
    with pytest.raises(SettingsError, match="trained with 2 negatives a pair, and negatives is 3"):
        refreshing({"negatives": 3}, every_n_steps=1).dataset(model, checkpoint=checkpoint)
    with pytest.raises(CollectionError, match="is not what RefreshNegatives writes"):
        refresh.dataset(model, checkpoint=tmp_path)
    table = pq.read_table(checkpoint / FILE)
    pq.write_table(table.slice(1), checkpoint / FILE)
    trainer = trainer_of(model, refresh.dataset(model), tmp_path, [refresh])
    with pytest.raises(CollectionError, match=r"other pairs .* refresh.dataset\(model, checkpoint="):
        trainer.train(resume_from_checkpoint=str(checkpoint))


@pytest.mark.slow
def test_a_second_training_begins_with_negatives_of_its_own(tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(every_n_epochs=2)
    dataset = refresh.dataset(model)
    trainer = trainer_of(model, dataset, tmp_path, [refresh])
    trainer.train()
    expected = list(refreshing(every_n_epochs=2).dataset(model))
    rows: dict[int, list[dict[str, str]]] = {}
    trainer.add_callback(watcher(dataset, rows))
    trainer.train()
    assert rows[0] == expected


@pytest.mark.slow
def test_parts_and_mixtures_of_the_dataset_are_refreshed_too(tmp_path: Path) -> None:
    """A shuffled selection, beside another dataset, with a loss for each and a sampler that reads rows."""
    from datasets import Dataset
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    model, refresh = scattered(), refreshing(every_n_epochs=1)
    dataset = refresh.dataset(model)
    part = dataset.shuffle(seed=1).select(range(8))
    before = list(part)
    other = Dataset.from_dict({"anchor": ["q1"] * 4, "positive": ["d1"] * 4})
    trained: list[list[tuple[str, ...]]] = []
    loss = {"mined": noting_loss(model, trained), "other": MultipleNegativesRankingLoss(model)}
    trainer = trainer_of(
        model, {"mined": part, "other": other}, tmp_path, [refresh], loss, batch_sampler="no_duplicates"
    )
    trainer.train()
    assert len(trained) >= 3
    assert set(trained[-1]) <= {tuple(row[name] for name in dataset.column_names) for row in part}
    assert [row["anchor"] for row in part] == [row["anchor"] for row in before]
    assert list(part) != before


def test_each_mining_is_written_where_out_is_given(tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing({"out": str(tmp_path / "mined")}, every_n_steps=5)
    trainer_of(model, refresh.dataset(model), tmp_path / "model", [refresh], max_steps=6).train()
    assert sorted(path.name for path in (tmp_path / "mined").iterdir()) == ["step-0", "step-5"]
    assert (tmp_path / "mined" / "step-5" / "report.json").is_file()


@pytest.mark.slow
def test_processes_that_load_data_have_the_negatives_of_their_epoch(tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(every_n_epochs=1)
    dataset = refresh.dataset(model)
    rows: dict[int, list[dict[str, str]]] = {}
    trained: list[list[tuple[str, ...]]] = []
    trainer_of(
        model, dataset, tmp_path, [refresh, watcher(dataset, rows)], noting_loss(model, trained),
        dataloader_num_workers=2,
    ).train()  # fmt: skip
    assert rows[0] != rows[4] != rows[8]
    for step, batch in enumerate(trained):
        assert set(batch) <= {tuple(row.values()) for row in rows[step]}


IN_TWO_PROCESSES = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import test_refresh as t
import torch
from sentence_transformers import SentenceTransformerTrainingArguments

folder = Path(sys.argv[2])
arguments = SentenceTransformerTrainingArguments(str(folder / "model"), use_cpu=True)
rank = arguments.process_index
model = t.scattered()
refresh = t.refreshing({"out": str(folder / f"mined-by-{rank}")}, every_n_epochs=1)
dataset = refresh.dataset(model)
first = list(dataset)
trainer = t.trainer_of(model, dataset, folder / "model", [refresh])
trainer.train()
assert list(dataset) != first
found = [t.mined_steps(trainer), list(dataset), t.weights_of(model).tolist()]
(folder / f"found-by-{rank}").write_text(repr(found), encoding="utf-8")
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_one_process_of_several_mines_for_all(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", IN_TWO_PROCESSES, str(Path(__file__).parent), str(tmp_path)]
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [subprocess.Popen(command, env={**common, "RANK": rank, "LOCAL_RANK": rank}) for rank in "01"]
    try:
        assert [process.wait(timeout=300) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    found = [(tmp_path / f"found-by-{rank}").read_text("utf-8") for rank in range(2)]
    assert found[0] == found[1]
    assert found[0].startswith("[[0, 2, 4]")
    assert sorted(path.name for path in tmp_path.glob("mined-by-*/*")) == ["step-0", "step-2", "step-4"]
    assert not (tmp_path / "mined-by-1").exists()


@pytest.mark.parametrize(
    ("changes", "interval", "message"),
    [
        ({}, {}, "neither is given; give one of them"),
        ({}, {"every_n_steps": 5, "every_n_epochs": 1}, "both are given"),
        ({}, {"every_n_steps": 0}, "every_n_steps is 0; it takes a whole number of at least 1"),
        ({}, {"every_n_epochs": 0.5}, "every_n_epochs is 0.5"),
        ({}, {"every_n_epochs": True}, "every_n_epochs is True"),
        ({"format": "labeled-pair"}, {"every_n_epochs": 1}, "can be refreshed in 'n-tuple' or 'triplet'"),
        ({"format": "triplet", "short_rows": "keep"}, {"every_n_epochs": 1}, "short_rows='keep' cannot be refreshed"),
        ({"precision": "int8"}, {"every_n_epochs": 1}, "precision is 'int8'"),
        ({"num_workers": 2}, {"every_n_epochs": 1}, "num_workers is 2"),
    ],
)
def test_what_cannot_be_refreshed(changes: Any, interval: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        refreshing(changes, **interval)


def test_settings_and_models_that_are_none() -> None:
    with pytest.raises(SettingsError, match=r"settings is a dict; it takes MiningSettings"):
        RefreshNegatives([("q", "d")], {}, every_n_epochs=1)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"model is a str; .* must be a SentenceTransformer"):
        refreshing(every_n_epochs=1).dataset("offline")  # type: ignore[arg-type]
    with pytest.raises(CollectionError, match="no pair got its 2 negatives"):
        refreshing({"max_score": -0.99}, every_n_epochs=1).dataset(scattered())


@pytest.mark.slow
def test_a_dataset_that_is_not_the_one_handed_out(tmp_path: Path) -> None:
    from datasets import Dataset

    model, refresh = scattered(), refreshing(every_n_epochs=1)
    own = Dataset.from_dict({"anchor": ["q1"], "positive": ["d1"], "negative": ["d2"]})
    with pytest.raises(SettingsError, match=r"no training dataset was made. Call refresh.dataset\(model\)"):
        trainer_of(model, own, tmp_path, [refresh]).train()
    refresh.dataset(model)
    for copy in (own, Dataset.from_list(list(refresh.dataset(model)))):
        trainer = trainer_of(model, copy, tmp_path)
        with pytest.raises(SettingsError, match="train_dataset is not what refresh.dataset"):
            refresh.attach(trainer)
        with pytest.raises(SettingsError, match="train_dataset is not what refresh.dataset"):
            trainer_of(model, copy, tmp_path, [refresh]).train()


def with_prompts(rows: Any) -> Any:
    return rows.map(lambda row: {"anchor": f"find {row['anchor']}"})


@pytest.mark.parametrize("rewrite", [with_prompts, lambda rows: rows.shuffle(seed=1).flatten_indices()])
def test_a_dataset_that_holds_texts_instead_of_row_numbers(rewrite: Any, tmp_path: Path) -> None:
    model, refresh = scattered(), refreshing(every_n_epochs=1)
    rewritten = rewrite(refresh.dataset(model))
    with pytest.raises(SettingsError, match=r"rewritten by map or flatten_indices.* prompts="):
        rewritten[0]
    with pytest.raises(SettingsError, match="rewritten by map or flatten_indices"):
        trainer_of(model, rewritten, tmp_path, [refresh]).train()


def test_a_dataset_without_the_columns_it_had(tmp_path: Path) -> None:
    from datasets import DatasetDict

    model, refresh = scattered(), refreshing(every_n_epochs=1)
    dataset = refresh.dataset(model)
    for changed, missing in (
        (dataset.rename_column("anchor", "query"), "anchor"),
        (dataset.remove_columns("positive"), "positive"),
        (dataset.remove_columns(["negative_1", "negative_2"]), "negative_1"),
    ):
        for given in (changed, DatasetDict({"one": dataset, "other": changed})):
            with pytest.raises(
                SettingsError, match=f"train_dataset has no column '{missing}' any more; those there are: "
            ):
                refresh._check_dataset(given)
    trainer = trainer_of(model, dataset.rename_column("anchor", "query"), tmp_path)
    with pytest.raises(SettingsError, match="no column 'anchor' any more"):
        refresh.attach(trainer)
    refresh.attach(trainer_of(model, dataset.remove_columns("negative_1"), tmp_path))


@pytest.mark.parametrize(
    ("interval", "arguments", "message"),
    [
        ("every_n_steps", {"dataloader_num_workers": 1}, "dataloader_num_workers is 1"),
        (
            "every_n_epochs",
            {"dataloader_num_workers": 1, "dataloader_persistent_workers": True},
            "dataloader_persistent_workers is True",
        ),
        ("every_n_epochs", {"batch_sampler": "no_duplicates_hashed"}, "batch_sampler is 'no_duplicates_hashed'"),
    ],
)
def test_a_trainer_that_would_not_see_new_negatives(
    interval: str, arguments: Any, message: str, tmp_path: Path
) -> None:
    pytest.importorskip("xxhash")
    model, refresh = scattered(), refreshing(**{interval: 1})
    with pytest.raises(FoolsgoldError, match=message):
        trainer_of(model, refresh.dataset(model), tmp_path, [refresh], **arguments).train()
