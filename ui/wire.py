"""What goes over the wire and lies in the browser: questions, answer objects, conversations.  Knows shapes, not answers.

Whatever comes back from a browser is checked here: it may be old, cut short or made up.
"""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from assistant.schema import Answer, Question, Turn

MAX_TURNS = 200
MAX_CONVERSATIONS = 50
MAX_KEPT = 1_500_000  # characters: a browser keeps about 5 MB for an origin
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
    """A question, the document that it was restricted to, and the answer that was shown, or why there is none."""

    question: str
    document: str | None = None
    answer: AnswerObject | None = None
    error: str = ""
    next: list[str] = Field(default=[], max_length=8)


def _last_turns(given: Any) -> Any:
    return given[-MAX_TURNS:] if isinstance(given, list) else given


class Conversation(BaseModel):
    """What was asked and answered, in order; the oldest turns go where there are too many."""

    id: str = Field(pattern=r"^[0-9a-f]{8,32}$")
    title: str = ""
    exchanges: Annotated[list[Exchange], BeforeValidator(_last_turns)] = []

    def questions(self) -> tuple[Turn, ...]:
        """The user's earlier questions, for a follow-up."""
        return tuple(Turn("user", e.question) for e in self.exchanges[-MAX_HISTORY:])

    def grown(self, exchange: Exchange) -> Conversation:
        """With one more exchange."""
        return self.model_copy(update={"exchanges": [*self.exchanges, exchange][-MAX_TURNS:]})

    @property
    def document(self) -> str | None:
        """The document that was asked last."""
        return self.exchanges[-1].document if self.exchanges else None

    @property
    def name(self) -> str:
        """Its title, or its first question."""
        first = self.title or (self.exchanges[0].question if self.exchanges else "")
        return first if len(first) <= TITLE_CHARS else first[: TITLE_CHARS - 1] + "…"


class History(BaseModel):
    """The conversations that a browser keeps, newest first."""

    conversations: list[Conversation] = []

    def find(self, id_: str | None) -> Conversation:
        """The conversation of that id; a new one where there is none."""
        found = next((c for c in self.conversations if c.id == id_), None)
        return found or Conversation(id=secrets.token_hex(8))

    def holds(self, id_: str | None) -> bool:
        return any(c.id == id_ for c in self.conversations)

    def with_(self, conversation: Conversation) -> History:
        """With `conversation` first; the oldest go where there are too many, or too much to keep."""
        kept = [conversation, *(c for c in self.conversations if c.id != conversation.id)][:MAX_CONVERSATIONS]
        sizes = [len(c.model_dump_json()) for c in kept]
        while len(kept) > 1 and sum(sizes[: len(kept)]) > MAX_KEPT:
            kept.pop()
        return History(conversations=kept)

    def without(self, id_: str | None) -> History:
        return History(conversations=[c for c in self.conversations if c.id != id_])


class News(BaseModel):
    """What an event adds to the conversation `id`: an exchange, or what one may ask after the last one."""

    id: str = Field(pattern=r"^[0-9a-f]{8,32}$")
    exchange: Exchange | None = None
    next: list[str] = []

    def told(self, history: History) -> History:
        """The history with it; the rest stays as it is by now."""
        known = history.holds(self.id)
        conversation = history.find(self.id) if known else Conversation(id=self.id)
        if self.exchange is not None:
            return history.with_(conversation.grown(self.exchange))
        if known and conversation.exchanges and self.next:
            last = conversation.exchanges[-1].model_copy(update={"next": self.next[:8]})
            return history.with_(conversation.model_copy(update={"exchanges": [*conversation.exchanges[:-1], last]}))
        return history


def read_history(kept: object) -> History:
    """What a browser kept, conversation by conversation: one that cannot be read is left out, the others stay."""
    try:
        rows = json.loads(kept).get("conversations") if isinstance(kept, str) and kept else []
    except (ValueError, AttributeError, RecursionError):
        rows = []
    found = []
    for row in rows if isinstance(rows, list) else []:
        try:
            found.append(Conversation.model_validate(row))
        except ValidationError:
            continue
    return History(conversations=found[:MAX_CONVERSATIONS])


def to_object(answer: Answer) -> AnswerObject:
    """An answer as it goes over the wire."""
    return AnswerObject.model_validate(answer.to_dict())
