"""Questions that a document invites, each answered by the assistant before it is offered.

Knows the names, numbers and dates of documents, and how to ask; it makes no claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from assistant.corpus import Corpus
from assistant.dates import dates
from assistant.names import names
from assistant.schema import Answer, Evidence, Question, Span
from assistant.words import FUNCTION_WORDS, content_stems, fold, stems

COUNTED = re.compile(r"(?<![\w.,$€£])\d[\d,]*(?![\d.,]*[%\w])\s+(?P<noun>(?:[a-z]+\s+){0,2}[a-z]{3,}s)\b")
SURE = 0.8  # the least confidence of the answer to a question that is offered
TRIED = 12
EMPTY = frozenset(stems("speak happen"))  # what the questions that are offered say besides their subject
Ask = Callable[[Question], Answer]


class Suggester:
    """Offers questions that `ask` answers, about a document or about what an answer cites; the same ones for the same corpus."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[tuple[str, str], bool] = {}

    def opening(self, corpus: Corpus, document: str | None, count: int = 4) -> list[str]:
        """Questions to begin with: what it is about, its key points, then what its first sentences hold."""
        name = document if document is not None else next(iter(corpus.documents), None)
        if name is None:
            return []
        sentences = [p.span for p in corpus.sentences_of(name)][:8]
        asked = ["What is this about?", *invited(corpus, name, sentences), "What are the key points?"]
        return self._answered(corpus, name, document, asked, count)

    def after(
        self, corpus: Corpus, document: str | None, cited: Sequence[Evidence], asked: Sequence[str], count: int = 3
    ) -> list[str]:
        """Questions about what stands at the cited places and just after them, none of them asked before."""
        places = [e for e in cited if e.document in corpus.documents]
        if not places:
            return []
        name = places[0].document
        sentences = [p.span for p in corpus.sentences_of(name)]
        at = [i for i, s in enumerate(sentences) if any(e.span.overlaps(s) for e in places)]
        near = dict.fromkeys(i + step for step in (1, 0, 2, -1) for i in at if 0 <= i + step < len(sentences))
        said = [set(stems(q)) for q in asked]
        fresh = [
            q
            for q in invited(corpus, name, [sentences[i] for i in near])
            if not any(set(content_stems(q)) - EMPTY <= earlier for earlier in said)
        ]
        return self._answered(corpus, name, document, fresh, count)

    def _answered(self, corpus: Corpus, name: str, document: str | None, asked: Sequence[str], count: int) -> list[str]:
        tried = list(dict.fromkeys(asked))[:TRIED]
        return list(islice((q for q in tried if self._is_answered(corpus, name, document, q)), count))

    def _is_answered(self, corpus: Corpus, name: str, document: str | None, text: str) -> bool:
        key = (corpus.versions[name] + (document or ""), text)
        told = self._known.get(key)
        if told is None:
            answer = self._ask(Question(text, document=document))
            own = any(c.document == name for c in answer.citations)
            said = fold(answer.answer.split("\n", 1)[0])
            told = answer.status == "answered" and answer.confidence >= SURE and own and _subject(text) not in said
            if len(self._known) > 4096:
                self._known.clear()
            self._known[key] = told
        return told


def invited(corpus: Corpus, document: str, sentences: Sequence[Span]) -> Iterator[str]:
    """What one may ask of the persons, numbers and dates in these sentences; whether it is answered is not known yet."""
    text = corpus.documents[document]
    made: dict[str, list[str]] = {"how": [], "who": [], "what": []}
    for span in sentences:
        if text.title is not None and span.within(text.title):
            continue
        sentence = text.slice(span)
        made["how"] += [f"How many {m.group('noun')} does it speak of?" for m in COUNTED.finditer(sentence)]
        made["who"] += [f"Who is {n}?" for n in names("· " + sentence) if _person(n, sentence)]
        made["what"] += [
            f"What happened on {sentence[d.start : d.end]}?"
            for d in dates(sentence)
            if re.match(r"\d{1,2}\s", sentence[d.start : d.end]) and not (text.date and Span(span.start + d.start, span.start + d.end).overlaps(text.date))
        ]  # fmt: skip
    rows = list(made.values())
    for place in range(max(map(len, rows), default=0)):
        yield from (row[place] for row in rows if place < len(row))


def _person(name: str, sentence: str) -> bool:
    """Two or three capitalised words that no article precedes and that are no acronym: likely somebody."""
    tokens = name.split()
    return (
        2 <= len(tokens) <= 3
        and all(t[:1].isupper() and not t.isupper() and fold(t) not in FUNCTION_WORDS for t in tokens)
        and re.search(
            rf"\b(?:the|a|an|of|in|from|by the)\s+{re.escape(name)}\b|{re.escape(name)}['’]s", sentence, re.IGNORECASE
        )
        is None
    )


def _subject(question: str) -> str:
    """What a "Who is ...?" asks after: an answer that only says it again is none."""
    match = re.match(r"Who is (.+)\?", question)
    return fold(match.group(1)) if match else "\x00"
