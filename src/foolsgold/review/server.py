"""The desk as a web page on this machine's loopback interface."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from foolsgold.errors import OutputError, SettingsError
from foolsgold.pages import Page
from foolsgold.review.desk import Desk, OtherPair, PairName
from foolsgold.review.door import HOST, Door
from foolsgold.review.shown import state, whole_text

PAGE = Page("desk.html", ["desk.js"], connect="'self'")
_MOST_BYTES = 64_000  # of a request; ids are short
_PORTS_TRIED = 100


def listening(port: int) -> socket.socket:
    """A socket on the loopback interface, at this port or the next that is free; 0: at any.

    Raises:
        SettingsError: no such port, or none of a hundred is free.
    """
    if not 0 <= port <= 65_535:
        raise SettingsError(f"port is {port}; it takes a number from 0 (any that is free) to 65535.")
    for candidate in range(port, min(port + _PORTS_TRIED, 65_536)):
        try:
            return socket.create_server((HOST, candidate))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise SettingsError(f"port {candidate} on {HOST}: {error.strerror or error}.") from error
    raise SettingsError(f"ports {port} to {candidate} are all in use. Give another one with --port.")


def serve(desk: Desk, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve the desk until Ctrl-C; everything in one thread, so that decisions come one after the other.

    Args:
        desk: open.
        listener: see `listening`.
        ready: is called with the address to open, which works once.
    """
    port = listener.getsockname()[1]
    door = Door(application(desk), port=port, policy=PAGE.policy)
    config = uvicorn.Config(
        door, access_log=False, log_config=None, server_header=False, lifespan="off", ws="none", http="h11",
        loop="asyncio", proxy_headers=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with suppress(KeyboardInterrupt):
        ready(f"http://{HOST}:{port}/?token={door.token}")
        uvicorn.Server(config).run(sockets=[listener])


def application(desk: Desk) -> Starlette:
    """The desk's page, and what its script asks for."""
    routes = [
        Route("/", partial(_page, desk), methods=["GET"]),
        Route("/state", partial(_state, desk), methods=["GET"]),
        Route("/text", partial(_text, desk), methods=["GET"]),
        Route("/decide", partial(_change, desk, _decide), methods=["POST"]),
        Route("/skip", partial(_change, desk, lambda desk, name, _: desk.skip(expecting=name)), methods=["POST"]),
        Route("/undo", partial(_change, desk, lambda desk, name, _: desk.undo(expecting=name)), methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _bare, Exception: _bare})


async def _bare(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return PlainTextResponse("", status)


async def _page(desk: Desk, request: Request) -> Response:
    return HTMLResponse(
        PAGE.render(data=state(desk), folder=desk.log_path.parent.resolve().name, next_command=desk.next_command)
    )


async def _state(desk: Desk, request: Request) -> Response:
    return JSONResponse(state(desk))


async def _text(desk: Desk, request: Request) -> Response:
    """A whole text of the pair that is shown; another pair's is not given."""
    asked = request.query_params
    place = asked.get("place", "0")
    if asked.get("number") != str(desk.name.number) or not place.isdecimal() or len(place) > 9:
        raise HTTPException(409)
    text = whole_text(desk, asked.get("part", ""), int(place))
    if text is None:
        raise HTTPException(404)
    return JSONResponse({"text": text})


async def _change(desk: Desk, change: Callable[[Desk, PairName, dict[str, Any]], None], request: Request) -> Response:
    """Make a decision, and answer with the next pair when it is on disk."""
    body = await _body(request)
    try:
        change(desk, PairName(body["number"], body["query_id"], body["doc_id"]), body)
    except OtherPair:
        return JSONResponse(state(desk), 409)
    except OutputError as error:
        return JSONResponse({"error": str(error)}, 507)
    except KeyError as error:
        raise HTTPException(400) from error
    return JSONResponse(state(desk))


def _decide(desk: Desk, name: PairName, body: dict[str, Any]) -> None:
    label = body["label"]
    if label not in ("positive", "negative", "drop"):
        raise HTTPException(400)
    desk.decide(label, expecting=name)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        HTTPException: it is something else, or too long.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415)
    content = b""
    try:
        async for part in request.stream():
            content += part
            if len(content) > _MOST_BYTES:
                raise HTTPException(413)
    except ClientDisconnect as error:  # the browser went away: there is nobody to answer
        raise HTTPException(400) from error
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400) from error
    if not isinstance(body, dict):
        raise HTTPException(400)
    return body
