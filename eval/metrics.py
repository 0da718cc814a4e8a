"""Figures over judged results.  Knows judgements, not the assistant; shares come with Wilson intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, median

from eval.run import Result


def wilson(hits: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927), 0 to 1; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = hits / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def ece(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error with equal-width bins (Guo et al. 2017, arXiv 1706.04599), 0 to 1."""
    if not confidences:
        return 0.0
    error = 0.0
    for b in range(bins):
        inside = [i for i, c in enumerate(confidences) if min(bins - 1, int(c * bins)) == b]
        if inside:
            mean = sum(confidences[i] for i in inside) / len(inside)
            share = sum(right[i] for i in inside) / len(inside)
            error += len(inside) / len(confidences) * abs(mean - share)
    return error


def by_category(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results of each category, in the order in which they first appear, all of them under "all"."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.case.category, []).append(result)
    groups["all"] = list(results)
    return groups


def table(results: Sequence[Result]) -> str:
    """The figures that a person reads in a terminal: by category n, right with its interval, declined, wrong."""
    lines = [f"{'category':16}{'n':>5}{'right':>8}{'95 % interval':>18}{'declined':>10}{'wrong':>7}"]
    for name, group in by_category(results).items():
        outcomes = [r.judgement.outcome for r in group]
        right, low_high = outcomes.count("right"), wilson(outcomes.count("right"), len(group))
        share = f"{right / len(group):.1%}" if len(group) >= 30 else f"{right}"
        interval = f"{low_high[0]:.1%} to {low_high[1]:.1%}" if len(group) >= 30 else ""
        lines.append(
            f"{name:16}{len(group):>5}{share:>8}{interval:>18}{outcomes.count('abstained'):>10}{outcomes.count('wrong'):>7}"
        )
    answered = [r for r in results if r.answer["status"] == "answered"]
    sure = [float(r.answer["confidence"]) for r in answered]
    error = ece(sure, [r.judgement.outcome == "right" for r in answered])
    times = sorted(float(r.answer["elapsed_ms"]) for r in results)
    p95 = times[max(0, math.ceil(0.95 * len(times)) - 1)] if times else 0.0
    lines.append(
        f"calibration error of what is answered (10 bins): {error:.3f}; answers in {median(times or [0]):.0f} ms (p50), {p95:.0f} ms (p95)"
    )
    return "\n".join(lines)
