"""What the evidence says to a question that asks for a yes or a no.  Knows readings, not how an answer is worded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.candidates import around, clamped, coverage
from assistant.clause import parse
from assistant.corpus import Corpus
from assistant.names import names
from assistant.question import Asked
from assistant.read import TextReading
from assistant.schema import Hit, Reading, Span
from assistant.words import content_stems, words

STRAYED = 0.5  # what each name of the question that a passage does not hold leaves of its weight
NAMED_IN = 4  # passages in which it is looked for whom the question may be about


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says to a yes-or-no question: the sentence that says it and what speaks for a yes.

    `leaning` features are for a yes what their opposite is for a no; the others are the same for both.
    """

    document: str
    sentence: Span
    leaning: dict[str, float]
    features: dict[str, float]

    @property
    def yes(self) -> bool:
        """Whether the reader leans to a yes."""
        return self.leaning["sure"] >= 0

    @property
    def held(self) -> float:
        """How surely it is so, below 0 how surely it is not, -6 to 6."""
        return self.features["said"] * self.leaning["sure"]

    def to_be(self, yes: bool) -> dict[str, float]:
        """What speaks for and against saying yes, or saying no."""
        sign = 1.0 if yes else -1.0
        return self.features | {k: sign * v for k, v in self.leaning.items()} | {"no": float(not yes)}


def best_verdict(
    asked: Asked,
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    corpus: Corpus,
    read: Callable[[str, Sequence[str]], Sequence[TextReading]],
) -> Verdict:
    """The verdict of the passage that settles the question best.

    `read` reads texts with a question: one sentence by itself, since what its paragraph says and what it says should
    agree; and the passages with the question for whom it may be said ("Was Ann freed?": "Who was freed?").
    """
    wanted = list(dict.fromkeys(content_stems(asked.text)))
    named = {w for n in names(asked.text.partition(" ")[2]) for w in words(n)}
    weighed = []
    leaning = {True: 0.0, False: 0.0}
    for rank, (hit, reading) in enumerate(zip(hits, readings, strict=True)):
        said = settled(reading.verdict)
        document = corpus.documents[hit.passage.document]
        share = coverage(wanted, hit.passage, document)
        stray = float(len(named - around(hit.passage, document)))
        weight = said * (0.3 + 0.7 * hit.score) * (0.3 + 0.7 * share) * STRAYED**stray
        way = reading.verdict[1] >= reading.verdict[2]
        leaning[way] = max(leaning[way], weight)
        weighed.append((weight, rank, said, share, stray))
    _, rank, said, share, stray = max(weighed, key=lambda w: w[0])
    hit, reading = hits[rank], readings[rank]
    document = corpus.documents[hit.passage.document]
    place = closest_sentence(asked.text, hit, corpus)
    by_itself = read(asked.text, [document.slice(place)])[0].verdict
    lean = reading.verdict[1] - reading.verdict[2]
    second = clamped(by_itself[1] - by_itself[2], 6.0)
    about = about_whom(asked.text, hits[:NAMED_IN], corpus, read)
    signed = {
        "sure": clamped((lean + second) / 2, 6.0),
        "second": second,
        "leaning": (leaning[True] - leaning[False]) / max(1e-6, leaning[True] + leaning[False]),
        "named": about or 0.0,
    }
    features = {
        "said": said,
        "alone": settled(by_itself),
        "agree": float((lean >= 0) == (second >= 0)),
        "answerable": clamped(reading.answerable, 8.0),
        "dense": hit.dense,
        "lexical": hit.lexical,
        "coverage": share,
        "stray": min(3.0, stray),
        "first": float(rank == 0),
        "of a name": float(about is not None),
    }
    return Verdict(document.name, place, signed, features)


def about_whom(
    question: str,
    hits: Sequence[Hit],
    corpus: Corpus,
    read: Callable[[str, Sequence[str]], Sequence[TextReading]],
) -> float | None:
    """How well the name that a question is about answers the same question for whom it is: a logit, -12 to 12; None where it is
    about no name."""
    clause = parse(question)
    if clause is None or clause.opening or not clause.predicate or not names(f"x {clause.subject}"):
        return None
    name = {w for n in names(f"x {clause.subject}") for w in words(n)}
    texts = [corpus.documents[h.passage.document].slice(h.passage.span) for h in hits]
    best = -12.0
    for text, reading in zip(texts, read(f"Who {clause.auxiliary.lower()} {clause.predicate}?", texts), strict=True):
        best = max([best, *(score for (a, b), score in reading.spans if name & set(words(text[a:b])))])
    return clamped(best, 12.0)


def settled(verdict: tuple[float, float, float]) -> float:
    """The probability that a passage says yes or no at all."""
    top = max(verdict)
    none, yes, no = (math.exp(v - top) for v in verdict)
    return (yes + no) / (none + yes + no)


def closest_sentence(question: str, hit: Hit, corpus: Corpus) -> Span:
    """The sentence of a paragraph that shares most with the question, in stems and by retrieval."""
    wanted = set(content_stems(question))
    document = corpus.documents[hit.passage.document]
    spans = [s.span for s in corpus.sentences(hit.passage)] or [hit.passage.span]
    shared = {s: len(wanted & set(content_stems(document.slice(s)))) / max(1, len(wanted)) for s in spans}
    return max(spans, key=lambda s: (shared[s] + hit.sentences.get(s.start, 0.0), -s.start))
