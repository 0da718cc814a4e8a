"""From feedback to a case: the queue loses nothing, keeps a thing once, and a case comes only of what the text bears out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from assistant.answer import Assistant
from assistant.errors import CaseError
from assistant.schema import Document
from eval.cases import load_cases
from eval.review import Feedback, ReviewQueue, propose, to_case

TEXT = "Ann Bell leads the fund. It gave 40 grants in May."
SENTENCES = [(0, 24), (25, 50)]
ANSWER = {
    "status": "answered",
    "answer": "Ann Bell. [1]\n“Ann Bell leads the fund.” [1]",
    "citations": [{"n": 1, "document": "a.txt", "start": 0, "end": 24, "quote": TEXT[:24]}],
}


@pytest.fixture
def document() -> Document:
    return Document("a.txt", TEXT)


def feedback(**fields: Any) -> Feedback:
    given = {"question": "Who leads it?", "document": "a.txt", "verdict": "right", "answer": ANSWER}
    return Feedback.model_validate(given | fields)


def test_feedback_waits_once_and_is_decided_once(tmp_path: Path, document: Document) -> None:
    queue = ReviewQueue(tmp_path / "deep" / "feedback.jsonl")
    assert queue.waiting() == []
    first = queue.add(feedback())
    assert queue.add(feedback(question="who LEADS it?")) == first
    second = queue.add(feedback(verdict="should_decline"))
    assert [f.id for f in ReviewQueue(queue.path).waiting()] == [first, second]
    queue.reject(second)
    to = tmp_path / "cases.jsonl"
    assert queue.accept(first, to_case(feedback(), document, SENTENCES), to)
    assert queue.waiting() == []
    (case,) = load_cases([to], {"a.txt": TEXT})
    assert (case.answers, case.gold[0].quote) == (("Ann Bell",), TEXT[:24])
    with pytest.raises(CaseError, match="no feedback"):
        queue.reject(first)
    third = queue.add(feedback(expected="Ann Bell", verdict="wrong"))
    assert not queue.accept(third, to_case(queue.get(third), document, SENTENCES), to), (
        "the question stands there already"
    )
    assert len(load_cases([to])) == 1


def test_each_verdict_becomes_its_case(document: Document) -> None:
    declined = {"status": "abstained", "answer": "The release does not say.", "citations": []}
    assert to_case(feedback(answer=declined), document, SENTENCES).answerable == "not_in_document"
    assert to_case(feedback(verdict="should_decline"), document, SENTENCES).answerable == "not_in_document"
    found = to_case(feedback(verdict="wrong", question="How many grants?", expected="40"), document, SENTENCES)
    assert (found.category, found.gold[0].start) == ("count", 25)
    marked = to_case(feedback(verdict="wrong", expected="the boss", start=0, end=8), document, SENTENCES)
    assert marked.gold[0].quote == "Ann Bell"
    assert to_case(feedback(history=("What of the fund?",)), document, SENTENCES).category == "follow_up"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"answer": ANSWER | {"citations": [ANSWER["citations"][0] | {"document": "b.txt"}]}},
            "which passage says 'Ann Bell'",
        ),
        ({"answer": ANSWER | {"citations": [ANSWER["citations"][0] | {"quote": "Another text"}]}}, "which passage"),
        ({"verdict": "wrong"}, "what is the right answer"),
        ({"verdict": "wrong", "expected": "Zoe"}, "which passage says 'Zoe'"),
        ({"verdict": "wrong", "expected": "x", "start": 40, "end": 4000}, "which passage"),
    ],
)
def test_what_the_text_does_not_bear_out_is_asked_for(document: Document, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        to_case(feedback(**fields), document, SENTENCES)


@pytest.mark.parametrize(
    "fields",
    [{"answer": {"citations": [{}]}}, {"answer": {"citations": "zz"}}, {"start": 3}, {"question": ""}, {"history": ["x"] * 21}, {"expected": "x" * 5000}],
)  # fmt: skip
def test_malformed_feedback_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        feedback(**fields)


def test_a_line_that_a_kill_cut_short_costs_nothing_else(tmp_path: Path) -> None:
    queue = ReviewQueue(tmp_path / "feedback.jsonl")
    first = queue.add(feedback())
    with queue.path.open("a", encoding="utf-8") as file:
        file.write('{"feedback": {"questi')
    assert [f.id for f in queue.waiting()] == [first]
    second = queue.add(feedback(question="Who else?"))
    assert [f.id for f in queue.waiting()] == [first, second]


def test_an_evaluator_mends_feedback(assistant: Assistant) -> None:
    corpus = assistant.retriever.corpus()
    wrong = Feedback(question="Who heads the IAPB?", document="release.txt", verdict="wrong")
    with pytest.raises(CaseError, match="what is the right answer"):
        propose(wrong, corpus)
    made = propose(wrong, corpus, answer="Andrea Huber", category="names")
    assert (made.category, made.answers) == ("names", ("Andrea Huber",))
    for passage, category, said in (
        ("x", "", "two numbers"),
        ("1:2", "riddle", "category"),
        ("9:99999", "", "which passage"),
    ):
        with pytest.raises(CaseError, match=said):
            propose(wrong, corpus, "Andrea Huber", passage, category)
    with pytest.raises(CaseError, match="not ingested"):
        propose(wrong.model_copy(update={"document": "none.txt"}), corpus, "x")


def test_a_broken_queue_is_named_by_its_line(write) -> None:
    path = write("feedback.jsonl", json.dumps({"feedback": {"question": "?"}}) + "\n")
    with pytest.raises(CaseError, match=r"feedback.jsonl:1: no feedback can be read"):
        ReviewQueue(path).waiting()
