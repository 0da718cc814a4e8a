"""Questions that a document invites, made from its own parts.  Knows documents, not the chat."""

from __future__ import annotations

from assistant.corpus import Corpus


def suggestions(corpus: Corpus, document: str | None = None) -> list[str]:
    """Up to four questions that the document at hand answers from its structure."""
    names = [document] if document else list(corpus.documents)
    if len(names) != 1:
        return ["What is this about?"] if names else []
    chosen = corpus.documents[names[0]]
    ideas = ["What is this about?", "What are the key points?"]
    if chosen.date is not None:
        ideas.append("When was this release published?")
    return ideas
