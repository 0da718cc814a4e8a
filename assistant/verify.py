"""The only maker of citations: a draft becomes an answer when every quote is a slice of its document.

Knows documents and drafts, not how a draft was made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.schema import Answer, Citation, Document, Draft, Evidence, Question

# What looks like one of our markers in a document or a question must not read as one.
LOOKALIKE = re.compile(r"\[(\d+)\]")


class UnverifiedDraft(ValueError):
    """A draft that cites nothing, or a place that its document does not have: never shown."""


def citation(n: int, evidence: Evidence, documents: Mapping[str, Document]) -> Citation:
    """Evidence as a citation, its quote sliced from the document.  Raises UnverifiedDraft where the place does not exist."""
    document = documents.get(evidence.document)
    if document is None or not len(evidence.span) or evidence.span.end > len(document.text):
        raise UnverifiedDraft(f"evidence {n} is no place in {evidence.document}")
    quote = document.slice(evidence.span)
    if not quote.strip():
        raise UnverifiedDraft(f"evidence {n} is blank")
    return Citation(n, evidence.document, evidence.span.start, evidence.span.end, quote, evidence.kind)


def verify(draft: Draft, question: Question, documents: Mapping[str, Document]) -> Answer:
    """The answer that `draft` stands for: markers numbered in order of first mention, every quote sliced and exact.

    Raises UnverifiedDraft where an answer has no support, a marker names no evidence, or a place does not exist.
    """
    numbers: dict[int, int] = {}
    places: dict[Evidence, int] = {}

    def number(index: int) -> int:
        if not 0 <= index < len(draft.evidence):
            raise UnverifiedDraft(f"marker {index} names no evidence")
        if index not in numbers:
            numbers[index] = places.setdefault(draft.evidence[index], len(places) + 1)
        return numbers[index]

    text = "".join(LOOKALIKE.sub(r"(\1)", p) if isinstance(p, str) else f" [{number(p)}]" for p in draft.parts).strip()
    for index in range(len(draft.evidence)):
        number(index)
    citations = tuple(citation(n, evidence, documents) for evidence, n in places.items())
    if draft.status == "answered" and not any(c.kind == "support" for c in citations):
        raise UnverifiedDraft("an answer without support")
    return Answer(
        question=question.text,
        status=draft.status,
        answer=text,
        citations=citations,
        confidence=min(1.0, max(0.0, draft.confidence)),
        engine=draft.engine,
        id=question.id,
    )
