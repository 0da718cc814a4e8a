"""The page: the chat on the left, the whole release on the right.  Knows Gradio, not models.

Conversations lie in the browser (``static/store.js``) and travel with the events that need them; what an event adds is merged
into what the browser holds by then, so that two tabs lose nothing to each other.  Gradio itself keeps the last values of a
session in memory for a while; `SESSIONS` bounds it.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from assistant.answer import Assistant
from assistant.errors import ReleaseAssistantError
from assistant.schema import Evidence, Question, Span
from assistant.suggest import Suggester
from ui.catalogue import LANGUAGES, Words, words_of
from ui.export import to_docx, to_markdown
from ui.render import View, document_html, exchange_html, next_html, question_html
from ui.wire import Conversation, Exchange, History, News, read_history, to_object

log = logging.getLogger("release_assistant.page")
ALL = ""  # the value of "all documents"
UPLOADS = [".txt", ".md", ".html", ".htm", ".pdf", ".docx"]
SESSIONS = 64
AT_ONCE = 2  # the reader uses every core: more at once only makes each slower
MIME = {"md": "text/markdown", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
KEEP = "(kept, here) => { releaseAssistant.keep(kept); releaseAssistant.stay(here); }"
AddFile = Callable[[Path], tuple[str, str, int]]  # name, outcome and passages of the document that a file becomes
Messages = list[dict[str, Any]]


def static(name: str) -> str:
    """The text of a file of the page."""
    return files("ui").joinpath("static", name).read_text(encoding="utf-8")


class Desk:
    """One assistant behind many pages in one language; it holds no state of theirs."""

    def __init__(self, assistant: Assistant, words: Words) -> None:
        self.assistant = assistant
        self.words = words
        # What is offered is checked against the extractive engine: a model is not asked for it.
        extractive = Assistant(
            assistant.retriever, assistant.reader, assistant.calibration, assistant.max_question_chars
        )
        self.suggester = Suggester(extractive.ask)

    def view(self) -> View:
        return View(self.words, self.assistant.retriever.corpus().documents)

    def choices(self) -> list[tuple[str, str]]:
        """The documents to choose from, all of them first where there are several."""
        names = sorted(self.assistant.retriever.corpus().documents)
        return ([(self.words["all_documents"], ALL)] if len(names) > 1 else []) + [(n, n) for n in names]

    def chosen(self, name: str | None) -> str | None:
        """`name` where it can be chosen, else the first that can."""
        names = [value for _, value in self.choices()]
        return name if name in names else (names[0] if names else None)

    def pane(self, name: str | None) -> str:
        """The document pane for the chosen document, or for all."""
        corpus = self.assistant.retriever.corpus()
        names = [name] if name in corpus.documents else sorted(corpus.documents)
        return "".join(
            document_html(corpus.documents[n], corpus.sentences_of(n), self.words) for n in names if n is not None
        )

    def ideas(self, name: str | None, conversation: Conversation) -> str:
        """Questions to begin with, each of which is answered; none once a conversation has begun, or on many documents."""
        corpus = self.assistant.retriever.corpus()
        known = name if name in corpus.documents else None
        if conversation.exchanges or (known is None and len(corpus.documents) != 1):
            return ""
        return next_html(self.suggester.opening(corpus, known), self.view())

    def messages(self, conversation: Conversation) -> Messages:
        """A conversation as chat messages, its quotes checked against the documents as they are now."""
        view = self.view()
        made: Messages = []
        for number, exchange in enumerate(conversation.exchanges):
            earlier = [e.question for e in conversation.exchanges[:number]]
            made += _pair(exchange, earlier, view)
        return made

    def answered(self, text: str, conversation: Conversation, document: str | None) -> Exchange:
        """The exchange that a question makes; an error is said in it, not raised."""
        exchange = Exchange(question=text, document=document or None)
        try:
            answer = self.assistant.ask(Question(text, conversation.questions(), document or None))
        except ReleaseAssistantError as error:
            return exchange.model_copy(update={"error": str(error)})
        except Exception:  # the question must not be lost with the error
            log.exception("a question failed")
            return exchange.model_copy(update={"error": self.words["failed"]})
        return exchange.model_copy(update={"answer": to_object(answer)})

    def following(self, conversation: Conversation) -> list[str]:
        """What one may ask after the last answer."""
        last = conversation.exchanges[-1] if conversation.exchanges else None
        if last is None or last.answer is None or last.answer.status == "chat":
            return []
        asked = [e.question for e in conversation.exchanges]
        cited = [Evidence(c.document, Span(c.start, c.end)) for c in last.answer.citations]
        return self.suggester.after(self.assistant.retriever.corpus(), last.document, cited, asked)


def _pair(exchange: Exchange, earlier: list[str], view: View) -> Messages:
    return [
        {"role": "user", "content": question_html(exchange.question)},
        {"role": "assistant", "content": exchange_html(exchange, earlier, view)},
    ]


def build_page(
    assistant: Assistant, language: str = "en", add_file: AddFile | None = None, accounts: bool = False
) -> gr.Blocks:
    """The Blocks of the page in one of the catalogue's languages.

    `add_file` puts an uploaded file into the store, where uploads are allowed; with `accounts` there is a way out.
    """
    words = words_of(language)
    desk = Desk(assistant, words)

    with gr.Blocks(title=words["title"], analytics_enabled=False, fill_width=True, delete_cache=(300, 300)) as page:
        hidden: dict[str, Any] = {"visible": "hidden", "container": False}
        kept = gr.Textbox(elem_id="kept", **hidden)
        here = gr.Textbox(elem_id="here", **hidden)
        news = gr.Textbox(elem_id="news", **hidden)
        exported = gr.Textbox(elem_id="exported", **hidden)
        with gr.Sidebar(words["conversations"], open=False, elem_id="side"):
            gr.HTML(f"<h2>{words['conversations']}</h2>", elem_classes="side-head")
            new = gr.Button(words["new"], size="sm", elem_id="new")
            talks = gr.Radio([], label=words["conversations"], show_label=False, container=False, elem_id="talks")
            title = gr.Textbox(label=words["new_name"], max_lines=1, max_length=120, elem_id="title")
            with gr.Row():
                rename = gr.Button(words["rename"], size="sm", min_width=60)
                delete = gr.Button(words["delete"], size="sm", min_width=60, elem_id="delete")
            with gr.Row():
                as_md = gr.Button(words["export_md"], size="sm", min_width=60, elem_id="export-md")
                as_docx = gr.Button(words["export_docx"], size="sm", min_width=60, elem_id="export-docx")
            gr.HTML(f'<p class="hint">{words["kept"]}</p>{log_out(words) if accounts else ""}')
        gr.HTML(head(words), elem_id="head")
        with gr.Row(elem_id="panes"):
            with gr.Column(scale=5, min_width=320, elem_id="talk"):
                chat = gr.Chatbot(
                    label=words["conversation"],
                    show_label=False,
                    elem_id="chat",
                    height="calc(100vh - 12.5rem)",
                    min_height=280,
                    buttons=[],
                    feedback_options=None,
                    allow_file_downloads=False,
                    latex_delimiters=[],
                    sanitize_html=False,  # every message is made, and escaped, by ui.render
                    layout="bubble",
                    placeholder=words["placeholder"],
                )
                ideas = gr.HTML("", elem_id="ideas")
                with gr.Row(elem_id="ask"):
                    box = gr.Textbox(
                        label=words["question"], show_label=False, container=False, placeholder=words["hint"], scale=6, lines=1,
                        max_lines=4, autofocus=True, max_length=assistant.max_question_chars, elem_id="box",
                    )  # fmt: skip
                    send = gr.Button(words["ask"], variant="primary", scale=1, min_width=90, elem_id="send")
                    stop = gr.Button(
                        words["stop"], variant="stop", scale=1, min_width=90, visible=False, elem_id="stop"
                    )
            with gr.Column(scale=5, min_width=320, elem_id="text"):
                with gr.Row(elem_id="shelf"):
                    picker = gr.Dropdown(
                        desk.choices(), label=words["document"], show_label=False, container=False, elem_id="picker", scale=4
                    )  # fmt: skip
                    upload = gr.UploadButton(
                        words["upload"], file_types=UPLOADS, size="sm", scale=1, min_width=120, visible=add_file is not None,
                        elem_id="upload",
                    )  # fmt: skip
                told = gr.HTML("", elem_id="told")
                pane = gr.HTML("", elem_id="pane", js_on_load="")

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

        def on(triggers: Any, work: Callable[..., Any], inputs: list[Any], outputs: list[Any], **more: Any) -> Any:
            """An event that gets what the browser keeps at that moment in place of `kept` and `here`."""
            names = [f"a{i}" for i in range(len(inputs))]
            fresh = {id(kept): "releaseAssistant.kept()", id(here): "releaseAssistant.here()"}
            given = ", ".join(fresh.get(id(c), name) for c, name in zip(inputs, names, strict=True))
            begin = triggers if callable(triggers) else partial(gr.on, triggers)
            return begin(work, inputs, outputs, js=f"({', '.join(names)}) => [{given}]", **quiet, **more)

        def listed(history: History, id_: str | None) -> Any:
            choices = [(c.name or "…", c.id) for c in history.conversations]
            return gr.update(choices=choices, value=id_ if history.holds(id_) else None)

        def arrive(kept_: str, id_: str) -> tuple[Any, ...]:
            history = read_history(kept_)
            open_ = history.find(id_)
            name = desk.chosen(open_.document)
            shown = gr.update(choices=desk.choices(), value=name)
            return desk.messages(open_), listed(history, id_), shown, desk.pane(name)

        def begin_with(kept_: str, id_: str, name: str | None) -> str:
            return desk.ideas(name, read_history(kept_).find(id_))

        came = on(page.load, arrive, [kept, here], [chat, talks, picker, pane])
        on(came.then, begin_with, [kept, here, picker], [ideas])

        def ask(text: str, kept_: str, id_: str, name: str | None) -> Iterator[tuple[Any, ...]]:
            text = text.strip()
            if not text:
                yield (gr.skip(),) * 7
                return
            open_ = read_history(kept_).find(id_)
            looking = f'<div class="answer looking"><p class="said">{words["looking"]}</p></div>'
            asked = {"role": "user", "content": question_html(text)}
            try:
                before = desk.messages(open_)
                busy = (gr.update(visible=False), gr.update(visible=True))
                yield "", [*before, asked, {"role": "assistant", "content": looking}], "", gr.skip(), "", *busy
                exchange = desk.answered(text, open_, name)
                earlier = [e.question for e in open_.exchanges]
                messages = [*before, *_pair(exchange, earlier, desk.view())]
            except ReleaseAssistantError as error:  # the store cannot be read
                failed = exchange_html(Exchange(question=text, error=str(error)), [], View(words, {}))
                yield (
                    text,
                    [asked, {"role": "assistant", "content": failed}],
                    "",
                    gr.skip(),
                    gr.skip(),
                    gr.skip(),
                    gr.skip(),
                )
                return
            told_ = News(id=open_.id, exchange=exchange).model_dump_json()
            yield gr.skip(), messages, told_, open_.id, "", gr.skip(), gr.skip()

        def merge(told_: str, kept_: str) -> tuple[Any, ...]:
            try:
                added = News.model_validate_json(told_)
            except ValidationError:
                return gr.skip(), gr.skip(), ""
            history = added.told(read_history(kept_))
            return history.model_dump_json(), listed(history, added.id), ""

        def after(kept_: str, id_: str) -> tuple[Any, ...]:
            open_ = read_history(kept_).find(id_)
            following = desk.following(open_)
            if not following or open_.exchanges[-1].next:
                return gr.skip(), ""
            added = News(id=open_.id, next=following)
            return desk.messages(added.told(History(conversations=[open_])).conversations[0]), added.model_dump_json()

        def ready() -> tuple[Any, Any]:
            return gr.update(visible=True), gr.update(visible=False)

        running = on(
            [box.submit, send.click], ask, [box, kept, here, picker], [box, chat, news, here, ideas, send, stop],
            concurrency_limit=AT_ONCE, concurrency_id="ask", trigger_mode="once",
        )  # fmt: skip
        merged = on(running.then, merge, [news, kept], [kept, talks, news], concurrency_limit=None)
        saved = merged.then(None, [kept, here], None, js=KEEP, **quiet)
        freed = on(saved.then, ready, [], [send, stop], concurrency_limit=None)
        offered = on(freed.then, after, [kept, here], [chat, news], concurrency_limit=AT_ONCE, concurrency_id="ask")
        again = on(offered.then, merge, [news, kept], [kept, talks, news], concurrency_limit=None)
        again.then(None, [kept, here], None, js=KEEP, **quiet)

        def stopped(kept_: str, id_: str, messages: Messages) -> tuple[Any, ...]:
            held = desk.messages(read_history(kept_).find(id_))
            unanswered = [m for m in messages[len(held) :] if m["role"] == "user"]
            text = asked_text(unanswered[-1]["content"]) if unanswered else ""
            return text, held, "", gr.update(visible=True), gr.update(visible=False)

        on(
            stop.click,
            stopped,
            [kept, here, chat],
            [box, chat, news, send, stop],
            cancels=[running],
            concurrency_limit=None,
        )

        def show(name: str | None, kept_: str, id_: str) -> tuple[str, str]:
            return desk.pane(name), desk.ideas(name, read_history(kept_).find(id_))

        on(picker.input, show, [picker, kept, here], [pane, ideas])

        def begin(kept_: str, name: str | None) -> tuple[Any, ...]:
            history = read_history(kept_)
            return history.model_dump_json(), "", [], listed(history, None), desk.ideas(name, history.find(None))

        begun = on([new.click, chat.clear], begin, [kept, picker], [kept, here, chat, talks, ideas])
        begun.then(None, [kept, here], None, js=KEEP, **quiet)

        def reopen(id_: str | None, kept_: str) -> tuple[Any, ...]:
            open_ = read_history(kept_).find(id_)
            name = desk.chosen(open_.document)
            return kept_, open_.id, desk.messages(open_), open_.name, gr.update(value=name), desk.pane(name), ""

        opened = on(
            talks.input, reopen, [talks, kept], [kept, here, chat, title, picker, pane, ideas], concurrency_limit=None
        )
        opened.then(None, [kept, here], None, js=KEEP, **quiet)

        def call(name: str, kept_: str, id_: str) -> tuple[Any, ...]:
            history = read_history(kept_)
            if name.strip() and history.holds(id_):
                history = history.with_(history.find(id_).model_copy(update={"title": name.strip()[:120]}))
            return history.model_dump_json(), id_, listed(history, id_)

        called = on(
            [rename.click, title.submit], call, [title, kept, here], [kept, here, talks], concurrency_limit=None
        )
        called.then(None, [kept, here], None, js=KEEP, **quiet)

        def forget(kept_: str, id_: str) -> tuple[Any, ...]:
            history = read_history(kept_).without(id_)
            return history.model_dump_json(), "", [], listed(history, None), ""

        forgotten = on(delete.click, forget, [kept, here], [kept, here, chat, talks, title], concurrency_limit=None)
        forgotten.then(None, [kept, here], None, js=KEEP, **quiet)

        def export(kept_: str, id_: str, kind: str) -> str:
            conversation = read_history(kept_).find(id_)
            if not conversation.exchanges:
                return ""
            view = desk.view()
            data = to_docx(conversation, view) if kind == "docx" else to_markdown(conversation, view).encode()
            made = {"name": f"conversation.{kind}", "type": MIME[kind], "data": base64.b64encode(data).decode()}
            return json.dumps(made)

        for button, kind in ((as_md, "md"), (as_docx, "docx")):
            made = on(
                button.click,
                lambda k, h, kind=kind: export(k, h, kind),
                [kept, here],
                [exported],
                concurrency_limit=None,
            )
            made.then(None, [exported], None, js="(made) => releaseAssistant.save(made)", **quiet)

        if add_file is not None:

            def receive(path: str, kept_: str, id_: str) -> Iterator[tuple[Any, ...]]:
                name = Path(path).name
                rest = (gr.skip(), gr.skip(), gr.skip())
                yield _status(words["uploading"].format(name=escape(name))), *rest
                try:
                    name, outcome, passages = add_file(Path(path))
                except ReleaseAssistantError as error:
                    yield _status(escape(str(error)), failed=True), *rest
                    return
                finally:
                    Path(path).unlink(missing_ok=True)
                said = words["known" if outcome == "unchanged" else "uploaded"].format(
                    name=escape(name), passages=passages
                )
                shown = gr.update(choices=desk.choices(), value=name)
                open_ = read_history(kept_).find(id_)
                yield _status(said), shown, desk.pane(name), desk.ideas(name, open_)

            on(upload.upload, receive, [upload, kept, here], [told, picker, pane, ideas], concurrency_limit=1)
    page.queue(max_size=64, default_concurrency_limit=AT_ONCE, api_open=False)
    page.state_session_capacity = SESSIONS
    return page


def asked_text(content: object) -> str:
    """The question in a chat message as Gradio hands it over: a string, or a list of parts."""
    parts = content if isinstance(content, list) else [content]
    made = " ".join(str(p.get("text", "")) if isinstance(p, dict) else str(p) for p in parts)
    return unescape(re.sub(r"<[^>]*>", "", made.replace("<br>", "\n")))


def head(words: Words) -> str:
    """The head of the page: its name, what it promises, its other language, and on a phone the two tabs."""
    other = words["other_path"]
    path = "/" if other == LANGUAGES[0] else f"/{other}/"
    return (
        f"<header><h1>{words['title']}</h1><p>{words['promise']}</p>"
        f'<a class="tongue" href="{path}" lang="{other}" hreflang="{other}">{words["other_language"]}</a></header>'
        f'<nav class="tabs"><button type="button" data-act="tab" data-tab="talk" aria-pressed="true">{words["tab_chat"]}</button>'
        f'<button type="button" data-act="tab" data-tab="text" aria-pressed="false">{words["tab_release"]}</button></nav>'
    )


def log_out(words: Words) -> str:
    """A form, since leaving changes something."""
    return f'<form method="post" action="/logout"><button class="tool">{words["log_out"]}</button></form>'


def _status(text: str, failed: bool = False) -> str:
    return f'<p class="{"failed" if failed else "done"}" role="{"alert" if failed else "status"}">{text}</p>'
