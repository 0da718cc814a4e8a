"""Figures over judged results, each with its definition.  Knows results, not the assistant; statistics by SciPy.

Every error and missing answer stays in the denominator.  Intervals are 95 %: Wilson's for a share, a bootstrap over
paraphrase groups for a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from assistant.schema import Span
from eval.judge import direct
from eval.run import Result
from eval.text import exact, f1, holds

LEVEL = 0.95
ENOUGH = 30  # below it a category shows counts, not a percentage
RESAMPLES = 1000
Figures = dict[str, Any]


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927), 0 to 1; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    interval = stats.binomtest(hits, total).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def share(hits: int, total: int) -> Figures:
    """A share with its interval and what it is of."""
    low, high = wilson(hits, total)
    return {"value": hits / total if total else 0.0, "low": low, "high": high, "hits": hits, "n": total}


def mean(results: Sequence[Result], value: Callable[[Result], float]) -> Figures:
    """A mean over cases, its interval from a bootstrap over paraphrase groups (seeded)."""
    if not results:
        return {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
    groups: dict[str, list[float]] = {}
    for r in results:
        groups.setdefault(r.case.group or r.case.id, []).append(value(r))
    sums = np.array([sum(g) for g in groups.values()])
    sizes = np.array([len(g) for g in groups.values()])
    draws = np.random.default_rng(0).integers(0, len(sums), size=(RESAMPLES, len(sums)))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(sums.sum() / sizes.sum()), "low": float(low), "high": float(high), "n": len(results)}


def ece(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error with equal-width bins (Guo et al. 2017, arXiv 1706.04599), 0 to 1."""
    return sum(b["n"] * abs(b["confidence"] - b["right"]) for b in reliability(confidences, right, bins)) / max(
        1, len(confidences)
    )


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[dict[str, float]]:
    """For each bin that holds something: how many, their mean confidence, the share that is right."""
    found = []
    for b in range(bins):
        inside = [i for i, c in enumerate(confidences) if min(bins - 1, int(c * bins)) == b]
        if inside:
            sure = sum(confidences[i] for i in inside) / len(inside)
            found.append({"n": len(inside), "confidence": sure, "right": sum(right[i] for i in inside) / len(inside)})
    return found


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """Coverage and risk (share wrong) when only the most confident are answered, from one to all (El-Yaniv and Wiener 2010)."""
    order = sorted(range(len(right)), key=lambda i: -confidences[i])
    points, wrong = [], 0
    for n, i in enumerate(order, 1):
        wrong += not right[i]
        points.append((n / len(order), wrong / n))
    return points


def relevances(ranked: Sequence[Sequence[int]], gold: Sequence[Span]) -> list[int]:
    """1 for each retrieved place, best first and each once, that overlaps a gold span."""
    places = [Span(s, e) for s, e in dict.fromkeys((s, e) for s, e in ranked)]
    return [int(any(p.overlaps(g) for g in gold)) for p in places]


def hit(found: Sequence[int], k: int) -> float:
    return float(any(found[:k]))


def reciprocal_rank(found: Sequence[int], k: int) -> float:
    return next((1.0 / n for n, r in enumerate(found[:k], 1) if r), 0.0)


def ndcg(found: Sequence[int], relevant: int, k: int) -> float:
    """nDCG@k with binary gains and log2 discounts (Järvelin and Kekäläinen 2002); `relevant` is how many there are in all."""
    gained = sum(r / math.log2(n + 1) for n, r in enumerate(found[:k], 1))
    ideal = sum(1 / math.log2(n + 1) for n in range(1, min(relevant, k) + 1))
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[Sequence[int]], gold: Sequence[Span], k: int) -> float:
    """The share of gold spans that one of the first k places overlaps."""
    places = [Span(s, e) for s, e in list(dict.fromkeys((s, e) for s, e in ranked))[:k]]
    return sum(any(p.overlaps(g) for p in places) for g in gold) / len(gold) if gold else 0.0


