"""The straight line from a question to an answer: understand, retrieve, read, compose, verify."""

from __future__ import annotations

import time
from dataclasses import replace

from assistant import compose, language
from assistant.confidence import Calibration, first_sure
from assistant.conversation import follow, resolve
from assistant.corpus import Corpus
from assistant.errors import QuestionError
from assistant.generate import Generator, Unusable
from assistant.intent import Structure, asks_for_fiction, chat, structure
from assistant.names import Match, Spelling, names
from assistant.outline import contact, outline
from assistant.propose import Found, Proposal, Proposer
from assistant.question import Asked, analyse, clean, each, parts, strip_lead_in
from assistant.read import OnnxReader
from assistant.retrieve import HybridRetriever
from assistant.schema import Answer, Draft, Evidence, Question
from assistant.verdict import closest_sentence
from assistant.verify import UnverifiedDraft, verify
from assistant.words import NUMBER, content_stems, stems, words

NO_FICTION = "The release does not say that, and I make nothing up: I answer from its own words alone."
OF_STRANGERS = 0.95  # how sure it is that nothing is said of a name that the documents do not hold
GENERATED_FROM = 24  # sentences that a language model is shown
CONTACT_STEMS = frozenset(
    stems(
        """contact contacts email emails e mail address phone phones telephone number numbers press media office officer enquiry
        enquiries inquiry inquiries information call reach write person journalists reporters release statement get find"""
    )
)


