"""The parts of a release as such: its headline, date, issuer, contact, and what it is about.

Knows documents and their layout, not questions about their matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant import enumeration
from assistant.compose import EMAIL, PHONE, decline, quoted, sentence, support
from assistant.corpus import Corpus
from assistant.intent import Structure
from assistant.schema import Document, Draft, Embedder, Evidence, Span
from assistant.words import fold, words

CONTACT = re.compile(
    r"\b(?:contacts?|enquir\w+|inquir\w+|for (?:more|further) information|press office\w*|media office\w*)\b",
    re.IGNORECASE,
)
CENTRAL_SENTENCES = 120
LEAST_WORDS = 8  # of a sentence that a summary may take
SENTENCES = {"about": 2, "summary": 4, "points": 5}


def outline(part: Structure, asked: str, document: Document, corpus: Corpus, embedder: Embedder) -> Draft | None:
    """The draft for a question that asks for a part of the release; None where the release has no such part.

    A question for an address that is not there is declined, with the contact that is.
    """
    if part == "headline":
        return headline(document)
    if part == "date":
        return dated(document, corpus)
    if part == "issuer":
        return issuer(document, corpus)
    if part == "contact":
        folded = fold(asked)
        wants = "email" if "mail" in folded else "phone" if "phone" in folded else "any"
        draft = contact(document, corpus, wants)
        if draft is None and wants != "any" and (other := contact(document, corpus, "any")) is not None:
            nearest = [Evidence(e.document, e.span, "nearest") for e in other.evidence]
            return decline(asked, nearest, 0.9, many=False)
        return draft
    return about(part, document, corpus, embedder)


def about(part: Structure, document: Document, corpus: Corpus, embedder: Embedder) -> Draft | None:
    """The most central sentences of a document's prose: headings and contact lines are none."""
    prose = [
        p
        for p in corpus.sentences_of(document.name)
        if p.span.start >= (document.title.end if document.title else 0)
        and len(document.slice(p.span).split()) >= LEAST_WORDS and not EMAIL.search(document.slice(p.span))
    ][:CENTRAL_SENTENCES]  # fmt: skip
    if not prose:
        return None
    spans = [p.span for p in prose]
    leads = [p.span.start == p.block.start for p in prose]
    vectors = embedder.embed([document.slice(s) for s in spans])
    return summary(document, central(spans, leads, vectors, SENTENCES[part]), part)


def headline(document: Document) -> Draft | None:
    """The title, as it stands."""
    if document.title is None:
        return None
    return Draft(
        "answered", (sentence(document.slice(document.title)), 0), (support(document.name, document.title),), 0.97
    )


def dated(document: Document, corpus: Corpus) -> Draft | None:
    """The date the release bears."""
    if document.date is None:
        return None
    place = next(
        (p.span for p in corpus.sentences_of(document.name) if document.date.within(p.span)),
        document.date,
    )
    return Draft(
        "answered",
        (sentence(document.slice(document.date)), 0, "\n" + quoted(document.slice(place)), 0),
        (support(document.name, place),),
        0.95,
    )


def contact(document: Document, corpus: Corpus, wants: str) -> Draft | None:
    """Whom to contact: the sentences that hold an address or a telephone number, or say whom to contact.

    `wants` is "email", "phone" or "any"; None where the document gives none of it.
    """
    sentences = [p.span for p in corpus.sentences_of(document.name)]
    scored = []
    for span in sentences:
        text = document.slice(span)
        email, phone = EMAIL.search(text), PHONE.search(text)
        score = 2 * bool(email) + bool(phone) + 2 * bool(CONTACT.search(text))
        if (
            (wants == "email" and not email)
            or (wants == "phone" and not phone)
            or not (email or phone or CONTACT.search(text))
        ):
            continue
        scored.append((score, span.start, span, email, phone))
    if not scored:
        return None
    _, _, place, email, phone = max(scored, key=lambda x: (x[0], x[1]))
    text = document.slice(place)
    if wants == "email" and email:
        answer = email.group().rstrip(".")
    elif wants == "phone" and phone:
        answer = phone.group()
    else:
        label = (
            r"^.*\b(?:contacts?|enquiries|inquiries|information)\b\s*(?:details|person)?\s*(?:is|are)?\s*[:,–—-]?\s*"
        )
        answer = re.sub(label, "", text, count=1, flags=re.IGNORECASE | re.DOTALL)
        answer = answer if words(answer) else text
    return Draft("answered", (sentence(answer), 0, "\n" + quoted(text), 0), (support(document.name, place),), 0.93)


def summary(document: Document, chosen: Sequence[Span], label: str) -> Draft:
    """Sentences of the document, in its order, each cited; the first one stands first."""
    evidence = tuple(support(document.name, s) for s in chosen)
    parts: list[str | int] = []
    for number, span in enumerate(chosen):
        bullet = "- " if label == "points" else ""
        lead = "" if number == 0 else "\n" if bullet else " "
        parts += [f"{lead}{bullet}{' '.join(document.slice(span).split())}", number]
    return Draft("answered", tuple(parts), evidence, 0.9)


def central(
    sentences: Sequence[Span], leads: Sequence[bool], vectors: Sequence[Sequence[float]], count: int
) -> list[Span]:
    """The most central sentences in the order of the text, none like another: LexRank's degree (Erkan and Radev 2004,
    arXiv 1109.2128) with a bonus for the start of the text and of a paragraph (`leads`), where a release puts its news,
    chosen by maximal marginal relevance (Carbonell and Goldstein 1998). The first sentence always stands."""
    import numpy as np

    if not sentences:
        return []
    matrix = np.asarray(vectors)
    likeness = matrix @ matrix.T
    degree = likeness.mean(axis=1)
    degree = degree + 0.15 * np.exp(-np.arange(len(sentences)) / 3.0) + 0.10 * np.asarray(leads)
    chosen = [0]
    while len(chosen) < min(count, len(sentences)):
        gain = degree - 0.35 * likeness[:, chosen].max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return [sentences[i] for i in sorted(chosen)]


def issuer(document: Document, corpus: Corpus) -> Draft | None:
    """Who issues the release: the first name with which a sentence of its lead begins, or that its dateline gives."""
    if document.issuer is not None:
        name = document.slice(document.issuer)
        return Draft("answered", (sentence(name), 0), (support(document.name, document.issuer),), 0.85)
    lead = [p for p in corpus.sentences_of(document.name) if p.span != document.title]
    for passage in lead[:3]:
        text = document.slice(passage.span)
        after = re.sub(r"^.{0,80}?[—–]\s*|^.{0,60}?\d{4}\s*[-:]\s*", "", text, count=1)
        match = re.match(
            rf"(?:The\s+)?(?P<name>{enumeration.PROPER.pattern}(?:\s+\([A-Z][\w-]+\))?)(?=\s+[a-z]|,)", after
        )
        if match and len(match.group("name").split()) <= 12:
            place = passage.span
            return Draft(
                "answered",
                (sentence(match.group("name")), 0, "\n" + quoted(text), 0),
                (support(document.name, place),),
                0.8,
            )
    return None
