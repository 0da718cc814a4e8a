"""Evidence for a question: dense and lexical scores, normalised and joined, behind LlamaIndex's retriever.

Knows scores, not answers.  Each score is brought to 0..1 before the two are averaged, which beats reciprocal ranks
(Bruch, Gai and Ingber 2023, arXiv 2210.11934).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.corpus import Corpus
from assistant.schema import Embedder, Hit, Passage
from assistant.store import Store

CANDIDATES = 48
VECTORS = 256
DENSE_WEIGHT = 0.6


class HybridRetriever(BaseRetriever):
    """Finds paragraphs of the store for a question; as a LlamaIndex retriever it gives nodes whose ids and offsets are ours."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        limit: int = 8,
        dense_weight: float = DENSE_WEIGHT,
        document: str | None = None,
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.limit = limit
        self.dense_weight = dense_weight
        self.document = document  # what LlamaIndex's `retrieve` is restricted to
        # A follow-up asks its earlier questions again; the lists of a document are compared with many questions.
        self._vector = lru_cache(maxsize=VECTORS)(lambda question: embedder.embed([question])[0])
        self._corpus: Corpus | None = None
        self._lock = threading.Lock()
        super().__init__()

    def corpus(self) -> Corpus:
        """The live corpus; read again where another process has changed the store since."""
        with self._lock:
            versions = self.store.versions()
            if self._corpus is None or self._corpus.versions != versions:
                if self._corpus is not None:
                    self.store.reopen()
                records = self.store.records()
                self._corpus = Corpus(records, self.store.passages([r.version for r in records]))
            return self._corpus

    def hits(self, question: str, corpus: Corpus, document: str | None = None, limit: int | None = None) -> list[Hit]:
        """The best paragraphs for `question`, best first; a paragraph scores as its best sentence or itself."""
        scope = corpus.scope(document)
        lexical = corpus.lexical(question, CANDIDATES, document)
        dense: dict[str, float] = {}
        if self.dense_weight > 0:
            dense = self.store.search(self._vector(question), scope, CANDIDATES)
        top = max(lexical.values(), default=0.0)
        best: dict[str, Hit] = {}
        sentences: dict[str, dict[int, float]] = {}
        for id_ in dict.fromkeys([*dense, *lexical]):
            passage = corpus.passages.get(id_)
            if passage is None:
                continue
            cosine, share = dense.get(id_, 0.0), lexical.get(id_, 0.0) / top if top else 0.0
            score = self.dense_weight * max(0.0, cosine) + (1 - self.dense_weight) * share
            home = corpus.paragraph(passage)
            found = sentences.setdefault(home.id, {})
            if passage.kind == "sentence":
                found[passage.span.start] = score
            if home.id not in best or score > best[home.id].score:
                best[home.id] = Hit(home, cosine, share, score, found)
        return sorted(best.values(), key=lambda h: (-h.score, h.passage.id))[: limit or self.limit]

    def likeness(self, question: str, texts: Sequence[str]) -> list[float]:
        """The cosine of `question` to each of a few texts, -1 to 1."""
        asked = self._vector(question)
        return [sum(a * b for a, b in zip(asked, self._vector(t), strict=True)) for t in texts]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        corpus = self.corpus()
        return [node(h.passage, corpus, h.score) for h in self.hits(query_bundle.query_str, corpus, self.document)]


def node(passage: Passage, corpus: Corpus, score: float) -> NodeWithScore:
    """A passage as LlamaIndex knows it, its offsets those of the stored text."""
    text = corpus.text(passage)
    metadata = {"document": passage.document, "start": passage.span.start, "end": passage.span.end}
    made = TextNode(
        id_=passage.id,
        text=text,
        metadata=metadata,
        start_char_idx=passage.span.start,
        end_char_idx=passage.span.end,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=["start", "end"],
    )
    return NodeWithScore(node=made, score=score)
