"""What each part earns: the same cases answered by ever more of the assistant, in one table.

Run as a program: ``python -m eval.ablate --store DIR --tune FILE --cases FILE ...`` on a store that holds the documents.
The rows: the best sentence by dense retrieval, by BM25, by both joined; the reader's best span over the joined
evidence; the whole assistant.  Each row but the last declines below the threshold that is best for it on ``--tune``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.corpus import Corpus
from assistant.retrieve import HybridRetriever
from assistant.schema import Hit
from assistant.settings import load_settings
from eval.cases import Case, load_cases
from eval.judge import judge
from eval.metrics import percent, share
from eval.run import ask

Said = tuple[str, float, list[dict[str, Any]]]  # the answer, its score, its citations
Way = Callable[[Case], Said]


def by_sentence(retriever: HybridRetriever, corpus: Corpus) -> Way:
    """The sentence that retrieval scores best."""

    def answer(case: Case) -> Said:
        best: tuple[float, Hit, int] | None = None
        for hit in retriever.hits(case.question, corpus, case.document):
            for start, score in hit.sentences.items():
                if best is None or score > best[0]:
                    best = (score, hit, start)
        if best is None:
            return "", 0.0, []
        score, hit, start = best
        span = next(s.span for s in corpus.sentences(hit.passage) if s.span.start == start)
        text = corpus.documents[case.document].slice(span)
        return text, score, [{"document": case.document, "start": span.start, "end": span.end, "quote": text}]

    return answer


def by_reader(assistant: Assistant, corpus: Corpus) -> Way:
    """The span that the reader scores best over the evidence."""

    def answer(case: Case) -> Said:
        found = assistant.proposer.find(case.question, corpus, case.document)
        spans = [(score + r.answerable, span) for r in found.readings for span, score in r.spans[:1]]
        if not spans:
            return "", -99.0, []
        score, span = max(spans)
        text = corpus.documents[case.document].slice(span)
        return text, score, [{"document": case.document, "start": span.start, "end": span.end, "quote": text}]

    return answer


def outcomes(way: Way, cases: Sequence[Case], tune: Sequence[Case]) -> list[str]:
    """The outcome of each case by `way`, which declines below the threshold that gains most on `tune`."""

    def judged(case: Case, said: Said, threshold: float) -> str:
        text, score, cited = said
        status = "answered" if score >= threshold else "abstained"
        return judge(case, {"status": status, "answer": " ".join(text.split()), "citations": cited}).outcome

    said = [(c, way(c)) for c in tune]
    gain = {"right": 1, "abstained": 0, "wrong": -1}
    thresholds = sorted({s[1] for _, s in said})
    best = max(thresholds, key=lambda t: sum(gain[judged(c, s, t)] for c, s in said))
    return [judged(c, way(c), best) for c in cases]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--tune", type=Path, nargs="+", required=True)
    parser.add_argument("--cases", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    assistant = build_assistant(load_settings(store=args.store))
    corpus = assistant.retriever.corpus()
    tune, cases = load_cases(args.tune), load_cases(args.cases)
    store, embedder = assistant.retriever.store, assistant.retriever.embedder
    ways: dict[str, Way] = {
        name: by_sentence(HybridRetriever(store, embedder, dense_weight=weight), corpus)
        for name, weight in (
            ("dense sentence", 1.0),
            ("lexical sentence", 0.0),
            ("hybrid sentence", assistant.retriever.dense_weight),
        )
    }
    ways["+ reader"] = by_reader(assistant, corpus)
    rows = {name: outcomes(way, cases, tune) for name, way in ways.items()}
    rows["+ composition"] = [judge(c, ask(c, assistant)).outcome for c in cases]
    print(f"| answered by | right (95 %), n = {len(cases)} | declined | wrong |\n| --- | --- | --- | --- |")
    for name, found in rows.items():
        print(
            f"| {name} | {percent(share(found.count('right'), len(found)))} | {found.count('abstained')} | {found.count('wrong')} |"
        )


if __name__ == "__main__":
    main()
