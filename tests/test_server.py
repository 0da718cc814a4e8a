"""The server over real HTTP: the API, headers, log-in, limits, and the MCP tool."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.answer import Assistant
from assistant.settings import Settings
from ui.login import FAILURES, Accounts, Locked, hashed
from ui.render import View, document_html, exchange_html
from ui.wire import AnswerObject, Exchange, History, read_history

EVIL = "<img src=x onerror=alert(1)>\"'\n\n![i](http://evil.test/i.png)"


def test_untrusted_text_is_escaped_in_every_sink(assistant: Assistant) -> None:
    from assistant.schema import Block, Document, Passage, Span
    from ui.catalogue import words_of
    from ui.export import to_docx, to_markdown
    from ui.wire import Conversation

    citation = {"n": 1, "document": EVIL, "start": 0, "end": len(EVIL), "quote": EVIL}
    answer = AnswerObject(question=EVIL, status="answered", answer=f"{EVIL} [1]", citations=[citation], confidence=0.9)
    document = Document(EVIL, EVIL, (Block("paragraph", Span(0, len(EVIL))),), date=Span(0, 4))
    passage = Passage(EVIL, "v", "sentence", Span(0, len(EVIL)), Span(0, len(EVIL)))
    view = View(words_of("en"), {EVIL: document})
    exchange = Exchange(question=EVIL, answer=answer, next=[EVIL])
    for made in (exchange_html(exchange, [EVIL], EVIL, view), exchange_html(Exchange(question=EVIL, error=EVIL), [], None, view), document_html(document, [passage], view.words)):  # fmt: skip
        assert "<img" not in made
        assert "\n\n" not in made, "a blank line would let Markdown begin"
    conversation = Conversation(id="ab" * 8, title=EVIL, exchanges=[exchange])
    assert "![i](" not in to_markdown(conversation, view)
    assert "<img" not in to_markdown(conversation, view)
    assert to_docx(conversation, view).startswith(b"PK")


def test_catalogues_hold_the_same_keys_and_fields() -> None:
    import re

    from ui.catalogue import LANGUAGES, words_of

    first = words_of(LANGUAGES[0])
    for language in LANGUAGES[1:]:
        words = words_of(language)
        assert set(words) == set(first)
        for key, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", first[key])), key


def test_a_browsers_history_is_checked() -> None:
    good = {"id": "ab" * 8, "exchanges": [{"question": "?", "error": "x"}]}
    kept = read_history(
        json.dumps({"open": "ab" * 8, "conversations": [good, {"id": "../x"}, 3, {"id": "cd" * 8, "exchanges": 1}]})
    )
    assert [c.id for c in kept.conversations] == ["ab" * 8]
    assert kept.current().exchanges[0].question == "?"
    for broken in (None, "", "{", "[]", '{"conversations": 3}', 7, "[" * 100_000):
        assert read_history(broken).conversations == []
    many = History()
    for n in range(60):
        many = many.with_(kept.current().model_copy(update={"id": f"{n:016x}"}))
    assert len(many.conversations) == 50


@pytest.fixture(scope="module")
def served(assistant: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start servers of these settings in this process: `served(users={...})` gives a client."""
    import uvicorn

    from ui.server import build_server

    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(**fields: Any) -> httpx.Client:
        settings = Settings(home=tmp_path_factory.mktemp("home"), **fields)
        server = uvicorn.Server(uvicorn.Config(build_server(assistant, settings), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        running.append((server, thread))
        return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def client(served: Any) -> httpx.Client:
    return served()  # type: ignore[no-any-return]


def test_health_and_headers(client: httpx.Client) -> None:
    for path in ("/healthz", "/", "/evaluate/", "/api/documents", "/nothing"):
        reply = client.get(path)
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"], path
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
    assert client.get("/readyz").json() == {"status": "ready", "documents": 1}


def test_the_api_answers_with_the_contracts_object(client: httpx.Client) -> None:
    given = {"question": "And since when is she detained?", "history": ["Who is Nasta Loika?"], "id": "q7"}
    reply = client.post("/api/ask", json=given)
    assert reply.status_code == 200
    answer = reply.json()
    assert set(answer) == {"id", "question", "status", "answer", "citations", "confidence", "engine", "elapsed_ms"}
    assert answer["id"] == "q7"
    assert client.get("/api/documents").json()[0]["document"] == "release.txt"
    schema = client.get("/api/openapi.json").json()
    assert "/api/ask" in schema["paths"]
    assert "AnswerObject" in schema["components"]["schemas"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"question": ""}, 422), ({"question": "x" * 3000}, 422), ({"question": "?", "document": "none.txt"}, 422), ({"q": 1}, 422), ({"question": "?", "history": 3}, 422)],
)  # fmt: skip
def test_bad_questions_are_refused(client: httpx.Client, body: dict[str, object], status: int) -> None:
    assert client.post("/api/ask", json=body).status_code == status


