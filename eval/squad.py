"""The reader on files in SQuAD 2.0 JSON: exact match and F1, with and without an answer.  Knows the reader, not the store.

Source: Rajpurkar, Jia and Liang 2018, arXiv 1806.03822.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.errors import CaseError
from assistant.read import OnnxReader
from data import resource
from eval.text import exact, f1

WINDOW = 1000
STEP = 600
ANSWERABLE = 2.0  # the weight of the answerability logit beside the span, as `eval.train` measures them


def evaluate_file(
    path: Path,
    *,
    article: bool = False,
    half: str | None = None,
    tune: bool = False,
    limit: int | None = None,
    reader: OnnxReader | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Figures from 0 to 100 over the questions of a SQuAD-format file (``.json``, ``.json.xz``).

    An answer is given where its score reaches the frozen threshold of the reader's card, or with `tune` the one that is
    best on these very questions.  With `article` the reader gets the four best paragraphs of the article by BM25 and
    not the gold paragraph.  Raises CaseError where the file is not in that format.
    """
    reader = reader or OnnxReader(resource("models/reader"))
    data = read_squad(path)
    if half is not None:
        data = data[0 if half == "first" else 1 :: 2]
    try:
        questions = [(entry, p, qa) for entry in data for p in entry["paragraphs"] for qa in p["qas"]][:limit]
        golds = [[a["text"] for a in qa["answers"]] if not qa.get("is_impossible") else [] for _, _, qa in questions]
    except (KeyError, TypeError) as error:
        raise _not_squad(path, error) from None
    if not questions:
        raise CaseError(f"{path}: holds no question")
    scored: list[tuple[str, float]] = []
    indexes: dict[int, Any] = {}
    for number, (entry, paragraph, qa) in enumerate(questions, 1):
        texts = _nearest(qa["question"], entry, indexes) if article else windows(paragraph["context"])
        scored.append(best_answer(reader, qa["question"], texts))
        if progress is not None:
            progress(number, len(questions))
    threshold = best_threshold(scored, golds) if tune else reader.squad_threshold()
    return figures(scored, golds, threshold)


def read_squad(path: Path) -> list[dict[str, Any]]:
    """The articles of a SQuAD 1.1 or 2.0 file (``.json``, ``.json.xz``).  Raises CaseError where it is none."""
    try:
        with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8") as file:
            articles: list[dict[str, Any]] = json.load(file)["data"]
        if not all(isinstance(a["paragraphs"], list) for a in articles):
            raise TypeError("paragraphs is no list")
    except (OSError, ValueError, KeyError, TypeError, lzma.LZMAError) as error:
        raise _not_squad(path, error) from None
    return articles


def _not_squad(path: Path, error: Exception) -> CaseError:
    told = f"{path}: not SQuAD 2.0 JSON ({type(error).__name__}: {error})"
    return CaseError(f"{told}; give a file with data, paragraphs and qas")


def windows(context: str) -> list[str]:
    """The context, or overlapping windows of it where it is longer than the reader reads."""
    if len(context) <= WINDOW + 400:
        return [context]
    return [context[i : i + WINDOW] for i in range(0, max(1, len(context) - WINDOW + STEP), STEP)]


def best_answer(reader: OnnxReader, question: str, texts: list[str]) -> tuple[str, float]:
    """The best span over `texts` and its score against the null answer."""
    best = ("", float("-inf"))
    for text, found in zip(texts, reader.read_texts(question, texts), strict=True):
        if found.spans:
            (start, end), score = found.spans[0]
            total = score + ANSWERABLE * found.answerable
            if total > best[1]:
                best = (text[start:end], total)
    return best


def _nearest(question: str, entry: dict[str, Any], indexes: dict[int, Any]) -> list[str]:
    import bm25s

    from assistant.words import content_stems

    contexts = [w for p in entry["paragraphs"] for w in windows(p["context"])]
    if id(entry) not in indexes:
        index = bm25s.BM25()
        index.index([content_stems(c) for c in contexts], show_progress=False)
        indexes[id(entry)] = index
    scores = indexes[id(entry)].get_scores(content_stems(question))
    return [contexts[i] for i in scores.argsort()[::-1][:4]]


def best_threshold(scored: list[tuple[str, float]], golds: list[list[str]]) -> float:
    """The score from which answering gives the highest F1 on these questions."""
    order = sorted(range(len(scored)), key=lambda i: -scored[i][1])
    total = sum(1.0 for g in golds if not g)
    best, threshold = total, float("inf")
    for i in order:
        total += f1(scored[i][0], golds[i]) if golds[i] else -1.0
        if total > best:
            best, threshold = total, scored[i][1]
    return threshold


def figures(scored: list[tuple[str, float]], golds: list[list[str]], threshold: float) -> dict[str, Any]:
    """Exact match and F1, all and apart, as percentages."""
    answers = [text if score >= threshold else "" for text, score in scored]
    em = [100 * exact(a, g) for a, g in zip(answers, golds, strict=True)]
    overlap = [100 * f1(a, g) for a, g in zip(answers, golds, strict=True)]
    has = [i for i, g in enumerate(golds) if g]
    no = [i for i, g in enumerate(golds) if not g]

    def mean(values: list[float], which: list[int]) -> float:
        return round(sum(values[i] for i in which) / len(which), 2) if which else 0.0

    return {
        "exact": mean(em, list(range(len(em)))),
        "f1": mean(overlap, list(range(len(em)))),
        "HasAns_exact": mean(em, has),
        "HasAns_f1": mean(overlap, has),
        "NoAns_f1": mean(overlap, no),
        "total": len(golds),
        "threshold": round(threshold, 4),
    }
