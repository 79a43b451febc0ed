"""An embeddings endpoint, asked over HTTP: what it answers, what it refuses, and how it fails."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import write_jsonl
from embeddings_server import Asked, EmbeddingsServer, embeddings_server, vectors
from foolsgold import MiningSettings, OpenAIEncoder, PrecomputedVectors, SimpleMiner, mine, read_beir, read_pairs
from foolsgold.cli import main
from foolsgold.encode.endpoint_requests import MOST_BYTES, requests_of
from foolsgold.errors import FoolsgoldError, MissingExtraError, ModelError, SettingsError, TextError, VectorError

pytest.importorskip("openai")

KEY = "sk-secret-0123456789"
THINGS = "rose sky grass sea tulip stone cloud river bread window".split()
COLOURS = "red blue green white black grey brown pink".split()
TEXTS = [f"{colour} {thing} by the {place}" for colour in COLOURS for thing in THINGS for place in THINGS[:5]]


@pytest.fixture(autouse=True)
def no_key_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[EmbeddingsServer]:
    with embeddings_server() as running:
        yield running


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """400 documents; the query of each tenth is its first two words."""
    folder = tmp_path / "collection"
    folder.mkdir()
    write_jsonl(folder / "corpus.jsonl", [{"_id": f"d{n}", "text": text} for n, text in enumerate(TEXTS)])
    asked = range(0, len(TEXTS), 10)
    queries = [{"_id": f"q{n}", "text": " ".join(TEXTS[n].split()[:2])} for n in asked]
    write_jsonl(folder / "queries.jsonl", queries)
    qrels = "".join(f"q{n}\td{n}\t1\n" for n in asked)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels, encoding="utf-8")
    return folder


def command(collection: Path, server: EmbeddingsServer, *more: str) -> list[str]:
    out, cache = collection.parent / "out", collection.parent / "cache"
    return ["mine", "--collection", str(collection), "--model", "openai:words", "--base-url", server.url,
            "--out", str(out), "--cache", str(cache), "--quiet", *more]  # fmt: skip


def encoder(server: EmbeddingsServer, **options: Any) -> OpenAIEncoder:
    return OpenAIEncoder("words", base_url=server.url, **options)


def files_under(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_it_mines_what_the_same_vectors_made_elsewhere_mine(collection: Path, server: EmbeddingsServer) -> None:
    assert main(command(collection, server)) == 0
    out = collection.parent / "out"
    read = read_beir(collection)
    same = PrecomputedVectors(
        vectors(read.query_texts(np.arange(read.n_queries))), vectors(read.document_texts(np.arange(read.n_documents)))
    )
    expected = mine(read, same, MiningSettings(out=str(collection.parent / "expected"), quiet=True, cache=None))
    assert (out / "train.jsonl").read_bytes() == (collection.parent / "expected" / "train.jsonl").read_bytes()
    assert expected.negatives.num_rows > 100
    about = json.loads((out / "settings.json").read_text())
    assert about["settings"]["base_url"] == server.url
    assert about["encoder"]["kind"] == "OpenAIEncoder"
    assert (about["encoder"]["name"], about["encoder"]["base_url"]) == ("words", server.url)
    assert sorted(server.texts) == sorted([*TEXTS, *(" ".join(text.split()[:2]) for text in TEXTS[::10])])


def test_several_requests_at_once_of_so_many_texts(server: EmbeddingsServer) -> None:
    def slowly(asked: Asked) -> None:
        time.sleep(0.02)
        asked.succeed()

    server.act = slowly
    vecs = encoder(server, batch_size=4, concurrency=3).encode_documents(TEXTS)
    assert np.array_equal(vecs, vectors(TEXTS))
    assert {len(asked.texts) for asked in server.asked} == {16}
    assert server.most_at_once == 3
    assert {asked.path for asked in server.asked} == {"/v1/embeddings"}


def test_a_request_is_no_longer_than_the_tokens_that_openai_takes() -> None:
    long = "x" * (MOST_BYTES // 3)
    assert list(requests_of([long, "b", long, long, "c"], 128)) == [[0, 2, 3], [1, 4]]
    assert list(requests_of(["草" * MOST_BYTES, "b"], 128)) == [[0], [1]]
    assert list(requests_of([], 128)) == []


def test_the_second_run_asks_nothing(collection: Path, server: EmbeddingsServer) -> None:
    assert main(command(collection, server)) == 0
    n_asked = len(server.asked)
    assert main(command(collection, server)) == 0
    assert main(command(collection, server, "--depth", "50")) == 0  # other candidates of the same vectors
    assert len(server.asked) == n_asked
    assert main(command(collection, server, "--query-prompt", "find: ")) == 0
    assert {text[:6] for asked in server.asked[n_asked:] for text in asked.texts} == {"find: "}  # documents are kept


def test_what_tells_endpoints_apart(server: EmbeddingsServer) -> None:
    base = encoder(server)
    others = [
        OpenAIEncoder("other", base_url=server.url), OpenAIEncoder("words", base_url="http://127.0.0.1:1/v1"),
        encoder(server, dimensions=8), encoder(server, document_prompt="d: "),
    ]  # fmt: skip
    assert len({one.side_fingerprint("documents") for one in [base, *others]}) == 5
    assert base.fingerprint == encoder(server, query_prompt="").fingerprint == encoder(server).fingerprint
    assert base.side_fingerprint("documents") == encoder(server, query_prompt="q: ").side_fingerprint("documents")
    assert OpenAIEncoder("words", base_url=server.url + "/").fingerprint == base.fingerprint


FAULTS = {
    "rate limit": lambda asked: asked.fail(429, "slow down", Retry_After="0.01"),
    "rate limit in milliseconds": lambda asked: asked.fail(429, "slow down", retry_after_ms="5"),
    "out of order": lambda asked: asked.fail(503, "loading", Retry_After="0.01"),
    "dropped connection": lambda asked: asked.drop(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_waited_for(fault: str, server: EmbeddingsServer) -> None:
    server.act = lambda asked: FAULTS[fault](asked) if asked.number in (0, 2) else asked.succeed()
    assert np.array_equal(encoder(server).encode_documents(TEXTS), vectors(TEXTS))
    assert len(server.asked) == 6  # 400 texts are four requests


def test_waits_as_long_as_the_server_says(server: EmbeddingsServer) -> None:
    server.act = lambda asked: asked.fail(429, "wait", Retry_After="0.7") if asked.number == 0 else asked.succeed()
    started = time.perf_counter()
    encoder(server).encode_documents(["red"])
    assert 0.7 <= time.perf_counter() - started < 3


@pytest.mark.parametrize("status", [429, 500])
def test_what_does_not_pass_is_given_up(status: int, server: EmbeddingsServer) -> None:
    server.act = lambda asked: asked.fail(status, "no\x1b[2J\nmore", Retry_After="0.01")
    with pytest.raises(ModelError, match=rf"127.0.0.1.*HTTP {status}: no \[2J more\).*run it once more"):
        encoder(server, max_retries=3).encode_documents(["red"])
    assert len(server.asked) == 3 + 4  # until it had answered for the first time, and after


def test_a_quota_that_is_used_up_is_not_waited_for(server: EmbeddingsServer) -> None:
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    server.act = lambda asked: asked.answer(429, {"error": error}, Retry_After="0.01")
    with pytest.raises(ModelError, match=r"quota at http.* is used up"):
        encoder(server).encode_documents(["red"])
    assert len(server.asked) == 3


def test_a_run_that_failed_goes_on_where_it_stopped(
    collection: Path, server: EmbeddingsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = [f"{text} {n}" for n in range(6) for text in TEXTS]  # 2,400: a chunk of 2,048 texts, and another
    write_jsonl(collection / "corpus.jsonl", [{"_id": f"d{n}", "text": text} for n, text in enumerate(corpus)])
    server.act = lambda asked: asked.succeed() if asked.number < 17 else asked.fail(401, f"Wrong key: {KEY}")
    assert main(command(collection, server)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "refuses the key, or there is none (HTTP 401). Set the environment variable OPENAI_API_KEY" in printed.err
    assert not (collection.parent / "out").exists()
    n_asked, kept = len(server.asked), set(corpus[:2048])
    server.act = Asked.succeed
    assert main(command(collection, server)) == 0
    again = [text for asked in server.asked[n_asked:] for text in asked.texts]
    assert len(again) == len(corpus) - 2048 + 40  # the rest of the documents, and the queries
    assert not kept & set(again)


def test_the_key_is_nowhere_to_be_seen(
    collection: Path, server: EmbeddingsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for status in (400, 401, 403, 404, 409, 418):
        server.act = lambda asked, status=status: asked.fail(status, f"bad {KEY}", x_should_retry="false")
        assert main(command(collection, server)) == 1
        try:
            encoder(server).encode_documents(["red"])
        except FoolsgoldError as error:
            assert KEY not in f"{error} {error.__cause__} {error.__suppress_context__ or error.__context__}"
    server.act = Asked.succeed
    assert main(command(collection, server)) == 0
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err + repr(encoder(server))
    assert {asked.key for asked in server.asked} == {f"Bearer {KEY}"}
    found = files_under(collection.parent / "out", collection.parent / "cache")
    assert len(found) > 8
    assert not [path for path in found if KEY.encode() in path.read_bytes()]


def test_a_key_as_a_file_has_it_works_and_none_that_cannot_be_is_shown(
    collection: Path, server: EmbeddingsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    encoder(server).encode_documents(["red"])
    assert {asked.key for asked in server.asked} == {f"Bearer {KEY}"}
    for between in ("\n", "é", "\x7f"):
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}{between}{KEY}")
        assert main(command(collection, server)) == 1
        printed = capsys.readouterr().err
        assert "OPENAI_API_KEY holds a character that no key has" in printed
        assert KEY not in printed and "Traceback" not in printed


def test_a_text_that_is_too_long_is_named(
    collection: Path, server: EmbeddingsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def only_short_texts(asked: Asked) -> None:
        too_long = max(map(len, asked.texts)) > 1000
        asked.fail(400, "maximum context length is 512 tokens") if too_long else asked.succeed()

    server.act = only_short_texts
    corpus = [{"_id": f"d{n}", "text": text} for n, text in enumerate(TEXTS)]
    write_jsonl(collection / "corpus.jsonl", [*corpus[:7], {"_id": "long", "text": "red " * 500}, *corpus[7:]])
    assert main(command(collection, server)) == 1
    assert (
        f'model: document "long" of 2,000 characters is refused by {server.url} (HTTP 400: maximum context length is '
        "512 tokens). Cut it, split it, or leave it out."
    ) in capsys.readouterr().err
    with pytest.raises(TextError, match="text 1 of 2,000 characters"):
        encoder(server).encode_queries(["red", "red " * 500, "blue"])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_server_that_takes_fewer_texts_gets_fewer(status: int, server: EmbeddingsServer) -> None:
    def at_most_32(asked: Asked) -> None:
        asked.succeed() if len(asked.texts) <= 32 else asked.fail(status, "batch size > maximum allowed batch size 32")

    server.act = at_most_32
    asking = encoder(server, concurrency=1)
    assert np.array_equal(asking.encode_documents(TEXTS), vectors(TEXTS))
    refused = [asked for asked in server.asked if len(asked.texts) > 32]
    assert [len(asked.texts) for asked in refused] == [128, 64]  # it is learnt
    asking.encode_documents(TEXTS)
    assert max(len(asked.texts) for asked in server.asked[len(server.asked) // 2 :]) == 32


def test_numbers_as_text_where_base64_is_not_known(server: EmbeddingsServer) -> None:
    def only_numbers(asked: Asked) -> None:
        is_known = asked.body["encoding_format"] == "float"
        asked.succeed() if is_known else asked.fail(422, "encoding_format: unknown variant base64")

    server.act = only_numbers
    asking = encoder(server, concurrency=1)
    assert np.array_equal(asking.encode_documents(TEXTS), vectors(TEXTS))
    assert [asked.body["encoding_format"] for asked in server.asked] == ["base64", *["float"] * 4]


def of(asked: Asked, **changes: Any) -> dict[str, Any]:
    return {"object": "list", "data": asked.data(), **changes}


ANSWERS = {
    "cut off": (lambda asked: json.dumps(of(asked)).encode()[:-9], "is not JSON"),
    "a page": (lambda asked: b"<html>Welcome</html>", "is not JSON"),
    "no data": (lambda asked: {"result": []}, "has no list `data`"),
    "a list": (lambda asked: b"[1, 2]", "has no list `data`"),
    "too few": (lambda asked: of(asked, data=asked.data()[1:]), "returned 2 vectors for 3 texts"),
    "too many": (lambda asked: of(asked, data=asked.data() * 2), "returned 6 vectors for 3 texts"),
    "one twice": (lambda asked: of(asked, data=[asked.data()[0]] * 3), r"with the index \d again"),
    "unknown index": (
        lambda asked: of(asked, data=[{**item, "index": item["index"] + 1} for item in asked.data()]),
        "index 3 again, or for none of the 3 texts",
    ),
    "no vector": (lambda asked: of(asked, data=[{"index": 0}] * 3), "no index and vector"),
    "texts": (lambda asked: of(asked, data=[{"index": 0, "embedding": ["x"]}] * 3), "no index and vector"),
    "bad base64": (lambda asked: of(asked, data=[{"index": 0, "embedding": "AAA"}] * 3), "no index and vector"),
    "a matrix": (lambda asked: of(asked, data=[{"index": 0, "embedding": [[1]]}] * 3), r"shape is \(1, 1\)"),
    "uneven": (
        lambda asked: of(asked, data=[{"index": n, "embedding": [1.0] * (2 + n % 2)} for n in range(3)]),
        "vectors of 2 and of 3 dimensions",
    ),
    "empty": (lambda asked: of(asked, data=[{"index": n, "embedding": []} for n in range(3)]), "of 0 dimensions"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_that_are_wrong(answer: str, server: EmbeddingsServer) -> None:
    make, message = ANSWERS[answer]
    server.act = lambda asked: asked.answer(200, make(asked))
    with pytest.raises(VectorError, match=rf"127.0.0.1:\d+/v1 does not answer as an embeddings endpoint: .*{message}"):
        encoder(server).encode_documents(["red", "blue", "green"])


def test_a_vector_that_is_no_number_is_named(
    collection: Path, server: EmbeddingsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_a_hole(asked: Asked) -> None:
        data = [{"index": n, "embedding": vec.tolist()} for n, vec in enumerate(vectors(asked.texts))]
        if TEXTS[33] in asked.texts:
            data[asked.texts.index(TEXTS[33])]["embedding"][3] = None
        asked.answer(200, {"data": data})

    server.act = with_a_hole
    assert main(command(collection, server)) == 1
    assert 'doc_vecs: row 33 (id "d33") holds NaN' in capsys.readouterr().err


def test_vectors_of_other_dimensions(server: EmbeddingsServer) -> None:
    server.act = lambda asked: asked.answer(
        200, {"data": [{"index": n, "embedding": [1.0] * len(asked.texts)} for n in range(len(asked.texts))]}
    )
    with pytest.raises(VectorError, match="vectors of 16 and of 128 dimensions"):
        encoder(server).encode_documents(TEXTS)
    server.act = Asked.succeed
    with pytest.raises(VectorError, match="vectors of 24 dimensions, asked for 8"):
        encoder(server, dimensions=8).encode_documents(["red"])
    assert server.asked[-1].body["dimensions"] == 8
    assert encoder(server, dimensions=24).encode_documents(["red"]).shape == (1, 24)


def test_nobody_answers(tmp_path: Path, collection: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    started = time.perf_counter()
    assert main(command(collection, EmbeddingsServer(url))) == 1
    assert f"model: {url} cannot be reached (" in capsys.readouterr().err
    assert time.perf_counter() - started < 20
    assert not (tmp_path / "out").exists()


def test_an_answer_that_takes_too_long(server: EmbeddingsServer) -> None:
    server.act = lambda asked: time.sleep(0.5)
    with pytest.raises(ModelError, match=r"has not answered within 0.05 seconds"):
        encoder(server, timeout_seconds=0.05, max_retries=0).encode_documents(["red"])


def test_names_and_paths_that_are_not_there(
    collection: Path, server: EmbeddingsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.act = lambda asked: asked.fail(404, "The model `words` does not exist")
    assert main(command(collection, server)) == 1
    printed = capsys.readouterr().err
    assert "no model 'words' (HTTP 404: The model `words` does not exist). Check --base-url" in printed


def test_no_key_where_none_is_needed(server: EmbeddingsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert encoder(server).encode_queries(["red"]).tolist() == vectors(["red"]).tolist()
    with pytest.raises(ModelError, match="no key for https://api.openai.com/v1. Set the environment variable"):
        OpenAIEncoder("text-embedding-3-small")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert OpenAIEncoder("words").base_url == server.url


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--base-url", "localhost:8000"], "base_url is 'localhost:8000'; it takes an address such as"),
        (["--base-url", "http://me:pass@localhost/v1"], "base_url holds more than an address"),
        (["--base-url", "http://localhost/v1?api-key=1"], "base_url holds more than an address"),
        (["--base-url", "http://localhost:99999999/v1"], "it takes an address such as"),
        (["--model", "openai:"], "model names no model"),
        (["--model", "offline"], "base_url is where an endpoint is, and the model is none"),
        (["--model", "openai:words", "--source", "bm25"], None),
    ],
)
def test_wrong_use(
    flags: list[str], message: str | None, collection: Path, server: EmbeddingsServer,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main([*command(collection, server), *flags]) == (0 if message is None else 2)
    assert message is None or message in capsys.readouterr().err
    assert message is None or (not (collection.parent / "out").exists() and not server.asked)


def test_numbers_that_cannot_be(server: EmbeddingsServer) -> None:
    for name in ("dimensions", "batch_size", "concurrency"):
        with pytest.raises(SettingsError, match=f"{name} is 0"):
            encoder(server, **{name: 0})


def test_without_the_package(server: EmbeddingsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'openai:words' needs the extra `openai`.*foolsgold\[openai\]"):
        encoder(server)


def test_in_a_notebook(server: EmbeddingsServer) -> None:
    async def cell() -> Any:
        return encoder(server).encode_queries(["red"])

    assert asyncio.run(cell()).tolist() == vectors(["red"]).tolist()


def test_the_simple_miner(server: EmbeddingsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    miner = SimpleMiner("en", model="openai:words")
    miner.build_index(TEXTS, show_progress=False)
    assert set(miner.mine_hard_negatives("red rose")) < set(TEXTS)


def test_given_as_an_object(server: EmbeddingsServer) -> None:
    collection = read_pairs([("red rose", TEXTS[0])], TEXTS)
    settings = MiningSettings(negatives=2, quiet=True, cache=None)
    result = mine(collection, encoder(server, similarity="dot", query_prompt="find "), settings)
    assert result.negatives.num_rows == 2
    assert "find red rose" in server.texts
    with pytest.raises(SettingsError, match="query_prompt is 'x', and the OpenAIEncoder was given ''"):
        mine(collection, encoder(server), settings.replace(query_prompt="x"))
