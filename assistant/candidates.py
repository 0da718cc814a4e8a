"""What may be the answer: the spans that a reader found, the lists that they stand in, and their order.

Knows readings and documents, not how an answer is worded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant import enumeration
from assistant.confidence import Calibration
from assistant.corpus import Corpus
from assistant.names import asked_names, country, names, words_of
from assistant.question import EXCEPT, NUMBER_WORDS, Asked, Kind, fits, list_noun
from assistant.schema import Document, Hit, Passage, Reading, Span
from assistant.words import content_stems, stems, words

CHECKED = 3  # spans that are read again, with their lists
SEVERAL: frozenset[Kind] = frozenset({"list", "text", "person", "place"})  # what several things may answer
NEAR_BEST = 2.5
SURROUNDINGS = 420  # characters


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be the answer: one span, or the items of a list; the sentences it stands in, and what speaks for it."""

    passage: Passage
    spans: tuple[Span, ...]
    places: tuple[Span, ...]
    text: str
    total: float
    features: dict[str, float]

    @property
    def span(self) -> Span:
        """From its first character to its last."""
        return Span(self.spans[0].start, self.spans[-1].end)


def rank(
    asked: Asked, hits: Sequence[Hit], readings: Sequence[Reading], corpus: Corpus, calibration: Calibration
) -> list[Candidate]:
    """Every span that was read, best first by the calibration's "rank" weights over what speaks for and against it."""
    found: list[Candidate] = []
    wanted = list(dict.fromkeys(content_stems(asked.text)))
    top = max((r.spans[0][1] for r in readings if r.spans), default=0.0)
    # The names and numbers of a question should stand where its answer does.
    pointed = words_of(asked_names(asked.text)) | {w for w in words(asked.text) if w[0].isdigit()}
    # Who else there is, is asked: not who is named already.
    beside = EXCEPT.search(asked.text)
    excepted = words_of(names(beside["named"])) if beside else set()
    for order, (hit, reading) in enumerate(zip(hits, readings, strict=True)):
        document = corpus.documents[hit.passage.document]
        share = coverage(wanted, hit.passage, document)
        stray = min(3.0, float(len(pointed - around(hit.passage, document))))
        sentences = corpus.sentences(hit.passage)
        taken: set[Span] = set()
        for place, (found_span, score) in enumerate(reading.spans):
            span = found_span if asked.kind in ("count", "email", "phone") else whole(found_span, document.text)
            text = document.slice(span)
            if span in taken or set(words(text)) & excepted:
                continue
            if asked.kind in ("email", "phone") and not fits(asked.kind, text):
                continue
            sentence = sentences_over(span, sentences) or hit.passage.span
            held = set(stems(document.slice(sentence)))
            across = sum(s.span.overlaps(span) for s in sentences) > 1
            features = {
                "span": clamped(score, 12.0),
                "behind": min(12.0, top - score),
                "answerable": clamped(reading.answerable, 8.0),
                "dense": hit.dense,
                "lexical": hit.lexical,
                "sentence": hit.sentences.get(sentence.start, 0.0),
                "coverage": share,
                "near": sum(s in held for s in wanted) / len(wanted) if wanted else 0.0,
                "across": float(across),
                "stray": stray,
                "fits": float(fits(asked.kind, text)),
                "echo": float(_echoes(text, wanted)),
                # The date line dates the release, not what happened.
                "stamp": float(document.date is not None and span.overlaps(document.date)),
                "named": float(asked.kind in ("person", "place") and text[:1].isupper()),
                "first": float(order == 0),
                "second": float(place > 0),
                "long": min(3.0, len(text) / 40),
                "tagged": _alike((span,), reading),
                "untold": _untold((span,), reading),
            }
            taken.add(span)
            total = calibration.score("rank", features)
            found.append(Candidate(hit.passage, (span,), (sentence,), text, total, features))
    return sorted(found, key=lambda c: -c.total)


QUOTES = {"“": "”", "‘": "’", '"': '"', "'": "'", "«": "»", "„": "“"}
OPENED = re.compile(r"(?:.* )?([“‘\"'«„])(?=\w)[^”’\"'»“]*$", re.DOTALL)
LONGEST_TITLE = 80  # characters
UNIT = re.compile(r"[ -](?:second|minute|hour|day|week|month|year|decade)s?\b")
REST_OF_NAME = re.compile(r"(?: [^\W\d_a-zà-ÿ][\w’-]*)+(?!\w)")
NUMBERED = re.compile(rf"(?:\d|\b(?:{'|'.join(sorted(NUMBER_WORDS))}))$", re.IGNORECASE)


