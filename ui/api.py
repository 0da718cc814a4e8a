"""The HTTP interface: ask, documents, feedback.  Knows HTTP and the wire's shapes, not pages."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from assistant.answer import Assistant
from assistant.errors import CaseError, QuestionError, ReleaseAssistantError
from eval.review import Feedback, ReviewQueue
from ui.wire import AnswerObject, QuestionObject, to_object

AT_ONCE = 2  # the reader uses every core: more at once only makes each slower
WAITING = 64


class Problem(BaseModel):
    """What is wrong, and how to mend it."""

    error: str


class DocumentObject(BaseModel):
    """A document that can be asked."""

    document: str
    title: str
    date: str
    characters: int
    sha256: str


class Busy(Exception):
    """Too many wait already."""


class Turnstile:
    """Lets AT_ONCE in, keeps WAITING waiting, turns the rest away at once."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0

    async def __aenter__(self) -> None:
        if self._inside >= self._room:
            raise Busy
        self._inside += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *error: object) -> None:
        self._inside -= 1
        self._free.release()


def build_api(assistant: Assistant, queue: ReviewQueue) -> APIRouter:
    """The routes under ``/api``."""
    api = APIRouter(prefix="/api")
    turnstile = Turnstile()
    problems: dict[int | str, dict[str, object]] = {422: {"model": Problem}, 503: {"model": Problem}}

    @api.post("/ask", response_model=AnswerObject, response_model_exclude_none=True, responses=problems)
    async def ask(question: QuestionObject) -> AnswerObject | JSONResponse:
        """The answer to a question, every quote verified; or that the release does not say."""
        try:
            async with turnstile:
                return to_object(await run_in_threadpool(assistant.ask, question.to_question()))
        except Busy:
            return _problem(503, "too many questions wait: ask again in a few seconds", {"Retry-After": "5"})
        except QuestionError as error:
            return _problem(422, str(error))
        except ReleaseAssistantError as error:
            return _problem(503, str(error))

    @api.get("/documents")
    def documents() -> list[DocumentObject]:
        """The documents that can be asked."""
        return [
            DocumentObject(
                document=name,
                title=d.slice(d.title) if d.title else "",
                date=d.slice(d.date) if d.date else "",
                characters=len(d.text),
                sha256=d.hash,
            )
            for name, d in sorted(assistant.retriever.corpus().documents.items())
        ]

    @api.post("/feedback", status_code=201, responses={503: {"model": Problem}})
    def feedback(given: Feedback) -> JSONResponse:
        """Keep what a person said of an answer, for review."""
        try:
            return JSONResponse({"id": queue.add(given)}, status_code=201)
        except CaseError as error:
            return _problem(503, str(error))

    return api


def _problem(status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": reason}, status_code=status, headers=headers)
