"""The page: the chat on the left, the whole release on the right.  Knows Gradio, not models.

Conversations lie in the browser and travel with each event; the server keeps none.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.answer import Assistant
from assistant.errors import ReleaseAssistantError
from assistant.schema import Evidence, Question, Span
from assistant.suggest import Suggester
from ui.catalogue import LANGUAGES, Words, words_of
from ui.export import to_docx, to_markdown
from ui.render import View, document_html, exchange_html, question_html
from ui.wire import Conversation, Exchange, History, read_history, to_object

ALL = ""  # the value of "all documents"
UPLOADS = [".txt", ".md", ".html", ".htm", ".pdf", ".docx"]
STORAGE = "release-assistant"
MIME = {"md": "text/markdown", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
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

    def pane(self, name: str | None) -> str:
        """The document pane for the chosen document, or for all."""
        corpus = self.assistant.retriever.corpus()
        names = [name] if name in corpus.documents else sorted(corpus.documents)
        passages = list(corpus.passages.values())
        return "".join(document_html(corpus.documents[n], passages, self.words) for n in names if n is not None)

    def ideas(self, name: str | None) -> list[dict[str, str]]:
        """Questions to begin with, each of which is answered."""
        corpus = self.assistant.retriever.corpus()
        known = name if name in corpus.documents else None
        if known is None and len(corpus.documents) > 1:
            return []
        return [{"text": q} for q in self.suggester.opening(corpus, known)]

    def messages(self, conversation: Conversation) -> Messages:
        """A conversation as chat messages, its quotes checked against the documents as they are now."""
        view = self.view()
        made: Messages = []
        for number, exchange in enumerate(conversation.exchanges):
            earlier = [e.question for e in conversation.exchanges[:number]]
            made.append({"role": "user", "content": question_html(exchange.question)})
            made.append({"role": "assistant", "content": exchange_html(exchange, earlier, conversation.document, view)})
        return made

    def ask(self, text: str, history: History, document: str | None) -> Iterator[tuple[Messages, History]]:
        """The conversation with the question, then with its answer, then with what one may ask next."""
        open_ = history.current().model_copy(update={"document": document or None})
        looking = f'<div class="answer looking"><p class="said">{self.words["looking"]}</p></div>'
        before = self.messages(open_)
        yield (
            [*before, {"role": "user", "content": question_html(text)}, {"role": "assistant", "content": looking}],
            history,
        )
        exchange = self._answered(text, open_)
        grown = open_.model_copy(update={"exchanges": [*open_.exchanges, exchange]})
        yield self.messages(grown), history.with_(grown)
        following = self._next(exchange, grown)
        if following:
            exchange = exchange.model_copy(update={"next": following})
            grown = grown.model_copy(update={"exchanges": [*open_.exchanges, exchange]})
            yield self.messages(grown), history.with_(grown)

    def _answered(self, text: str, conversation: Conversation) -> Exchange:
        try:
            answer = self.assistant.ask(Question(text, conversation.questions(), conversation.document))
        except ReleaseAssistantError as error:
            return Exchange(question=text, error=str(error))
        return Exchange(question=text, answer=to_object(answer))

    def _next(self, exchange: Exchange, conversation: Conversation) -> list[str]:
        if exchange.answer is None or exchange.answer.status == "chat":
            return []
        asked = [e.question for e in conversation.exchanges]
        corpus = self.assistant.retriever.corpus()
        cited = [Evidence(c.document, Span(c.start, c.end)) for c in exchange.answer.citations]
        return self.suggester.after(corpus, conversation.document, cited, asked)


def build_page(assistant: Assistant, language: str = "en", add_file: AddFile | None = None) -> gr.Blocks:
    """The Blocks of the page in one of the catalogue's languages; `add_file` puts an uploaded file into the store, where
    uploads are allowed."""
    words = words_of(language)
    desk = Desk(assistant, words)

    with gr.Blocks(title=words["title"], analytics_enabled=False, fill_width=True, delete_cache=(300, 300)) as page:
        stored = gr.BrowserState("", storage_key=STORAGE, secret=STORAGE)
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
            gr.HTML(f'<p class="hint">{words["kept"]}</p>')
            exported = gr.Textbox(visible="hidden", elem_id="exported")
        gr.HTML(head(words), elem_id="head")
        with gr.Row(elem_id="panes"):
            with gr.Column(scale=5, min_width=320, elem_id="talk"):
                chat = gr.Chatbot(
                    label=words["conversation"],
                    show_label=False,
                    elem_id="chat",
                    height="calc(100vh - 10.5rem)",
                    min_height=280,
                    buttons=[],
                    feedback_options=None,
                    allow_file_downloads=False,
                    sanitize_html=False,  # every message is made, and escaped, by ui.render
                    layout="bubble",
                    placeholder=words["placeholder"],
                )
                with gr.Row(elem_id="ask"):
                    box = gr.Textbox(
                        label=words["question"], show_label=False, container=False, placeholder=words["hint"], scale=6, lines=1, max_lines=4, autofocus=True,
                        max_length=assistant.max_question_chars, elem_id="box",
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

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

        def listed(history: History) -> Any:
            choices = [(c.name or "…", c.id) for c in history.conversations]
            return gr.update(choices=choices, value=history.open if history.open in {i for _, i in choices} else None)

        def arrive(kept: object) -> tuple[Any, ...]:
            history = read_history(kept)
            open_ = history.current()
            choices = desk.choices()
            names = [value for _, value in choices]
            name = open_.document if open_.document in names else (names[0] if names else None)
            shown = gr.update(choices=choices, value=name)
            return desk.messages(open_), listed(history), shown, desk.pane(name), gr.update(examples=desk.ideas(name))

        page.load(arrive, [stored], [chat, talks, picker, pane, chat], **private)

        def ask(text: str, kept: object, name: str | None) -> Iterator[tuple[Any, ...]]:
            text = text.strip()
            if not text:
                yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
                return
            for messages, history in desk.ask(text, read_history(kept), name):
                yield (
                    "",
                    messages,
                    history.model_dump_json(),
                    listed(history),
                    gr.update(visible=False),
                    gr.update(visible=True),
                )

        outputs = [box, chat, stored, talks, send, stop]
        ready: dict[str, Any] = {
            "fn": lambda: (gr.update(visible=True), gr.update(visible=False)),
            "outputs": [send, stop],
        }
        running = []
        for event in (box.submit, send.click):
            begun = event(ask, [box, stored, picker], outputs, concurrency_id="ask", **private)
            begun.then(**ready, queue=False, **private)
            running.append(begun)

        def pick(kept: object, name: str | None, event: gr.SelectData) -> Iterator[tuple[Any, ...]]:
            yield from ask(str(event.value["text"]), kept, name)

        begun = chat.example_select(pick, [stored, picker], outputs, concurrency_id="ask", **private)
        begun.then(**ready, queue=False, **private)
        running.append(begun)

        def stopped(kept: object, messages: Messages) -> tuple[Any, ...]:
            kept_messages = desk.messages(read_history(kept).current())
            unanswered = [m for m in messages[len(kept_messages) :] if m["role"] == "user"]
            text = asked_text(unanswered[-1]["content"]) if unanswered else ""
            return text, kept_messages, gr.update(visible=True), gr.update(visible=False)

        stop.click(stopped, [stored, chat], [box, chat, send, stop], cancels=running, queue=False, **private)

        def show(name: str | None) -> tuple[str, Any]:
            return desk.pane(name), gr.update(examples=desk.ideas(name))

        picker.input(show, [picker], [pane, chat], **private)

        def begin(kept: object) -> tuple[Any, ...]:
            history = read_history(kept).model_copy(update={"open": None})
            return history.model_dump_json(), [], listed(history)

        gr.on([new.click, chat.clear], begin, [stored], [stored, chat, talks], queue=False, **private)

        def reopen(id_: str | None, kept: object) -> tuple[Any, ...]:
            history = read_history(kept).model_copy(update={"open": id_})
            open_ = history.current()
            names = [value for _, value in desk.choices()]
            name = open_.document if open_.document in names else (names[0] if names else None)
            return history.model_dump_json(), desk.messages(open_), open_.name, gr.update(value=name), desk.pane(name)

        talks.input(reopen, [talks, stored], [stored, chat, title, picker, pane], queue=False, **private)

        def call(name: str, kept: object) -> tuple[Any, ...]:
            history = read_history(kept)
            if name.strip() and history.open in {c.id for c in history.conversations}:
                history = history.with_(history.current().model_copy(update={"title": name.strip()[:120]}))
            return history.model_dump_json(), listed(history)

        gr.on([rename.click, title.submit], call, [title, stored], [stored, talks], queue=False, **private)

        def forget(kept: object) -> tuple[Any, ...]:
            history = read_history(kept)
            history = history.without(history.open)
            return history.model_dump_json(), [], listed(history), ""

        delete.click(forget, [stored], [stored, chat, talks, title], queue=False, **private)

        def export(kept: object, kind: str) -> str:
            conversation = read_history(kept).current()
            if not conversation.exchanges:
                return ""
            view = desk.view()
            data = to_docx(conversation, view) if kind == "docx" else to_markdown(conversation, view).encode()
            made = {"name": f"conversation.{kind}", "type": MIME[kind], "data": base64.b64encode(data).decode()}
            return json.dumps(made)

        for button, kind in ((as_md, "md"), (as_docx, "docx")):
            button.click(lambda kept, kind=kind: export(kept, kind), [stored], [exported], queue=False, **private).then(
                None, [exported], None, js="(made) => window.releaseAssistant.save(made)", **private
            )

        if add_file is not None:

            def receive(path: str) -> Iterator[tuple[Any, ...]]:
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
                yield _status(said), shown, desk.pane(name), gr.update(examples=desk.ideas(name))

            upload.upload(receive, [upload], [told, picker, pane, chat], concurrency_limit=1, **private)
    page.queue(max_size=64, default_concurrency_limit=4)
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


def _status(text: str, failed: bool = False) -> str:
    return f'<p class="{"failed" if failed else "done"}" role="{"alert" if failed else "status"}">{text}</p>'
