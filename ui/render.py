"""Answers and documents as HTML, every piece escaped.  Knows strings, not Gradio.

The document pane is cut into sentence spans that carry their offsets, so that a citation finds its place by number
and the browser never counts characters (it counts UTF-16 units).
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.confidence import in_words
from assistant.schema import Document, Passage
from ui.catalogue import Words
from ui.wire import MAX_HISTORY, AnswerObject, CitationObject, Exchange

MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class View:
    """What answers are drawn with: the page's words, and the documents that quotes are checked against."""

    words: Words
    documents: Mapping[str, Document]

    def holds(self, citation: CitationObject) -> bool:
        """Whether the quote stands at its place in the document as it is now."""
        document = self.documents.get(citation.document)
        return document is not None and document.text[citation.start : citation.end] == citation.quote


def question_html(text: str) -> str:
    """What a person asked: text, never markup."""
    return f'<div class="asked">{_text(text)}</div>'


def exchange_html(exchange: Exchange, earlier: Sequence[str], view: View) -> str:
    """The answer to one question with its tools, or why there is none.

    `earlier` are the user's questions before it, for the feedback that may be given on it.
    """
    if exchange.answer is None:
        return f'<div class="answer failed" role="alert"><p class="said">{_text(exchange.error)}</p>{_tools(exchange, view)}</div>'
    answer, words = exchange.answer, view.words
    cited = {c.n: c for c in answer.citations}
    lines = [line for line in answer.answer.split("\n") if line.strip()]
    body = "".join(_line(line, number, cited, view) for number, line in enumerate(lines))
    foot = ""
    if answer.status == "answered":
        sure = in_words(answer.confidence)
        tip = words["confidence_tip"].format(percent=round(100 * answer.confidence))
        names = ", ".join(sorted({c.document for c in answer.citations}))
        foot = (
            f'<p class="foot"><span class="sure sure-{sure}" title="{_attribute(tip)}">{_text(words["confidence"])}: {_text(words[sure])}</span>'
            f'<span class="from">{_text(words["from"].format(documents=names))}</span></p>'
        )
    elif answer.status == "abstained":
        foot = f'<p class="foot">{_text(words["rephrase"])}</p>'
    tools = _tools(exchange, view)
    feedback = "" if answer.status == "chat" else _feedback(exchange, earlier, view)
    return f'<div class="answer {answer.status}">{body}{foot}{tools}{feedback}{next_html(exchange.next, view)}</div>'


def next_html(questions: Sequence[str], view: View) -> str:
    """Questions that one may ask next, as buttons."""
    if not questions:
        return ""
    buttons = "".join(
        f'<button type="button" class="chip" data-act="ask" data-text="{_attribute(q)}">{_text(q)}</button>'
        for q in questions
    )
    return f'<p class="next" role="group" aria-label="{_attribute(view.words["suggestions"])}">{buttons}</p>'


def _line(line: str, number: int, cited: Mapping[int, CitationObject], view: View) -> str:
    kind = "quote" if line.startswith("“") else "said" if number == 0 else "more"
    pieces: list[str] = []
    at = 0
    for match in MARKER.finditer(line):
        citation = cited.get(int(match.group(1)))
        if citation is None:
            continue
        pieces += [_text(line[at : match.start()]), _marker(citation, view)]
        at = match.end()
    pieces.append(_text(line[at:]))
    tag = "blockquote" if kind == "quote" else "p"
    return f'<{tag} class="{kind}">{"".join(pieces)}</{tag}>'


def _marker(citation: CitationObject, view: View) -> str:
    place = f"cite-{key(citation.document)}-{citation.start}-{citation.end}"
    told = "nearest" if citation.kind == "nearest" else "verified"
    if not view.holds(citation):
        told = "unverified"
    digest = view.documents[citation.document].hash[:12] if citation.document in view.documents else ""
    fields = {"start": citation.start, "end": citation.end, "document": citation.document, "hash": digest}
    said = view.words[told].format(**fields)
    label = view.words["show"].format(n=citation.n, document=citation.document)
    return (
        f'<a class="cite {told}" href="#{place}" aria-label="{_attribute(label)}">{citation.n}'
        f'<span class="tip" role="tooltip"><q>{_text(citation.quote)}</q><b>{_text(said)}</b></span></a>'
    )


def _tools(exchange: Exchange, view: View) -> str:
    words = view.words
    buttons = []
    if exchange.answer is not None and exchange.answer.status != "chat":
        buttons.append(_tool("copy", words["copy"], plain_answer(exchange.answer, words), words["copied"]))
        quotation = plain_quotation(exchange.answer, view)
        if quotation:
            buttons.append(_tool("copy", words["copy_quote"], quotation, words["copied"]))
    buttons.append(_tool("ask", words["retry"], exchange.question))
    buttons.append(_tool("edit", words["edit"], exchange.question))
    return f'<p class="tools">{"".join(buttons)}</p>'


