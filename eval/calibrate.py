"""Fit the probability that an answer is right, on cases of known answer; write ``data/models/confidence.json``.

Run as a program: ``python -m eval.calibrate --store DIR --cases FILE ... --to data/models/confidence.json`` on a store
that holds the cases' documents.  Use dev and train cases only.

For every proposal that the assistant makes, the features that it shows and whether it is right go into a logistic
regression of its way (`assistant.confidence`).  The threshold is the one that gains most on these very cases, each
judged by a fit that has not seen its document: right +1, declined 0, wrong -`cost` (the CRAG score, Yang et al.
2024, arXiv 2406.04744, has a cost of 1; here a wrong sentence does more harm than silence).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant import compose
from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.confidence import Calibration, Way
from assistant.intent import chat, structure
from assistant.question import analyse, clean
from assistant.schema import Question, Turn
from assistant.settings import load_settings
from assistant.verify import verify
from eval.cases import Case, load_cases
from eval.judge import judge
from eval.metrics import ece

WAYS: tuple[Way, ...] = (
    "span",
    "verdict",
    "premise",
    "counted",
    "listing",
)  # "rank" comes first, since the others depend on it
STRENGTH = 0.3  # of the regularisation: few cases, features of different scales


@dataclass(frozen=True, slots=True)
class Sample:
    """One proposal: its way, its features, whether it is right, and the case and document it is of."""

    case: str
    document: str
    way: Way
    features: dict[str, float]
    right: bool


def samples(cases: Sequence[Case], assistant: Assistant) -> list[Sample]:
    """The proposals for every case that asks one question on the matter of its document."""
    corpus = assistant.retriever.corpus()
    found: list[Sample] = []
    for case in cases:
        question = Question(case.question, tuple(Turn("user", h) for h in case.history), case.document)
        text = clean(case.question)
        standing = assistant.standing(text, question, corpus)
        if case.language != "en" or chat(text) or len(standing) != 1 or structure(standing[0]):
            continue
        spelt, _ = assistant.spelt(standing[0], corpus, case.document)
        evidence = assistant.find(spelt, corpus, case.document)
        for proposal in assistant.proposals(analyse(spelt), evidence, corpus, case.document):
            answer = verify(proposal.draft, question, corpus.documents).to_dict()
            right = judge(case, answer).outcome == "right"
            found.append(Sample(case.id, case.document, proposal.way, proposal.features, right))
    return found


def ranking(cases: Sequence[Case], assistant: Assistant) -> list[Sample]:
    """Every span that the reader found for a case that has an answer, and whether it says every fact and nothing forbidden."""
    corpus = assistant.retriever.corpus()
    found: list[Sample] = []
    for case in cases:
        if (
            case.answerable != "yes"
            or case.category in ("yes_no", "multi", "structure", "enumerated", "list")
            or case.language != "en"
        ):
            continue
        question = Question(case.question, tuple(Turn("user", h) for h in case.history), case.document)
        standing = assistant.standing(clean(case.question), question, corpus)
        spelt, _ = assistant.spelt(standing[0], corpus, case.document)
        asked = analyse(spelt)
        if len(standing) != 1 or structure(standing[0]) or asked.kind == "yes_no" or asked.several:
            continue
        evidence = assistant.find(spelt, corpus, case.document)
        document = corpus.documents[case.document]
        for candidate in compose.candidates(asked, evidence.hits, evidence.readings, corpus, assistant.calibration):
            place = compose.sentence_of(candidate.span, candidate.passage, corpus)
            said = (
                judge(case, {"status": "answered", "answer": document.slice(candidate.span), "citations": []}).outcome
                == "right"
            )
            in_place = any(place.start < g.end and g.start < place.end for g in case.gold)
            found.append(Sample(case.id, case.document, "rank", candidate.features, said and in_place))
    return found


def fit(rows: Sequence[Sample]) -> dict[str, float]:
    """Weights and bias of a logistic regression on these rows."""
    from sklearn.linear_model import LogisticRegression

    names = sorted({n for r in rows for n in r.features})
    matrix = np.array([[r.features.get(n, 0.0) for n in names] for r in rows])
    right = [r.right for r in rows]
    if len(set(right)) < 2:
        return {"bias": 4.0 if right and right[0] else -4.0}
    scale = matrix.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(matrix / scale, right)
    weights = {n: round(float(w / s), 5) for n, w, s in zip(names, model.coef_[0], scale, strict=True)}
    return {"bias": round(float(model.intercept_[0]), 5)} | weights


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


def best_threshold(
    rows: Sequence[Sample], probabilities: Sequence[float], cost: float
) -> tuple[float, dict[str, float]]:
    """The threshold that gains most, the likeliest proposal of each case taken; with what it leads to."""
    top: dict[str, int] = {}
    for i, row in enumerate(rows):
        if row.case not in top or probabilities[i] > probabilities[top[row.case]]:
            top[row.case] = i
    chosen = list(top.values())

    def gain(threshold: float) -> float:
        return sum(1.0 if rows[i].right else -cost for i in chosen if probabilities[i] >= threshold)

    threshold = max((round(0.2 + 0.01 * k, 2) for k in range(76)), key=gain)
    answered = [i for i in chosen if probabilities[i] >= threshold]
    right = [rows[i].right for i in answered]
    return threshold, {
        "cases": len(chosen),
        "answered": len(answered),
        "wrong": right.count(False),
        "ece": round(ece([probabilities[i] for i in answered], right), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--cases", type=Path, nargs="+", required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--cost", type=float, default=1.5, help="what a wrong answer costs, where a right one gains 1")
    args = parser.parse_args()
    assistant = build_assistant(load_settings(store=args.store))
    cases = [c for c in load_cases(args.cases) if c.split != "test"]
    spans = ranking(cases, assistant)
    rank = fit(spans)
    assistant.calibration = Calibration(
        {**assistant.calibration.weights, "rank": rank}, assistant.calibration.threshold
    )
    rows = samples(cases, assistant)
    threshold, told = best_threshold(rows, held_out(rows), args.cost)
    weights: dict[str, Any] = {"rank": rank, **{way: fit([r for r in rows if r.way == way]) for way in WAYS}}
    args.to.write_text(json.dumps({"weights": weights, "threshold": threshold}, indent=2) + "\n", encoding="utf-8")
    counts = {way: (sum(r.way == way for r in rows), sum(r.way == way and r.right for r in rows)) for way in WAYS}
    print(json.dumps({"threshold": threshold, "proposals (all, right)": counts, "held out": told}, indent=2))


if __name__ == "__main__":
    main()
