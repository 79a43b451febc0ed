"""A review desk in a process of its own, on an output folder with texts that mean harm."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conftest import PLAIN, heed_ctrl_c
from foolsgold import MiningSettings, PrecomputedVectors, mine, read_pairs

HOSTILE = [
    "<script>document.title = 'run'</script>",
    "</script><img src=x onerror=\"document.title = 'run'\">",
    "\"quoted\" 'twice' `thrice` {{ 7 * 7 }} ${7 * 7} &lt;b&gt;",
    "nul \0 bell \x07 escape \x1b[31m end",
    "override \u202eabc\u202c and مرحبا بالعالم שלום",
    "<!-- <svg onload=alert(1)> ]]> \u2028 line",
]
LONG = "long " + "word " * 200_000 + "the end"  # 1 MB


def mined(out: Path, n_queries: int = 30) -> Path:
    """Queries on a circle with two negatives each; every document is near to some query, hostile ones among them."""
    angles = np.linspace(0, np.pi, n_queries)
    corpus = [HOSTILE[n % len(HOSTILE)] + f" document {n}" for n in range(3 * n_queries - 1)] + [LONG]
    positives = [f"the positive of {n}: {HOSTILE[n % len(HOSTILE)]}" for n in range(n_queries)]
    pairs = [
        (f"query {n} about word and document {HOSTILE[n % len(HOSTILE)]}", text) for n, text in enumerate(positives)
    ]
    collection = read_pairs(pairs, corpus=[*corpus, *positives])
    order = [{text: place for place, text in enumerate([*corpus, *positives])}[text]
             for text in collection.document_texts()]  # fmt: skip
    doc_angles = np.concatenate([np.linspace(0, np.pi, len(corpus)), angles + 0.002])[order]
    vectors = PrecomputedVectors(query_vecs=_at(angles), doc_vecs=_at(doc_angles))
    mine(collection, vectors, MiningSettings(**PLAIN, relative_margin=0.0002, depth=8, negatives=2, quiet=True,
                                             out=str(out)))  # fmt: skip
    return out


def _at(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def decisions(out: Path) -> list[dict[str, Any]]:
    """What is on disk."""
    return [json.loads(line) for line in (out / "decisions.jsonl").read_text("utf-8").splitlines()]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class DeskProcess:
    """A running desk, and a client that keeps its cookie."""

    process: subprocess.Popen[str]
    address: str
    cookie: str | None = None
    sent: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].split("/")[0])

    @property
    def token(self) -> str:
        return self.address.split("token=")[1]

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """A request as our own page would send it, but for the headers that are given; None leaves one out."""
        own = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie}
        if method == "POST":
            own |= {"Origin": f"http://127.0.0.1:{self.port}", "Sec-Fetch-Site": "same-origin",
                    "Content-Type": "application/json"}  # fmt: skip
        given = {**own, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        if content is not None:
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def enter(self) -> Answer:
        """Exchange the token for the cookie."""
        answer = self.ask("GET", f"/?token={self.token}")
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def state(self) -> Any:
        return self.ask("GET", "/state").json()

    def decide(self, label: str, state: Any = None) -> Answer:
        state = state or self.state()
        return self.ask("POST", "/decide", {**state["name"], "label": label})

    def end(self) -> tuple[int, str]:
        """Ctrl-C; the exit status, and what was said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@contextmanager
def desk_process(out: Path, *arguments: str) -> Iterator[DeskProcess]:
    """Started, and ended whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "foolsgold.cli", "review", str(out), "--quiet", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().strip()
        assert address, process.stderr.read()
        yield DeskProcess(process, address)
    finally:
        process.kill()
        process.communicate()