class Assistant:
    """Answers questions about the documents of a store; every part is passed in, and the same question gets the same answer."""

    def __init__(
        self,
        retriever: HybridRetriever,
        reader: OnnxReader,
        calibration: Calibration,
        max_question_chars: int = 2000,
        generator: Generator | None = None,
    ) -> None:
        self.retriever = retriever
        self.reader = reader
        self.proposer = Proposer(retriever, reader, calibration)
        self.max_question_chars = max_question_chars
        self.generator = generator
        self._spellings: tuple[Corpus, dict[str | None, Spelling]] | None = None

    @property
    def calibration(self) -> Calibration:
        """What orders the candidates and says how sure each draft is."""
        return self.proposer.calibration

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
        if asks_for_fiction(text):
            return Draft("abstained", (NO_FICTION,), (), 0.95)
        foreign = language.detect(text)
        if foreign is not None:
            glossed = language.gloss(text, foreign)
            if glossed is None or glossed.known < language.KNOWN_SHARE:
                return language.decline(foreign)
            return language.explained(self._parts(glossed.english, question, corpus), foreign, glossed.english)
        return self._parts(text, question, corpus)

    def _parts(self, text: str, question: Question, corpus: Corpus) -> Draft:
        """Each question that `text` asks, answered; their drafts joined."""
        return compose.join([self._part(t, corpus, question.document) for t in self.standing(text, question, corpus)])

    def standing(self, text: str, question: Question, corpus: Corpus) -> list[str]:
        """The questions in `text`, each on its own feet: follow-ups filled in from the history, later parts from earlier ones."""

        def told(earlier: str) -> str:
            return self._told(earlier, corpus, question.document)

        found: list[str] = []
        for part in parts(text):
            found.append(follow(part, found[-1], told) if found else resolve(part, question.history, told))
        return [single for standing in found for single in each(standing)]

    def _told(self, earlier: str, corpus: Corpus, document: str | None) -> str:
        draft = self._part(earlier, corpus, document)
        return "".join(p for p in draft.parts if isinstance(p, str)) if draft.status == "answered" else ""

    def _part(self, text: str, corpus: Corpus, document: str | None) -> Draft:
        part = structure(text)
        if part is not None:
            draft = self._structure(part, text, corpus, document)
            if draft is not None:
                return draft
        text, matches = self.spelt(text, corpus, document)
        return compose.disclosed(self._answer(text, corpus, document), matches)

    def spelt(self, text: str, corpus: Corpus, document: str | None) -> tuple[str, list[Match]]:
        """The question in the documents' own spelling, and the names that were changed."""
        return self._spell(corpus, document).resolve(strip_lead_in(text))

    def _answer(self, text: str, corpus: Corpus, document: str | None) -> Draft:
        if self._spell(corpus, document).strangers(text):
            nearest = Found(self.retriever.hits(text, corpus, document), [])  # nothing to be read in them
            return self._decline(text, nearest, corpus, document, OF_STRANGERS)
        found = self.proposer.find(text, corpus, document)
        asked = analyse(text)
        if asked.kind in ("email", "phone") and set(content_stems(text)) <= CONTACT_STEMS:
            return self._address(asked, found, corpus, document)
        extractive = self._extractive(asked, found, corpus, document)
        return self._generated(text, found, corpus, extractive) if self.generator is not None else extractive

    def _extractive(self, asked: Asked, found: Found, corpus: Corpus, document: str | None) -> Draft:
        """The likeliest direct proposal where it is likely enough, else the sentence where that is, else a decline."""
        made = self.proposals(asked, found, corpus, document)
        weighed = [(self.calibration.probability(p.way, p.features), p.way) for p in made]
        chosen = first_sure(weighed, self.calibration.threshold)
        if chosen is not None:
            return replace(made[chosen].draft, confidence=weighed[chosen][0])
        probability = max([0.1, *(p for p, _ in weighed)])
        return self._decline(asked.text, found, corpus, document, 1.0 - probability)

    def _generated(self, text: str, found: Found, corpus: Corpus, extractive: Draft) -> Draft:
        """The model's answer where the evidence bears it out; else the extractive one, which says why."""
        sentences = [Evidence(s.document, s.span) for h in found.hits for s in corpus.sentences(h.passage)]
        if self.generator is None or not sentences:
            return extractive
        try:
            draft = self.generator.draft(text, sentences[:GENERATED_FROM], corpus.documents)
        except Unusable as reason:
            note = f"\nThe model {self.generator.name} {reason}: this is the extractive answer."
            return replace(extractive, parts=(*extractive.parts, note))
        if draft is None:
            return extractive  # that it found nothing is its word alone
        shared = any(
            a.span.overlaps(b.span) for a in draft.evidence for b in extractive.evidence if b.kind == "support"
        )
        return replace(draft, confidence=extractive.confidence if shared else 0.5)

    def proposals(self, asked: Asked, found: Found, corpus: Corpus, document: str | None) -> list[Proposal]:
        """Every draft that could be given for one question, with what its probability depends on."""
        unknown = self._unknown(asked.text, corpus, document)
        return self.proposer.proposals(asked, found, corpus, document, unknown)

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

    def _address(self, asked: Asked, found: Found, corpus: Corpus, document: str | None) -> Draft:
        for name in self._documents(corpus, document, found):
            draft = contact(corpus.documents[name], corpus, asked.kind)
            if draft is not None:
                return draft
        return self._decline(asked.text, found, corpus, document, 0.9)

    def _decline(self, text: str, found: Found, corpus: Corpus, document: str | None, confidence: float) -> Draft:
        nearest: list[Evidence] = []
        if found.hits and found.hits[0].dense > 0.2:
            place = closest_sentence(text, found.hits[0], corpus)
            nearest = [Evidence(found.hits[0].passage.document, place, "nearest")]
        return compose.decline(text, nearest, confidence, many(corpus, document))

    def _documents(self, corpus: Corpus, document: str | None, found: Found | None = None) -> list[str]:
        """The documents that a question on a release as such may mean: the one it names, else by evidence, else all."""
        if document is not None:
            return [document]
        if found is not None and found.hits:
            return list(dict.fromkeys(h.passage.document for h in found.hits))
        return list(corpus.documents)

    def _structure(self, part: Structure, text: str, corpus: Corpus, document: str | None) -> Draft | None:
        meant = self._documents(corpus, document)
        if len(meant) != 1:
            hits = self.retriever.hits(text, corpus, document)
            meant = [hits[0].passage.document] if hits else []
        if not meant:
            return None
        return outline(part, text, corpus.documents[meant[0]], corpus, self.retriever.embedder)

    def _chat(self, kind: str, corpus: Corpus, document: str | None) -> Draft:
        tail = " You could ask: What is this about? · What are the key points?" if corpus.documents else ""
        said = {
            "greeting": "Hello. I answer questions about the release, each answer with its exact quotation.",
            "thanks": "You are welcome.",
            "capabilities": "I answer questions about the release from its own words, quote the exact place, and say so where it does not say.",
        }[kind]
        return Draft("chat", (said + tail,), (), 1.0)


def many(corpus: Corpus, document: str | None) -> bool:
    """Whether a question may be answered from more than one document."""
    return document is None and len(corpus.documents) > 1
