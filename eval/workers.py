"""Cases answered by several processes at once: Python runs one thread at a time, and half of an answer is Python.

Knows a way to build an assistant, and how to ask it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from assistant.answer import Assistant
from assistant.errors import CaseError
from eval.cases import Case
from eval.run import answered


class Workers:
    """`number` processes, each with an assistant that `build` (a picklable callable) makes there, sharing the cores."""

    def __init__(self, build: Callable[[], Assistant], number: int) -> None:
        self.build = build
        self.number = number

    def __call__(self, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
        """What `eval.run.answered` gives for each case, in order.  Raises CaseError where a process dies."""
        threads = max(1, (os.cpu_count() or 1) // self.number)
        with ProcessPoolExecutor(
            self.number, get_context("spawn"), initializer=_Seat.take, initargs=(self.build, threads)
        ) as pool:
            try:
                yield from pool.map(_Seat.answer, cases)
            except BrokenProcessPool:
                raise CaseError(
                    "a process that answers cases was killed, perhaps for want of memory: run again with a lower --jobs; it goes on"
                ) from None


class _Seat:
    """The one assistant of a worker process."""

    assistant: Assistant

    @classmethod
    def take(cls, build: Callable[[], Assistant], threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read as PyTorch loads, with the first question
        cls.assistant = build()
        cls.assistant.reader.threads = threads

    @classmethod
    def answer(cls, case: Case) -> dict[str, Any]:
        return answered(case, cls.assistant)
