"""Two runs of the same cases: which cases got better or worse, and whether that is more than chance.  Knows results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from assistant.errors import CaseError
from eval.run import Result

RESAMPLES = 10_000
SCORE = {"right": 1.0, "abstained": 0.0, "wrong": -1.0}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Cases whose outcome differs, as pairs (before, after); the exact McNemar p of right or not; the mean change of the
    score (right +1, declined 0, wrong -1) with its 95 % interval from a paired bootstrap."""

    regressions: list[tuple[Result, Result]]
    gains: list[tuple[Result, Result]]
    p: float
    change: float
    low: float
    high: float


def compare(before: Sequence[Result], after: Sequence[Result]) -> Comparison:
    """Pair two runs by case.  Raises CaseError where they are not of the same cases."""
    old, new = {r.case.id: r for r in before}, {r.case.id: r for r in after}
    differing = sorted(set(old) ^ set(new) or {i for i in old if old[i].case != new[i].case})
    if differing:
        raise CaseError(
            f"the runs are of other cases ({differing[0]} differs, and {len(differing) - 1} more): compare runs of the same cases"
        )
    pairs = [(old[i], new[i]) for i in old]
    regressions = [(a, b) for a, b in pairs if SCORE[b.judgement.outcome] < SCORE[a.judgement.outcome]]
    gains = [(a, b) for a, b in pairs if SCORE[b.judgement.outcome] > SCORE[a.judgement.outcome]]
    lost = sum(a.judgement.outcome == "right" != b.judgement.outcome for a, b in pairs)
    won = sum(b.judgement.outcome == "right" != a.judgement.outcome for a, b in pairs)
    # McNemar's exact test is the sign test on the discordant pairs (McNemar 1947).
    p = float(stats.binomtest(lost, lost + won).pvalue) if lost + won else 1.0
    deltas = np.array([SCORE[b.judgement.outcome] - SCORE[a.judgement.outcome] for a, b in pairs])
    draws = deltas[np.random.default_rng(0).integers(0, len(deltas), size=(RESAMPLES, len(deltas)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Comparison(regressions, gains, p, float(deltas.mean()), float(low), float(high))


def told(comparison: Comparison) -> str:
    """The comparison for a terminal: every regression and gain by name, then the figures."""
    lines = []
    for label, pairs in (("worse", comparison.regressions), ("better", comparison.gains)):
        for a, b in pairs:
            said = b.answer["answer"].split("\n")[0]
            lines.append(
                f"{label:7}{a.case.id}: {a.judgement.outcome} -> {b.judgement.outcome} ({b.judgement.reason}): {a.case.question} | {said}"
            )
    lines.append(
        f"{len(comparison.regressions)} worse, {len(comparison.gains)} better; exact McNemar p = {comparison.p:.4f}; "
        f"score {comparison.change:+.3f} (95 % {comparison.low:+.3f} to {comparison.high:+.3f})"
    )
    return "\n".join(lines)