def _tool(act: str, label: str, text: str, done: str = "") -> str:
    return f'<button type="button" class="tool" data-act="{act}" data-text="{_attribute(text)}" data-done="{_attribute(done)}">{_text(label)}</button>'


def _feedback(exchange: Exchange, earlier: Sequence[str], view: View) -> str:
    """A form that the page's script sends; the passage is what is selected in the release when it is sent."""
    words, answer = view.words, exchange.answer
    assert answer is not None
    about = exchange.document or next((c.document for c in answer.citations), None) or next(iter(view.documents), "")
    given = {
        "question": exchange.question,
        "history": list(earlier)[-MAX_HISTORY:],
        "document": about,
        "answer": answer.model_dump(exclude_none=True),
    }
    choices = "".join(
        f'<button type="button" class="tool" data-act="judge" data-verdict="{verdict}" aria-pressed="false">{_text(words[label])}</button>'
        for verdict, label in (("right", "fb_right"), ("wrong", "fb_wrong"), ("should_decline", "fb_decline"))
    )
    return (
        f'<details class="feedback" data-given="{_attribute(json.dumps(given))}"><summary>{_text(words["feedback"])}</summary>'
        f'<p class="choices">{choices}</p><div class="mend" hidden><label>{_text(words["fb_expected"])} <input type="text" maxlength="2000"></label>'
        f'<p class="hint">{_text(words["fb_mark"])}</p></div><p><button type="button" class="tool send" data-act="send" disabled>{_text(words["fb_send"])}</button>'
        f'<span class="told" role="status" data-sent="{_attribute(words["fb_sent"])}" data-failed="{_attribute(words["fb_failed"])}"></span></p></details>'
    )


def plain_answer(answer: AnswerObject, words: Words) -> str:
    """An answer as plain text: what it says, then each citation with its place."""
    lines = [answer.answer]
    for c in answer.citations:
        lines.append(f"[{c.n}] “{' '.join(c.quote.split())}” — {place_of(c, words)}")
    return "\n".join(lines)


def place_of(citation: CitationObject, words: Words) -> str:
    """Where a citation stands, in words."""
    place = words["footnote"].format(document=citation.document, start=citation.start, end=citation.end)
    return place + (f" ({words['nearest']})" if citation.kind == "nearest" else "")


def plain_quotation(answer: AnswerObject, view: View) -> str:
    """What the answer cites, as a quotation with its source line; "" where it cites nothing."""
    quotes = [c for c in answer.citations if c.kind == "support" and view.holds(c)]
    lines = [f"“{' '.join(c.quote.split())}”" for c in quotes]
    for name in dict.fromkeys(c.document for c in quotes):
        document = view.documents[name]
        title = " ".join(document.slice(document.title).split()) if document.title else name
        lines.append(f"— {title}" + (f", {document.slice(document.date)}" if document.date else "") + f" ({name})")
    return "\n".join(lines)


def key(name: str) -> str:
    """A document's name as part of an HTML id: hexadecimal, whatever the name holds."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def document_html(document: Document, sentences: Sequence[Passage], words: Words) -> str:
    """A whole document from its sentences, in order: its paragraphs, each sentence a span that carries its offsets."""
    pieces: list[str] = []
    at = 0
    block = -1
    for p in sentences:
        between = document.text[at : p.span.start]
        if p.block.start != block:
            pieces.append("</p>" if block >= 0 else "")
            title = document.title is not None and p.span == document.title
            tag, role = ("title", ' role="heading" aria-level="2"') if title else ("text", "")
            pieces.append(f'<p class="{tag}"{role}>')
            block = p.block.start
        else:
            pieces.append("<br>" if "\n" in between else html.escape(between))
        pieces.append(
            f'<span class="s" data-start="{p.span.start}" data-end="{p.span.end}">{_text(document.slice(p.span))}</span>'
        )
        at = p.span.end
    pieces.append("</p>" if sentences else "")
    dated = words["as_of"].format(date=document.slice(document.date)) if document.date else words["undated"]
    head = f'<p class="as-of">{_text(document.name)} · {_text(dated)}</p>'
    return (
        f'<article class="release" data-document="{key(document.name)}" data-name="{_attribute(document.name)}" tabindex="0" '
        f'aria-label="{_attribute(words["release"])}: {_attribute(document.name)}">{head}{"".join(pieces)}</article>'
    )


def _text(text: str) -> str:
    """Escaped, on one line: a blank line would end the block of HTML and let Markdown begin."""
    return html.escape(text).replace("\r", "").replace("\n", "<br>")


def _attribute(text: str) -> str:
    return html.escape(text, quote=True).replace("\r", "").replace("\n", "&#10;")
