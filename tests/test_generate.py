"""A language model behind an endpoint, real HTTP on loopback: what cannot be verified is never shown."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assistant.answer import Assistant
from assistant.errors import SettingsError
from assistant.generate import Generator, Unusable, build_generator, check, unsupported
from assistant.schema import Evidence, Question, Span

TEXT = "The dam was opened by Ann Lee on 3 May 2024. Bo Chan was not invited. It cost 5 million euros."
SENTENCES = [Evidence("a.txt", Span(0, 44)), Evidence("a.txt", Span(45, 69)), Evidence("a.txt", Span(70, 94))]
TEXTS = [TEXT[s.span.start : s.span.end] for s in SENTENCES]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The dam was opened by Ann Lee.",
        "The dam was opened by Ann Lee. [4]",
        "The dam was opened by Ann Lee. [0]",
        "The dam was opened on 4 May 2024. [1]",
        "The dam was opened by Eve Moor. [1]",
        "Bo Chan was invited. [2]",
        "The dam was not opened by Ann Lee. [1]",
        "The dam was opened by Ann Lee. [1] It was a scandal.",
        "The dam was opened by Ann Lee. ![x](https://evil.test/?q=1) [1]",
        "The opening pleased fishermen, farmers and sailors alike. [1]",
        "It cost 50 million euros. [3]",
    ],
)
def test_a_reply_that_its_sentences_do_not_bear_out_is_unusable(reply: str) -> None:
    with pytest.raises(Unusable):
        check(reply, "Who opened the dam?", SENTENCES, TEXTS, "m")


def test_a_reply_that_they_bear_out_becomes_a_draft() -> None:
    draft = check(
        "Ann Lee opened the dam on 3 May 2024. [1] It cost 5 million euros [3].",
        "Who opened the dam?",
        SENTENCES,
        TEXTS,
        "m",
    )
    assert draft.parts == ("Ann Lee opened the dam on 3 May 2024.", 0, " It cost 5 million euros.", 1)
    assert draft.evidence == (SENTENCES[0], SENTENCES[2])
    assert unsupported("Bo Chan was not invited.", TEXTS[1], "Was he?") is None


def test_a_model_is_named_rightly_or_refused() -> None:
    assert build_generator("openai-like:a/b:c@http://127.0.0.1:1/v1", None, 1).name == "a/b:c"
    for wrong in ("gpt", "openai-like:x", "other:x@http://h:1"):
        with pytest.raises(SettingsError, match="RELEASE_ASSISTANT_LLM"):
            build_generator(wrong, None, 1)


Reply = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A chat-completions server that answers as it is told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.reply: Reply = lambda handler: None
        self.seen: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.seen.append((self.headers.get("Authorization", ""), body))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    outer.reply(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def says(text: str) -> Reply:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body = json.dumps(
        {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    ).encode()
    return lambda handler: send(handler, body)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    stop = threading.Event()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        stop.wait(0.2)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b"x" * 10_000)


MISBEHAVIOURS: dict[str, Reply] = {
    "drips": drip,
    "endless": endless,
    "hangs up": lambda handler: handler.connection.close(),
    "500": lambda handler: send(handler, b"{}", 500),
    "429": lambda handler: send(handler, b"{}", 429, Retry_After="999999"),
    "redirect": lambda handler: send(handler, b"", 307, Location="http://127.0.0.1:9/steal"),
    "broken json": lambda handler: send(handler, b'{"choices": ['),
    "html": lambda handler: send(handler, b"<html>sign in</html>", Content_Type="text/html"),
    "gzip": lambda handler: send(handler, b"\x1f\x8b" + b"\0" * 50, Content_Encoding="gzip"),
    "empty": says(""),
    "refusal": says("I'm sorry, I can't help with that."),
    "invented": says("4,567 prisoners were released on 1 May 2031. [1]"),
}


def with_model(assistant: Assistant, server: Server, timeout: float) -> Assistant:
    generator = build_generator(f"openai-like:tester@{server.url}", "planted-key", timeout)
    return Assistant(assistant.retriever, assistant.reader, assistant.calibration, generator=generator)


QUESTION = Question("How many political prisoners were released?")


@pytest.mark.parametrize("how", list(MISBEHAVIOURS))
def test_a_model_that_misbehaves_leaves_the_extractive_answer_in_time(
    assistant: Assistant, server: Server, how: str
) -> None:
    server.reply = MISBEHAVIOURS[how]
    begun = time.monotonic()
    answer = with_model(assistant, server, 1.5).ask(QUESTION)
    assert time.monotonic() - begun < 6
    plain = assistant.ask(QUESTION)
    assert answer.answer.startswith(plain.answer)
    assert "this is the extractive answer" in answer.answer
    assert (answer.engine, answer.citations) == ("extractive", plain.citations)


def test_a_model_that_is_borne_out_is_shown_with_exact_quotes(assistant: Assistant, server: Server) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        prompt = json.loads(server.seen[-1][1])["messages"][0]["content"]
        number = next(
            line[1 : line.index("]")]
            for line in prompt.splitlines()
            if "123 political prisoners" in line and line.startswith("[")
        )
        says(f"The Belarusian authorities released 123 political prisoners on 13 December [{number}].")(handler)

    server.reply = reply
    answer = with_model(assistant, server, 20).ask(QUESTION)
    assert answer.engine == "tester"
    assert answer.answer == "The Belarusian authorities released 123 political prisoners on 13 December. [1]"
    text = assistant.retriever.corpus().documents["release.txt"].text
    assert all(c.quote == text[c.start : c.end] for c in answer.citations)
    assert server.seen[-1][0] == "Bearer planted-key"
    assert "planted-key" not in server.seen[-1][1], "nothing secret is in a prompt"


def test_a_model_that_finds_nothing_is_not_taken_at_its_word(assistant: Assistant, server: Server) -> None:
    server.reply = says("NOT STATED.")
    assert with_model(assistant, server, 20).ask(QUESTION).answer == assistant.ask(QUESTION).answer


def test_the_deadline_is_total() -> None:
    generator = Generator("slow", lambda prompt: str(threading.Event().wait(30)), 0.3)
    begun = time.monotonic()
    with pytest.raises(Unusable, match="in time"):
        generator.draft("?", [], {})
    assert time.monotonic() - begun < 2
