"""The page: the chat on the left, the whole release on the right.  Knows Gradio, not models."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import gradio as gr

from assistant.answer import Assistant
from assistant.errors import ReleaseAssistantError
from assistant.schema import Question, Turn
from assistant.suggest import suggestions
from ui.render import answer_html, document_html, plain

ALL = "All documents"
MAX_TURNS = 20


def static(name: str) -> str:
    """The text of a file of the page."""
    return files("ui").joinpath("static", name).read_text(encoding="utf-8")


class Desk:
    """One assistant behind many pages; it holds no state of theirs."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant

    def documents(self) -> list[str]:
        return sorted(self.assistant.retriever.corpus().documents)

    def pane(self, name: str | None) -> str:
        """The document pane for the chosen document, or for all."""
        corpus = self.assistant.retriever.corpus()
        names = sorted(corpus.documents) if name in (None, ALL) else [str(name)]
        passages = list(corpus.passages.values())
        return "".join(document_html(corpus.documents[n], passages) for n in names if n in corpus.documents)

    def ideas(self, name: str | None) -> list[str]:
        """Questions to begin with."""
        return suggestions(self.assistant.retriever.corpus(), None if name in (None, ALL) else name)

    def answer(self, text: str, asked: list[str], name: str | None) -> str:
        """The answer to `text` after the user's earlier questions, as HTML; an error is said, not raised."""
        question = Question(
            text, tuple(Turn("user", t) for t in asked[-MAX_TURNS:]), None if name in (None, ALL) else name
        )
        try:
            answer = self.assistant.ask(question)
            documents = self.assistant.retriever.corpus().documents
        except ReleaseAssistantError as error:
            return f'<div class="answer abstained" role="alert"><p class="said">{_escaped(str(error))}</p></div>'
        return answer_html(answer, {n: d.hash for n, d in documents.items()})


def _escaped(text: str) -> str:
    import html

    return html.escape(text)


def build_page(assistant: Assistant) -> gr.Blocks:
    """The Blocks of the page; its events hold no state on the server."""
    desk = Desk(assistant)
    names = desk.documents()
    first = names[0] if len(names) == 1 else ALL

    def put(text: str, messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
        if not text.strip():
            return "", messages
        return "", [*messages, {"role": "user", "content": _escaped(text.strip())}]

    def reply(
        messages: list[dict[str, Any]], asked: list[str], name: str
    ) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
        if not messages or messages[-1]["role"] != "user":
            yield messages, asked
            return
        import html

        text = html.unescape(plain(messages[-1]["content"]))
        answer = desk.answer(text, asked, name)
        yield [*messages, {"role": "assistant", "content": answer}], [*asked, text]

    def pick(event: gr.SelectData, messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
        return put(str(event.value["text"]), messages)

    with gr.Blocks(title="Release Assistant", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            "<header><h1>Release Assistant</h1><p>Every answer stands in the release, shown at its exact place; "
            "where the release does not say, it says so.</p></header>",
            elem_id="head",
        )
        asked = gr.State([])
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                chat = gr.Chatbot(
                    label="Conversation",
                    elem_id="chat",
                    height="calc(100vh - 17rem)",
                    min_height=320,
                    buttons=["copy"],
                    feedback_options=None,
                    allow_file_downloads=False,
                    examples=[{"text": t} for t in desk.ideas(first)],
                    placeholder="Ask about the release.",
                )
                with gr.Row(elem_id="ask"):
                    box = gr.Textbox(
                        label="Your question", placeholder="Who, what, when, how many …", scale=6, lines=1, max_lines=4, autofocus=True,
                        max_length=assistant.max_question_chars,
                    )  # fmt: skip
                    send = gr.Button("Ask", variant="primary", scale=1, min_width=90)
            with gr.Column(scale=5, min_width=320):
                picker = gr.Dropdown(
                    [ALL, *names] if len(names) > 1 else names,
                    value=first,
                    label="Document",
                    interactive=len(names) > 1,
                    visible=len(names) > 1,
                )
                pane = gr.HTML(desk.pane(first), elem_id="pane", js_on_load="")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for event in (box.submit, send.click):
            event(put, [box, chat], [box, chat], queue=False, **private).then(
                reply, [chat, asked, picker], [chat, asked], **private
            )
        chat.example_select(pick, [chat], [box, chat], queue=False, **private).then(
            reply, [chat, asked, picker], [chat, asked], **private
        )
        chat.clear(lambda: [], None, [asked], queue=False, **private)
        picker.change(desk.pane, [picker], [pane], **private)
        page.load(desk.pane, [picker], [pane], **private)
    page.queue(max_size=64, default_concurrency_limit=4)
    return page
