"""What a reader finds for cases of known answer, right and wrong: what its second reading learns from.

Run as a program: ``python -m eval.mine --store DIR --cases FILE --to CHECKS.jsonl`` on a store that holds the cases'
documents.  Use cases that the reader was not trained on, or it finds too little that is wrong.  A line of the file is a
question, an answer, the place where it was found and whether it is right (mining a model's own errors: hard negatives,
Karpukhin et al. 2020, arXiv 2004.04906).  A list is also given with an item too few and with one too many, and a
single answer with another beside it; a count of what is spelt out, with a number that counts something else.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path
from typing import Any

from assistant import candidates
from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.corpus import Corpus
from assistant.question import NUMBER_WORDS
from assistant.schema import Span
from assistant.settings import load_settings
from eval.calibrate import BRIEF, Read, read
from eval.cases import Case, load_cases
from eval.lessons import looked_for
from eval.text import f1, holds

LOOKED_AT = 10  # the spans ranked first
WRONG = 4  # wrong ones kept of a case
OTHER_NUMBERS = 2  # given as a wrong count
NO_COUNT = frozenset("no none zero both once twice half third quarter percent single several".split())
COUNT = re.compile(
    rf"\b(?:\d[\d.,]*\d|[2-9]|{'|'.join(sorted(NUMBER_WORDS - NO_COUNT))})\b(?: [a-z]{{3,}})?", re.IGNORECASE
)
SINGLES = 0.35  # of the cases with one answer, those that are also given with another beside it
NAME = re.compile(r"(?:[A-ZÀ-Ý][\w'’-]+(?: (?:of|the|de|van) )?\s?){1,4}|\d[\d.,]*(?: \w+)?")


def checks(row: Read, assistant: Assistant, corpus: Corpus) -> list[dict[str, Any]]:
    """The best spans for one case: every right one, and the wrong ones that are ranked highest."""
    case = row.case
    if row.asked.kind == "yes_no":
        return []
    counted = case.category == "enumerated"
    document = corpus.documents[case.document]
    ranked = candidates.rank(row.asked, row.found.hits, row.found.readings, corpus, assistant.calibration)
    found: list[dict[str, Any]] = []

    def keep(answer: str, place: Span, right: bool) -> None:
        found.append({"question": row.asked.text, "answer": answer, "place": document.slice(place), "right": right})

    for candidate in ranked[:LOOKED_AT]:
        here = candidates.surroundings(candidate.span, candidate.passage, corpus)
        golden = [g for g in case.gold if candidate.span.start < g.end and g.start < candidate.span.end]
        if case.category == "list":
            right = any(holds(candidate.text, g.quote) for g in golden)
        elif counted:  # a number of something else is what misleads
            right = counts(candidate.text, case)
        else:
            right = bool(golden) and case.answerable == "yes" and says(candidate.text, case.answers[0])
        if right or sum(not f["right"] for f in found) < WRONG:
            keep(candidate.text, here, right)
    if case.answerable == "yes" and not counted and not any(f["right"] for f in found):
        gold = Span(case.gold[0].start, case.gold[-1].end)
        home = next((p for p in corpus.paragraphs(case.document) if p.span.overlaps(gold)), None)
        if home is not None:
            keep(document.slice(gold), candidates.surroundings(gold, home, corpus), True)
    return found


def lists(case: Case, corpus: Corpus, rng: random.Random) -> list[dict[str, Any]]:
    """The gold answer as a list: whole and right; wrong with an item too few, or with a name or number of the place too many.
    Of a count, the things that are counted."""
    if case.answerable != "yes" or case.category not in ("list", "enumerated", "lookup", "count", "date"):
        return []
    several = case.category in ("list", "enumerated")
    question, golds = looked_for(case)
    if not golds:
        return []
    document = corpus.documents[case.document]
    spans = sorted((Span(a, b) for a, b in golds), key=lambda s: s.start)
    hull = Span(spans[0].start, spans[-1].end)
    home = next(
        (p for p in corpus.paragraphs(case.document) if p.span.start <= hull.start and hull.end <= p.span.end), None
    )
    if home is None or (not several and rng.random() > SINGLES):
        return []
    items = [document.slice(s) for s in spans]
    place = document.slice(candidates.surroundings(hull, home, corpus))
    found = (m.group().strip() for m in NAME.finditer(place))
    strange = [n for n in found if len(n) > 2 and not any(n in i or i in n for i in items)]
    versions = [(items, True)]
    if len(items) > 1:
        left_out = rng.randrange(len(items))
        versions.append(([i for n, i in enumerate(items) if n != left_out], False))
    if strange:
        versions.append((sorted([*items, rng.choice(strange)], key=place.find), False))
    return [
        {"question": question, "answer": "; ".join(said), "place": place, "right": right} for said, right in versions
    ]


def numbers(case: Case, corpus: Corpus, rng: random.Random) -> list[dict[str, Any]]:
    """For a count of things that are spelt out, numbers of the document that count something else: wrong."""
    if case.category != "enumerated" or not case.facts:
        return []
    document = corpus.documents[case.document]
    found = [(m, p) for p in corpus.paragraphs(case.document) for m in COUNT.finditer(document.slice(p.span))]
    others = [(m, p) for m, p in found if not counts(m.group(), case)]
    told = []
    for match, home in rng.sample(others, min(OTHER_NUMBERS, len(others))):
        span = Span(home.span.start + match.start(), home.span.start + match.end())
        place = document.slice(candidates.surroundings(span, home, corpus))
        told.append({"question": case.question, "answer": match.group(), "place": place, "right": False})
    return told


def counts(said: str, case: Case) -> bool:
    """Whether a span says the number of a count."""
    return any(says(said, number) for number in case.facts[0])


def says(said: str, gold: str) -> bool:
    """Whether a span says what the gold one says, and little else."""
    return f1(said, [gold]) >= BRIEF or (holds(said, gold) and len(said) <= 2.5 * len(gold) + 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    assistant = build_assistant(load_settings(store=args.store))
    assistant.reader.threads = 1
    cases, rng = load_cases([args.cases]), random.Random(0)
    corpus = assistant.retriever.corpus()
    rows = [c for r in read(cases, assistant, args.jobs) for c in checks(r, assistant, corpus)]
    rows += [c for case in cases for told in (lists, numbers) for c in told(case, corpus, rng)]
    args.to.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    print(json.dumps({"checks": len(rows), "right": sum(r["right"] for r in rows)}))


if __name__ == "__main__":
    main()
