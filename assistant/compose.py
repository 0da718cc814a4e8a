"""From evidence to a direct answer: drafts for lookups, lists, counts, dates, yes or no, and the parts of a release.

Knows readings and documents, not the store.  Nothing here is written for one release: only the grammar of questions
and the layout that releases share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from assistant import dates, enumeration
from assistant.confidence import Calibration
from assistant.corpus import Corpus
from assistant.layout import Listing
from assistant.names import Match, country, names
from assistant.question import Asked, fits, list_noun
from assistant.schema import Document, Draft, Evidence, Hit, Passage, Reading, Span, Status
from assistant.words import FUNCTION_WORDS, content_stems, fold, stems, words

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w.,])\+?\(?\d[\d\s()./-]{6,}\d(?!\w)")
NEAR_BEST = 2.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """One span that may be the answer, with what speaks for it."""

    passage: Passage
    span: Span
    text: str
    total: float
    features: dict[str, float]


def candidates(
    asked: Asked, hits: Sequence[Hit], readings: Sequence[Reading], corpus: Corpus, calibration: Calibration
) -> list[Candidate]:
    """Every span that was read, best first by the calibration's "rank" weights over what speaks for and against it."""
    found: list[Candidate] = []
    wanted = list(dict.fromkeys(content_stems(asked.text)))
    top = max((r.spans[0][1] for r in readings if r.spans), default=0.0)
    # The names and numbers of a question should stand where its answer does.
    pointed = {w for n in names(asked.text.partition(" ")[2]) for w in words(n)} | {
        w for w in words(asked.text) if w[0].isdigit()
    }
    for rank, (hit, reading) in enumerate(zip(hits, readings, strict=True)):
        document = corpus.documents[hit.passage.document]
        share = coverage(wanted, hit.passage, document)
        around = set(
            words(document.slice(hit.passage.span)) + (words(document.slice(document.title)) if document.title else [])
        )
        stray = min(3.0, float(sum(w not in around for w in pointed)))
        for place, (span, score) in enumerate(reading.spans):
            text = document.slice(span)
            if asked.kind in ("email", "phone") and not fits(asked.kind, text):
                continue
            sentence = sentence_of(span, hit.passage, corpus)
            held = set(stems(document.slice(sentence)))
            across = sum(s.span.overlaps(span) for s in corpus.sentences(hit.passage)) > 1
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
                "first": float(rank == 0),
                "second": float(place > 0),
                "long": min(3.0, len(text) / 40),
            }
            total = calibration.score("rank", features)
            found.append(Candidate(hit.passage, span, text, total, features))
    return sorted(found, key=lambda c: -c.total)


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


def sentence_of(span: Span, passage: Passage, corpus: Corpus) -> Span:
    """The whole sentences of `passage` that `span` stands in."""
    over = [s.span for s in corpus.sentences(passage) if s.span.overlaps(span)]
    return Span(over[0].start, over[-1].end) if over else passage.span


def support(document: str, span: Span) -> Evidence:
    return Evidence(document, span)


def lookup(asked: Asked, best: Candidate, others: Sequence[Candidate], corpus: Corpus) -> Draft:
    """The span first, then the sentence it stands in, quoted; all items, where a list was asked for."""
    document = corpus.documents[best.passage.document]
    place = sentence_of(best.span, best.passage, corpus)
    evidence = [support(document.name, place)]
    if asked.several:
        answer, places = _list(asked, best, others, corpus)
        evidence = [support(document.name, p) for p in places]
    else:
        answer = _direct(asked, best, document)
    markers: list[str | int] = list(range(len(evidence)))
    quotes: list[str | int] = []
    for number, item in enumerate(evidence):
        quotes += ["\n" + quoted(document.slice(item.span)), number]
    return Draft("answered", (sentence(answer), *markers, *quotes), tuple(evidence))


def _direct(asked: Asked, best: Candidate, document: Document) -> str:
    text = best.text.strip(" ,;:")
    if text.count("(") != text.count(")"):
        text = text.strip("()")
    address = {"email": EMAIL, "phone": PHONE}.get(asked.kind)
    if address is not None and (match := address.search(text)):
        return match.group().rstrip(".")
    issued = issued_on(document)
    if asked.kind in ("date", "year") and issued is not None and not re.search(r"\b(?:1[5-9]|20|21)\d\d\b", text):
        named = next((dates.parse(text[s.start : s.end], issued) for s in dates.dates(text)), None)
        if named is not None:
            year = _nearest_year(named, issued)
            return (
                f"{year} ({text}; the year by the date of the release)"
                if asked.kind == "year"
                else f"{text} ({year}, by the date of the release)"
            )
    if asked.kind == "year" and (match := re.search(r"\b(?:1[5-9]|20|21)\d\d\b", text)) and text != match.group():
        return f"{match.group()} ({text})"
    if asked.kind == "duration" and issued is not None:
        return text + _elapsed(text, best, document, issued)
    return text


