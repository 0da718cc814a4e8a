"""Ask every case and keep what was said: a run.  Knows cases and the assistant, not pages.

A run is a folder: ``run.json`` (what was run on what), ``results.jsonl`` (one line a case, written as it is answered,
so that a run that was killed goes on where it stopped).
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assistant.answer import Assistant
from assistant.errors import CaseError, ReleaseAssistantError
from assistant.schema import Question, Turn
from eval.cases import Case
from eval.judge import Judgement, judge


@dataclass(frozen=True, slots=True)
class Result:
    """One case, the answer object it got (`error` in place of `status` where it failed), and the judgement."""

    case: Case
    answer: Mapping[str, Any]
    judgement: Judgement


def configuration(cases: Sequence[Case], assistant: Assistant) -> dict[str, Any]:
    """What makes two runs comparable: the cases, the models, the code's version, the machine."""
    digest = hashlib.sha256("".join(c.model_dump_json() for c in cases).encode()).hexdigest()
    return {
        "cases": len(cases),
        "cases_sha256": digest,
        "embedder": assistant.retriever.embedder.fingerprint,
        "reader": assistant.reader.fingerprint(),
        "threshold": assistant.calibration.threshold,
        "version": version("release-assistant"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def run(
    cases: Sequence[Case], assistant: Assistant, folder: Path, progress: Callable[[int, int], None] | None = None
) -> list[Result]:
    """Answer each case, in order, keeping each answer as it comes; a run begun in `folder` goes on.

    Raises CaseError where `folder` holds a run of other cases or another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = configuration(cases, assistant)
    head = folder / "run.json"
    if head.exists() and json.loads(head.read_text(encoding="utf-8"))["configuration"] != settings:
        raise CaseError(f"{folder} holds a run of other cases or another assistant: name another folder")
    if not head.exists():
        head.write_text(
            json.dumps({"configuration": settings, "begun": time.time()}, indent=2) + "\n", encoding="utf-8"
        )
    kept = _kept(folder / "results.jsonl")
    results: list[Result] = []
    with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
        for number, case in enumerate(cases, 1):
            answer = kept.get(case.id)
            if answer is None:
                answer = ask(case, assistant)
                file.write(json.dumps({"id": case.id, "answer": answer}, ensure_ascii=False) + "\n")
                file.flush()
            results.append(Result(case, answer, judge(case, answer)))
            if progress is not None:
                progress(number, len(cases))
    return results


def ask(case: Case, assistant: Assistant) -> dict[str, Any]:
    """The answer object for a case; an error is kept as one, and counts as wrong."""
    question = Question(case.question, tuple(Turn("user", t) for t in case.history), case.document, case.id)
    try:
        return assistant.ask(question).to_dict()
    except ReleaseAssistantError as error:
        return {
            "id": case.id,
            "question": case.question,
            "status": "error",
            "answer": str(error),
            "citations": [],
            "confidence": 0.0,
            "elapsed_ms": 0.0,
        }


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    """Answers already there; a line cut short by a kill is asked again."""
    kept: dict[str, dict[str, Any]] = {}
    if path.exists():
        whole = path.read_text(encoding="utf-8")
        complete = whole[: whole.rfind("\n") + 1]
        if complete != whole:
            path.write_text(complete, encoding="utf-8")
        for line in complete.splitlines():
            fields = json.loads(line)
            kept[fields["id"]] = fields["answer"]
    return kept
