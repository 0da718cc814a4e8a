"""The console script: arguments in, answers out.  Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from assistant.errors import QuestionError, ReleaseAssistantError
from assistant.words import one_line, printable

if TYPE_CHECKING:
    from assistant.answer import Assistant
    from assistant.schema import Answer, Question
    from assistant.settings import Settings
    from assistant.store import Store

MAX_LINE = 4_000_000


class Parser(argparse.ArgumentParser):
    """Errors on one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; see `{self.prog} --help`\n")


def make_parser() -> Parser:
    """The command line of the contract."""
    parser = Parser(
        prog="release-assistant", description="Ask a press release; get a cited answer, or that it does not say."
    )
    parser.add_argument("--version", action="version", version=f"release-assistant {version('release-assistant')}")
    parser.add_argument("--store", type=Path, help="folder of the index (or RELEASE_ASSISTANT_STORE)")
    parser.add_argument("--verbose", action="store_true", help="log what is done, on standard error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    ingest = commands.add_parser("ingest", help="put documents into the index")
    ingest.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files or folders; default: the bundled release"
    )

    ask = commands.add_parser("ask", help="ask a question")
    ask.add_argument("question", nargs="?", metavar="QUESTION")
    ask.add_argument("--document", help="answer from this document only (its file name)")
    form = ask.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one answer object")
    form.add_argument("--jsonl", action="store_true", help="read question objects from standard input, one a line")

    show = commands.add_parser("show", help="print the stored text of a document")
    show.add_argument("document", metavar="DOCUMENT", help="its file name")
    documents = commands.add_parser("documents", help="list the documents of the index")
    documents.add_argument("--json", action="store_true")

    ui = commands.add_parser("ui", help="open the chat")
    ui.add_argument("--host")
    ui.add_argument("--port", type=int)

    commands.add_parser("password", help="print the hash of a password, for RELEASE_ASSISTANT_USERS")
    commands.add_parser("mcp", help="offer the tool ask_release to an MCP client, over standard input and output")

    from eval.command import add_arguments

    add_arguments(commands.add_parser("eval", help="measure the assistant"))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 where the work could not be done, 2 where the call is wrong."""
    args = make_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.ERROR, stream=sys.stderr, format="%(name)s: %(message)s"
    )
    signal.signal(signal.SIGTERM, _interrupted)
    # Set before any library that would ask a hub or count its users is imported.
    for name, value in (
        ("HF_HUB_OFFLINE", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("GRADIO_ANALYTICS_ENABLED", "False"),
    ):
        os.environ.setdefault(name, value)
    try:
        from assistant.settings import load_settings

        return int(COMMANDS[args.command](args, load_settings(store=args.store)))
    except ReleaseAssistantError as error:
        print(f"release-assistant: {one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("release-assistant: interrupted; nothing that was stored is lost", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone; closing it again at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _interrupted(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def ensure_ingested(store: Store, settings: Settings) -> None:
    """The bundled release into a store that holds nothing yet, so that the first command a person types works."""
    if store.exists and store.versions():
        return
    from data import resource

    print("Ingesting the bundled release …", file=sys.stderr)
    _ingest([resource("release.txt")], store, settings)


def _ingest(paths: Sequence[Path], store: Store, settings: Settings) -> int:
    from assistant.embed import MiniLM
    from ingest.index import find_files, ingest

    def progress(name: str, done: int, total: int) -> None:
        if total > done or total > 256:
            print(f"  {one_line(name)}: {done:,} of {total:,} passages", file=sys.stderr)

    limits = {"max_bytes": settings.max_file_bytes, "max_chars": settings.max_document_chars}
    for done in ingest(find_files(paths), MiniLM(), store, progress=progress, **limits):
        print(f"{one_line(done.name)}: {done.outcome}, {done.passages} passages", file=sys.stderr)
    return 0


def run_ingest(args: argparse.Namespace, settings: Settings) -> int:
    from assistant.build import build_store
    from data import resource

    return _ingest(args.paths or [resource("release.txt")], build_store(settings), settings)


def run_ask(args: argparse.Namespace, settings: Settings) -> int:
    if not args.jsonl and args.question is None:
        print(
            'release-assistant ask: no question: type one, as `release-assistant ask "What is this about?"`',
            file=sys.stderr,
        )
        return 2
    from assistant.schema import Question

    assistant = open_assistant(settings)
    if args.jsonl:
        return ask_lines(assistant, sys.stdin.buffer, sys.stdout)
    answer = assistant.ask(Question(args.question, document=args.document))
    if args.json:
        print(json.dumps(answer.to_dict(), ensure_ascii=False))
    else:
        print(printable(for_a_person(answer)))
    return 0


def open_assistant(settings: Settings, documents: Sequence[Path] = ()) -> Assistant:
    """An assistant on a store that holds at least the bundled release, and `documents`."""
    from assistant.build import build_assistant, build_store

    store = build_store(settings)
    ensure_ingested(store, settings)
    held = store.versions()
    if missing := [d for d in documents if d.name not in held]:
        _ingest(missing, store, settings)
    return build_assistant(settings, store)


def open_engine(settings: Settings, engine: str | None, documents: Sequence[Path] = ()) -> Assistant:
    """An assistant that answers by `engine`: "extractive", a model, or None for what the settings name."""
    if engine is not None:
        settings = settings.model_copy(update={"llm": None if engine == "extractive" else engine})
    return open_assistant(settings, documents)


def ask_lines(assistant: Assistant, lines: IO[bytes], out: IO[str]) -> int:
    """One answer object for each question object, in order; a line that is none gets an object with `error`. 1 where there was one."""
    status = 0
    for number, line in enumerate(_lines(lines), 1):
        if line is not None and not line.strip():
            continue
        fields: dict[str, Any] = {}
        try:
            if line is None:
                raise QuestionError(f"line {number} is longer than {MAX_LINE:,} bytes: shorten it")
            fields, question = parse_question(line, number)
            result = assistant.ask(question).to_dict()
        except ReleaseAssistantError as error:
            status = 1
            reason = one_line(str(error))
            result = {"id": fields.get("id"), "question": fields.get("question"), "status": "error", "error": reason}
            print(f"release-assistant: {one_line(str(error))}", file=sys.stderr)
        out.write(json.dumps(result, ensure_ascii=False) + "\n")
        out.flush()
    return status


def _lines(lines: IO[bytes]) -> Iterator[bytes | None]:
    """Lines of at most MAX_LINE bytes; None for a longer one, whose rest is skipped."""
    while line := lines.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            while not line.endswith(b"\n") and (line := lines.readline(MAX_LINE)):
                pass
            yield None
        else:
            yield line


def parse_question(line: bytes, number: int) -> tuple[dict[str, Any], Question]:
    """A question object of the contract; raises QuestionError that names the line and the field."""
    from assistant.schema import Question, Turn

    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise QuestionError(f'line {number} is not JSON: give one object {{"id", "question"}} a line') from None
    if not isinstance(fields, dict) or not isinstance(fields.get("question"), str):
        raise QuestionError(f"line {number}: `question` must be a string")
    turns = []
    history = fields.get("history") or []
    if not isinstance(history, list):
        raise QuestionError(f"line {number}: `history` must be a list")
    for turn in history:
        if isinstance(turn, str):
            turns.append(Turn("user", turn))
        elif (
            isinstance(turn, dict)
            and turn.get("role") in ("user", "assistant")
            and isinstance(turn.get("content"), str)
        ):
            turns.append(Turn(turn["role"], turn["content"]))
        else:
            raise QuestionError(f"line {number}: `history` must hold strings, or objects with role and content")
    document = fields.get("document")
    if document is not None and not isinstance(document, str):
        raise QuestionError(f"line {number}: `document` must be a string")
    return fields, Question(fields["question"], tuple(turns), document, fields.get("id"))


def for_a_person(answer: Answer) -> str:
    """An answer for the terminal: its text, then each citation with its place."""
    from assistant.confidence import in_words

    lines = [answer.answer]
    if answer.status == "answered":
        lines += ["", f"Confidence: {in_words(answer.confidence)} ({answer.confidence:.0%})"]
    for c in answer.citations:
        label = "nearest passage, " if c.kind == "nearest" else ""
        lines += ["", f"[{c.n}] {label}{c.document}, characters {c.start} to {c.end}:", f"    “{c.quote}”"]
    return "\n".join(lines)


def run_show(args: argparse.Namespace, settings: Settings) -> int:
    from assistant.build import build_store

    store = build_store(settings)
    ensure_ingested(store, settings)
    records = {r.document.name: r for r in store.records()}
    if args.document not in records:
        known = ", ".join(sorted(records))
        raise QuestionError(
            f"no document {args.document!r} is ingested (there are: {known}): run `release-assistant ingest {args.document}`"
        )
    sys.stdout.write(records[args.document].document.text)
    return 0


def run_documents(args: argparse.Namespace, settings: Settings) -> int:
    from assistant.build import build_store

    store = build_store(settings)
    ensure_ingested(store, settings)
    for record in store.records():
        document = record.document
        title = document.slice(document.title) if document.title else ""
        date = document.slice(document.date) if document.date else ""
        if args.json:
            fields = {"document": document.name, "title": title, "date": date, "characters": len(document.text)}
            print(json.dumps(fields | {"passages": record.passages, "sha256": document.hash}, ensure_ascii=False))
        else:
            print(printable(f"{document.name}\t{date or '-'}\t{record.passages} passages\t{title}"))
    return 0


def run_ui(args: argparse.Namespace, settings: Settings) -> int:
    from assistant.settings import load_settings

    settings = load_settings(store=args.store, host=args.host, port=args.port)
    assistant = open_assistant(settings)
    from ui.server import serve

    return serve(assistant, settings, file_adder(assistant, settings) if settings.takes_uploads else None)


def file_adder(assistant: Assistant, settings: Settings) -> Callable[[Path], tuple[str, str, int]]:
    """Puts an uploaded file into the store that `assistant` answers from; it may not take the place of another document."""
    from assistant.embed import MiniLM
    from assistant.errors import DocumentError
    from ingest.index import ingest
    from ingest.load import load

    def add(path: Path) -> tuple[str, str, int]:
        most, longest = settings.max_file_bytes, settings.max_document_chars
        try:
            return put(path, most, longest)
        except DocumentError as error:  # where the upload lay for a moment is nobody's business
            raise DocumentError(str(error).replace(f"{path.parent}{os.sep}", "")) from None

    def put(path: Path, most: int, longest: int) -> tuple[str, str, int]:
        retriever = assistant.retriever
        assert isinstance(retriever.embedder, MiniLM)
        known = retriever.corpus().documents.get(path.name)
        if known is not None and known.hash != load(path, most, longest).hash:
            raise DocumentError(f"another document is named {path.name}: rename yours and add it again")
        (done,) = ingest([path], retriever.embedder, retriever.store, max_bytes=most, max_chars=longest)
        return done.name, done.outcome, done.passages

    return add


def run_password(args: argparse.Namespace, settings: Settings) -> int:
    """Print the hash of a password that is typed, or piped in."""
    import getpass

    from ui.login import hashed

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < 8:
        print("release-assistant password: give at least 8 characters", file=sys.stderr)
        return 2
    print(hashed(password))
    return 0


def run_mcp(args: argparse.Namespace, settings: Settings) -> int:
    """Serve the tool `ask_release` over standard input and output."""
    from ui.mcp import serve

    return serve(open_assistant(settings))


def run_eval(args: argparse.Namespace, settings: Settings) -> int:
    from eval.command import run

    def stored(path: Path) -> str:
        from ingest.load import load

        return load(path, settings.max_file_bytes, settings.max_document_chars).text

    return run(args, settings, partial(open_engine, settings), stored)


COMMANDS = {
    "ingest": run_ingest,
    "ask": run_ask,
    "show": run_show,
    "documents": run_documents,
    "ui": run_ui,
    "password": run_password,
    "mcp": run_mcp,
    "eval": run_eval,
}

if __name__ == "__main__":
    sys.exit(main())
