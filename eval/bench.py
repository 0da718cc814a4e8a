"""How long warm answers take on a store, and how much of it each stage takes.  Knows the assistant's parts, not their insides."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from assistant.answer import Assistant
from assistant.errors import CaseError
from assistant.schema import Question
from eval.metrics import latency

WARM_UP = 5


class Clock:
    """Adds up the seconds that functions take, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def around(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, its time added to `stage`."""

        def timed(*args: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*args, **named)
            finally:
                self.seconds[stage] += time.perf_counter() - begun

        return timed


def bench(assistant: Assistant, questions: Sequence[str], limit: int, seed: int = 0) -> dict[str, Any]:
    """Ask up to `limit` of the questions, drawn by `seed`, one after another; milliseconds, and each stage's share (0 to 1).

    Raises CaseError for too few questions.
    """
    if len(set(questions)) <= WARM_UP:
        raise CaseError(f"give more than {WARM_UP} questions: the first {WARM_UP} only warm up")
    drawn = random.Random(seed).sample(list(dict.fromkeys(questions)), min(limit + WARM_UP, len(set(questions))))
    corpus = assistant.retriever.corpus()
    for text in drawn[:WARM_UP]:
        assistant.ask(Question(text))
    clock = Clock()
    parts: list[tuple[Any, str, str]] = [
        (assistant.retriever.embedder, "embed", "embedding the question"),
        (assistant.retriever.store, "search", "Chroma's search"),
        (corpus, "lexical", "BM25"),
        (assistant.reader, "read_texts", "the first reading"),
        (assistant.reader, "check", "the second reading"),
    ]
    for owner, name, stage in parts:
        setattr(owner, name, clock.around(stage, getattr(owner, name)))
    times: list[float] = []
    try:
        for text in drawn[WARM_UP:]:
            begun = time.perf_counter()
            assistant.ask(Question(text))
            times.append((time.perf_counter() - begun) * 1000)
    finally:
        for owner, name, _ in parts:
            delattr(owner, name)  # the method of the class shows again
    total = max(1e-9, sum(times) / 1000)
    shares = {stage: clock.seconds[stage] / total for _, _, stage in parts}
    shares["understanding, composing, verifying"] = 1 - sum(shares.values())
    return {"passages": len(corpus.passages), "ms": latency(times), "shares": shares}


def told(figures: dict[str, Any]) -> str:
    """The figures in lines."""
    ms = figures["ms"]
    lines = [
        f"{ms['n']} questions on {figures['passages']:,} passages: p50 {ms['p50']:.0f} ms, p95 {ms['p95']:.0f} ms, p99 {ms['p99']:.0f} ms"
    ]
    return "\n".join([*lines, *(f"  {share:5.1%}  {stage}" for stage, share in figures["shares"].items())])
