"""Argilla 2: its client reads the dataset from disk, sends it to a server, and exports annotated records.

Its server needs a database and a search engine. Here one on loopback keeps what the client sends, and gives it back:
what is checked is the client's own reading, its models, and its exports.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from common import Files, check, main

CHOICES = {"positive": "relevant", "negative": "not relevant", "drop": "drop"}
TIMES = {"inserted_at": "2026-01-01T10:00:00", "updated_at": "2026-01-01T10:00:00"}


class _Keeper(BaseHTTPRequestHandler):
    """Keeps what is created below a path, with an id, and lists it; `kept` is shared by all requests."""

    kept: dict[str, list[dict[str, Any]]]

    def do_GET(self) -> None:
        """One user, one workspace, and what was kept."""
        last = self.path.partition("?")[0].rpartition("/")[2]
        named = next((each for items in self.kept.values() for each in items if each["id"] == last), None)
        if last == "me":
            self._answer({"id": str(uuid4()), "username": "ann", "role": "owner", **TIMES})
        elif named is not None:
            self._answer(named)
        else:
            is_first = "offset=" not in self.path or "offset=0" in self.path
            self._answer({"items": self.kept.get(last, []) if is_first else []})

    def do_POST(self) -> None:
        """Create."""
        created = {**self._body(), "id": str(uuid4()), **TIMES}
        self.kept.setdefault(self.path.rpartition("/")[2], []).append(created)
        self._answer(created)

    def do_PATCH(self) -> None:
        """Change the dataset."""
        self.kept["datasets"][0] |= {name: value for name, value in self._body().items() if value is not None}
        self._answer(self.kept["datasets"][0])

    def do_PUT(self) -> None:
        """Publish, or take records."""
        if self.path.endswith("/publish"):
            self.kept["datasets"][0]["status"] = "ready"
            self._answer(self.kept["datasets"][0])
            return
        items = [{**item, "id": str(uuid4()), **TIMES} for item in self._body()["items"]]
        self.kept.setdefault("records", []).extend(items)
        self._answer({"items": items, "updated_item_ids": []})

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def _client() -> Iterator[tuple[Any, dict[str, list[dict[str, Any]]]]]:
    """Argilla's client, and what it has sent."""
    import argilla as rg

    workspace = {"id": str(uuid4()), "name": "reviewers", **TIMES}
    kept: dict[str, list[dict[str, Any]]] = {"workspaces": [workspace], "datasets": []}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Keeper", (_Keeper,), {"kept": kept}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield rg.Argilla(api_url=f"http://127.0.0.1:{server.server_port}", api_key="key"), kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@check("argilla", "Dataset.from_disk")
def from_disk(files: Files) -> int:
    """Settings, and all records with their texts, come as they were written."""
    import argilla as rg

    with _client() as (client, kept):
        dataset = rg.Dataset.from_disk(files.path("argilla"), workspace="reviewers", client=client)
        (question,) = kept["questions"]
        options = {option["value"]: option["text"] for option in question["settings"]["options"]}
        assert (question["name"], options) == ("relevance", CHOICES)
        assert [field["name"] for field in kept["fields"]] == ["query", "positives", "document"]
        assert not any(field["settings"]["use_markdown"] for field in kept["fields"])
        assert dataset.settings.guidelines and kept["datasets"][0]["status"] == "ready"
        assert {each["name"] for each in kept["metadata-properties"]} >= {"query_id", "doc_id"}
        texts = {(pair["query_id"], each["id"]): (pair["query"], each["text"]) for pair in files.pairs
                 for each in pair["negatives"]}  # fmt: skip
        for record in kept["records"]:
            ids = record["metadata"]["query_id"], record["metadata"]["doc_id"]
            assert (record["fields"]["query"], record["fields"]["document"]) == texts[ids]
        assert len({record["external_id"] for record in kept["records"]}) == len(texts) == len(kept["records"])
        return len(texts)


@check("argilla", "to_json and to_list exports, taken in again")
def exports(files: Files) -> int:
    """Annotated as its editor does; `run.py` has foolsgold read both. Flat ones tell drafts from answers."""
    import argilla as rg

    folder = files.scratch / "answers"
    folder.mkdir()
    users, others = ([str(uuid4()) for _ in range(count)] for count in (3, 2))
    expected = []
    with _client() as (client, kept):
        dataset = rg.Dataset.from_disk(files.path("argilla"), workspace="reviewers", client=client)
        for number, record in enumerate(kept["records"]):
            label, other = (list(CHOICES)[(number + step) % 3] for step in (0, 1))
            record["responses"] = [_response(user, answer) for user, answer in
                                   zip(users, (label, label, other), strict=True)]  # fmt: skip
            expected.append([record["metadata"]["query_id"], record["metadata"]["doc_id"], label])
        dataset.records(with_responses=True).to_json(folder / "to_json.json")
        for record in kept["records"]:
            record["responses"] += [
                _response(user, "drop", status) for user, status in zip(others, ("draft", "discarded"), strict=True)
            ]
        rows = dataset.records(with_responses=True).to_list(flatten=True)
        (folder / "to_list.json").write_text(json.dumps(rows), "utf-8")
    (folder / "expected.txt").write_text(json.dumps(expected), "utf-8")
    return len(expected)


def _response(user: str, answer: str, status: str = "submitted") -> dict[str, Any]:
    return {"values": {"relevance": {"value": answer}}, "status": status, "user_id": user}


if __name__ == "__main__":
    main("argilla")
