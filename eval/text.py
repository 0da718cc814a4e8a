"""Normalised text and the scores of a string against gold ones: SQuAD's exact match and token F1, facts.

Standard library only.  Source: Rajpurkar et al. 2016, arXiv 1606.05250, and the official evaluation script's definitions.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation, without a, an and the, white space evened out."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def exact(answer: str, gold: Sequence[str]) -> float:
    """1.0 where `answer` equals one of `gold` after `normalise`; no gold at all means that declining ("") is right."""
    return float(any(normalise(answer) == normalise(g) for g in gold or [""]))


def f1(answer: str, gold: Sequence[str]) -> float:
    """The best token F1 of `answer` against `gold`, 0 to 1."""
    return max(_f1(normalise(answer).split(), normalise(g).split()) for g in gold or [""])


def _f1(answer: list[str], gold: list[str]) -> float:
    if not answer or not gold:
        return float(answer == gold)
    common = sum((Counter(answer) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def fold(text: str) -> str:
    """For finding facts: case, typographic marks, markers and runs of white space do not count."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"\s*\[\d+\]", "", text)
    for mark, plain in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", "-"), ("—", "-")):
        text = text.replace(mark, plain)
    return " ".join(text.split())


def holds(text: str, fact: str) -> bool:
    """Whether `text` holds `fact` as words or numbers of its own: "123" is not in "1234" nor in "1,123".

    >>> holds("More than 1,100 remain. [1]", "100"), holds("More than 1,100 remain. [1]", "1,100")
    (False, True)
    """
    fact = fold(fact)
    before = r"(?<![\w])(?<!\d[.,])" if fact[:1].isalnum() and fact[:1].isdigit() else ""
    after = r"(?![\d])(?![.,]\d)" if fact[-1:].isdigit() else ""
    return re.search(before + re.escape(fact) + after, fold(text)) is not None
