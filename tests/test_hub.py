"""Training data pushed over HTTP to a server that speaks the hub's protocol (of its uploads LFS, not Xet)."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import (
    MiningResult,
    MiningSettings,
    PrecomputedVectors,
    hub,
    mine,
    push_negatives,
    read_files,
    read_pairs,
)
from foolsgold.cli import main
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.export import STORED_COLUMNS, stored_rows
from hub_server import TOKEN, HubServer, hub_server

# The hub's library sends files to storage in a way that its HTTP client has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
NASTY = '<script>alert("1")</script> | *bold* [x](http://evil.example) `code` \n# head\u202e {{ x }} ---'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as running:
        constants = {
            "ENDPOINT": running.url, "HF_HUB_DISABLE_XET": True, "HF_HUB_OFFLINE": False,
            "HUGGINGFACE_CO_URL_TEMPLATE": running.url + "/{repo_id}/resolve/{revision}/{filename}",
        }  # fmt: skip
        for name, value in constants.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running


def mined(folder: Path, out: Path | None = None, **changes: Any) -> MiningResult:
    """Two queries; by angle, q1 has d1 at 0, its positive, d2 at 40, d3 at 30; q2 has d2."""
    texts = ["red rose", NASTY, "草 & „rot“", "azure"]
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "corpus.jsonl", [{"_id": f"d{n}", "text": text} for n, text in enumerate(texts, 1)])
    write_jsonl(folder / "queries.jsonl", [{"_id": "q1", "text": "red?"}, {"_id": "q2", "text": "blue?"}])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td4\t1\n", encoding="utf-8")
    collection = read_files(folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels.tsv")
    settings = {**PLAIN, "negatives": 1, "quiet": True, "out": None if out is None else str(out), **changes}
    return mine(collection, PrecomputedVectors(on_circle(0, 80), on_circle(0, 40, 30, 81)), MiningSettings(**settings))


def rows_in(content: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


def test_data_and_card_arrive_in_one_commit(server: HubServer, tmp_path: Path) -> None:
    result = mined(tmp_path / "c")
    assert result.push_to_hub("me/flowers", language="en") == f"{server.url}/datasets/me/flowers"
    (commit,) = server.commits
    assert sorted(commit["files"]) == ["README.md", "data/train-00000-of-00001.parquet"]
    assert commit["message"] == "2 rows with hard negatives, split train"
    assert rows_in(commit["files"]["data/train-00000-of-00001.parquet"]) == list(result.to_dataset())
    assert server.private == {"me/flowers": True}


def test_datasets_loads_it_as_the_card_says(server: HubServer, tmp_path: Path) -> None:
    from datasets import load_dataset

    result = mined(tmp_path / "c")
    for split in ("train", "dev"):
        result.push_to_hub("me/flowers", split=split)
    for path, content in server.datasets["me/flowers"].items():
        (tmp_path / "flowers" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "flowers" / path).write_bytes(content)
    loaded: Any = load_dataset(str(tmp_path / "flowers"), split="train", cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == list(result.to_dataset())


def test_the_card_holds_the_report(server: HubServer, tmp_path: Path) -> None:
    result = mined(tmp_path / "c", query_prompt=None, min_rank_without_positive=7)
    result.push_to_hub("me/flowers", "triplet", language=["en", "zh"])
    card = DatasetCard(server.datasets["me/flowers"]["README.md"].decode())
    assert card.data.to_dict() == {
        "language": ["en", "zh"],
        "tags": ["sentence-transformers", "hard-negatives", "foolsgold"],
        "task_categories": ["sentence-similarity", "text-retrieval"],
        "size_categories": ["n<1K"],
        "pretty_name": "flowers",
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
    }
    for line in (
        "2 negatives for 2 (query, positive) pairs, mined by foolsgold among 4 documents for 2 queries. 2 rows of the "
        "form `triplet`, with the columns `anchor`, `positive`, `negative`.",
        'dataset = load_dataset("me/flowers", split="train")'.replace('"', "'"),
        "| yield: queries that got all negatives, for a positive | 100.0% |",
        f"| hardness: mean similarity of query and negative | {result.hardness:.3f} |",
        "| expected false-negative rate |",
        "| leak test | not measurable: no query has two positives",
        "| chosen | 2 |",
        f"| all | {result.report['candidates']['total']} |",
        f"| fingerprint of the collection | `{result.collection.fingerprint}` |",
        f"| fingerprint of the model | `{result.about['encoder']['fingerprint']}` |",
        "min_rank_without_positive=7",
        "result = foolsgold.mine(collection, vectors, settings)",
    ):
        assert line in card.text


def test_texts_stand_in_the_card_as_text(server: HubServer, tmp_path: Path) -> None:
    mined(tmp_path / "c").push_to_hub("me/flowers")
    card = server.datasets["me/flowers"]["README.md"].decode()
    row = next(line for line in card.splitlines() if line.startswith("| blue"))
    assert row.count(" | ") == 2
    assert (
        '\\<script\\>alert\\(\\"1\\"\\)\\<\\/script\\> \\| \\*bold\\* \\[x\\]\\(http\\:\\/\\/evil\\.example\\)' in row
    )
    assert "\n# head" not in card and "\u202e" not in card


def test_the_leak_test_with_its_interval(tmp_path: Path, server: HubServer, static_encoder: Any) -> None:
    words = ["red", "blue", "green", "white", "black", "grey", "brown", "pink", "gold", "teal"]
    things = ["rose", "sky", "grass", "stone", "cloud"]
    pairs = [(f"what is {a} {b}", f"{a} {b} {n}") for a in words for b in things for n in ("one", "two", "three")]
    result = mine(read_pairs(pairs), static_encoder, MiningSettings(negatives=2, quiet=True, cache=None))
    leak = result.report["false_negatives"]["leak_test"]
    assert leak["measurable"]
    result.push_to_hub("me/colours")
    card = server.datasets["me/colours"]["README.md"].decode()
    low, high = leak["leak_ratio_interval"]
    chosen = f"({leak['hidden_positives_chosen']} of {leak['hidden_positives']}; 95% interval)"
    assert f"leak test: positives hidden from the miner that it chose {chosen} | {leak['leak_ratio']:.1%} " in card
    assert f"({low:.1%}–{high:.1%})" in card
    assert "| model | StaticEncoder |" in card


def test_another_split_stays_and_the_same_is_replaced(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = mined(tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(hub, "_SHARD_BYTES", 0)
        result.push_to_hub("me/flowers", split="dev")
    result.push_to_hub("flowers")  # among one's own
    result.push_to_hub("me/flowers", split="dev", private=False)
    assert set(server.datasets) == {"me/flowers"}
    assert set(server.datasets["me/flowers"]) == {
        ".gitattributes", "README.md", "data/dev-00000-of-00001.parquet", "data/train-00000-of-00001.parquet",
    }  # fmt: skip
    card = DatasetCard(server.datasets["me/flowers"]["README.md"].decode())
    assert [one["split"] for one in card.data.configs[0]["data_files"]] == ["dev", "train"]
    assert server.private["me/flowers"]  # as it was made


def test_a_split_of_other_columns_is_refused(server: HubServer, tmp_path: Path) -> None:
    result = mined(tmp_path / "c")
    result.push_to_hub("me/flowers", "triplet")
    before = dict(server.datasets["me/flowers"])
    with pytest.raises(
        SettingsError,
        match="split 'test' is to have the columns query, docs, labels, but split 'train' of me/flowers has anchor, "
        "positive, negative, .* Push to another dataset, or with the format",
    ):
        result.push_to_hub("me/flowers", "labeled-list", split="test")
    assert server.datasets["me/flowers"] == before
    result.push_to_hub("me/flowers", "labeled-list")  # in place of the only split


def test_the_card_counts_given_negatives_that_have_no_place_in_what_was_pushed(server: HubServer) -> None:
    """Two given negatives, and rows of one."""
    collection = read_pairs([("red?", "rose", ["sky", "grass"])], ["sea"])
    mined_as = {**PLAIN, "negatives": 1, "quiet": True}
    vectors = PrecomputedVectors(on_circle(0), on_circle(0, 20, 40, 60))
    triplets = mine(collection, vectors, MiningSettings(**mined_as, format="triplet"))
    tuples = mine(collection, vectors, MiningSettings(**mined_as, format="n-tuple"))
    for result, format, is_said in ((triplets, "triplet", False), (triplets, "n-tuple", True),
                                    (tuples, "n-tuple", True), (tuples, "triplet", False)):  # fmt: skip
        result.push_to_hub("me/flowers", format)
        card = server.datasets["me/flowers"]["README.md"].decode()
        assert ("1 given negatives have no place in rows of n\\-tuple" in card) == is_said
        assert ("have no place" in card) == is_said


def test_many_rows_are_several_files(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = mined(tmp_path / "c")
    monkeypatch.setattr(hub, "_SHARD_BYTES", 0)
    stored = stored_rows(result.stored.batches(STORED_COLUMNS), result.collection)
    blocks = [rows for rows in stored if len(rows.query_rows)]
    assert len(blocks) == 2  # one a query
    address = hub.push(
        blocks, result.collection, result.settings.replace(file_type="parquet"), lambda data: f"{data.n_rows} rows",
        repo_id="me/flowers", split="train", private=None, token=TOKEN, language=None,
    )  # fmt: skip
    assert address.endswith("me/flowers")
    files = server.commits[0]["files"]
    assert files.pop("README.md") == b"2 rows"
    assert list(files) == ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]
    assert [row for content in files.values() for row in rows_in(content)] == list(result.to_dataset())


def test_the_command_pushes_a_folder_and_names_none(
    server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "secret-out"
    result = mined(tmp_path / "secret-collection", out)
    assert main(["export", str(out), "--format", "labeled-list", "--push", "me/flowers", "--public", "--quiet"]) == 0
    assert capsys.readouterr() == (f"{server.url}/datasets/me/flowers\n", "")
    (commit,) = server.commits
    assert rows_in(commit["files"]["data/train-00000-of-00001.parquet"]) == list(result.to_dataset("labeled-list"))
    card = commit["files"]["README.md"].decode()
    assert "secret" not in card and str(tmp_path) not in card and TOKEN not in card
    assert server.private == {"me/flowers": False}
    assert not (out / "train.labeled-list.parquet").exists()
    (out / "report.json").unlink()
    with pytest.raises(CollectionError, match="no readable report.json"):
        push_negatives(out, "me/flowers")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--push", "me/too/long"], "repo_id is 'me/too/long'; it takes owner/name"),
        (["--push", "me/flowers--"], "repo_id is 'me/flowers--'; it takes owner/name"),
        (["--push", "me/flowers", "--out", "x.parquet"], "leave out --out and --file-type"),
        (["--push", "me/flowers", "--file-type", "jsonl"], "leave out --out and --file-type"),
        (["--public"], "--public says how a dataset is made by --push"),
        (
            ["--push", "me/flowers", "--format", "flagembedding"],
            "format 'flagembedding' cannot be a dataset on the hub",
        ),
    ],
)
def test_wrong_use(
    flags: list[str], message: str, server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mined(tmp_path / "c", tmp_path / "out")
    assert main(["export", str(tmp_path / "out"), "--format", "triplet", *flags]) == 2
    assert message in capsys.readouterr().err
    assert not server.datasets


def test_a_split_that_is_no_name(server: HubServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="split is 'a/b'"):
        mined(tmp_path / "c").push_to_hub("me/flowers", split="a/b")


def test_without_a_login(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = mined(tmp_path / "c")
    with pytest.raises(OutputError, match=r"does not let this login write me/flowers \(HTTP 401\)"):
        result.push_to_hub("me/flowers", token="hf_wrong")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(
        OutputError, match=r"nobody is logged in at the hub. Log in with `hf auth login`, or set HF_TOKEN"
    ):
        result.push_to_hub("me/flowers")
    assert not server.datasets


def test_a_token_as_a_file_has_it_works_and_none_that_cannot_be_is_shown(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = mined(tmp_path / "c")
    result.push_to_hub("me/flowers", token=f"{TOKEN}\n")
    for broken in (f"{TOKEN}\n{TOKEN}", f"{TOKEN}é"):
        with pytest.raises(SettingsError, match="the hub token holds a character that no key has") as caught:
            result.push_to_hub("me/flowers", token=broken)
        assert TOKEN not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}é")
    with pytest.raises(SettingsError, match="the hub token holds a character that no key has"):
        result.push_to_hub("me/flowers")
    assert len(server.commits) == 1


def test_what_the_hub_does_not_take(server: HubServer, tmp_path: Path) -> None:
    result = mined(tmp_path / "c")
    with pytest.raises(OutputError, match=r"does not let this login write them/flowers \(HTTP 403\)"):
        result.push_to_hub("them/flowers")
    server.fault = 422
    with pytest.raises(OutputError, match="the hub does not take me/flowers"):
        result.push_to_hub("me/flowers")
    assert not server.commits


def test_without_the_hub(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = mined(tmp_path / "c")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OutputError, match="the hub cannot be reached"):
        result.push_to_hub("me/flowers")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OutputError, match="HF_HUB_OFFLINE forbids|cannot be reached"):
        result.push_to_hub("me/flowers")


def test_the_card_of_a_model_in_a_folder(tmp_path: Path, server: HubServer) -> None:
    from foolsgold.report import PushedData, dataset_card

    result = mined(tmp_path / "c")
    about = json.loads(json.dumps(result.about))
    about["encoder"] |= {"name": "/home/me/private/my-model", "base_url": "http://10.0.0.1/v1"}
    about["settings"] |= {"cross_encoder": "../rerankers/mine", "source": "dense,run:/home/me/x.run", "language": "de"}
    card = dataset_card(result.report, about, PushedData("me/x", "triplet", ["anchor"], 10**6))
    assert DatasetCard(card).data.to_dict()["language"] == "de"
    assert DatasetCard(card).data.to_dict()["size_categories"] == ["1M<n<10M"]
    assert "| model | my\\-model |" in card
    assert "foolsgold.mine(collection, 'my-model', settings)" in card
    assert "cross_encoder='mine'" in card and "source='dense,run:x.run'" in card
    assert not re.search(r"/home/me|\.\./|10\.0\.0\.1", card)


def test_the_card_of_an_endpoint(tmp_path: Path) -> None:
    from foolsgold.report import PushedData, dataset_card

    result = mined(tmp_path / "c")
    about = json.loads(json.dumps(result.about))
    about["encoder"] |= {"kind": "OpenAIEncoder", "name": "my-model", "base_url": "http://10.0.0.1/v1"}
    card = dataset_card(result.report, about, PushedData("me/x", "triplet", ["anchor"], 10))
    assert "foolsgold.mine(collection, 'openai:my-model', settings)" in card
    assert "# with base_url=... of the endpoint" in card and "10.0.0.1" not in card
