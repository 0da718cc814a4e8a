"""A document becomes passages: paragraphs and their sentences, as spans.  Knows texts, not vectors.

Spans are produced first and the text is sliced by them, so that every character which is not white space lies in
a paragraph and in a sentence, repeated lines included.
"""

from __future__ import annotations

import hashlib
import re

from assistant.schema import Block, Document, Passage, Span

SPLITTER = "blocks-punkt-5"  # part of the fingerprint: change it with the code below
MAX_PARAGRAPH = 1200
# After these a full stop ends no sentence, whatever Punkt learnt from its newspapers.
ABBREVIATION = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Nos?|Dr|Mrs?|Ms|Prof|Gen|Col|Lt|Sgt|Rev|Hon|Art|Fig|approx|vs|para|tel|ca)\.$",
    re.IGNORECASE,
)
MAX_SENTENCE = 600
MARK = re.compile(r"\(?\w{1,2}[.)]")  # "1." before an item is no sentence of its own


def version(document: Document, embedder_fingerprint: str) -> str:
    """The fingerprint that a document is indexed under: its text, its name, its layout with title, date and issuer, the
    splitter, the embedder."""
    layout = repr(
        ([(b.kind, b.span.start, b.span.end) for b in document.blocks], document.title, document.date, document.issuer)
    )
    key = "\x00".join((document.name, document.hash, layout, SPLITTER, embedder_fingerprint))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def split(document: Document, version: str) -> list[Passage]:
    """Every paragraph and every sentence of `document`, in the order of the text.

    Headings are not passages of their own prose, but they are kept as one-sentence paragraphs, so that nothing
    that the document says is out of reach.  The items of a list, or the rows of a table, make one paragraph together
    with the line that introduces them; each is a sentence of it.
    """
    passages: list[Passage] = []
    section: Span | None = None
    for group in _groups(document.blocks):
        if group[0].kind == "heading":
            section = group[0].span
        sentences = [s for block in group for s in _sentences(document.text, block)]
        under = None if group[0].kind == "heading" else section
        for paragraph in _paragraphs(sentences):
            whole = Span(paragraph[0].start, paragraph[-1].end)
            passages.append(Passage(document.name, version, "paragraph", whole, whole, under))
            passages += [Passage(document.name, version, "sentence", s, whole, under) for s in paragraph]
    return passages


def embedded_text(passage: Passage, document: Document) -> str:
    """What is embedded of a passage: a paragraph with the heading it stands under, a sentence alone.

    The title stands over every paragraph, so it would only make them alike.
    """
    text = document.slice(passage.span)
    if passage.kind == "paragraph" and passage.section is not None and passage.section != document.title:
        return f"{document.slice(passage.section)}\n{text}"
    return text


def _groups(blocks: tuple[Block, ...]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for block in blocks:
        joins = groups and block.kind in ("item", "row") and groups[-1][-1].kind in (block.kind, "paragraph")
        if joins and (groups[-1][-1].kind == block.kind or len(groups[-1][-1].span) < 300):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _sentences(text: str, block: Block) -> list[Span]:
    """Sentences of one block by NLTK's Punkt (Kiss and Strunk 2006), which LlamaIndex carries; long ones are cut at spaces."""
    from llama_index.core.utils import globals_helper

    if block.kind in ("heading", "row"):
        spans = [block.span]
    else:
        found = globals_helper.punkt_tokenizer.span_tokenize(text[block.span.start : block.span.end])
        spans = []
        for s, e in found:
            span = Span(block.span.start + s, block.span.start + e)
            if spans and (
                ABBREVIATION.search(text, spans[-1].start, spans[-1].end)
                or MARK.fullmatch(text, spans[-1].start, spans[-1].end)
            ):
                spans[-1] = Span(spans[-1].start, span.end)
            else:
                spans.append(span)
    return [piece for span in spans for piece in _cut(text, span, MAX_SENTENCE)]


def _cut(text: str, span: Span, limit: int) -> list[Span]:
    pieces: list[Span] = []
    start = span.start
    while span.end - start > limit:
        spaces = [m.start() for m in re.finditer(r"\s", text[start : start + limit])]
        end = start + spaces[-1] if spaces and spaces[-1] > limit // 2 else start + limit
        pieces.append(Span(start, end))
        start = end + (text[end].isspace())
    if start < span.end:
        pieces.append(Span(start, span.end))
    return pieces


def _paragraphs(sentences: list[Span]) -> list[list[Span]]:
    """Sentences in runs of at most MAX_PARAGRAPH characters."""
    runs: list[list[Span]] = []
    for sentence in sentences:
        if runs and sentence.end - runs[-1][0].start <= MAX_PARAGRAPH:
            runs[-1].append(sentence)
        else:
            runs.append([sentence])
    return runs
