"""A real HTTP server on loopback that speaks the embeddings protocol, and fails when it is told to."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

DIMENSIONS = 24


@cache
def _word(word: str) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode())).integers(-9, 10, DIMENSIONS).astype(np.float32)


def vector(text: str) -> np.ndarray:
    """The sum of its words, each a vector drawn by its hash, of whole numbers."""
    return sum(map(_word, text.lower().split()), _word(""))


def vectors(texts: list[str]) -> np.ndarray:
    return np.stack([vector(text) for text in texts])


class Asked:
    """A request, and how to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, number: int) -> None:
        self._handler = handler
        self.number = number
        self.path = handler.path
        self.key = handler.headers["Authorization"]
        self.body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.texts: list[str] = self.body["input"]

    def answer(self, status: int, content: bytes | dict[str, Any], **headers: str) -> None:
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._handler.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def fail(self, status: int, message: str, **headers: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self.answer(status, {"error": error}, **headers)

    def drop(self) -> None:
        self._handler.close_connection = True
        self._handler.connection.close()

    def data(self) -> list[dict[str, Any]]:
        """One item a text, in any order."""
        items = []
        for index, vec in enumerate(vectors(self.texts)):
            as_base64 = self.body.get("encoding_format") == "base64"
            embedding = base64.b64encode(vec.astype("<f4").tobytes()).decode() if as_base64 else vec.tolist()
            items.append({"object": "embedding", "index": index, "embedding": embedding})
        random.Random(len(items)).shuffle(items)
        return items

    def succeed(self) -> None:
        self.answer(200, {"object": "list", "data": self.data(), "model": self.body["model"], "usage": {}})


class EmbeddingsServer:
    """What it was asked, and what it does: `act` is called with each request, and answers or leaves it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.act: Callable[[Asked], object] = Asked.succeed
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def texts(self) -> list[str]:
        return [text for asked in self.asked for text in asked.texts]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            asked = Asked(handler, len(self.asked))
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(0.002)
            self.act(asked)
        except (BrokenPipeError, ConnectionResetError):
            return  # who asked did not wait
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def embeddings_server() -> Iterator[EmbeddingsServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            server.handle(self)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = EmbeddingsServer(f"http://127.0.0.1:{http.server_port}/v1")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
