"""From evidence to a direct answer: drafts for lookups, lists, counts, dates, yes or no, and the parts of a release.

Knows readings and documents, not the store.  Nothing here is written for one release: only the grammar of questions
and the layout that releases share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from assistant import dates
from assistant.candidates import Candidate
from assistant.corpus import Corpus
from assistant.layout import Listing
from assistant.names import Match
from assistant.question import Asked
from assistant.schema import Document, Draft, Evidence, Span, Status
from assistant.words import FUNCTION_WORDS, fold

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w.,])\+?\(?\d[\d\s()./-]{6,}\d(?!\w)")


def support(document: str, span: Span) -> Evidence:
    return Evidence(document, span)


def lookup(asked: Asked, best: Candidate, corpus: Corpus) -> Draft:
    """The span first, or every item of the list, then the sentences quoted."""
    document = corpus.documents[best.passage.document]
    evidence = [support(document.name, place) for place in best.places]
    answer = best.text if len(best.spans) > 1 else _direct(asked, best, document)
    markers: list[str | int] = list(range(len(evidence)))
    quotes: list[str | int] = []
    for number, item in enumerate(evidence):
        quotes += ["\n" + quoted(document.slice(item.span)), number]
    return Draft("answered", (sentence(answer), *markers, *quotes), tuple(evidence))


def quotation(best: Candidate, corpus: Corpus) -> Draft:
    """The sentence alone, where it is surer than any part of it."""
    document = corpus.documents[best.passage.document]
    evidence = tuple(support(document.name, place) for place in best.places)
    words = " ".join(quoted(document.slice(place)) for place in best.places)
    return Draft("answered", (f"In its own words: {words}", *range(len(evidence))), evidence)


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


def enumerated(best: Candidate, corpus: Corpus) -> Draft:
    """How many items a list spells out."""
    document = corpus.documents[best.passage.document]
    evidence = tuple(support(document.name, p) for p in best.places)
    parts: list[str | int] = [
        f"{len(best.text.split('; '))}, counted from the list",
        0,
        ": " + best.text + ".",
        "\n" + quoted(document.slice(best.places[0])),
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
