"""The server: FastAPI under Gradio, so that headers, log-in, health and shutdown are ours.  Knows HTTP, not answers."""

from __future__ import annotations

import html
import os
import socket
import sys
import threading
from collections.abc import Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse

from assistant.answer import Assistant
from assistant.errors import SettingsError, StoreError
from assistant.settings import Settings
from eval.review import ReviewQueue
from ui.api import build_api
from ui.login import SESSION_SECONDS, Accounts, Locked

# Gradio's page holds inline scripts and styles, and compiles its HTML templates.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
COOKIE = "release_assistant_session"
OPEN = {"/login", "/healthz"}  # what needs no session
EXIT_SECONDS = 6.0
MAX_BODY = 2_000_000  # bytes of a request to the API

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]


class Guard:
    """Around the whole application: the headers of every response, a session before any page where there are accounts, and
    no endless body."""

    def __init__(self, app: Any, accounts: Accounts | None) -> None:
        self.app = app
        self.accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = {k.lower() for k, _ in message["headers"]}
                more = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items() if k.lower().encode() not in given]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        if self.accounts is not None and scope["path"] not in OPEN and self.accounts.who(session_of(scope)) is None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            wants_page = scope["method"] == "GET" and b"text/html" in dict(scope["headers"]).get(b"accept", b"")
            refusal: Response = (
                RedirectResponse("/login", 303)
                if wants_page
                else JSONResponse({"error": "log in at /login first"}, 401)
            )
            await refusal(scope, receive, with_headers)
            return
        if scope["path"].startswith(("/api/", "/login")) and _length(scope) > MAX_BODY:
            await JSONResponse({"error": "the request is too long: shorten it"}, 413)(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)


def _length(scope: Scope) -> int:
    """The length that a request says it has; one that does not say is as long as it likes, so it counts as too long."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return MAX_BODY + 1
    told = headers.get(b"content-length", b"0")
    return int(told) if told.isdigit() else MAX_BODY + 1


def session_of(scope: Scope) -> str | None:
    """The session token that a request carries."""
    try:
        cookie = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return None
    return cookie[COOKIE].value if COOKIE in cookie else None


def build_server(assistant: Assistant, settings: Settings, add_file: Any = None) -> FastAPI:
    """The application: the page at ``/``, its other languages beside it, ``/evaluate``, ``/api``, ``/healthz`` (the process
    lives) and ``/readyz`` (the store can be read).  `add_file` puts an uploaded file into the store; None forbids uploads."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    from ui.catalogue import LANGUAGES
    from ui.evaluate import build_evaluation
    from ui.page import build_page, static

    app = FastAPI(title="Release Assistant", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    accounts = Accounts(settings.users) if settings.users else None
    queue = ReviewQueue(settings.feedback_path)
    app.include_router(build_api(assistant, queue))
    if accounts is not None:
        add_login(app, accounts)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def ready() -> JSONResponse:
        try:
            documents = len(assistant.retriever.corpus().documents)
        except StoreError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ready", "documents": documents})

    @app.get("/runs/{name}/report")
    def report(name: str) -> Response:
        runs = settings.home / "runs"
        page = runs / name / "report.html"
        if name not in ({p.name for p in runs.iterdir()} if runs.is_dir() else set()) or not page.is_file():
            return JSONResponse({"error": "no such run"}, status_code=404)
        return FileResponse(page, media_type="text/html")

    look: dict[str, Any] = {
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "max_file_size": "10mb",
        "ssr_mode": False,
        "css": static("page.css"),
        "theme": gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    }
    pages = [("/evaluate", LANGUAGES[0], build_evaluation(assistant, settings.home, queue))]
    pages += [(f"/{language}", language, build_page(assistant, language, add_file)) for language in LANGUAGES[1:]]
    pages += [("", LANGUAGES[0], build_page(assistant, LANGUAGES[0], add_file))]  # last: it takes every path
    for path, language, page in pages:
        if path:
            app.add_api_route(path, lambda path=path: RedirectResponse(f"{path}/"), include_in_schema=False)
        gr.mount_gradio_app(app, page, path=path, js=static("page.js").replace("LANGUAGE", language), **look)
    app.add_middleware(Guard, accounts=accounts)
    return app


def add_login(app: FastAPI, accounts: Accounts) -> None:
    """``/login`` and ``/logout``: a plain form, which needs no script."""

    def form(said: str = "", status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
        told = f'<p role="alert">{html.escape(said)}</p>' if said else ""
        return HTMLResponse(
            f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Release Assistant: log in</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}}
label{{display:block;margin:.8rem 0}}input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}}</style></head><body><main>
<h1>Release Assistant</h1>{told}<form method="post" action="/login"><label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label><button>Log in</button></form></main></body></html>""",
            status,
            headers,
        )

    @app.get("/login", include_in_schema=False)
    async def show() -> HTMLResponse:
        return form()

    @app.post("/login", include_in_schema=False)
    async def enter(request: Request) -> Response:
        from fastapi.concurrency import run_in_threadpool

        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        name, password = (fields.get(k, [""])[0] for k in ("name", "password"))
        address = request.client.host if request.client else ""
        try:
            token = await run_in_threadpool(accounts.log_in, name, password, address)
        except Locked as error:
            return form(f"{error}.", 429, {"Retry-After": str(int(error.seconds) + 1)})
        if token is None:
            return form("Name or password is wrong.", 401)
        response = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, token, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict", secure=secure
        )
        return response

    @app.post("/logout", include_in_schema=False)
    async def leave(request: Request) -> Response:
        accounts.log_out(session_of(request.scope))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        return response


def serve(assistant: Assistant, settings: Settings, add_file: Any = None) -> int:
    """Serve until interrupted; 0 then.  Raises SettingsError where the address cannot be had."""
    import uvicorn

    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            port = probe.getsockname()[1]
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; name another with --port"
            ) from None
    app = build_server(assistant, settings, add_file)
    print(f"Release Assistant is at http://{settings.host}:{port} (end it with Ctrl+C)", file=sys.stderr, flush=True)
    config = uvicorn.Config(app, host=settings.host, port=port, log_level="warning", timeout_graceful_shutdown=3)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            super().handle_exit(sig, frame)
            # A thread that waits for a language model cannot be cancelled; nothing that is stored depends on it.
            last = threading.Timer(EXIT_SECONDS, os._exit, (0,))
            last.daemon = True
            last.start()

    Server(config).run()
    return 0