def whole(span: Span, text: str) -> Span:
    """The span with the rest of the name or the quotation that it ends in, or the unit of time of the number that it ends in.

    >>> text = "The UN Committee Against Torture met. Peru spoke."
    >>> [text[s.start : s.end] for s in (whole(Span(4, 16), text), whole(Span(25, 32), text))]
    ['UN Committee Against Torture', 'Torture']
    """
    opened = OPENED.match(text[span.start : span.end])
    if opened and (closed := text.find(QUOTES[opened[1]], span.end, span.end + LONGEST_TITLE)) > 0:
        return Span(span.start, closed + 1)
    unit = UNIT.match(text, span.end)
    if unit and NUMBERED.search(text[span.start : span.end]):
        return Span(span.start, unit.end())
    last = text[: span.end].rpartition(" ")[2]
    if not last[:1].isupper() or not last[-1:].isalnum():
        return span
    more = REST_OF_NAME.match(text, span.end)
    return Span(span.start, more.end()) if more else span


def _alike(ours: Sequence[Span], reading: Reading) -> float:
    """The characters that both these spans and the items that the reader tagged hold, of those that either holds."""
    theirs = [t for t, _ in reading.items]
    both = sum(max(0, min(a.end, b.end) - max(a.start, b.start)) for a in ours for b in theirs)
    either = sum(s.end - s.start for s in (*ours, *theirs)) - both
    return both / either if either else 0.0


def _untold(ours: Sequence[Span], reading: Reading) -> float:
    """The logit of the surest item that the reader tagged and these spans leave out, 0 where there is none."""
    return max((min(8.0, s) for t, s in reading.items if not any(t.overlaps(o) for o in ours)), default=0.0)


def with_lists(
    asked: Asked, ranked: Sequence[Candidate], readings: Sequence[Reading], corpus: Corpus
) -> list[Candidate]:
    """The first of the ranked spans, and the lists that they stand in: as the reader tagged them (and to the end, where the
    tags stop short of it); where a list is asked for, also as the text spells them out, and of spans from several sentences.
    "Who was freed?" may want one name or many: the reader's tags say which."""
    found = list(ranked[:CHECKED])
    if asked.kind not in SEVERAL or not ranked:
        return found
    tagged = {r.passage.id: r for r in readings}
    for base in ranked[:CHECKED]:
        document = corpus.documents[base.passage.document]
        tags = tagged[base.passage.id]
        pieces = [c for t, _ in tags.items for c in enumeration.split(document.text, t)]
        if asked.several:
            _add_list(found, asked, base, _items(base, corpus, document), tags, corpus)
        _add_list(found, asked, base, pieces, tags, corpus)
        if pieces and (more := enumeration.following(document.text, pieces[-1])):
            _add_list(found, asked, base, [*pieces, *more], tags, corpus)
    if asked.several:
        _add_list(found, asked, ranked[0], _apart(ranked), tagged[ranked[0].passage.id], corpus)
    # What runs over several items of a laid-out list is no answer of its own where they stand as items.
    listed = [item for c in found if len(c.spans) > 1 for item in c.spans]
    return [c for c in found if len(c.spans) > 1 or not _runs_over(c, listed, corpus)]


def _apart(ranked: Sequence[Candidate]) -> list[Span]:
    """The best span and those nearly as good that stand elsewhere in its document."""
    best = ranked[0]
    found = [best.span]
    for other in ranked[1:]:
        if other.total < best.total - NEAR_BEST or other.passage.document != best.passage.document:
            continue
        if other.features["fits"] and other.features["span"] >= 0 and not any(other.span.overlaps(s) for s in found):
            found.append(other.span)
    return found


def _runs_over(candidate: Candidate, items: Sequence[Span], corpus: Corpus) -> bool:
    """Whether a span holds a line's end with an item of a list on either side."""
    document = corpus.documents[candidate.passage.document]
    over = [i for i in items if i.overlaps(candidate.span)]
    return len(over) > 1 and "\n" in document.slice(candidate.span)


def _add_list(
    found: list[Candidate], asked: Asked, base: Candidate, spans: Sequence[Span], tags: Reading, corpus: Corpus
) -> None:
    """Add the list of these spans, unless it is there or is none."""
    document = corpus.documents[base.passage.document]
    items = tuple(_of_the_kind(asked, sorted(set(spans)), document))
    if len(items) < 2 or any(c.spans == items and c.passage.document == document.name for c in found):
        return
    sentences = corpus.sentences_of(document.name)
    places = dict.fromkeys(sentences_over(i, sentences) or i for i in items)
    text = "; ".join(dict.fromkeys(" ".join(document.slice(i).split()).strip(" ,;.") for i in items))
    features = base.features | {
        "tagged": _alike(items, tags),
        "untold": _untold(items, tags),
        "weakest": min(8.0, *(max((s for t, s in tags.items if t.overlaps(i)), default=0.0) for i in items)),
        "missed": clamped(tags.missed, 8.0),
        "listed": 1.0,
        "hinted": float(asked.several),
        "items": min(3.0, len(items) / 4),
        "places": float(len(places) > 1),
    }
    found.append(Candidate(base.passage, items, tuple(places), text, base.total, features))


