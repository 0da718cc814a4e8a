"""The evaluators' page: past runs and their reports, a new run with its progress, and the review queue.  Knows Gradio."""

from __future__ import annotations

import secrets
import time
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.answer import Assistant
from assistant.errors import CaseError, ReleaseAssistantError
from data import resource
from eval.cases import load_cases
from eval.compare import compare, told
from eval.report import write_report
from eval.review import Feedback, ReviewQueue, propose
from eval.run import load_run, run, texts_and_sentences

SETS = {
    "the release, dev": "release-dev",
    "the release, test": "release-test",
    "invented releases, dev": "invented-dev",
    "invented releases, test": "invented-test",
}
OWN = "cases accepted from feedback"


class Office:
    """Runs in a folder, and the queue, for one assistant."""

    def __init__(self, assistant: Assistant, home: Path, queue: ReviewQueue) -> None:
        self.assistant = assistant
        self.runs = home / "runs"
        self.accepted = home / "cases.jsonl"
        self.queue = queue

    def names(self) -> list[str]:
        """The whole runs, newest first."""
        found = self.runs.glob("*/report.html") if self.runs.is_dir() else ()
        return sorted((p.parent.name for p in found), reverse=True)

    def sets(self) -> list[str]:
        return [*SETS, *([OWN] if self.accepted.exists() else [])]

    def summary(self, name: str | None) -> str:
        """A run's summary as Markdown; figures and names of categories only, nothing that a document or a person wrote."""
        if name not in self.names():
            return "No run yet. Start one below."
        return (self.runs / str(name) / "summary.md").read_text(encoding="utf-8").replace("# Evaluation", "")

    def link(self, name: str | None) -> str:
        if name not in self.names():
            return ""
        return f'<p><a class="report" href="/runs/{escape(str(name), quote=True)}/report" target="_blank" rel="noopener">Open the whole report</a></p>'

    def compared(self, before: str | None, after: str | None) -> str:
        """What got worse and better from one run to another, as text."""
        known = self.names()
        if before not in known or after not in known:
            return ""
        return told(compare(load_run(self.runs / str(before)), load_run(self.runs / str(after))))

    def start(self, which: str, limit: int, progress: Any) -> str:
        """Ask the cases of a set; the name of the run that they became."""
        texts, sentences = texts_and_sentences(self.assistant)
        path = self.accepted if which == OWN else resource(f"eval/{SETS[which]}.jsonl")
        cases = load_cases([path], texts)[: limit or None]
        if not cases:
            raise CaseError(f"{which}: there is no case")
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
        results = run(
            cases, self.assistant, self.runs / name, lambda done, total: progress((done, total), unit="cases")
        )
        write_report(self.runs / name, results, texts, sentences)
        return name

    def waiting(self) -> list[tuple[str, str]]:
        """What waits for review, as (label, id)."""
        return [(f"{f.verdict}: {f.question}"[:110], f.id) for f in self.queue.waiting()]

    def told(self, feedback: Feedback) -> str:
        """One piece of feedback, everything in it escaped."""
        asked = "".join(f"<li>{escape(q)}</li>" for q in (*feedback.history, feedback.question))
        marked = f"<p>marked: characters {feedback.start} to {feedback.end}</p>" if feedback.start is not None else ""
        return (
            f"<ol>{asked}</ol><p><b>{escape(feedback.verdict)}</b> · {escape(feedback.document)}</p>"
            f"<blockquote>{escape(feedback.answer.answer)}</blockquote><p>expected: {escape(feedback.expected) or '—'}</p>{marked}"
        )

    def accept(self, id_: str, answer: str, passage: str) -> str:
        """Make a case of it; what became of it, in words."""
        case = propose(self.queue.get(id_), self.assistant.retriever.corpus(), answer, passage)
        new = self.queue.accept(id_, case, self.accepted)
        return f"{case.id} is a case now." if new else "The question is a case already."


