"""The probability that an answer is right, from what the reader and the retriever saw.  Knows numbers, not texts.

A logistic regression over a few features, fitted by `eval.calibrate` on dev cases (Kamath, Jia and Liang 2020,
arXiv 2006.09462, calibrate a reader in the same way to know when to decline).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.errors import ModelError

Way = Literal["rank", "choice", "span", "sentence", "verdict", "premise", "counted", "listing", "tally"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the features and a bias, and the probability from which an answer is given.

    "rank" orders the spans that a reader found, "choice" the first of them once each was read again; "span", "sentence", "verdict", "premise",
    "counted", "listing" and "tally" give the probability that the best span, the sentence that it stands in, the yes or no, the contradiction, the count of a spelt-out list, a laid-out list or its count is right.
    """

    weights: Mapping[str, Mapping[str, float]]
    threshold: float

    def score(self, way: Way, features: Mapping[str, float]) -> float:
        """The weighted sum, a logit; a feature without a weight counts nothing, a way without weights is never sure."""
        weights = self.weights.get(way, {"bias": -30.0})
        return weights.get("bias", 0.0) + sum(weights.get(k, 0.0) * v for k, v in features.items())

    def probability(self, way: Way, features: Mapping[str, float]) -> float:
        """0 to 1."""
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, self.score(way, features)))))


def first_sure(weighed: Sequence[tuple[float, Way]], least: float) -> int | None:
    """Which of these (probability, way) is given: the likeliest direct one where it is at least `least`, else the likeliest
    sentence where that is; None where nothing is sure enough."""
    for whole in (False, True):
        of_the_sort = [i for i, (_, way) in enumerate(weighed) if (way == "sentence") is whole]
        best = max(of_the_sort, key=lambda i: weighed[i][0], default=None)
        if best is not None and weighed[best][0] >= least:
            return best
    return None


def load_calibration(path: Path) -> Calibration:
    """Read what `eval.calibrate` wrote; raises ModelError where it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(data["weights"], float(data["threshold"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"the calibration {path} cannot be read: install release-assistant again") from None


def in_words(confidence: float) -> str:
    """How sure an answer is, in a word or two that a person would use."""
    return "high" if confidence >= 0.85 else "medium" if confidence >= 0.65 else "low"
