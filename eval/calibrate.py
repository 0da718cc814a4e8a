"""Fit the probability that an answer is right, on cases of known answer; write ``data/models/confidence.json``.

Run as a program: ``python -m eval.calibrate --store DIR --cases FILE ... --to data/models/confidence.json`` on a store
that holds the cases' documents.  Use cases that neither the reader was trained on nor anything is tested on; `--more` cases
take part in the fit, not in what is told of it.

First the order of the candidates of a question is fitted (`fit_order`).  Then, for every proposal that the assistant makes, the features that it shows and whether it is right go into a logistic
regression of its way (`assistant.confidence`).  Where a right answer gains 1, a declined one 0 and a wrong one costs
`cost`, an answer pays from the probability cost / (1 + cost) on: that is the threshold (the CRAG score, Yang et al. 2024,
arXiv 2406.04744, has a cost of 1; here a wrong sentence does more harm than silence).  What it leads to is told for
the cases, each judged by a fit that has not seen its document.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from assistant import candidates
from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.candidates import Candidate
from assistant.confidence import Calibration, Way, first_sure
from assistant.intent import chat, structure
from assistant.propose import Found
from assistant.question import Asked, analyse, clean
from assistant.schema import Question, Turn
from assistant.settings import load_settings
from assistant.verify import verify
from eval.cases import Case, load_cases
from eval.judge import direct, judge
from eval.metrics import ece
from eval.text import f1

WAYS: tuple[Way, ...] = (
    "span",
    "sentence",
    "verdict",
    "premise",
    "counted",
    "listing",
    "tally",
)  # "rank" and "choice" come before them
BRIEF = 0.6  # the least token F1 of a span that is ranked first
STRENGTH = 0.3  # of the regularisation: few cases, features of different scales
ORDER_STRENGTH = 3.0  # the same for `fit_order`, as a penalty


@dataclass(frozen=True, slots=True)
class Sample:
    """One proposal: its way, its features, whether it is right, and the case and document it is of."""

    case: str
    document: str
    way: Way
    features: dict[str, float]
    right: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A case that asks one question in English on the matter of its document, as the assistant understood and read it."""

    case: Case
    question: Question
    asked: Asked
    found: Found


def read(cases: Sequence[Case], assistant: Assistant, jobs: int) -> list[Read]:
    """What the assistant found for each case, `jobs` at a time; cases of another kind are left out."""
    corpus = assistant.retriever.corpus()

    def one(case: Case) -> Read | None:
        question = Question(case.question, tuple(Turn("user", h) for h in case.history), case.document)
        text = clean(case.question)
        standing = assistant.standing(text, question, corpus)
        if case.language != "en" or chat(text) or len(standing) != 1 or structure(standing[0]):
            return None
        spelt, _ = assistant.spelt(standing[0], corpus, case.document)
        return Read(case, question, analyse(spelt), assistant.proposer.find(spelt, corpus, case.document))

    with ThreadPoolExecutor(jobs) as pool:
        return [r for r in pool.map(one, cases) if r is not None]


def samples(rows: Sequence[Read], assistant: Assistant, jobs: int) -> list[Sample]:
    """Every proposal for every case, and whether it is right."""
    corpus = assistant.retriever.corpus()

    def one(row: Read) -> list[Sample]:
        case, made = row.case, []
        for proposal in assistant.proposals(row.asked, row.found, corpus, case.document):
            answer = verify(proposal.draft, row.question, corpus.documents).to_dict()
            right = judge(case, answer).outcome == "right" or enough(
                case, direct(answer["answer"]), answer["citations"]
            )
            made.append(Sample(case.id, case.document, proposal.way, proposal.features, right))
        return made

    with ThreadPoolExecutor(jobs) as pool:
        return [s for made in pool.map(one, rows) for s in made]