def build_evaluation(assistant: Assistant, home: Path, queue: ReviewQueue) -> gr.Blocks:
    """The Blocks of the evaluators' page."""
    office = Office(assistant, home, queue)
    private: dict[str, Any] = {"api_visibility": "private"}
    with gr.Blocks(title="Release Assistant: evaluation", analytics_enabled=False) as page:
        gr.HTML(
            '<header><h1>Evaluation</h1><p>May it be trusted? <a href="/">Back to the chat</a></p></header>',
            elem_id="head",
        )
        with gr.Tab("Runs"):
            names = gr.Dropdown([], label="Run", elem_id="run")
            summary = gr.Markdown(elem_id="summary")
            link = gr.HTML()
            other = gr.Dropdown([], label="Compare with an earlier run", elem_id="other")
            difference = gr.Textbox(
                label="What changed", lines=6, interactive=False, visible=False, elem_id="difference"
            )
        with gr.Tab("Start a run"):
            which = gr.Dropdown(list(SETS), value=next(iter(SETS)), label="Cases")
            limit = gr.Number(0, label="At most (0: all)", precision=0, minimum=0)
            start = gr.Button("Start", variant="primary", elem_id="start")
            state = gr.Textbox(label="Progress", interactive=False, elem_id="state")
        with gr.Tab("Review"):
            waiting = gr.Radio([], label="What people said of answers", elem_id="waiting")
            shown = gr.HTML(elem_id="shown")
            answer = gr.Textbox(label="The right answer, if not the one given", max_lines=2)
            passage = gr.Textbox(label="Its passage, as START:END, if not the one marked", max_lines=1)
            with gr.Row():
                take = gr.Button("Accept as a case", variant="primary", elem_id="accept")
                drop = gr.Button("Reject", elem_id="reject")
            decided = gr.Textbox(label="Decided", interactive=False, elem_id="decided")

        def arrive() -> tuple[Any, ...]:
            known = office.names()
            first = known[0] if known else None
            runs = gr.update(choices=known, value=first)
            return (
                runs, gr.update(choices=known, value=None), office.summary(first), office.link(first), gr.update(choices=office.sets()),
                gr.update(choices=office.waiting(), value=None),
            )  # fmt: skip

        page.load(arrive, None, [names, other, summary, link, which, waiting], **private)

        def show(name: str | None) -> tuple[str, str]:
            return office.summary(name), office.link(name)

        names.input(show, [names], [summary, link], **private)

        def differ(before: str | None, after: str | None) -> Any:
            try:
                said = office.compared(before, after)
            except CaseError as error:
                said = str(error)
            return gr.update(value=said, visible=bool(said))

        other.input(differ, [other, names], [difference], **private)

        def begin(chosen: str, most: float, progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008
            try:
                name = office.start(chosen, int(most or 0), progress)
            except ReleaseAssistantError as error:
                return str(error), gr.skip(), gr.skip(), gr.skip(), gr.skip()
            known = office.names()
            return (
                f"Done: {name}", gr.update(choices=known, value=name), gr.update(choices=known), office.summary(name), office.link(name),
            )  # fmt: skip

        start.click(begin, [which, limit], [state, names, other, summary, link], concurrency_limit=1, **private)

        def open_(id_: str | None) -> str:
            try:
                return office.told(queue.get(id_)) if id_ else ""
            except CaseError as error:
                return f"<p>{escape(str(error))}</p>"

        waiting.input(open_, [waiting], [shown], **private)

        def decide(id_: str | None, right: str, place: str, accepted: bool) -> tuple[Any, ...]:
            try:
                if id_ is None:
                    raise CaseError("choose one of them first")
                if accepted:
                    said = office.accept(id_, right, place)
                else:
                    queue.reject(id_)
                    said = "Rejected."
            except CaseError as error:
                return str(error), gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return said, gr.update(choices=office.waiting(), value=None), "", "", ""

        outputs = [decided, waiting, shown, answer, passage]
        take.click(lambda i, a, p: decide(i, a, p, True), [waiting, answer, passage], outputs, **private)
        drop.click(lambda i, a, p: decide(i, a, p, False), [waiting, answer, passage], outputs, **private)
    page.queue(max_size=16, api_open=False)
    return page
