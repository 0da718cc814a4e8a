"""What the evidence says to a question that asks for a yes or a no.  Knows readings, not how an answer is worded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from assistant import enumeration
from assistant.candidates import around, clamped, coverage
from assistant.corpus import Corpus
from assistant.names import asked_names, words_of
from assistant.question import Asked
from assistant.schema import Hit, Reading, Span
from assistant.words import content_stems, words

LONG_LIST = 5  # items
STRAYED = 0.5  # what each name of the question that a passage does not hold leaves of its weight


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
    alone: Callable[[str, str], tuple[float, float, float]],
) -> Verdict:
    """The verdict of the passage that settles the question best.

    `alone` reads one sentence by itself: what its paragraph says and what it says should agree.
    """
    wanted = list(dict.fromkeys(content_stems(asked.text)))
    named = words_of(asked_names(asked.text))
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
    sentence, whole = document.slice(place), reading.verdict
    short = shortened(sentence, named)
    if short != sentence:
        paragraph = hit.passage.span
        before, after = document.text[paragraph.start : place.start], document.text[place.end : paragraph.end]
        whole = alone(asked.text, before + short + after)
        said = settled(whole)
    by_itself = alone(asked.text, short)
    lean = whole[1] - whole[2]
    second = clamped(by_itself[1] - by_itself[2], 6.0)
    signed = {
        "sure": clamped((lean + second) / 2, 6.0),
        "second": second,
        "leaning": (leaning[True] - leaning[False]) / max(1e-6, leaning[True] + leaning[False]),
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
    }
    return Verdict(document.name, place, signed, features)


def shortened(text: str, named: Set[str]) -> str:
    """A sentence with a long list as if the list held only what the question names: one of many names is easily overlooked.

    >>> shortened("Donors are Austria, Peru, Chile, Norway, Kenya and Spain.", {"kenya"})
    'Donors are Kenya.'
    """
    pieces = enumeration.split(text, Span(0, len(text)))
    if len(pieces) < LONG_LIST or not named:
        return text
    items = max((enumeration.items(text, p) for p in pieces), key=lambda run: (len(run), run[0].start))
    meant = [i for i in items if named & set(words(text[i.start : i.end]))]
    if len(items) < LONG_LIST or not meant:
        return text
    kept = " and ".join(text[i.start : i.end] for i in meant)
    return text[: items[0].start] + kept + text[items[-1].end :]


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
