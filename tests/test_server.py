"""The server over real HTTP: the API, headers, log-in, limits, and the MCP tool."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
from bs4 import BeautifulSoup

from assistant.answer import Assistant
from assistant.settings import Settings
from ui.login import FAILURES, Accounts, Locked, hashed
from ui.render import View, document_html, exchange_html
from ui.wire import MAX_TURNS, AnswerObject, Conversation, Exchange, History, News, read_history

ALLOWED = {
    "div",
    "p",
    "a",
    "span",
    "q",
    "b",
    "blockquote",
    "button",
    "details",
    "summary",
    "label",
    "input",
    "br",
    "article",
}
# What injects into HTML text, attributes, comments and scripts, into Markdown, formulas and templates, or into a terminal.
HOSTILE = (
    "<img src=x onerror=alert(1)>\"'\n\n![i](http://evil.test/i.png)",
    "<script>alert(1)</script>",
    "</script><script>alert(1)//",
    "<svg/onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script></svg>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "\"><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1)) [y](data:text/html,<script>alert(1)</script>)",
    "<javascript:alert(1)> <http://evil.test>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<details open ontoggle=alert(1)>",
    "<style>@import 'http://evil.test/x.css';</style><link rel=stylesheet href=http://evil.test/x.css>",
    "<form action=http://evil.test><button>send</button></form>",
    "<base href=http://evil.test/><meta http-equiv=refresh content='0;url=http://evil.test'>",
    "<!-- --><img src=http://evil.test/x><!-- -->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "</textarea></title></div></details><img src=x onerror=alert(1)>",
    "&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "```html\n<img src=x onerror=alert(1)>\n```",
    "$$\\href{javascript:alert(1)}{x}$$ \\(x\\)",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= 1 %> {0}",
    "# heading\n\n- item\n\n| a | b |\n|---|---|\n\n***",
    "a\u202ereversed\u2066 \u200bhidden",
)


@pytest.mark.parametrize("evil", HOSTILE)
def test_untrusted_text_is_escaped_in_every_sink(evil: str) -> None:
    from assistant.schema import Block, Document, Passage, Span
    from ui.catalogue import words_of
    from ui.export import to_docx, to_markdown

    citation = {"n": 1, "document": evil, "start": 0, "end": len(evil), "quote": evil}
    answer = AnswerObject(question=evil, status="answered", answer=f"{evil} [1]", citations=[citation], confidence=0.9)
    document = Document(evil, evil, (Block("paragraph", Span(0, len(evil))),), date=Span(0, 4))
    passage = Passage(evil, "v", "sentence", Span(0, len(evil)), Span(0, len(evil)))
    view = View(words_of("en"), {evil: document})
    exchange = Exchange(question=evil, answer=answer, next=[evil])
    for made in (exchange_html(exchange, [evil], view), exchange_html(Exchange(question=evil, error=evil), [], view), document_html(document, [passage], view.words)):  # fmt: skip
        assert "<img" not in made
        assert "\n" not in made, "a blank line would let Markdown begin"
        tags = BeautifulSoup(made, "html.parser").find_all(True)
        assert not {a for tag in tags for a in tag.attrs if a.startswith("on") or a in ("src", "srcset", "style")}
        assert all(tag["href"].startswith("#") for tag in tags if "href" in tag.attrs)
        assert {tag.name for tag in tags} <= ALLOWED
        held = [v for tag in tags for a, v in tag.attrs.items() if a.startswith(("data-", "aria-")) and evil[:6] in v]
        assert all(evil.split()[0] in v for v in held), "an attribute ended early"
        said = " ".join(BeautifulSoup(made, "html.parser").get_text(" ").split())
        assert " ".join(evil.split()) in said, "it is shown as it was written"
    conversation = Conversation(id="ab" * 8, title=evil, exchanges=[exchange])
    assert not re.search(r"(?<!\\)!?\[[^\]]*\]\((?!#)|<[a-z/!]", to_markdown(conversation, view), re.IGNORECASE)
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
    kept = read_history(json.dumps({"conversations": [good, {"id": "../x"}, 3, {"id": "cd" * 8, "exchanges": 1}]}))
    assert [c.id for c in kept.conversations] == ["ab" * 8]
    assert kept.find("ab" * 8).exchanges[0].question == "?"
    for broken in (None, "", "{", "[]", '{"conversations": 3}', 7, "[" * 100_000):
        assert read_history(broken).conversations == []


def test_a_long_history_loses_its_oldest_only() -> None:
    many = History()
    for n in range(60):
        many = many.with_(Conversation(id=f"{n:016x}"))
    assert [c.id for c in many.conversations] == [f"{n:016x}" for n in range(59, 9, -1)]
    talk = Conversation(id="ab" * 8)
    for n in range(MAX_TURNS + 30):
        talk = talk.grown(Exchange(question=str(n), error="x" * 9000))
    assert (len(talk.exchanges), talk.exchanges[-1].question) == (MAX_TURNS, str(MAX_TURNS + 29))
    big = many.with_(talk)
    assert big.conversations[0].id == talk.id
    assert len(big.model_dump_json()) < 2_000_000
    assert read_history(big.model_dump_json()).find(talk.id) == talk


def test_news_is_merged_into_what_the_browser_holds_by_then() -> None:
    talk = Conversation(id="ab" * 8, exchanges=[Exchange(question="one")])
    other = Conversation(id="cd" * 8, title="of another tab")
    by_then = History(conversations=[other, talk.model_copy(update={"title": "renamed meanwhile"})])
    told = News(id=talk.id, exchange=Exchange(question="two")).told(by_then)
    assert [c.name for c in told.conversations] == ["renamed meanwhile", "of another tab"]
    assert [e.question for e in told.find(talk.id).exchanges] == ["one", "two"]
    assert News(id=talk.id, next=["?"]).told(told).find(talk.id).exchanges[-1].next == ["?"]
    assert News(id="ef" * 8, next=["?"]).told(told) == told, "a conversation that was deleted meanwhile stays deleted"


@pytest.fixture(scope="module")
def served(assistant: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start servers of these settings in this process: `served(users={...})` gives a client."""
    import uvicorn

    from ui.server import build_server, configured

    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(**fields: Any) -> httpx.Client:
        settings = Settings(**{"home": tmp_path_factory.mktemp("home"), **fields})
        server = uvicorn.Server(configured(build_server(assistant, settings), settings, 0))
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


