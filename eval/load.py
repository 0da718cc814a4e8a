"""Many people asking a running server at once: how long each waits, and whether anybody is turned away.  Knows HTTP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from eval.metrics import latency


def crowd(address: str, questions: Sequence[str], people: int, each: int = 2) -> dict[str, Any]:
    """`people` ask `each` questions one after another, all beginning at once, at ``ADDRESS/api/ask``.

    Gives milliseconds over the answers, how many were refused as busy, and how many failed otherwise.
    """

    def person(number: int) -> list[tuple[int, float]]:
        with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
            told = []
            for turn in range(each):
                begun = time.perf_counter()
                try:
                    status = client.post(
                        "/api/ask", json={"question": questions[(number * each + turn) % len(questions)]}
                    ).status_code
                except httpx.HTTPError:
                    status = 0
                told.append((status, (time.perf_counter() - begun) * 1000))
            return told

    begun = time.perf_counter()
    with ThreadPoolExecutor(people) as pool:
        rows = [row for told in pool.map(person, range(people)) for row in told]
    spent = time.perf_counter() - begun
    served = [ms for status, ms in rows if status == 200]
    busy = sum(status == 503 for status, _ in rows)
    return {
        "people": people,
        "asked": len(rows),
        "busy": busy,
        "failed": len(rows) - len(served) - busy,
        "answers a second": len(served) / spent,
        "ms": latency(served),
    }
