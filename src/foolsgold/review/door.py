"""Who may come in to the desk: a browser of this machine that was shown the token, at our own address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
_LEFT_OUT = 80  # the port that browsers do not name
_STRANGER = (
    "This is a foolsgold review desk, and it does not know this browser. The address that it printed works once, in "
    "one browser: paste it into the address bar. If it was used already, end the desk (Ctrl-C), start it again, and "
    "take the new address; no decision is lost.\n"
)


class Door:
    """Stands before an application, and lets in requests that are meant for it.

    The address in the `Host` header is ours, so that no name that somebody else resolves to 127.0.0.1 leads here (DNS
    rebinding); the browser has the session's cookie, which is given once for the token; and what changes anything was
    sent by our own page, as `Origin` and `Sec-Fetch-Site` say. All else gets 403, and nothing to read.

    Args:
        inside: the application.
        port: on which it listens.
        policy: Content Security Policy of all answers.

    Attributes:
        token: for the first address.
    """

    def __init__(self, inside: ASGIApp, *, port: int, policy: str) -> None:
        self.token: str = secrets.token_urlsafe(32)
        self._inside = inside
        self._session = secrets.token_urlsafe(32)
        self._token_is_used = False
        self._cookie = f"foolsgold-review-{port}"  # browsers do not tell ports apart
        names = {HOST, "localhost"}
        self._hosts = {f"{name}:{port}" for name in names} | (names if port == _LEFT_OUT else set())
        self._headers = [(name.lower().encode(), value.encode()) for name, value in _headers(policy).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        answer = self._answer(Request(scope)) or self._inside
        await answer(scope, receive, send_guarded)

    def _answer(self, request: Request) -> Response | None:
        """What a request gets that is not let in, or that shows the token; None: it is let in."""
        if request.headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("", 403)
        token = request.query_params.get("token")
        if request.url.path == "/" and request.method == "GET" and token is not None:
            return self._exchanged(token)
        if not _same(request.cookies.get(self._cookie, ""), self._session):
            return PlainTextResponse(_STRANGER, 403)
        if request.method != "GET" and not self._is_own(request.headers):
            return PlainTextResponse("", 403)
        return None

    def _exchanged(self, token: str) -> Response:
        """A session for the token, the first time."""
        if self._token_is_used or not _same(token, self.token):
            return PlainTextResponse(_STRANGER, 403)
        self._token_is_used = True
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
        return answer

    def _is_own(self, headers: Mapping[str, str]) -> bool:
        """Whether our own page sent it; browsers say so in both, where they know both."""
        own = f"http://{headers['host']}"
        return headers.get("origin") == own and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _same(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode(), known.encode())


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