def checked(
    asked: Asked,
    found: Sequence[Candidate],
    corpus: Corpus,
    calibration: Calibration,
    check: Callable[[str, Sequence[tuple[str, str]]], list[float]],
) -> list[Candidate]:
    """What was found, each read again with the place it stands in by `check`, in the order of the calibration's "choice"
    weights."""
    places = [(c.text, _place(c, corpus)) for c in found]
    again = []
    for candidate, logit in zip(found, check(asked.text, places), strict=True):
        listed = candidate.features.get("listed", 0.0)
        features = candidate.features | {"check": clamped(logit, 8.0), "ranked": candidate.total}
        features |= {"list check": listed * features["check"], "list tagged": listed * features["tagged"]}
        again.append(replace(candidate, features=features))
    chosen = [replace(c, total=calibration.score("choice", c.features)) for c in again]
    return sorted(chosen, key=lambda c: -c.total)


def _place(candidate: Candidate, corpus: Corpus) -> str:
    document = corpus.documents[candidate.passage.document]
    if len(candidate.places) > 1:
        return " ".join(document.slice(p) for p in candidate.places)
    return document.slice(surroundings(candidate.span, candidate.passage, corpus))


def clamped(value: float, limit: float) -> float:
    """`value`, no further than `limit` from 0."""
    return max(-limit, min(limit, value))


def _echoes(text: str, wanted: Sequence[str]) -> bool:
    """Whether a span only says again what the question said."""
    own = content_stems(text)
    return bool(own) and all(s in wanted for s in own)


def coverage(wanted: Sequence[str], passage: Passage, document: Document) -> float:
    """The share of the question's content stems that stand in the passage, its heading or the title."""
    if not wanted:
        return 0.0
    around = [passage.span, *(s for s in (passage.section, document.title) if s is not None)]
    held = {s for span in around for s in stems(document.slice(span))}
    return sum(s in held for s in wanted) / len(wanted)


def around(passage: Passage, document: Document) -> set[str]:
    """The words of a passage and of the title above it."""
    return {w for span in (passage.span, document.title) if span is not None for w in words(document.slice(span))}


def sentences_over(span: Span, sentences: Sequence[Passage]) -> Span | None:
    """From the first to the last of the sentences that `span` stands in, None where it stands in none."""
    over = [s.span for s in sentences if s.span.overlaps(span)]
    return Span(over[0].start, over[-1].end) if over else None


def surroundings(span: Span, passage: Passage, corpus: Corpus) -> Span:
    """The sentences of `passage` that `span` stands in, with those before and after while there is room."""
    sentences = [s.span for s in corpus.sentences(passage)]
    over = [i for i, s in enumerate(sentences) if s.overlaps(span)]
    if not over:
        return passage.span
    first, last = over[0], over[-1]
    for before, after in ((1, 0), (0, 1)) * 2:  # what "he" is comes before
        low, high = max(0, first - before), min(len(sentences) - 1, last + after)
        if sentences[high].end - sentences[low].start <= SURROUNDINGS:
            first, last = low, high
    return Span(sentences[first].start, sentences[last].end)


def _of_the_kind(asked: Asked, items: Sequence[Span], document: Document) -> list[Span]:
    """Where countries are asked for, the items that are countries: a name that no list knows may be a misspelt one; a union of
    states is none."""
    noun = list_noun(asked.text) or ""
    if not re.fullmatch(r"countr(?:y|ies)|states?|nations?", noun):
        return list(items)

    def known(item: Span) -> bool:
        name = document.slice(item).strip(" ,;.")
        return bool(country(re.sub(r"^the\s+", "", name)) or country(name))

    named = [i for i in items if known(i)]
    if len(named) < 0.6 * len(items):
        return list(items)
    union = re.compile(r"\bunion\b|\borgani[sz]ation\b", re.IGNORECASE)
    return [i for i in items if i in named or not union.search(document.slice(i))]


def _items(best: Candidate, corpus: Corpus, document: Document) -> list[Span]:
    if "\n" in document.slice(best.passage.span):
        # The items of a laid-out list are lines of one paragraph.
        lines = [s.span for s in corpus.sentences(best.passage)]
        marked = {s: item for s in lines if (item := enumeration.unmarked(document.text, s)) != s}
        if len(marked) >= 2 and any(s.overlaps(best.span) for s in marked):
            return list(marked.values())
    place = best.places[0]
    local = Span(best.span.start - place.start, best.span.end - place.start)
    return [Span(place.start + s.start, place.start + s.end) for s in enumeration.items(document.slice(place), local)]
