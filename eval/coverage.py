"""Which sentences of a document its cases touch.  Knows places, not texts."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.schema import Span
from eval.cases import Case


def touched(cases: Sequence[Case], document: str, sentences: Sequence[Span]) -> list[tuple[Span, int]]:
    """Each sentence of `document` with the number of cases that have a gold passage in it."""
    gold = [[Span(g.start, g.end) for g in c.gold] for c in cases if c.document == document]
    return [(s, sum(any(g.overlaps(s) for g in places) for places in gold)) for s in sentences]