def enough(case: Case, said: str, citations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an answer to a training case is right though it lacks a word: its only fact is a passage of the document, which
    may be a whole clause."""
    if case.split != "train" or case.answerable != "yes" or len(case.facts) != 1 or case.answer_type != "text":
        return False
    return in_place(case, citations) and f1(said, case.answers) >= BRIEF


def in_place(case: Case, citations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any citation overlaps a gold passage."""
    return any(c["start"] < g.end and g.start < c["end"] for c in citations for g in case.gold)


def ranking(rows: Sequence[Read], assistant: Assistant, way: Way, jobs: int) -> list[Sample]:
    """Every span that is ranked ("rank"), or span or list among the first of them ("choice"), for a case that has an answer, and
    whether it says every fact, nothing forbidden, and little else: a long span holds any fact."""
    corpus = assistant.retriever.corpus()

    def one(row: Read) -> list[Sample]:
        case, found = row.case, row.found
        if case.answerable != "yes" or case.category in ("yes_no", "multi", "structure", "enumerated"):
            return []
        if row.asked.kind == "yes_no" or (way == "rank" and (row.asked.several or case.category == "list")):
            return []
        if way == "choice":
            ranked = assistant.proposer.ranked(row.asked, found, corpus)
        else:
            ranked = candidates.rank(row.asked, found.hits, found.readings, corpus, assistant.proposer.calibration)
        return [Sample(case.id, case.document, way, c.features, is_answer(case, c)) for c in ranked]

    with ThreadPoolExecutor(jobs) as pool:
        return [s for made in pool.map(one, rows) for s in made]


def is_answer(case: Case, candidate: Candidate) -> bool:
    """Whether a span or a list is the answer to a case, in its place."""
    cited = [{"start": p.start, "end": p.end} for p in candidate.places]
    if enough(case, candidate.text, cited):
        return len(candidate.spans) == 1
    said = judge(case, {"status": "answered", "answer": candidate.text, "citations": []}).outcome == "right"
    if case.category == "list":
        return said and len(candidate.spans) <= len(case.facts)
    brief = f1(candidate.text, case.answers) >= BRIEF and len(candidate.spans) <= max(1, len(case.facts))
    return said and brief and in_place(case, cited)


def scaled(rows: Sequence[Sample]) -> tuple[list[str], Any, Any]:
    """The names of the features, the features of each row (rows x names, each name's deviation 1), and what they were divided by."""
    names = sorted({n for r in rows for n in r.features})
    matrix = np.array([[r.features.get(n, 0.0) for n in names] for r in rows])
    scale = matrix.std(axis=0)
    scale[scale == 0] = 1.0
    return names, matrix / scale, scale


def fit(rows: Sequence[Sample]) -> dict[str, float]:
    """Weights and bias of a logistic regression on these rows."""
    from sklearn.linear_model import LogisticRegression

    right = [r.right for r in rows]
    if len(set(right)) < 2:
        return {"bias": 4.0 if right and right[0] else -4.0}
    names, matrix, scale = scaled(rows)
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(matrix, right)
    weights = {n: round(float(w / s), 5) for n, w, s in zip(names, model.coef_[0], scale, strict=True)}
    return {"bias": round(float(model.intercept_[0]), 5)} | weights


def fit_order(rows: Sequence[Sample]) -> dict[str, float]:
    """Weights under which the right candidate of each case comes first: a conditional logit (McFadden 1974), the
    likelihood that a softmax over a case's candidates picks a right one.  Cases without both right and wrong ones say nothing.
    """
    from scipy.optimize import minimize

    cases: dict[str, list[Sample]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    groups = [g for g in cases.values() if 0 < sum(r.right for r in g) < len(g)]
    if not groups:
        return {}
    ordered = [r for g in groups for r in g]
    names, matrix, scale = scaled(ordered)
    right = np.array([float(r.right) for r in ordered])
    lengths = [len(g) for g in groups]
    begins = np.cumsum([0, *lengths[:-1]])

    def loss(weights: Any) -> tuple[float, Any]:
        scores = matrix @ weights
        shares = np.exp(scores - np.repeat(np.maximum.reduceat(scores, begins), lengths))
        shares /= np.repeat(np.add.reduceat(shares, begins), lengths)
        picked = np.add.reduceat(shares * right, begins) + 1e-12
        wanted = shares * right / np.repeat(picked, lengths)
        penalty = ORDER_STRENGTH * weights
        return float(-np.log(picked).sum() + penalty @ weights / 2), matrix.T @ (shares - wanted) + penalty

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x
    return {n: round(float(w / s), 5) for n, w, s in zip(names, found, scale, strict=True)}


def held_out(rows: Sequence[Sample]) -> list[float]:
    """Each row's probability by weights fitted without its document."""
    probabilities = [0.0] * len(rows)
    for document in sorted({r.document for r in rows}):
        for way in WAYS:
            seen = [r for r in rows if r.document != document and r.way == way]
            weights = fit(seen) if seen else {"bias": -4.0}
            for i, row in enumerate(rows):
                if row.document == document and row.way == way:
                    z = weights["bias"] + sum(weights.get(k, 0.0) * v for k, v in row.features.items())
                    probabilities[i] = float(1 / (1 + np.exp(-z)))
    return probabilities


def held_up(rows: Sequence[Sample], probabilities: Sequence[float], threshold: float) -> dict[str, Any]:
    """What a threshold leads to, each case given what the assistant would give; and what others lead to."""
    cases: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        cases.setdefault(row.case, []).append(i)

    def given(least: float) -> list[int]:
        chosen = ((own, first_sure([(probabilities[i], rows[i].way) for i in own], least)) for own in cases.values())
        return [own[at] for own, at in chosen if at is not None]

    steps = {}
    for step in (0.4, 0.5, 0.6, 0.7, 0.8):
        right = [rows[i].right for i in given(step)]
        steps[str(step)] = f"{sum(right)} right, {right.count(False)} wrong"
    answered = given(threshold)
    right = [rows[i].right for i in answered]
    return {
        "cases": len(cases),
        "by threshold": steps,
        "answered": len(answered),
        "sentences": sum(rows[i].way == "sentence" for i in answered),
        "wrong": right.count(False),
        "ece": round(ece([probabilities[i] for i in answered], right), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--cases", type=Path, nargs="+", required=True)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="cases for the fit alone")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--cost", type=float, default=1.5, help="what a wrong answer costs, where a right one gains 1")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    assistant = build_assistant(load_settings(store=args.store))
    assistant.reader.threads = 1
    own = [c for c in load_cases(args.cases) if c.split != "test"]
    more = [c for c in load_cases(args.more) if c.split != "test"]
    seen = read([*own, *more], assistant, args.jobs)
    fitted: dict[str, dict[str, float]] = {}
    for way in get_args(Way)[:2]:  # each depends on the one before
        fitted[way] = fit_order(ranking(seen, assistant, way, args.jobs))
        so_far = {**assistant.calibration.weights, **fitted}
        assistant.proposer.calibration = Calibration(so_far, assistant.calibration.threshold)
    rows = samples(seen, assistant, args.jobs)
    probabilities = held_out(rows)
    names = {c.id for c in own}
    chosen = [i for i, row in enumerate(rows) if row.case in names]
    threshold = round(args.cost / (1 + args.cost), 2)
    told = held_up([rows[i] for i in chosen], [probabilities[i] for i in chosen], threshold)
    weights: dict[str, Any] = {**fitted, **{way: fit([r for r in rows if r.way == way]) for way in WAYS}}
    args.to.write_text(json.dumps({"weights": weights, "threshold": threshold}, indent=2) + "\n", encoding="utf-8")
    counts = {way: (sum(r.way == way for r in rows), sum(r.way == way and r.right for r in rows)) for way in WAYS}
    print(json.dumps({"threshold": threshold, "proposals (all, right)": counts, "held out": told}, indent=2))


if __name__ == "__main__":
    main()
