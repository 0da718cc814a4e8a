"""What is live in the store, in memory: documents, passages, and a lexical index over them.

Knows words, not vectors.  A corpus is a snapshot: `retrieve` makes a new one when the store changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.errors import QuestionError
from assistant.schema import Document, Passage, Record
from assistant.words import content_stems


class Corpus:
    """Documents by name, passages by id, and BM25 (Robertson and Zaragoza 2009; the library bm25s) over the passages."""

    def __init__(self, records: Sequence[Record], passages: Sequence[Passage]) -> None:
        self.documents: dict[str, Document] = {r.document.name: r.document for r in records}
        self.versions: dict[str, str] = {r.document.name: r.version for r in records}
        self.passages: dict[str, Passage] = {p.id: p for p in passages}
        self._children: dict[tuple[str, int], list[Passage]] = {}
        self._paragraphs: dict[str, list[Passage]] = {}
        self._homes: dict[tuple[str, int], Passage] = {}
        for p in passages:
            if p.kind == "sentence":
                self._children.setdefault((p.version, p.block.start), []).append(p)
            else:
                self._paragraphs.setdefault(p.document, []).append(p)
                self._homes[p.version, p.span.start] = p
        self._indexes: dict[str | None, tuple[list[str], Any]] = {}

    def text(self, passage: Passage) -> str:
        """The wording of a passage."""
        return self.documents[passage.document].slice(passage.span)

    def paragraphs(self, document: str | None = None) -> list[Passage]:
        """The paragraphs of a document, or of all, in order."""
        names = self.documents if document is None else [document]
        return [p for name in names for p in self._paragraphs.get(name, [])]

    def sentences(self, paragraph: Passage) -> list[Passage]:
        """The sentences of a paragraph, in order."""
        return self._children.get((paragraph.version, paragraph.block.start), [])

    def paragraph(self, passage: Passage) -> Passage:
        """The paragraph that a sentence stands in; a paragraph itself."""
        return self._homes[passage.version, passage.block.start]

    def sentences_of(self, document: str) -> list[Passage]:
        """Every sentence of a document, in order."""
        return [s for p in self.paragraphs(document) for s in self.sentences(p)]

    def scope(self, document: str | None) -> list[str]:
        """The versions that a question may be answered from; raises QuestionError where `document` is unknown."""
        if document is None:
            return list(self.versions.values())
        if document not in self.versions:
            known = ", ".join(sorted(self.documents)) or "none"
            raise QuestionError(
                f"no document {document!r} is ingested (there are: {known}): run `release-assistant ingest {document}`"
            )
        return [self.versions[document]]

    def lexical(self, question: str, limit: int, document: str | None = None) -> dict[str, float]:
        """The `limit` best passages of a document, or of all, by BM25: id to score (0 and up, no zeros).

        How rare a word is, is counted in that scope: what else is stored changes no answer from one document.
        """
        ids, index = self._index(document)
        terms = content_stems(question)
        if index is None or not terms:
            return {}
        scores = index.get_scores(terms)
        best = scores.argsort()[::-1][:limit]
        return {ids[i]: float(scores[i]) for i in best if scores[i] > 0}

    def _index(self, document: str | None) -> tuple[list[str], Any]:
        if document not in self._indexes:
            ids = [i for i, p in self.passages.items() if document in (None, p.document)]
            self._indexes[document] = ids, _bm25([self.text(self.passages[i]) for i in ids])
        return self._indexes[document]


def _bm25(texts: list[str]):  # type: ignore[no-untyped-def]
    import logging

    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs at DEBUG through a handler of its own
    if not texts:
        return None
    index = bm25s.BM25()
    index.index([content_stems(t) for t in texts], show_progress=False)
    return index
