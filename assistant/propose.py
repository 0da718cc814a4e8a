"""From one question to the drafts that could be given, each with what speaks for and against it.

Knows retrieval, the reader and composition; which draft is given, if any, is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant import candidates, compose
from assistant.candidates import Candidate, clamped
from assistant.confidence import Calibration, Way
from assistant.corpus import Corpus
from assistant.layout import listings
from assistant.question import Asked, analyse, as_yes_no
from assistant.read import OnnxReader
from assistant.retrieve import HybridRetriever
from assistant.schema import Draft, Hit, Reading
from assistant.verdict import Verdict, best_verdict
from assistant.words import content_stems, stems, words

READ_FROM = 0.2  # of the best passage's score: below it stands the answer in one case of a hundred
# Kinds that a sentence may answer: of two figures in it one would be wrong.
QUOTED = frozenset({"text", "person", "place"})
PREMISES_IN = 4  # passages in which a question's premise is looked for
LISTS_IN = 4  # passages in which what is to be counted is looked for
COUNTED = frozenset(
    "named listed mentioned list name count enumerated itemised itemized numbered bullet bullets".split()
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one part of a question: evidence, and what the reader made of it."""

    hits: list[Hit]
    readings: list[Reading]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft that could be given, and the features that the probability of its being right depends on."""

    way: Way
    features: dict[str, float]
    draft: Draft


class Proposer:
    """Finds evidence for a question, reads it, and drafts every kind of answer that it may bear."""

    def __init__(self, retriever: HybridRetriever, reader: OnnxReader, calibration: Calibration) -> None:
        self.retriever = retriever
        self.reader = reader
        self.calibration = calibration

    def proposals(
        self, asked: Asked, found: Found, corpus: Corpus, document: str | None, unknown_names: float
    ) -> list[Proposal]:
        """Every draft that could be given for one question, with what its probability depends on; `unknown_names` is how many
        names and numbers of the question the documents do not hold."""
        if not found.hits:
            return []
        unknown = {"unknown": unknown_names}
        if asked.kind == "yes_no":
            return self._verdicts(asked, found, corpus, unknown)
        every = unknown | {f"kind {asked.kind}": 1.0}
        ranked = self.ranked(asked, found, corpus)
        premise = self._premise(asked.text, found, corpus)
        held = {"held": premise.held if premise is not None else 0.0}
        which = compose.as_which(asked.text) if asked.kind == "count" else None
        spelt = _spelt(asked)
        beside = spelt | _beside(ranked)
        counted = self._counted(which, found, corpus, beside) if which else None
        made: list[Proposal | None] = []
        if ranked:
            draft = compose.lookup(asked, ranked[0], corpus)
            rivals = [c for c in ranked[1:] if not c.span.overlaps(ranked[0].span)]
            lead = {
                "margin": min([5.0, *(ranked[0].total - c.total for c in rivals)]),
                "checked": min([8.0, *(ranked[0].features["check"] - c.features["check"] for c in rivals)]),
                "votes": float(sum(c.text.casefold() == ranked[0].text.casefold() for c in rivals)),
            }
            rival = {"counted": counted.features["check"]} if counted else {}
            made.append(Proposal("span", ranked[0].features | every | held | lead | spelt | rival, draft))
            if not asked.several and asked.kind in QUOTED:
                made.append(self._sentence(ranked, found, corpus, every | held))
        if premise is not None and not premise.yes:
            draft = compose.verdict(False, premise.sentence, corpus.documents[premise.document], premise=True)
            spans = max((r.spans[0][1] for r in found.readings if r.spans), default=-12.0)
            against = {"span": clamped(spans, 12.0)}
            made.append(Proposal("premise", premise.to_be(False) | every | against, draft))
        made.append(counted)
        if which or asked.several:
            made.append(self._listing(which or asked.text, asked, ranked, found, corpus, beside))
        return [p for p in made if p is not None]

    def ranked(self, asked: Asked, found: Found, corpus: Corpus) -> list[Candidate]:
        """Every span that was found, the best of them read a second time, best first."""
        ranked = candidates.rank(asked, found.hits, found.readings, corpus, self.calibration)
        either = candidates.with_lists(asked, ranked, found.readings, corpus)
        if not either:
            return []
        return candidates.checked(asked, either, corpus, self.calibration, self.reader.check)

    def find(self, text: str, corpus: Corpus, document: str | None) -> Found:
        """The passages for a question, and the reader's reading of each."""
        hits = self.retriever.hits(text, corpus, document)
        hits = [h for h in hits if h.score >= READ_FROM * hits[0].score]
        readings = self.reader.read(text, [h.passage for h in hits], corpus.documents) if hits else []
        return Found(hits, readings)

    def _sentence(self, ranked: list[Candidate], found: Found, corpus: Corpus, more: dict[str, float]) -> Proposal:
        """The sentence of the best span: it may be sure where it is unsure which part of it answers."""
        best, place = ranked[0], ranked[0].places[0]
        document = best.passage.document
        scores = [
            (score, span.overlaps(place) and r.passage.document == document)
            for r in found.readings
            for span, score in r.spans
        ]
        inside, outside = ([s for s, within in scores if within is wanted] for wanted in (True, False))
        others = [c for c in ranked if c.passage.document != document or not c.span.overlaps(place)]
        lead = {
            "mass": clamped(float(np.logaddexp.reduce(inside)), 12.0) if inside else -12.0,
            "rivals": clamped(float(np.logaddexp.reduce(outside)), 12.0) if outside else -12.0,
            "margin": min([5.0, *(best.total - c.total for c in others)]),
            "checks": max(c.features["check"] for c in ranked if c not in others),
            "length": min(3.0, (place.end - place.start) / 200),
        }
        return Proposal("sentence", best.features | more | lead, compose.quotation(best, corpus))

    def _verdicts(self, asked: Asked, found: Found, corpus: Corpus, unknown: dict[str, float]) -> list[Proposal]:
        """A yes and a no, each with what speaks for it."""
        best = best_verdict(asked, found.hits, found.readings, corpus, self._alone)
        document = corpus.documents[best.document]
        drafts = {yes: compose.verdict(yes, best.sentence, document) for yes in (True, False)}
        return [Proposal("verdict", best.to_be(yes) | unknown, draft) for yes, draft in drafts.items()]

    def _alone(self, question: str, sentence: str) -> tuple[float, float, float]:
        return self.reader.read_texts(question, [sentence])[0].verdict

    def _premise(self, text: str, found: Found, corpus: Corpus) -> Verdict | None:
        """What the release says to what the question takes for granted, None where it takes nothing for granted."""
        premise = as_yes_no(text)
        if premise is None:
            return None
        hits = found.hits[:PREMISES_IN]
        readings = self.reader.read(premise, [h.passage for h in hits], corpus.documents)
        return best_verdict(analyse(premise), hits, readings, corpus, self._alone)

    def _counted(self, which: str, found: Found, corpus: Corpus, more: dict[str, float]) -> Proposal | None:
        """The count of what a sentence spells out, the things asked for by `which`, whether or not a number answers too."""
        hits = found.hits[:LISTS_IN]
        readings = self.reader.read(which, [h.passage for h in hits], corpus.documents)
        ranked = self.ranked(Asked(which, "list"), Found(hits, readings), corpus)
        best = next((c for c in ranked if len(c.spans) > 1), None)
        if best is None:
            return None
        lead = {"total": best.total, "behind": ranked[0].total - best.total}
        return Proposal("counted", best.features | more | lead, compose.enumerated(best, corpus))

    def _listing(
        self,
        which: str,
        asked: Asked,
        ranked: Sequence[Candidate],
        found: Found,
        corpus: Corpus,
        more: dict[str, float],
    ) -> Proposal | None:
        """The laid-out list that the question is nearest to, as an answer to `which`: counted or item by item."""
        document = corpus.documents[found.hits[0].passage.document]
        laid = listings(document)
        if not laid:
            return None
        texts = [listing.introduced(document) for listing in laid]
        likeness = self.retriever.likeness(asked.text, texts)
        order = sorted(range(len(laid)), key=lambda i: -likeness[i])
        best = laid[order[0]]
        said = "; ".join(document.slice(i) for i in best.items)
        wanted, held = content_stems(asked.text), set(stems(texts[order[0]]))
        features = more | {
            "check": clamped(self.reader.check(which, [(said, best.whole(document))])[0], 8.0),
            "cosine": likeness[order[0]],
            "margin": likeness[order[0]] - (likeness[order[1]] if len(order) > 1 else 0.0),
            "coverage": sum(w in held for w in wanted) / len(wanted) if wanted else 0.0,
            "inside": float(bool(ranked) and any(p.overlaps(best.span) for p in ranked[0].places)),
        }
        count = asked.kind == "count"
        return Proposal("tally" if count else "listing", features, compose.listed(best, document, count=count))


def _spelt(asked: Asked) -> dict[str, float]:
    """Whether a question asks for the count of what is named or listed."""
    return {"spelt": float(asked.kind == "count" and any(w in COUNTED for w in words(asked.text)))}


def _beside(ranked: Sequence[Candidate]) -> dict[str, float]:
    """How good the best span is as an answer of its own, for what is given in its place."""
    if not ranked:
        return {}
    best = ranked[0].features
    return {f"rival {k}": best["fits"] * best[k] for k in ("fits", "span", "check", "near")}