def summary(results: Sequence[Result]) -> Figures:
    """Every figure of a run, as plain values that JSON holds."""
    answerable = [r for r in results if r.case.answerable == "yes"]
    silent = [r for r in results if r.case.answerable in ("not_in_document", "out_of_domain")]
    answered = [r for r in results if r.answer["status"] == "answered"]
    sure = [float(r.answer["confidence"]) for r in answered]
    right = [r.judgement.outcome == "right" for r in answered]
    outcomes = [r.judgement.outcome for r in results]
    curve = risk_coverage(sure, right)
    return {
        "headline": {
            "right": share(outcomes.count("right"), len(results)),
            "wrong": share(outcomes.count("wrong"), len(results)),
            "declined what is there": share(outcomes.count("abstained"), len(answerable)),
            "score (right +1, declined 0, wrong -1)": mean(
                results, lambda r: {"right": 1.0, "abstained": 0.0, "wrong": -1.0}[r.judgement.outcome]
            ),
        },
        "categories": {name: category(group) for name, group in by_category(results).items()},
        "abstention": abstention(results, silent, answerable),
        "answers": {
            "exact match": mean(answerable, lambda r: exact(_bare(r), r.case.answers)),
            "token F1": mean(answerable, lambda r: f1(_bare(r), r.case.answers)),
            "fact recall": mean(
                [r for r in answerable if r.case.facts],
                lambda r: r.judgement.fact_recall if r.answer["status"] == "answered" else 0.0,
            ),
            "forbidden facts said": sum(len(r.judgement.forbidden) for r in results),
        },
        "citations": citations(answered),
        "retrieval": retrieval([r for r in answerable if r.case.gold]),
        "calibration": {
            "ECE (10 bins, what is answered)": ece(sure, right),
            "Brier": float(np.mean([(c - x) ** 2 for c, x in zip(sure, right, strict=True)])) if sure else 0.0,
            "area under risk-coverage": float(np.mean([risk for _, risk in curve])) if curve else 0.0,
            "coverage at 5 % risk": max((c for c, risk in curve if risk <= 0.05), default=0.0),
            "bins": reliability(sure, right),
            "curve": curve,
        },
        "latency ms": latency([float(r.answer["elapsed_ms"]) for r in results if r.answer["status"] != "error"]),
    }


def _bare(result: Result) -> str:
    """The direct answer without markers and its full stop, "" for a decline: what EM and F1 compare."""
    import re

    if result.answer["status"] != "answered":
        return ""
    return re.sub(r"\s*\[\d+\]", "", direct(result.answer["answer"])).rstrip(".")


