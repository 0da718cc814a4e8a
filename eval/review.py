"""From the chat to a case: what a person said of an answer waits in a queue until an evaluator decides on it.

Knows answers, cases and a file of JSON lines, not pages.  The queue only ever grows: a decision is a line of its own, so
that nothing is lost; the same word on the same answer is kept once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from assistant.corpus import Corpus
from assistant.errors import CaseError
from assistant.question import analyse
from assistant.schema import Document
from assistant.words import fold
from eval.cases import AnswerType, Case, Category, Split, dump, json_lines, load_cases
from eval.judge import direct

Verdict = Literal["right", "wrong", "should_decline"]
MAX_TEXT = 4000
MAX_SHOWN = 20_000
MOST = 10_000  # feedback that may wait
WAIT_SECONDS = 5.0
Said = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
KINDS: dict[str, tuple[Category, AnswerType]] = {
    "yes_no": ("yes_no", "yes_no"),
    "count": ("count", "number"),
    "date": ("date", "date"),
    "year": ("date", "date"),
    "duration": ("duration", "duration"),
    "list": ("list", "list"),
    "person": ("lookup", "person"),
    "place": ("lookup", "place"),
}


class ShownCitation(BaseModel):
    """A citation as it was shown."""

    document: str = Field(max_length=500)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str = Field(max_length=MAX_SHOWN)
    kind: str = Field(default="support", max_length=20)


class Shown(BaseModel):
    """What of an answer object a case may be made of; the rest is left out."""

    status: str = Field(default="", max_length=20)
    answer: str = Field(default="", max_length=MAX_SHOWN)
    citations: tuple[ShownCitation, ...] = Field(default=(), max_length=100)


class Feedback(BaseModel):
    """What a person said of one answer: right, wrong, or that it should have been declined.

    `expected` is the answer they would have given; `start` and `end` are the characters of the passage that they marked in the
    document's stored text, both or neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    question: Said = Field(min_length=1)
    history: tuple[Said, ...] = Field(default=(), max_length=20)
    document: str = Field(min_length=1, max_length=500)
    verdict: Verdict
    answer: Shown = Shown()
    expected: Said = ""
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def whole(self) -> Feedback:
        if (self.start is None) != (self.end is None):
            raise ValueError("a passage has a start and an end")
        return self

    @property
    def id(self) -> str:
        """The same for the same word on the same answer to the same question of the same document."""
        told = [fold(self.question), *map(fold, self.history), self.document, self.verdict, fold(self.expected)]
        return hashlib.sha256(json.dumps([*told, self.start, self.end, self.answer.answer]).encode()).hexdigest()[:10]


