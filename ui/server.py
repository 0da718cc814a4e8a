"""The server: FastAPI under Gradio, so that headers, health and shutdown are ours.  Knows HTTP, not answers."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from assistant.answer import Assistant
from assistant.errors import SettingsError, StoreError
from assistant.settings import Settings

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


def build_server(assistant: Assistant) -> FastAPI:
    """The application: the page at ``/``, ``/healthz`` (the process lives) and ``/readyz`` (the store can be read)."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    from ui.page import build_page, static

    app = FastAPI(title="Release Assistant", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def ready() -> JSONResponse:
        try:
            documents = len(assistant.retriever.corpus().documents)
        except StoreError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ready", "documents": documents})

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        build_page(assistant),
        path="",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size="10mb",
        ssr_mode=False,
        css=static("page.css"),
        js=static("page.js"),
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    )
    return mounted


def serve(assistant: Assistant, settings: Settings) -> int:
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
    app = build_server(assistant)
    print(f"Release Assistant is at http://{settings.host}:{port} (end it with Ctrl+C)", file=sys.stderr, flush=True)
    config = uvicorn.Config(app, host=settings.host, port=port, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run()
    return 0
