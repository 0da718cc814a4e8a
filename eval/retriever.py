"""LlamaIndex's own RetrieverEvaluator on our retriever and cases, for those who know its figures.

Its metrics are per query and have had errors (llama_index issues 17070, 22683), so `eval.metrics` computes ours; this shows
both sides of the same ranking.
"""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.evaluation import RetrieverEvaluator

from assistant.corpus import Corpus
from assistant.retrieve import HybridRetriever
from assistant.schema import Span
from eval.cases import Case

METRICS = ("hit_rate", "mrr", "ndcg", "recall", "precision")


def expected_ids(case: Case, corpus: Corpus) -> list[str]:
    """The ids of the paragraphs that hold a gold span of the case."""
    gold = [Span(g.start, g.end) for g in case.gold]
    return [
        p.id
        for p in corpus.passages.values()
        if p.kind == "paragraph" and p.document == case.document and any(p.span.overlaps(g) for g in gold)
    ]


def llama_figures(cases: Sequence[Case], retriever: HybridRetriever) -> dict[str, float]:
    """The mean of each of LlamaIndex's metrics over the answerable cases, 0 to 1, and `n`."""
    corpus = retriever.corpus()
    scores: dict[str, list[float]] = {m: [] for m in METRICS}
    evaluators: dict[str, RetrieverEvaluator] = {}
    for case in cases:
        expected = expected_ids(case, corpus) if case.answerable == "yes" else []
        if not expected:
            continue
        if case.document not in evaluators:
            scoped = HybridRetriever(
                retriever.store, retriever.embedder, retriever.limit, retriever.dense_weight, case.document
            )
            evaluators[case.document] = RetrieverEvaluator.from_metric_names(list(METRICS), retriever=scoped)
        result = evaluators[case.document].evaluate(case.question, expected_ids=expected)
        for name, value in result.metric_vals_dict.items():
            scores[name].append(float(value))
    n = len(scores["mrr"])
    return {name: sum(values) / max(1, n) for name, values in scores.items()} | {"n": float(n)}
