"""The server: FastAPI under Gradio, so that routes, errors, health and shutdown are ours.  Knows HTTP, not answers."""

from __future__ import annotations

import html
import logging
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse

from assistant.answer import Assistant
from assistant.errors import ReleaseAssistantError, SettingsError, StoreError
from assistant.settings import Settings
from eval.review import ReviewQueue
from ui.api import build_api
from ui.guard import COOKIE, Guard, session_of
from ui.login import SESSION_SECONDS, Accounts, Locked, digest

log = logging.getLogger("release_assistant.server")
USER_COOKIE = "release_assistant_user"  # which conversations of this browser are whose; no secret
EXIT_SECONDS = 6.0


def build_server(assistant: Assistant, settings: Settings, add_file: Any = None) -> Guard:
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
    add_errors(app)
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
            log.error("the store cannot be read: %s", error)
            return JSONResponse({"status": "not ready"}, status_code=503)
        return JSONResponse({"status": "ready"} | ({} if accounts else {"documents": documents}))

    look: dict[str, Any] = {
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "max_file_size": "10mb",
        "ssr_mode": False,
        "css": static("page.css"),
        "head": f"<script>{static('store.js')}</script>",
        "theme": gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    }
    pages = [
        (f"/{language}" if language != LANGUAGES[0] else "", language, build_page(assistant, language, add_file, accounts is not None))
        for language in reversed(LANGUAGES)  # the first one last: its page takes every path
    ]  # fmt: skip
    if settings.lets_evaluate:
        add_reports(app, settings.home / "runs")
        pages.insert(0, ("/evaluate", LANGUAGES[0], build_evaluation(assistant, settings.home, queue)))
    for path, language, page in pages:
        if path:
            app.add_api_route(path, _slashed(path), include_in_schema=False)
        gr.mount_gradio_app(app, page, path=path, js=static("page.js").replace("LANGUAGE", language), **look)
    return Guard(app, accounts, loopback=settings.alone, uploads=add_file is not None)


def _slashed(path: str) -> Callable[[], Awaitable[RedirectResponse]]:
    async def go() -> RedirectResponse:
        return RedirectResponse(f"{path}/")

    return go


def add_errors(app: FastAPI) -> None:
    """Every error as ``{"error": one line}``, without what was sent."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"][1:])
        return JSONResponse({"error": f"{field or 'body'}: {first['msg']}"}, status_code=422)

    @app.exception_handler(ReleaseAssistantError)
    async def ours(request: Request, error: ReleaseAssistantError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=503)

    @app.exception_handler(500)
    async def other(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "something went wrong here; the log says what"}, status_code=500)


def add_reports(app: FastAPI, runs: Path) -> None:
    """``/runs/NAME/report``: the report of a run, by name only."""

    @app.get("/runs/{name}/report", include_in_schema=False)
    def report(name: str) -> Response:
        known = {p.parent.name for p in runs.glob("*/report.html")}
        if name not in known:
            return JSONResponse({"error": "no such run"}, status_code=404)
        return FileResponse(runs / name / "report.html", media_type="text/html")


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
        how: dict[str, Any] = {
            "max_age": int(SESSION_SECONDS),
            "samesite": "strict",
            "secure": request.url.scheme == "https",
        }
        response.set_cookie(COOKIE, token, httponly=True, **how)
        response.set_cookie(USER_COOKIE, digest(name)[:16], **how)
        return response

    @app.post("/logout", include_in_schema=False)
    async def leave(request: Request) -> Response:
        accounts.log_out(session_of(dict(request.scope["headers"])))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        response.delete_cookie(USER_COOKIE)
        return response


def configured(app: Guard, settings: Settings, port: int) -> Any:
    """How uvicorn serves it."""
    import uvicorn

    return uvicorn.Config(
        app, host=settings.host, port=port, log_level="warning", timeout_graceful_shutdown=3,
        # An address that a stranger could write into a header would slip past the lock-out.
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies or None,
    )  # fmt: skip


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

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            super().handle_exit(sig, frame)
            # A thread that waits for a language model cannot be cancelled; nothing that is stored depends on it.
            last = threading.Timer(EXIT_SECONDS, os._exit, (0,))
            last.daemon = True
            last.start()

    Server(configured(app, settings, port)).run()
    return 0
