"""A real HTTP server on loopback that speaks as much of the hub's protocol as a push of a dataset takes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "hf_right"


class HubServer:
    """Datasets by id, each files by path; `commits` are what was committed, `fault` a status to refuse commits with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.datasets: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.commits: list[dict[str, Any]] = []
        self.fault: int | None = None
        self._uploaded: dict[str, bytes] = {}

    def answer(self, verb: str, path: str, body: bytes, token: str) -> tuple[int, Any]:
        """Status and content."""
        if verb == "PUT" and (found := re.fullmatch(r"/storage/(\w+)", path)):
            self._uploaded[found[1]] = body  # a signed address: no token
            return 200, {}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid user token."}
        for pattern, act in self._routes(verb).items():
            if found := re.fullmatch(pattern, path):
                return act(*found.groups(), *([body] if verb == "POST" else []))
        return 404, {"error": f"no {verb} {path}"}

    def _routes(self, verb: str) -> dict[str, Any]:
        if verb == "POST":
            return {
                r"/api/repos/create": self._create,
                r"/api/validate-yaml": lambda body: (200, {"errors": [], "warnings": []}),
                r"/api/datasets/(.+)/preupload/main": self._modes,
                r"/datasets/(.+)\.git/info/lfs/objects/batch": self._batch,
                r"/api/datasets/(.+)/commit/main": self._commit,
                r"/api/datasets/(.+)/paths-info/main": self._paths_info,
            }
        return {
            r"/api/whoami-v2": lambda: (200, {"name": "me", "type": "user", "orgs": []}),
            r"/api/datasets/(.+)/tree/main(?:/(.+))?": self._tree,
            r"/datasets/(.+)/resolve/main/(.+)": lambda name, path: (200, self.datasets[name][path]),
            r"/api/datasets/([^/]+/[^/]+)(?:/revision/main)?": self._info,
        }

    def _create(self, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)
        name = f"{asked['organization'] or 'me'}/{asked['name']}"
        if not name.startswith("me/"):
            return 403, {"error": "You don't have the rights to create a dataset under this namespace"}
        existed = name in self.datasets
        self.datasets.setdefault(name, {".gitattributes": b""})
        self.private.setdefault(name, asked.get("visibility") == "private" or bool(asked.get("private")))
        return 409 if existed else 200, {"url": f"{self.url}/datasets/{name}", "name": name}

    def _tree(self, name: str, folder: str | None = None) -> tuple[int, Any]:
        start = f"{folder}/" if folder else ""
        files = {path: content for path, content in self.datasets[name].items() if path.startswith(start)}
        return 200, [{"type": "file", "path": path, "size": len(files[path]), "oid": "0"} for path in files]

    def _info(self, name: str) -> tuple[int, Any]:
        return (200, {"id": name, "sha": "0"}) if name in self.datasets else (404, {"error": "Repository not found"})

    def _paths_info(self, name: str, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)["paths"]
        return 200, [one for one in self._tree(name)[1] if one["path"] in asked]

    def _modes(self, name: str, body: bytes) -> tuple[int, Any]:
        files = json.loads(body)["files"]
        return 200, {"files": [{
            "path": file["path"], "shouldIgnore": False,
            "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
        } for file in files]}  # fmt: skip

    def _batch(self, name: str, body: bytes) -> tuple[int, Any]:
        objects = json.loads(body)["objects"]
        return 200, {"transfer": "basic", "objects": [{
            **one, "authenticated": True, "actions": {"upload": {"href": f"{self.url}/storage/{one['oid']}"}}
        } for one in objects]}  # fmt: skip

    def _commit(self, name: str, body: bytes) -> tuple[int, Any]:
        if self.fault is not None:
            return self.fault, {"error": "refused"}
        commit: dict[str, Any] = {"dataset": name, "files": {}, "deleted": []}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                commit["message"] = value["summary"]
            elif line["key"] == "file":
                commit["files"][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self._uploaded[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"]
                commit["files"][value["path"]] = content
            else:
                assert line["key"] == "deletedFile"
                commit["deleted"].append(value["path"])
                del self.datasets[name][value["path"]]
        self.datasets[name].update(commit["files"])
        self.commits.append(commit)
        oid = hashlib.sha1(body).hexdigest()
        return 200, {"success": True, "commitOid": oid, "commitUrl": f"{self.url}/datasets/{name}/commit/{oid}"}


@contextmanager
def hub_server() -> Iterator[HubServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._act()

        do_POST = do_PUT = do_GET

        def _act(self) -> None:
            body = self._chunked() if self.headers["Transfer-Encoding"] else self.rfile.read(
                int(self.headers["Content-Length"] or 0))  # fmt: skip
            status, content = server.answer(
                self.command, urlsplit(self.path).path, body, self.headers["Authorization"] or ""
            )
            answer = content if isinstance(content, bytes) else json.dumps(content).encode()
            if found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or ""):
                status, answer = 206, answer[int(found[1]) : int(found[2]) + 1]
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _chunked(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = HubServer(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
