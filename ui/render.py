"""Answers and documents as HTML, every piece escaped.  Knows strings, not Gradio.

The document pane is cut into sentence spans that carry their offsets, so that a citation finds its place by number
and the browser never counts characters (it counts UTF-16 units).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from assistant.confidence import in_words
from assistant.schema import Answer, Citation, Document, Passage

MARKER = re.compile(r"\[(\d+)\]")


def answer_html(answer: Answer, hashes: dict[str, str]) -> str:
    """One answer: its lines, the markers as buttons that show their quote, the confidence in words.

    `hashes` gives the SHA-256 of each document's text.
    """
    cited = {c.n: c for c in answer.citations}
    lines = [line for line in answer.answer.split("\n") if line.strip()]
    body = "".join(_line(line, number, cited, hashes) for number, line in enumerate(lines))
    foot = ""
    if answer.status == "answered":
        sure = in_words(answer.confidence)
        names = ", ".join(sorted({c.document for c in answer.citations}))
        foot = (
            f'<p class="foot"><span class="sure sure-{sure}">Confidence: {sure}</span>'
            f'<span class="from">from {html.escape(names)}</span></p>'
        )
    return f'<div class="answer {answer.status}">{body}{foot}</div>'


def _line(line: str, number: int, cited: dict[int, Citation], hashes: dict[str, str]) -> str:
    kind = "quote" if line.startswith("“") else "said" if number == 0 else "more"
    pieces: list[str] = []
    at = 0
    for match in MARKER.finditer(line):
        citation = cited.get(int(match.group(1)))
        if citation is None:
            continue
        pieces += [html.escape(line[at : match.start()]), _marker(citation, hashes)]
        at = match.end()
    pieces.append(html.escape(line[at:]))
    tag = "blockquote" if kind == "quote" else "p"
    return f'<{tag} class="{kind}">{"".join(pieces)}</{tag}>'


def _marker(citation: Citation, hashes: dict[str, str]) -> str:
    place = f"cite-{key(citation.document)}-{citation.start}-{citation.end}"
    if citation.kind == "nearest":
        said = "nearest passage, not an answer"
    else:
        said = f"verified: the quote is characters {citation.start} to {citation.end} of {citation.document} (text {hashes.get(citation.document, '')[:12]})"
    tip = html.escape(f"“{citation.quote}” — {said}", quote=True)
    label = html.escape(f"Citation {citation.n}: show it in {citation.document}", quote=True)
    return f'<a class="cite {citation.kind}" href="#{place}" title="{tip}" aria-label="{label}">{citation.n}</a>'


def key(name: str) -> str:
    """A document's name as part of an HTML id: hexadecimal, whatever the name holds."""
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def document_html(document: Document, passages: Sequence[Passage]) -> str:
    """A whole document: its paragraphs, each sentence a span that carries its offsets."""
    sentences = sorted(
        (p for p in passages if p.kind == "sentence" and p.document == document.name), key=lambda p: p.span
    )
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
        text = html.escape(document.slice(p.span))
        pieces.append(f'<span class="s" data-start="{p.span.start}" data-end="{p.span.end}">{text}</span>')
        at = p.span.end
    pieces.append("</p>" if sentences else "")
    dated = f"As of the release dated {document.slice(document.date)}" if document.date else "The release bears no date"
    head = f'<p class="as-of">{html.escape(document.name)} · {html.escape(dated)}</p>'
    return f'<article class="release" data-document="{key(document.name)}" tabindex="0" aria-label="The release">{head}{"".join(pieces)}</article>'


def plain(content: object) -> str:
    """The text of a chat message as Gradio hands it over: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in content)
    return ""