def by_category(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results of each category, in the order in which they first appear, all of them under "all"."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.case.category, []).append(result)
    groups["all"] = list(results)
    return groups


def category(group: Sequence[Result]) -> Figures:
    outcomes = [r.judgement.outcome for r in group]
    return {
        "right": share(outcomes.count("right"), len(group)),
        "declined": outcomes.count("abstained"),
        "wrong": outcomes.count("wrong"),
    }


def abstention(results: Sequence[Result], silent: Sequence[Result], answerable: Sequence[Result]) -> Figures:
    """Positive is "should abstain"."""
    asked = [r for r in results if r.case.answerable != "chat"]
    abstained = [r for r in asked if r.answer["status"] not in ("answered", "error")]
    due = sum(r.case.answerable != "yes" for r in abstained)
    precision = due / len(abstained) if abstained else 0.0
    caught = sum(r.answer["status"] not in ("answered", "error") for r in silent)
    found = caught / len(silent) if silent else 0.0
    both = 2 * precision * found / (precision + found) if precision + found else 0.0
    return {
        "precision": share(due, len(abstained)),
        "recall": share(caught, len(silent)),
        "F1": both,
        "over-refusal": share(sum(r.answer["status"] != "answered" for r in answerable), len(answerable)),
        "under-refusal": share(len(silent) - caught, len(silent)),
    }


def citations(answered: Sequence[Result]) -> Figures:
    """ALCE's citation recall and precision, the judge replaced: a citation supports where it overlaps a gold span and holds
    every number of what is said outright.  A quote is exact where it was text[start:end] when the run was made."""
    supported = cited = good = 0
    for r in answered:
        gold = [Span(g.start, g.end) for g in r.case.gold]
        marks = [c for c in r.answer["citations"] if c.get("kind", "support") == "support"]
        overlapping = [c for c in marks if any(Span(c["start"], c["end"]).overlaps(g) for g in gold)]
        cited += len(marks)
        good += len(overlapping)
        quotes = " ".join(c["quote"] for c in marks)
        numbers = [w for w in _bare(r).replace("(", " ").split() if w[:1].isdigit()]
        computed = any(
            word in r.answer["answer"]
            for word in ("counted from", "by the date of the release", "before the date of the release")
        )
        supported += bool(overlapping) and (computed or all(holds(quotes, n.strip(".,;)")) for n in numbers))
    return {
        "recall": share(supported, len(answered)),
        "precision": share(good, cited),
        "exact quotes": share(sum(r.exact for r in answered), sum(len(r.answer["citations"]) for r in answered)),
    }


def retrieval(results: Sequence[Result]) -> Figures:
    """Over answerable cases only, on the paragraphs that the retriever ranked."""
    rows = [(relevances(r.retrieved, _gold(r)), r) for r in results]
    made: Figures = {}
    for k in (1, 3, 8):
        made[f"hit@{k}"] = share(sum(bool(hit(found, k)) for found, _ in rows), len(rows))
    scores: Mapping[str, Callable[[Result], float]] = {
        "recall@8": lambda r: recall(r.retrieved, _gold(r), 8),
        "MRR@8": lambda r: reciprocal_rank(relevances(r.retrieved, _gold(r)), 8),
        "nDCG@8": lambda r: ndcg(found := relevances(r.retrieved, _gold(r)), max(1, sum(found)), 8),
    }
    return made | {name: mean([r for _, r in rows], score) for name, score in scores.items()}


def _gold(result: Result) -> list[Span]:
    return [Span(g.start, g.end) for g in result.case.gold]


def latency(times: Sequence[float]) -> Figures:
    """Percentiles of the times of answering, the first question (which loads the models) among them."""
    if not times:
        return {"n": 0}
    return {
        "n": len(times),
        "p50": float(np.percentile(times, 50)),
        "p95": float(np.percentile(times, 95)),
        "p99": float(np.percentile(times, 99)),
    }


def percent(figure: Mapping[str, Any]) -> str:
    return f"{100 * figure['value']:.1f} % ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def table(figures: Figures) -> str:
    """What a person reads in a terminal: by category n, right with its interval, declined, wrong; then the rest in lines."""
    lines = [f"{'category':16}{'n':>5}{'right':>9}{'95 % interval':>20}{'declined':>10}{'wrong':>7}"]
    for name, group in figures["categories"].items():
        r = group["right"]
        enough = r["n"] >= ENOUGH
        value = f"{100 * r['value']:.1f} %" if enough else str(r["hits"])
        interval = f"{100 * r['low']:.1f} to {100 * r['high']:.1f} %" if enough else ""
        lines.append(f"{name:16}{r['n']:>5}{value:>9}{interval:>20}{group['declined']:>10}{group['wrong']:>7}")
    head, silent, sure, time = figures["headline"], figures["abstention"], figures["calibration"], figures["latency ms"]
    lines += [
        f"right {percent(head['right'])}; wrong {percent(head['wrong'])}; declined of what is there {percent(head['declined what is there'])}",
        f"unanswerable declined {percent(silent['recall'])}; fact recall {percent(figures['answers']['fact recall'])}",
        f"citation recall {percent(figures['citations']['recall'])}, precision {percent(figures['citations']['precision'])}",
        f"retrieval hit@8 {percent(figures['retrieval']['hit@8'])}, nDCG@8 {figures['retrieval']['nDCG@8']['value']:.3f}",
        f"calibration error {sure['ECE (10 bins, what is answered)']:.3f}; coverage at 5 % risk {sure['coverage at 5 % risk']:.0%}",
        f"answers in {time.get('p50', 0):.0f} ms (p50), {time.get('p95', 0):.0f} ms (p95)",
    ]
    return "\n".join(lines)
