"""Whether one answer to one case is right, declined or wrong, and why.  Knows cases and answer objects.

Judge-free: by status, by facts, by forbidden facts, by the overlap of citations with gold passages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eval.cases import Case
from eval.text import holds

Outcome = Literal["right", "abstained", "wrong"]
CONTRADICTS = re.compile(r"\b(?:no|not|otherwise|never|none|however|actually|n't)\b|n't\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome with its reason, the share of the gold facts that the answer holds, and what it must not have said."""

    outcome: Outcome
    reason: str
    fact_recall: float
    forbidden: tuple[str, ...]


def direct(answer: str) -> str:
    """What the answer says outright: its first line, before the quotation that supports it."""
    return answer.split("\n", 1)[0]


def told(case: Case, answer: str) -> str:
    """What of an answer is judged: a summary is as long as it is; anything else must be said outright."""
    return answer if case.category == "structure" else direct(answer)


def judge(case: Case, answer: Mapping[str, Any]) -> Judgement:
    """Judge an answer object of the contract.

    Answerable: right where the direct line holds every fact (a yes or no as its first word) and nothing forbidden.
    An error is wrong, whatever was asked.  Not in the document, or out of domain: right where it abstains.  False premise: right where it abstains, or cites
    the passage that contradicts it and says so.  Chat: right where it makes no claim.
    """
    status = answer["status"]
    said = told(case, str(answer["answer"]))
    missing = [f for f in case.facts if not any(_says(said, w, case) for w in f)]
    recall = 1.0 - len(missing) / len(case.facts) if case.facts else 1.0
    forbidden = tuple(f for f in case.forbidden if status == "answered" and holds(said, f))

    def judged(outcome: Outcome, reason: str) -> Judgement:
        return Judgement(outcome, reason, recall, forbidden)

    if status == "error":
        return judged("wrong", "error")
    if case.answerable == "chat":
        return judged("right", "chat") if status == "chat" else judged("wrong", f"{status} to small talk")
    if case.answerable in ("not_in_document", "out_of_domain"):
        return judged("wrong", "answered what is not there") if status == "answered" else judged("right", "declined")
    if case.answerable == "false_premise":
        if status != "answered":
            return judged("right", "declined")
        overlap = any(
            c["document"] == case.document and c["start"] < g.end and g.start < c["end"]
            for c in answer["citations"]
            for g in case.gold
        )
        if overlap and CONTRADICTS.search(said):
            return judged("right", "contradicted")
        if case.facts and not missing and not forbidden:
            return judged("right", "facts")
        return judged("wrong", "took the premise for granted")
    if status != "answered":
        return judged("abstained", "declined what is there")
    if forbidden:
        return judged("wrong", f"said {forbidden[0]!r}")
    if missing:
        return judged("wrong", f"lacks {missing[0][0]!r}")
    return judged("right", "facts")


def _says(said: str, fact: str, case: Case) -> bool:
    if case.answer_type == "yes_no" and fact.lower() in ("yes", "no"):
        return re.match(rf"\W*{fact}\b", said, re.IGNORECASE) is not None or (
            case.category != "yes_no" and holds(said, fact)
        )
    return holds(said, fact)