def _nearest_year(named: date, issued: date) -> int:
    """The year in which a day and month without one lies closest to the date of the release."""
    years = (issued.year - 1, issued.year, issued.year + 1)
    return min(years, key=lambda y: abs((date(y, named.month, min(named.day, 28)) - issued).days))


def _elapsed(text: str, best: Candidate, document: Document, issued: date) -> str:
    """ "since September 2020" in a release of December 2025: about 5 years and 3 months."""
    before = document.text[max(0, best.span.start - 8) : best.span.start].lower()
    if not (re.match(r"since\b", text, re.IGNORECASE) or before.rstrip().endswith("since")):
        return ""
    spans = list(dates.dates(text))
    begun = dates.parse(text[spans[0].start : spans[0].end], issued) if spans else None
    if begun is None or begun > issued or not re.search(r"\d{4}", text):
        return ""
    months = (issued.year - begun.year) * 12 + issued.month - begun.month
    if not re.search(
        "|".join(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")), text.lower()
    ):
        return (
            f" (about {issued.year - begun.year} years before the date of the release)"
            if issued.year > begun.year
            else ""
        )
    years, rest = divmod(months, 12)
    told = " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in ((years, "year"), (rest, "month")) if n)
    return f" (about {told} before the date of the release)" if told else ""


def issued_on(document: Document) -> date | None:
    """The date of the release, None where it bears none."""
    return dates.parse(document.slice(document.date), date(2000, 1, 1)) if document.date is not None else None


def _list(asked: Asked, best: Candidate, others: Sequence[Candidate], corpus: Corpus) -> tuple[str, list[Span]]:
    """The items of the list that the best span stands in, with near-best spans from other sentences; their places."""
    document = corpus.documents[best.passage.document]
    place = sentence_of(best.span, best.passage, corpus)
    spans = _items(best, corpus, document)
    places = [place]
    if len(spans) == 1:
        for other in others:
            if other.total < best.total - NEAR_BEST or other.passage.document != document.name:
                break
            home = sentence_of(other.span, other.passage, corpus)
            if any(other.span.overlaps(s) for s in spans) or not other.features["fits"] or other.features["span"] < 0:
                continue
            spans += _items(other, corpus, document)
            if home not in places:
                places.append(home)
    found = [document.slice(s).strip(" ,;.") for s in sorted(set(spans))]
    noun = list_noun(asked.text) or ""
    if re.fullmatch(r"countr(?:y|ies)|states?|nations?", noun):
        named = [t for t in found if country(re.sub(r"^the\s+", "", t)) or country(t)]
        if len(named) >= 0.6 * len(found):
            # A name that no list knows may be a misspelt country; a union of states is none.
            found = [
                t for t in found if t in named or not re.search(r"\bunion\b|\borgani[sz]ation\b", t, re.IGNORECASE)
            ]
    return "; ".join(dict.fromkeys(found)), places


def _items(best: Candidate, corpus: Corpus, document: Document) -> list[Span]:
    place = sentence_of(best.span, best.passage, corpus)
    if "\n" in document.slice(best.passage.span):
        # The items of a laid-out list are lines of one paragraph.
        lines = [s.span for s in corpus.sentences(best.passage)]
        marked = [s for s in lines if enumeration.MARK.match(document.slice(s))]
        if len(marked) >= 2 and any(s.overlaps(best.span) for s in marked):
            return [Span(s.start + len(enumeration.MARK.match(document.slice(s)).group()), s.end) for s in marked]  # type: ignore[union-attr]
    local = Span(best.span.start - place.start, best.span.end - place.start)
    return [Span(place.start + s.start, place.start + s.end) for s in enumeration.items(document.slice(place), local)]


def enumerated(asked: Asked, best: Candidate, corpus: Corpus) -> Draft | None:
    """How many items a list spells out; None where the span stands in no list."""
    listed, places = _list(asked, best, (), corpus)
    count = len(listed.split("; "))
    if count < 2:
        return None
    document = corpus.documents[best.passage.document]
    evidence = tuple(support(document.name, p) for p in places)
    parts: list[str | int] = [
        f"{count}, counted from the list",
        0,
        ": " + listed + ".",
        "\n" + quoted(document.slice(places[0])),
        0,
    ]
    return Draft("answered", tuple(parts), evidence)


def listed(listing: Listing, document: Document, *, count: bool) -> Draft:
    """The items of a laid-out list, or how many they are; the list is cited as it stands."""
    items = [" ".join(document.slice(i).split()).rstrip(" ;,.") for i in listing.items]
    items[-1] = re.sub(r"\s+and$", "", items[-1])
    lead = f"{len(items)}, counted from the list" if count else "; ".join(items) + "."
    parts: tuple[str | int, ...] = (lead, 0, ": " + "; ".join(items) + ".") if count else (lead, 0)
    return Draft("answered", parts, (support(document.name, listing.span),))


def verdict(yes: bool, place: Span, document: Document, *, premise: bool = False) -> Draft:
    """ "Yes" or "No" first, then the sentence that says so; for a question that takes it for granted, that the release says otherwise."""
    opening = "The release says otherwise." if premise else "Yes." if yes else "No."
    parts = (opening, 0, "\n" + quoted(document.slice(place)), 0)
    return Draft("answered", parts, (support(document.name, place),))


def decline(asked: str, nearest: Sequence[Evidence], confidence: float, many: bool) -> Draft:
    """That the release does not say, what was looked for, and the nearest passages, marked as such."""
    who = "The documents do not say" if many else "The release does not say"
    looked = [w for w in re.findall(r"[\w'’@.-]+", asked) if fold(w).strip(".'") not in FUNCTION_WORDS][:8]
    tail = f" (looked for: {' '.join(looked).rstrip('.')})." if looked else "."
    near = tuple(Evidence(e.document, e.span, "nearest") for e in nearest)
    parts: list[str | int] = [who + tail]
    if near:
        parts += [" The nearest passage is shown, but it does not answer the question:", 0]
    return Draft("abstained", tuple(parts), near[:1], confidence)


def disclosed(draft: Draft, matches: Sequence[Match]) -> Draft:
    """The draft with a word on names that the release writes another way."""
    if not matches or draft.status == "chat":
        return draft
    told = ", ".join(f"{m.written} (asked as {m.asked})" for m in matches)
    return Draft(
        draft.status,
        (*draft.parts, f"\nAs written in the release: {told}."),
        draft.evidence,
        draft.confidence,
        draft.engine,
    )


def join(drafts: Sequence[Draft]) -> Draft:
    """One draft from the drafts of a question's parts: each answered and cited, declines said as such."""
    if len(drafts) == 1:
        return drafts[0]
    evidence: list[Evidence] = []
    parts: list[str | int] = []
    quotes: list[str | int] = []
    for draft in drafts:
        base = len(evidence)
        evidence += draft.evidence
        moved = [p if isinstance(p, str) else p + base for p in draft.parts]
        cut = next((i for i, p in enumerate(moved) if isinstance(p, str) and p.startswith("\n")), len(moved))
        parts += [*([" "] if parts else []), *moved[:cut]]
        quotes += moved[cut:]
    answered = [d for d in drafts if d.status == "answered"]
    status: Status = "answered" if answered else "abstained"
    confidence = min((d.confidence for d in answered), default=max(d.confidence for d in drafts))
    engine = next((d.engine for d in drafts if d.engine != "extractive"), "extractive")
    return Draft(status, (*parts, *quotes), tuple(evidence), confidence, engine)


def quoted(text: str) -> str:
    """A quotation in typographic marks, its line breaks as spaces."""
    return f"“{' '.join(text.split())}”"


def sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    if not re.match(r"\S*[@.\d]\S", text):  # an address is written as it is written
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def as_which(text: str) -> str | None:
    """ "How many countries support it?" as "Which countries support it?"; None for another question."""
    asking = r"\bhow many(?P<of> of)?\b|\b(?:number|count) of\b|^\s*count(?: all)?(?: the)?\b"
    changed, n = re.subn(asking, lambda m: f"which{m.group('of') or ''}", text, count=1, flags=re.IGNORECASE)
    return (changed.strip()[:1].upper() + changed.strip()[1:]) if n else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says to a yes-or-no question: the sentence that says it, yes or no, what speaks for it."""

    document: str
    sentence: Span
    yes: bool
    features: dict[str, float]


def best_verdict(
    asked: Asked,
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    corpus: Corpus,
    alone: Callable[[str], tuple[float, float, float]],
) -> Verdict:
    """The verdict of the passage that settles the question best.

    `alone` reads one sentence by itself: what its paragraph says and what it says should agree.
    """
    wanted = list(dict.fromkeys(content_stems(asked.text)))
    weighed = []
    for rank, (hit, reading) in enumerate(zip(hits, readings, strict=True)):
        said = settled(reading.verdict)
        share = coverage(wanted, hit.passage, corpus.documents[hit.passage.document])
        weighed.append((said * (0.3 + 0.7 * hit.score) * (0.3 + 0.7 * share), rank, said, share))
    _, rank, said, share = max(weighed, key=lambda w: w[0])
    hit, reading = hits[rank], readings[rank]
    document = corpus.documents[hit.passage.document]
    place = closest_sentence(asked.text, hit, corpus)
    by_itself = alone(document.slice(place))
    lean = reading.verdict[1] - reading.verdict[2]
    second = clamped(by_itself[1] - by_itself[2], 6.0)
    yes = lean + second >= 0
    features = {
        "said": said,
        "alone": settled(by_itself),
        "sure": min(6.0, abs(lean + second) / 2),
        "agree": float((lean >= 0) == (second >= 0)),
        "answerable": clamped(reading.answerable, 8.0),
        "dense": hit.dense,
        "lexical": hit.lexical,
        "coverage": share,
        "first": float(rank == 0),
        "no": float(not yes),
    }
    return Verdict(document.name, place, yes, features)


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
