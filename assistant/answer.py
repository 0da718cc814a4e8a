"""The straight line from a question to an answer: understand, retrieve, read, compose, verify."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from assistant import compose, conversation, language
from assistant.confidence import Calibration
from assistant.corpus import Corpus
from assistant.errors import QuestionError
from assistant.names import Spelling, names
from assistant.question import Asked, analyse, as_yes_no, chat, clean, parts, strip_lead_in, structure
from assistant.read import OnnxReader
from assistant.retrieve import HybridRetriever
from assistant.schema import Answer, Draft, Evidence, Hit, Passage, Question, Reading, Span
from assistant.suggest import suggestions
from assistant.verify import UnverifiedDraft, verify
from assistant.words import NUMBER, content_stems, fold, words

CENTRAL_SENTENCES = 120
VERDICT_MARGIN = 0.15


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one part of a question: evidence, and what the reader made of it."""

    hits: list[Hit]
    readings: list[Reading]


class Assistant:
    """Answers questions about the documents of a store; every part is passed in, and the same question gets the same answer."""

    def __init__(
        self, retriever: HybridRetriever, reader: OnnxReader, calibration: Calibration, max_question_chars: int = 2000
    ) -> None:
        self.retriever = retriever
        self.reader = reader
        self.calibration = calibration
        self.max_question_chars = max_question_chars
        self._spellings: tuple[Corpus, dict[str | None, Spelling]] | None = None

    def ask(self, question: Question) -> Answer:
        """The answer, its citations verified.  Raises QuestionError for a question that is too long or of an unknown
        document, StoreError or ModelError where a part fails."""
        begun = time.perf_counter()
        if len(question.text) > self.max_question_chars:
            raise QuestionError(
                f"the question has {len(question.text):,} characters, more than {self.max_question_chars:,}: shorten it"
            )
        corpus = self.retriever.corpus()
        corpus.scope(question.document)
        try:
            answer = verify(self._draft(question, corpus), question, corpus.documents)
        except UnverifiedDraft:
            answer = verify(
                compose.decline(question.text, (), 0.5, many(corpus, question.document)), question, corpus.documents
            )
        return replace(answer, elapsed_ms=(time.perf_counter() - begun) * 1000)

    def _draft(self, question: Question, corpus: Corpus) -> Draft:
        text = clean(question.text)
        if not words(text):
            return Draft("chat", ("Ask me a question about the release, in words.",), (), 1.0)
        small_talk = chat(text)
        if small_talk is not None:
            return self._chat(small_talk, corpus, question.document)
        foreign = language.detect(text)
        if foreign is not None:
            return language.decline(foreign)
        drafts = []
        earlier: str | None = None
        for part in parts(text):
            standing = conversation.resolve(part, question.history, lambda q: self._told(q, corpus, question.document))
            if earlier is not None:
                standing = conversation.follow(part, earlier, standing)
            drafts.append(self._part(standing, corpus, question.document))
            earlier = standing
        return compose.join(drafts)

    def _told(self, earlier: str, corpus: Corpus, document: str | None) -> str:
        draft = self._part(earlier, corpus, document)
        return "".join(p for p in draft.parts if isinstance(p, str)) if draft.status == "answered" else ""

    def _part(self, text: str, corpus: Corpus, document: str | None) -> Draft:
        part = structure(text)
        if part is not None:
            draft = self._structure(part, text, corpus, document)
            if draft is not None:
                return draft
        text, matches = self._spell(corpus, document).resolve(strip_lead_in(text))
        return compose.disclosed(self._answer(text, corpus, document), matches)

    def _answer(self, text: str, corpus: Corpus, document: str | None) -> Draft:
        asked = analyse(text)
        found = self.find(text, corpus, document)
        if not found.hits:
            return compose.decline(text, (), 0.9, many(corpus, document))
        unknown = self._unknown(text, corpus, document)
        if asked.kind == "yes_no":
            return self._verdict(asked, found, corpus, document, unknown)
        if asked.kind in ("email", "phone"):
            return self._address(asked, found, corpus, document)
        ranked = compose.candidates(asked, found.hits, found.readings, corpus)
        best = ranked[0] if ranked else None
        probability = 0.0
        if best is not None:
            probability = self.calibration.probability("span", best.features | {"unknown": unknown})
        premise = self._premise(text, found, corpus)
        if premise is not None and (best is None or premise.confidence > probability - VERDICT_MARGIN):
            return premise
        if asked.kind == "count":
            counted = self._count(asked, best, probability, corpus, document)
            if counted is not None:
                return counted
        if best is None or probability < self.calibration.threshold:
            return self._decline(text, found, corpus, document, 1.0 - probability)
        return compose.lookup(asked, best, ranked[1:], corpus, probability)

    def find(self, text: str, corpus: Corpus, document: str | None) -> Found:
        """The passages for a question, and the reader's reading of each."""
        hits = self.retriever.hits(text, corpus, document)
        readings = self.reader.read(text, [h.passage for h in hits], corpus.documents) if hits else []
        return Found(hits, readings)

    def _unknown(self, text: str, corpus: Corpus, document: str | None) -> float:
        """How many names and numbers of the question the documents do not hold, at most 3."""
        spelling = self._spell(corpus, document)
        asked = [w for n in names(text.split(" ", 1)[-1]) for w in words(n)] + NUMBER.findall(text)
        return float(min(3, sum(not spelling.has(w.strip(".,")) for w in asked)))

    def _spell(self, corpus: Corpus, document: str | None) -> Spelling:
        if self._spellings is None or self._spellings[0] is not corpus:
            self._spellings = (corpus, {})
        made = self._spellings[1]
        if document not in made:
            texts = [d.text for n, d in corpus.documents.items() if document in (None, n)]
            made[document] = Spelling(texts, self.reader.knows)
        return made[document]

    def _verdict(self, asked: Asked, found: Found, corpus: Corpus, document: str | None, unknown: float) -> Draft:
        best, features, yes = compose.best_verdict(asked, found.hits, found.readings, corpus)
        probability = self.calibration.probability("verdict", features | {"unknown": unknown})
        if probability < self.calibration.threshold:
            return self._decline(asked.text, found, corpus, document, 1.0 - probability)
        return compose.verdict(
            yes, self._sentence(asked.text, best, corpus), corpus.documents[best.document], probability
        )

    def _premise(self, text: str, found: Found, corpus: Corpus) -> Draft | None:
        """Where what the question takes for granted is denied by the evidence: that draft."""
        premise = as_yes_no(text)
        if premise is None:
            return None
        readings = self.reader.read(premise, [h.passage for h in found.hits], corpus.documents)
        best, features, yes = compose.best_verdict(analyse(premise), found.hits, readings, corpus)
        probability = self.calibration.probability("verdict", features)
        if yes or probability < max(0.6, self.calibration.threshold):
            return None
        return compose.verdict(
            False, self._sentence(premise, best, corpus), corpus.documents[best.document], probability, premise=True
        )

    def _sentence(self, text: str, passage: Passage, corpus: Corpus) -> Span:
        """The sentence of `passage` that shares most with the question."""
        wanted = set(content_stems(text))
        sentences = [s.span for s in corpus.sentences(passage)] or [passage.span]
        document = corpus.documents[passage.document]
        return max(sentences, key=lambda s: (len(wanted & set(content_stems(document.slice(s)))), -s.start))

    def _count(
        self, asked: Asked, best: compose.Candidate | None, probability: float, corpus: Corpus, document: str | None
    ) -> Draft | None:
        """A count of what a list spells out, where it is asked for, or where no number answers."""
        spelt_out = any(w in words(asked.text) for w in ("named", "listed", "mentioned", "list", "name", "count"))
        if best is not None and best.features["fits"] and probability >= self.calibration.threshold and not spelt_out:
            return None
        which = compose.as_which(asked.text)
        if which is None:
            return None
        listed = Asked(which, "list", True)
        found = self.find(which, corpus, document)
        ranked = compose.candidates(listed, found.hits, found.readings, corpus)
        if not ranked:
            return None
        sure = self.calibration.probability("span", ranked[0].features)
        return compose.enumerated(listed, ranked[0], corpus, sure) if sure >= self.calibration.threshold else None

    def _address(self, asked: Asked, found: Found, corpus: Corpus, document: str | None) -> Draft:
        for name in self._documents(corpus, document, found):
            draft = compose.contact(corpus.documents[name], corpus, asked.kind)
            if draft is not None:
                return draft
        return self._decline(asked.text, found, corpus, document, 0.9)

    def _decline(self, text: str, found: Found, corpus: Corpus, document: str | None, confidence: float) -> Draft:
        nearest: list[Evidence] = []
        if found.hits and found.hits[0].dense > 0.2:
            passage = found.hits[0].passage
            nearest = [Evidence(passage.document, self._sentence(text, passage, corpus), "nearest")]
        return compose.decline(text, nearest, confidence, many(corpus, document))

    def _documents(self, corpus: Corpus, document: str | None, found: Found | None = None) -> list[str]:
        """The documents that a question on a release as such may mean: the one it names, else by evidence, else all."""
        if document is not None:
            return [document]
        if found is not None and found.hits:
            return list(dict.fromkeys(h.passage.document for h in found.hits))
        return list(corpus.documents)

    def _structure(self, part: str, text: str, corpus: Corpus, document: str | None) -> Draft | None:
        names_ = self._documents(corpus, document)
        if len(names_) != 1:
            hits = self.retriever.hits(text, corpus, document)
            names_ = list(dict.fromkeys(h.passage.document for h in hits))[:1]
        if not names_:
            return None
        chosen = corpus.documents[names_[0]]
        if part == "headline":
            return compose.headline(chosen)
        if part == "date":
            return compose.dated(chosen, corpus)
        if part == "contact":
            folded = fold(text)
            wants = "email" if "mail" in folded else "phone" if "phone" in folded or "telephone" in folded else "any"
            draft = compose.contact(chosen, corpus, wants)
            if draft is None and wants != "any":
                near = compose.contact(chosen, corpus, "any")
                nearest = [Evidence(e.document, e.span, "nearest") for e in near.evidence] if near else []
                return compose.decline(text, nearest, 0.9, many(corpus, document))
            return draft
        if part == "issuer":
            return compose.issuer(chosen, corpus)
        sentences = [p.span for p in corpus.passages.values() if p.kind == "sentence" and p.document == chosen.name]
        sentences = [s for s in sentences if s != chosen.title and len(chosen.slice(s).split()) >= 6][
            :CENTRAL_SENTENCES
        ]
        if not sentences:
            return None
        count = {"about": 2, "summary": 3, "points": compose.POINTS}[part]
        spans = compose.central(sentences, self.retriever.embedder.embed([chosen.slice(s) for s in sentences]), count)
        return compose.summary(chosen, spans, part)

    def _chat(self, kind: str, corpus: Corpus, document: str | None) -> Draft:
        ideas = suggestions(corpus, document)
        tail = f" You could ask: {' · '.join(ideas)}" if ideas else ""
        said = {
            "greeting": "Hello. I answer questions about the release, each answer with its exact quotation.",
            "thanks": "You are welcome.",
            "capabilities": "I answer questions about the release from its own words, quote the exact place, and say so where it does not say.",
        }[kind]
        return Draft("chat", (said + tail,), (), 1.0)


def many(corpus: Corpus, document: str | None) -> bool:
    """Whether a question may be answered from more than one document."""
    return document is None and len(corpus.documents) > 1