def test_long_bodies_are_refused(client: httpx.Client) -> None:
    assert client.post("/api/ask", content=b"x" * 3_000_000).status_code == 413
    assert client.post("/api/ask", content=iter([b"{}"])).status_code == 413


def test_feedback_is_taken_from_the_page_only(client: httpx.Client) -> None:
    given = {"question": "Who?", "document": "release.txt", "verdict": "right"}
    assert client.post("/api/feedback", json=given, headers={"Origin": "http://evil.test"}).status_code == 403
    assert client.post("/api/feedback", json=given | {"verdict": "maybe"}).status_code == 422
    first, again = client.post("/api/feedback", json=given), client.post("/api/feedback", json=given)
    assert first.status_code == 201
    assert first.json() == again.json()


def test_runs_are_served_by_name_only(client: httpx.Client) -> None:
    for name in ("..", "%2e%2e%2f", "nothing", "..%2fstore"):
        assert client.get(f"/runs/{name}/report").status_code == 404


def test_many_at_once_get_the_same_answer_or_a_fast_busy(client: httpx.Client) -> None:
    def ask(_: int) -> httpx.Response:
        return client.post("/api/ask", json={"question": "How many political prisoners were released?"})

    with ThreadPoolExecutor(90) as pool:
        replies = list(pool.map(ask, range(90)))
    assert {r.status_code for r in replies} <= {200, 503}
    assert len({r.json()["answer"] for r in replies if r.status_code == 200}) == 1
    assert all("Retry-After" in r.headers for r in replies if r.status_code == 503)
    assert client.get("/healthz").json() == {"status": "ok"}


def test_every_route_needs_the_log_in(served: Any) -> None:
    client = served(users={"ann": hashed("correct horse")})
    assert client.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login"
    for path in (
        "/config",
        "/api/documents",
        "/evaluate/config",
        "/runs/x/report",
        "/api/openapi.json",
        "/gradio_api/info",
    ):
        assert client.get(path).status_code == 401, path
    assert (
        client.post("/api/ask", json={"question": "?"}, cookies={"release_assistant_session": "guess"}).status_code
        == 401
    )
    client.cookies.clear()
    assert client.get("/healthz").status_code == 200
    assert client.post("/login", data={"name": "ann", "password": "wrong"}).status_code == 401
    reply = client.post("/login", data={"name": "ann", "password": "correct horse"})
    assert reply.status_code == 303
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert "samesite=strict" in reply.headers["set-cookie"].lower()
    assert client.get("/api/documents").status_code == 200
    client.post("/logout")
    client.cookies.clear()
    for _ in range(FAILURES):
        last = client.post("/login", data={"name": "ann", "password": "wrong"})
    assert last.status_code in (401, 429)
    locked = client.post("/login", data={"name": "ann", "password": "correct horse"})
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 60


def test_failures_are_forgotten_in_time_and_sessions_end() -> None:
    now = [0.0]
    accounts = Accounts({"ann": hashed("correct horse")}, lambda: now[0])
    for _ in range(FAILURES):
        assert accounts.log_in("ann", "wrong", "a") is None
    with pytest.raises(Locked):
        accounts.log_in("ann", "correct horse", "a")
    assert accounts.log_in("ann", "correct horse", "b"), "another address is not locked out"
    now[0] = 1000.0
    token = accounts.log_in("ann", "correct horse", "a")
    assert accounts.who(token) == "ann"
    assert accounts.who("x") is None
    now[0] += 13 * 3600
    assert accounts.who(token) is None


def test_a_thousand_guesses_end_at_the_lock() -> None:
    accounts = Accounts({"ann": hashed("correct horse")}, lambda: 0.0)
    tried = 0
    for n in range(1000):
        try:
            accounts.log_in(f"user{n % 50}", "guess", "a")
            tried += 1
        except Locked:
            continue
    assert tried <= 30


@pytest.mark.slow
def test_the_mcp_tool_answers_over_standard_input(tmp_path: Path) -> None:
    import asyncio

    pytest.importorskip("mcp")
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    env = {**os.environ, "RELEASE_ASSISTANT_HOME": str(tmp_path)}
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "ui.cli", "mcp"], env=env)

    async def talk() -> Any:
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            assert [t.name for t in (await session.list_tools()).tools] == ["ask_release"]
            return await session.call_tool("ask_release", {"question": "How many political prisoners were released?"})

    told = asyncio.run(talk())
    assert "123" in str(told.content)
