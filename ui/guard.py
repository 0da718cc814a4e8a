"""What every request passes before Gradio or the API see it: headers, log-in, origin, host, size, and which routes there are.

Knows ASGI, not pages.  Gradio brings routes that the page does not use, some of which fetch or serve files: they are closed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response

from assistant.settings import LOOPBACK
from ui.login import Accounts

# Gradio's page holds inline scripts and styles, and compiles its HTML templates.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
}
COOKIE = "release_assistant_session"
OPEN = {"/login", "/healthz", "/readyz"}  # what needs no session
USED = re.compile(
    r"(?:queue/(?:join|data)|cancel|heartbeat/[\w-]+|startup-events|upload|upload_progress|app_id|reset)/?"
)
CLOSED = re.compile(
    r"(?:^|/)(?:file=|file/|proxy=|deep_link|monitoring|dev/|vibe|stream/|component_server|custom_component)"
)
MAX_BODY = {"/gradio_api/upload": 12_000_000, "/gradio_api/queue/join": 8_000_000}
MAX_OTHER_BODY = 2_000_000  # bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """`app` behind the checks; `loopback` says that only this machine may reach it, by one of its own names."""

    def __init__(self, app: App, accounts: Accounts | None, *, loopback: bool, uploads: bool) -> None:
        self.app = app
        self.accounts = accounts
        self.loopback = loopback
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Another site may not read what is said here, whatever Gradio would allow it.
                own = [(k, v) for k, v in message["headers"] if not k.lower().startswith(b"access-control-")]
                given = {k.lower() for k, _ in own}
                message["headers"] = [*own, *((k, v) for k, v in HEADERS.items() if k not in given)]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path"]
        host = headers.get(b"host", b"").decode("latin-1")
        if self.loopback and (urlsplit(f"//{host}").hostname or "") not in LOOPBACK:
            return _said(421, "this page is served to this machine only, by its own name")
        if not used(path) or (path.endswith(("/upload", "/upload_progress")) and not self.uploads):
            return _said(404, "there is nothing there")
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS") and _foreign(headers, host):
            return _said(403, "another site may not do that here")
        if self.accounts is not None and path not in OPEN and self.accounts.who(session_of(headers)) is None:
            wants_page = scope.get("method") == "GET" and b"text/html" in headers.get(b"accept", b"")
            return RedirectResponse("/login", 303) if wants_page else _said(401, "log in at /login first")
        if _length(headers) > next((most for end, most in MAX_BODY.items() if path.endswith(end)), MAX_OTHER_BODY):
            return _said(413, "the request is too long: shorten it")
        return None


def used(path: str) -> bool:
    """Whether a path is one that the page, the API or a person asks for.

    >>> used("/gradio_api/queue/join"), used("/gradio_api/file=http://evil.test/x"), used("/api/ask")
    (True, False, True)
    """
    before, found, tail = path.partition("/gradio_api/")
    if found:
        return USED.fullmatch(tail) is not None and re.fullmatch(r"(?:/[\w-]+)?", before) is not None
    return CLOSED.search(path) is None


def _foreign(headers: dict[bytes, bytes], host: str) -> bool:
    """Whether another site sends the request, by what its browser says."""
    if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        return True
    origin = headers.get(b"origin")
    return origin is not None and urlsplit(origin.decode("latin-1")).netloc != host


def _length(headers: dict[bytes, bytes]) -> float:
    """The length that a request says it has; one that does not say is as long as it likes."""
    if b"transfer-encoding" in headers:
        return float("inf")
    told = headers.get(b"content-length", b"0")
    return int(told) if told.isdigit() else float("inf")


def session_of(headers: dict[bytes, bytes]) -> str | None:
    """The session token that a request carries."""
    return cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)


def _said(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status_code=status)
