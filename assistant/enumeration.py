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
MARK = re.compile(r"^(?:[-*•–]|\(?\w{1,2}[.)])\s+")
MAX_WORDS = 9


def items(text: str, around: Span) -> list[Span]:
    """The items of the list in `text` that `around` stands in or is; one item (`around` itself) where there is no list."""
    inside = _chunks(text, around)
    if len(inside) > 2 or (len(inside) == 2 and len(around) < 120):
        return _extended(text, inside) if _proper(text, inside[0]) and _proper(text, inside[-1]) else inside
    chunks = _chunks(text, Span(0, len(text)))
    home = next((i for i, c in enumerate(chunks) if c.overlaps(around)), None)
    if home is None:
        return [around]
    if _proper(text, around):
        grown = _extended(text, [around])
        return grown if len(grown) > 1 else [around]
    return [around]


def _chunks(text: str, span: Span) -> list[Span]:
    found: list[Span] = []
    at = span.start
    for match in SEPARATOR.finditer(text, span.start, span.end):
        if match.start() > at:
            found.append(Span(at, match.start()))
        at = match.end()
    if at < span.end:
        found.append(Span(at, span.end))
    return [_trimmed(text, c) for c in found]


def _trimmed(text: str, span: Span) -> Span:
    piece = text[span.start : span.end]
    mark = MARK.match(piece)
    start = span.start + (mark.end() if mark else 0)
    end = span.start + len(piece.rstrip(" .;,\n"))
    return Span(start, max(start, end))


def _proper(text: str, span: Span) -> bool:
    piece = re.sub(r"^(?:the|a|an)\s+", "", text[span.start : span.end])
    return piece[:1].isupper() and len(piece.split()) <= MAX_WORDS


def _extended(text: str, found: list[Span]) -> list[Span]:
    """Proper names that go on before the first and after the last of `found`, parted by separators alone."""
    first, last = found[0], found[-1]
    before: list[Span] = []
    chunks = _chunks(text, Span(0, first.start)) if first.start else []
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
        for chunk in _chunks(text, Span(following.end(), len(text))):
            head = PROPER.match(text, chunk.start, chunk.end)
            if head is None:
                break
            after.append(Span(chunk.start, head.end()))
            if head.end() < chunk.end:
                break
    return [*before, *found, *after]
