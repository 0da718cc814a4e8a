"""What goes over the wire and lies in the browser: questions, answer objects, conversations.  Knows shapes, not answers.

Whatever comes back from a browser is checked here: it may be old, cut short or made up.
"""

from __future__ import annotations

import json
import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.schema import Answer, Question, Turn

MAX_TURNS = 200
MAX_CONVERSATIONS = 50
MAX_HISTORY = 20
TITLE_CHARS = 60


class CitationObject(BaseModel):
    """A quote and its place: characters [start, end) of the document's stored text."""

    n: int = Field(ge=1)
    document: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str
    kind: Literal["support", "nearest"] = "support"


class AnswerObject(BaseModel):
    """The answer object of the contract."""

    id: str | None = None
    question: str
    status: Literal["answered", "abstained", "chat"]
    answer: str
    citations: list[CitationObject] = []
    confidence: float = Field(ge=0, le=1)
    engine: str = "extractive"
    elapsed_ms: float = 0.0


class TurnObject(BaseModel):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class QuestionObject(BaseModel):
    """A question, the user's earlier ones (oldest first), and the document that it is restricted to."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(min_length=1)
    history: list[str | TurnObject] = Field(default=[], max_length=MAX_TURNS)
    document: str | None = None
    id: str | None = None

    def to_question(self) -> Question:
        turns = [Turn("user", t) if isinstance(t, str) else Turn(t.role, t.content) for t in self.history]
        return Question(self.question, tuple(turns[-MAX_HISTORY:]), self.document, self.id)


class Exchange(BaseModel):
    """A question and the answer that was shown; none where it was stopped or failed, with the reason."""

    question: str
    answer: AnswerObject | None = None
    error: str = ""
    next: list[str] = Field(default=[], max_length=8)


class Conversation(BaseModel):
    """What was asked and answered, in order."""

    id: str = Field(pattern=r"^[0-9a-f]{8,32}$")
    title: str = ""
    document: str | None = None
    exchanges: list[Exchange] = Field(default=[], max_length=MAX_TURNS)

    def questions(self) -> tuple[Turn, ...]:
        """The user's earlier questions, for a follow-up."""
        return tuple(Turn("user", e.question) for e in self.exchanges[-MAX_HISTORY:])

    @property
    def name(self) -> str:
        """Its title, or its first question."""
        first = self.title or (self.exchanges[0].question if self.exchanges else "")
        return first if len(first) <= TITLE_CHARS else first[: TITLE_CHARS - 1] + "…"


class History(BaseModel):
    """The conversations that a browser keeps, newest first, and which of them is open."""

    open: str | None = None
    conversations: list[Conversation] = []

    def with_(self, conversation: Conversation) -> History:
        """With `conversation` first, and open; the oldest go where there are too many."""
        others = [c for c in self.conversations if c.id != conversation.id]
        return History(open=conversation.id, conversations=[conversation, *others][:MAX_CONVERSATIONS])

    def without(self, id_: str | None) -> History:
        """Without the conversation of that id; none is open then."""
        return History(conversations=[c for c in self.conversations if c.id != id_])

    def current(self) -> Conversation:
        """The open conversation, or a new one."""
        found = next((c for c in self.conversations if c.id == self.open), None)
        return found or Conversation(id=secrets.token_hex(8))


def read_history(stored: object) -> History:
    """What a browser kept, conversation by conversation: one that cannot be read is left out, the others stay."""
    try:
        given = json.loads(stored) if isinstance(stored, str) and stored else {}
        rows, opened = given.get("conversations"), given.get("open")
    except (ValueError, AttributeError, RecursionError):
        rows, opened = [], None
    kept = []
    for row in rows if isinstance(rows, list) else []:
        try:
            kept.append(Conversation.model_validate(row))
        except ValidationError:
            continue
    known = opened if isinstance(opened, str) else None
    return History(open=known, conversations=kept[:MAX_CONVERSATIONS])


def to_object(answer: Answer) -> AnswerObject:
    """An answer as it goes over the wire."""
    return AnswerObject.model_validate(answer.to_dict())
