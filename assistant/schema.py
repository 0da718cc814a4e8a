"""The vocabulary: documents, passages, evidence, drafts, answers, and the protocols between them.

Standard library only.  Every place in a text is a `Span` of character offsets into `Document.text`, which never
changes once it is stored, so that ``document.text[span.start:span.end]`` is always the source's own wording.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Status = Literal["answered", "abstained", "chat"]
BlockKind = Literal["heading", "paragraph", "item", "row"]
PassageKind = Literal["paragraph", "sentence"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters [start, end) of a document's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start} to {self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def within(self, other: Span) -> bool:
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document as its author laid it out: a heading, a paragraph, a list item, a table row."""

    kind: BlockKind
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is stored: one text whose offsets never move, and where its title, date and issuer stand in it."""

    name: str
    text: str
    blocks: tuple[Block, ...] = ()
    title: Span | None = None
    date: Span | None = None
    issuer: Span | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def slice(self, span: Span) -> str:
        """The wording at `span`; raises ValueError where the span leaves the text."""
        if span.end > len(self.text):
            raise ValueError(f"{span} leaves {self.name}, which has {len(self.text)} characters")
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is embedded and retrieved.

    `block` is the span of the paragraph that a sentence stands in (its own span, for a paragraph); `section` is the
    heading it stands under, None where there is none.
    """

    document: str
    version: str
    kind: PassageKind
    span: Span
    block: Span
    section: Span | None = None

    @property
    def id(self) -> str:
        """Stable: the version of the document (text and splitter), the kind and the offsets."""
        return f"{self.version}:{self.kind[0]}:{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A paragraph found for a question: cosine (-1 to 1), BM25 as a share of the best (0 to 1), and both joined (0 to 1).

    The scores are the best that the paragraph or one of its sentences has; `sentences` are those of its sentences that
    were found themselves, by the offset at which they start.
    """

    passage: Passage
    dense: float
    lexical: float
    score: float
    sentences: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage.

    `spans` are the best spans of the document with their scores against the null answer (logits, 0: as likely as
    none), best first; `answerable` is the logit that the passage answers at all; `verdict` holds the logits of "it does
    not say", "yes" and "no" for a question that asks for a yes or a no; `items` are the pieces that belong to the answer
    where it is a list, with their logits, and `missed` is the highest logit of what stands apart from them.
    """

    passage: Passage
    spans: tuple[tuple[Span, float], ...]
    answerable: float
    verdict: tuple[float, float, float]
    items: tuple[tuple[Span, float], ...] = ()
    missed: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that a claim of a draft stands on: not yet verified."""

    document: str
    span: Span
    kind: Literal["support", "nearest"] = "support"


@dataclass(frozen=True, slots=True)
class Draft:
    """An unverified answer: pieces of text, and between them the numbers of the evidence that is cited there."""

    status: Status
    parts: tuple[str | int, ...]
    evidence: tuple[Evidence, ...] = ()
    confidence: float = 0.0
    engine: str = "extractive"


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified quote: made by `verify.citation` alone, as a slice of the document."""

    n: int
    document: str
    start: int
    end: int
    quote: str
    kind: Literal["support", "nearest"] = "support"

    def to_dict(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"n": self.n, "document": self.document, "start": self.start, "end": self.end}
        fields["quote"] = self.quote
        if self.kind != "support":
            fields["kind"] = self.kind
        return fields


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, the earlier turns of the conversation, and the document it is restricted to, if any."""

    text: str
    history: tuple[Turn, ...] = ()
    document: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person or a report gets.  `confidence` is the probability that the answer is right, 0 to 1."""

    question: str
    status: Status
    answer: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    engine: str = "extractive"
    elapsed_ms: float = 0.0
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer object of the contract."""
        fields: dict[str, Any] = {} if self.id is None else {"id": self.id}
        return fields | {
            "question": self.question,
            "status": self.status,
            "answer": self.answer,
            "citations": [c.to_dict() for c in self.citations],
            "confidence": round(self.confidence, 4),
            "engine": self.engine,
            "elapsed_ms": round(self.elapsed_ms, 1),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A document in the store: its text, where its parts stand, and the fingerprint it was indexed under."""

    document: Document
    version: str
    source: str
    passages: int


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors, one row each."""

    fingerprint: str

    def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class Reader(Protocol):
    """Finds the spans of each passage that answer the question best, with their scores against having no answer."""

    def read(self, question: str, passages: Sequence[Passage], documents: Mapping[str, Document]) -> list[Reading]: ...
