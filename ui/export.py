"""A conversation as Markdown or DOCX, with its citations.  Knows conversations, not pages."""

from __future__ import annotations

import io
import re

from ui.render import View, place_of
from ui.wire import AnswerObject, Conversation

SPECIAL = re.compile(r"([\\`*_{}\[\]>#|~!])")
LEADING = re.compile(r"^(?:([-+=])|(\d+)([.)]))")  # what begins a list, or underlines a heading


def to_markdown(conversation: Conversation, view: View) -> str:
    """Questions as headings, answers, each citation as a block quotation with its place; the text cannot become markup."""
    words = view.words
    lines = [f"# {escaped(conversation.name)}", ""]
    for exchange in conversation.exchanges:
        lines += [f"## {escaped(exchange.question)}", ""]
        if exchange.answer is None:
            lines += [f"*{escaped(exchange.error)}*", ""]
            continue
        for said in said_lines(exchange.answer):
            lines += [escaped(said), ""]
        for c in exchange.answer.citations:
            place = escaped(f"[{c.n}] {place_of(c, words)}")
            lines += [f"> {escaped(' '.join(c.quote.split()))}", ">", f"> {place}", ""]
    return "\n".join([*lines, f"*{escaped(words['exported'])}*", ""])


def to_docx(conversation: Conversation, view: View) -> bytes:
    """The same as a Word document."""
    from docx import Document as Word

    words = view.words
    word = Word()
    word.add_heading(_legal(conversation.name), level=1)
    for exchange in conversation.exchanges:
        word.add_heading(_legal(exchange.question), level=2)
        if exchange.answer is None:
            word.add_paragraph(_legal(exchange.error))
            continue
        for said in said_lines(exchange.answer):
            word.add_paragraph(_legal(said))
        for c in exchange.answer.citations:
            word.add_paragraph(f"“{_legal(' '.join(c.quote.split()))}”", style="Quote")
            word.add_paragraph(_legal(f"[{c.n}] {place_of(c, words)}"), style="Caption")
    word.add_paragraph(words["exported"])
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def said_lines(answer: AnswerObject) -> list[str]:
    """The lines of an answer besides its quotations, which stand with their places below it."""
    return [line for line in answer.answer.split("\n") if line.strip() and not line.startswith("“")]


def escaped(text: str) -> str:
    """`text` with Markdown's special characters escaped, on one line.

    >>> escaped("![x](http://evil)")
    '\\\\!\\\\[x\\\\](http://evil)'
    """
    made = SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("<", "&lt;")
    return LEADING.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", made)


def _legal(text: str) -> str:
    """Without the control characters that XML forbids."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", " ", text)
