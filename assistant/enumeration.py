"""The items of a list that a text spells out.  Knows spans of one text, not questions.

>>> text = "Donors are Austria, the United Kingdom and Peru."
>>> [text[s.start:s.end] for s in items(text, Span(11, 18))]
['Austria', 'the United Kingdom', 'Peru']
"""

from __future__ import annotations

import re

from assistant.schema import Span

SEPARATOR = re.compile(
    r"\s*[,;]\s+(?:(?:and|or|as well as|along with|plus|then)\s+(?:also\s+)?)?|\s+(?:and|or|as well as|&)\s+|\s*\n\s*|\s+\|\s+"
)
PROPER = re.compile(
    r"(?:the\s+)?[^\W\d_a-zà-ÿ](?:[\w'’-]|\.(?=\w))*(?:\s+(?:(?:of|the|de|van|for|and)\s+){0,2}[^\W\d_a-zà-ÿ](?:[\w'’-]|\.(?=\w))*)*"
)
MARK = re.compile(r"^(?:[-*•–▪◦‣·]|o(?=\s+[A-Z\d])|\(?\w{1,2}[.)])\s+")
MAX_WORDS = 9
# One to five words up to a function word, a participle or a mark: the head of a noun phrase.
HEAD = re.compile(
    r"(?:(?!(?:that|which|who|whose|where|when|in|on|at|by|of|to|with|for|from|under|during|after|before|while|is|are|was|were|has|have|had|will)\b|[\w-]+(?:ed|ing)\b)[\w'’-]+(?:[ ](?=[\w'’-])|)){1,5}"
)


def items(text: str, around: Span) -> list[Span]:
    """The items of the list in `text` that `around` stands in or is; one item (`around` itself) where there is no list."""
    inside = split(text, around)
    if len(inside) > 2 or (len(inside) == 2 and len(around) < 120):
        if _proper(text, inside[0]) and _proper(text, inside[-1]):
            return _extended(text, inside)
        return [*inside, *following(text, inside[-1])]
    chunks = split(text, Span(0, len(text)))
    home = next((i for i, c in enumerate(chunks) if c.overlaps(around)), None)
    if home is None:
        return [around]
    grown = _extended(text, [around]) if _proper(text, around) else _grown(text, around, chunks, home)
    return grown if len(grown) > 1 else [around]


def split(text: str, span: Span) -> list[Span]:
    """The pieces of `span` between commas, semicolons, line ends and conjunctions."""
    found: list[Span] = []
    at = span.start
    for match in SEPARATOR.finditer(text, span.start, span.end):
        if match.start() > at:
            found.append(Span(at, match.start()))
        at = match.end()
    if at < span.end:
        found.append(Span(at, span.end))
    return [_trimmed(text, c) for c in found]


def unmarked(text: str, line: Span) -> Span:
    """`line` without the bullet or number that it begins with."""
    mark = MARK.match(text[line.start : line.end])
    return Span(line.start + mark.end(), line.end) if mark else line


def _trimmed(text: str, span: Span) -> Span:
    piece = text[span.start : span.end]
    start = unmarked(text, span).start
    end = span.start + len(piece.rstrip(" .;,\n"))
    return Span(start, max(start, end))


def _proper(text: str, span: Span) -> bool:
    piece = re.sub(r"^(?:the|a|an)\s+", "", text[span.start : span.end])
    return piece[:1].isupper() and len(piece.split()) <= MAX_WORDS


def _grown(text: str, around: Span, chunks: list[Span], home: int) -> list[Span]:
    """Short common nouns around one of them: "journalists, lawyers, and activists convicted of ..."."""
    found = [around]
    for chunk in reversed(chunks[:home]):
        if len(text[chunk.start : chunk.end].split()) > 3 or not any(
            g.start() == chunk.end for g in SEPARATOR.finditer(text)
        ):
            break
        found.insert(0, chunk)
    return [*found, *following(text, around)]


def following(text: str, last: Span) -> list[Span]:
    """The items after `last` that are parted by separators alone: whole short chunks, and the head of a longer one that ends the list."""
    found: list[Span] = []
    separator = SEPARATOR.match(text, last.end)
    while separator is not None:
        head = HEAD.match(text, separator.end())
        if head is None or not head.group().strip():
            break
        found.append(_trimmed(text, Span(head.start(), head.end())))
        ended = re.search(r"\b(?:and|or)\b|as well as|&", separator.group()) is not None
        separator = None if ended else SEPARATOR.match(text, found[-1].end)
    closed = (
        separator is None
        and bool(found)
        and re.search(r"\b(?:and|or|as well as)\b", text[last.end : found[-1].start]) is not None
    )
    return found if closed else []


def _extended(text: str, found: list[Span]) -> list[Span]:
    """Proper names that go on before the first and after the last of `found`, parted by separators alone."""
    first, last = found[0], found[-1]
    before: list[Span] = []
    chunks = split(text, Span(0, first.start)) if first.start else []
    if any(gap.end() == first.start for gap in SEPARATOR.finditer(text, 0, first.start)):
        for chunk in reversed(chunks):
            whole = PROPER.fullmatch(text, chunk.start, chunk.end)
            if whole and len(text[chunk.start : chunk.end].split()) <= MAX_WORDS:
                before.insert(0, chunk)
                continue
            tail = None
            for match in PROPER.finditer(text, chunk.start, chunk.end):
                tail = match
            if tail is not None and tail.end() == chunk.end:
                before.insert(0, Span(tail.start(), tail.end()))
            break
    after: list[Span] = []
    following = SEPARATOR.match(text, last.end)
    if following is not None:
        for chunk in split(text, Span(following.end(), len(text))):
            head = PROPER.match(text, chunk.start, chunk.end)
            if head is None:
                break
            after.append(Span(chunk.start, head.end()))
            if head.end() < chunk.end:
                break
    return [*before, *found, *after]