def test_feedback_is_kept_once_and_checked(client: httpx.Client) -> None:
    given = {"question": "Who?", "document": "release.txt", "verdict": "right"}
    assert client.post("/api/feedback", json=given | {"verdict": "maybe"}).status_code == 422
    first, again = client.post("/api/feedback", json=given), client.post("/api/feedback", json=given)
    assert first.status_code == 201
    assert first.json() == again.json()


def test_errors_are_one_line_without_what_was_sent(client: httpx.Client) -> None:
    reply = client.post(
        "/api/ask", content=b'{"question": "\\ud800 secret"}', headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 422
    assert set(reply.json()) == {"error"}
    assert "secret" not in reply.text
    assert "nosniff" in reply.headers["x-content-type-options"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1:1/x.txt", "/gradio_api/file/x", "/gradio_api/proxy=http://x", "/gradio_api/run/predict", "/gradio_api/api/x",
        "/gradio_api/call/x", "/gradio_api/deep_link", "/gradio_api/info", "/gradio_api/process_recording", "/evaluate/gradio_api/run/x",
        "/ru/gradio_api/file=x", "/file=/etc/passwd", "/x/y/gradio_api/queue/join", "/gradio_api/queue/join/../../file=x", "/gradio_api/upload",
    ],
)  # fmt: skip
def test_routes_that_the_page_does_not_use_are_closed(client: httpx.Client, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        assert client.request(method, path).status_code in (404, 421), method


def test_another_site_can_neither_write_nor_read(client: httpx.Client) -> None:
    question = {"question": "Who heads the IAPB?"}
    for headers in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert client.post("/api/ask", json=question, headers=headers).status_code == 403
        assert client.post("/gradio_api/queue/join", json={}, headers=headers).status_code == 403
    reply = client.get("/config", headers={"Origin": "http://localhost:1"})
    assert not [h for h in reply.headers if h.startswith("access-control")]
    assert client.get("/", headers={"Host": "rebound.test"}).status_code == 421
    assert client.get("/evaluate?path=https://evil.test").headers["location"] == "/evaluate/"


def test_runs_are_served_by_name_only(served: Any, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "runs" / "good", tmp_path / "store"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text("<p>here", encoding="utf-8")
    client = served(home=tmp_path)
    assert client.get("/runs/good/report").status_code == 200
    for name in ("..", "%2e%2e", "nothing", "..%2fstore", "good%2f..%2f..%2fstore"):
        assert client.get(f"/runs/{name}/report").status_code == 404, name


def test_the_evaluators_page_and_uploads_are_for_this_machine_unless_set(served: Any) -> None:
    client = served(host="0.0.0.0")
    assert client.get("/evaluate/").status_code == 404 or "Evaluation" not in client.get("/evaluate/").text
    assert client.get("/runs/x/report").json() != {"error": "no such run"}
    assert not Settings(host="0.0.0.0").takes_uploads
    assert Settings(host="127.0.0.1").takes_uploads
    assert not Settings(trusted_proxies="127.0.0.1").takes_uploads


def test_many_at_once_get_the_same_answer_or_a_fast_busy(client: httpx.Client) -> None:
    def ask(_: int) -> tuple[httpx.Response, float]:
        begun = time.perf_counter()
        return client.post(
            "/api/ask", json={"question": "How many political prisoners were released?"}
        ), time.perf_counter() - begun

    with ThreadPoolExecutor(100) as pool:
        replies = list(pool.map(ask, range(100)))
    served_, busy = ([r for r, _ in replies if r.status_code == status] for status in (200, 503))
    assert len(served_) + len(busy) == 100
    assert len({r.json()["answer"] for r in served_}) == 1
    assert busy, "more than can wait were turned away"
    assert all(r.headers["Retry-After"] for r in busy)
    assert client.get("/healthz").json() == {"status": "ok"}


def test_every_route_needs_the_log_in(served: Any) -> None:
    client = served(users={"ann": hashed("correct horse")})
    assert client.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login"
    app = client.get("/healthz")
    assert app.status_code == 200
    routes = ["/", "/config", "/theme.css", "/api/documents", "/api/openapi.json", "/evaluate/", "/evaluate/config", "/ru/", "/ru/config", "/runs/x/report",
        "/gradio_api/queue/data", "/gradio_api/heartbeat/x", "/gradio_api/startup-events", "/static/x", "/assets/x", "//login", "/login/", "/logout"]  # fmt: skip
    for path in routes:
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
            assert client.request(method, path).status_code in (401, 404), (method, path)
    guess = {"Cookie": "release_assistant_session=guess"}
    assert client.post("/api/ask", json={"question": "?"}, headers=guess).status_code == 401
    assert client.post("/login", data={"name": "ann", "password": "wrong"}).status_code == 401
    reply = client.post("/login", data={"name": "ann", "password": "correct horse"})
    assert reply.status_code == 303
    session = next(c for c in reply.headers.get_list("set-cookie") if "session" in c)
    assert "HttpOnly" in session
    assert "samesite=strict" in session.lower()
    token = session.split(";")[0]
    odd = f'prefs={{"a":1}}; bare; x[y]=1; {token}'
    assert client.get("/api/documents", headers={"Cookie": odd}).status_code == 200, "another cookie locks nobody out"
    client.post("/logout")
    client.cookies.clear()
    assert client.get("/api/documents", headers={"Cookie": token}).status_code == 401
    for _ in range(FAILURES):
        last = client.post("/login", data={"name": "ann", "password": "wrong"}, headers={"X-Forwarded-For": "9.9.9.9"})
    assert last.status_code in (401, 429)
    locked = client.post("/login", data={"name": "ann", "password": "correct horse"})
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 60


def test_a_password_that_is_no_hash_is_refused_without_saying_it() -> None:
    from assistant.errors import SettingsError
    from assistant.settings import load_settings

    with pytest.raises(SettingsError, match="password of 'ann' is no bcrypt hash") as caught:
        load_settings(users={"ann": "plain secret"})
    assert "plain secret" not in str(caught.value)


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
    for addresses, most in ((1, 30), (1000, 50)):
        accounts, tried = Accounts({}, lambda: 0.0), 0
        accounts._nobody = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()  # cheap: the count is what is tested
        for n in range(1000):
            with contextlib.suppress(Locked):
                accounts.log_in("ann" if addresses > 1 else f"user{n % 50}", "guess", str(n % addresses))
                tried += 1
        assert tried == most


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