class ReviewQueue:
    """Feedback that waits for a decision, in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, feedback: Feedback) -> str:
        """Keep it, once; its id.  Raises CaseError where the file cannot be written, or MOST wait already."""
        with self._locked():
            found, decided = self._read()
            if len(found) - len(decided) >= MOST:
                raise CaseError("the review queue is full: decide on what waits first")
            if feedback.id not in {f.id for f in found}:
                self._append({"feedback": feedback.model_dump()})
        return feedback.id

    def waiting(self) -> list[Feedback]:
        """What nobody has decided on, oldest first.  Raises CaseError where the file is broken."""
        found, decided = self._read()
        return [f for f in found if f.id not in decided]

    def get(self, id_: str) -> Feedback:
        """The waiting feedback of that id; raises CaseError where there is none."""
        for feedback in self.waiting():
            if feedback.id == id_:
                return feedback
        raise CaseError(f"no feedback {id_!r} waits: `release-assistant eval review` lists what does")

    def reject(self, id_: str) -> None:
        """Take it from the queue; no case comes of it."""
        with self._locked():
            self._append({"decided": self.get(id_).id, "as": "rejected"})

    def accept(self, id_: str, case: Case, to: Path) -> bool:
        """Write `case` into the case file `to` and take the feedback from the queue.

        False where the file holds a case of the same question, history and document already: it stays as it is.
        """
        with self._locked():
            feedback = self.get(id_)
            held = load_cases([to]) if to.exists() else []
            new = key(case) not in {key(c) for c in held}
            if new:
                if case.id in {c.id for c in held}:
                    raise CaseError(f"{to}: id: {case.id!r} stands there already; give the case another id")
                to.parent.mkdir(parents=True, exist_ok=True)
                scratch = to.with_name(to.name + ".new")
                dump([*held, case], scratch)
                scratch.replace(to)
            self._append({"decided": feedback.id, "as": "accepted" if new else "known already"})
        return new

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=WAIT_SECONDS):
                yield
        except (OSError, Timeout) as error:
            raise CaseError(
                f"the review queue {self.path} cannot be written ({type(error).__name__}): free it and say it again"
            ) from None

    def _append(self, line: dict[str, Any]) -> None:
        # A line that a kill cut short is ended first; reading leaves it out.
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size > 0
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(line, ensure_ascii=True) + "\n")

    def _read(self) -> tuple[list[Feedback], set[str]]:
        found: list[Feedback] = []
        decided: set[str] = set()
        for number, text in enumerate(json_lines(self.path) if self.path.exists() else [], 1):
            try:
                line = json.loads(text)
            except ValueError:
                continue  # cut short
            try:
                if "feedback" in line:
                    found.append(Feedback.model_validate(line["feedback"]))
                else:
                    decided.add(str(line["decided"]))
            except (KeyError, TypeError, ValidationError):
                raise CaseError(
                    f"{self.path}:{number}: no feedback can be read there; mend or remove the line"
                ) from None
        return found, decided


def key(case: Case) -> tuple[str, ...]:
    """What makes two cases the same: document, history and question, case and spaces aside."""
    return (case.document, *(" ".join(fold(t).split()) for t in (*case.history, case.question)))


def propose(
    feedback: Feedback, corpus: Corpus, answer: str = "", passage: str = "", category: str = "", split: Split = "dev"
) -> Case:
    """The case that feedback proposes, an evaluator's `answer`, `passage` (as "120:180") and `category` in place of what it says.

    Raises CaseError that says what is missing.
    """
    changes: dict[str, Any] = {"expected": answer.strip(), "verdict": "wrong"} if answer.strip() else {}
    if passage.strip():
        try:
            changes["start"], changes["end"] = (int(n) for n in passage.split(":"))
        except ValueError:
            raise CaseError(f"the passage {passage!r}: write two numbers, as 120:180") from None
    if feedback.document not in corpus.documents:
        raise CaseError(f"{feedback.document} is not ingested: run `release-assistant ingest {feedback.document}`")
    places = [(p.span.start, p.span.end) for p in corpus.sentences_of(feedback.document)]
    case = to_case(feedback.model_copy(update=changes), corpus.documents[feedback.document], places, split)
    return _checked(case.model_dump() | ({"category": category} if category else {}))


def to_case(feedback: Feedback, document: Document, sentences: Sequence[tuple[int, int]], split: Split = "dev") -> Case:
    """The case that feedback on an answer from `document` proposes; `sentences` are the places of its sentences.

    A right answer becomes its own expectation, a right decline a case that is not in the document.  A wrong one needs the
    expected answer and, where the text does not hold it word for word, the marked passage: CaseError says so.
    """
    asked = analyse(feedback.question)
    category, answer_type = KINDS.get(asked.kind, ("lookup", "text"))
    fields: dict[str, Any] = {
        "id": f"review-{feedback.id}",
        "question": feedback.question,
        "history": tuple(h for h in feedback.history if h),
        "document": document.name,
        "document_hash": document.hash,
        "category": "follow_up" if feedback.history else category,
        "split": split,
        "notes": "from feedback in the chat",
    }
    declined = feedback.verdict == "right" and feedback.answer.status == "abstained"
    if declined or feedback.verdict == "should_decline":
        return _checked(fields | {"category": "unanswerable", "answerable": "not_in_document"})
    expected = feedback.expected.strip()
    places: list[tuple[int, int]] = []
    if feedback.start is not None and feedback.end is not None:
        places = [(feedback.start, feedback.end)]
    elif feedback.verdict == "right":
        cited = [c for c in feedback.answer.citations if c.kind == "support" and c.document == document.name]
        places = [(c.start, c.end) for c in cited if document.text[c.start : c.end] == c.quote]
    elif expected:
        places = [(s, e) for s, e in sentences if fold(expected) in fold(document.text[s:e])]
    if feedback.verdict == "right" and not expected:
        expected = re.sub(r"\s*\[\d+\]", "", direct(feedback.answer.answer)).strip().rstrip(".")
    if not expected:
        raise CaseError(f"{feedback.id}: what is the right answer? Give it with --answer, or reject the feedback")
    if not places or any(not 0 <= s < e <= len(document.text) for s, e in places):
        raise CaseError(
            f"{feedback.id}: which passage says {expected!r}? Give its characters with --passage START:END, or reject the feedback"
        )
    gold = [{"start": s, "end": e, "quote": document.text[s:e]} for s, e in places]
    answer = {
        "answerable": "yes",
        "answers": [expected],
        "answer_type": answer_type,
        "facts": [[expected]],
        "gold": gold,
    }
    return _checked(fields | answer)


def _checked(fields: dict[str, Any]) -> Case:
    try:
        return Case.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "case"
        raise CaseError(f"{fields['id']}: {field}: {first['msg']}") from None
