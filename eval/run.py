"""Ask every case and keep what was said: a run.  Knows cases and the assistant, not pages.

A run is a folder: ``run.json`` (what was run on what), ``results.jsonl`` (one line a case, written as it is answered,
so that a run that was killed goes on where it stopped).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assistant.answer import Assistant
from assistant.errors import CaseError, ReleaseAssistantError
from assistant.schema import Question, Span, Turn
from eval.cases import Case, json_lines
from eval.judge import Judgement, judge


@dataclass(frozen=True, slots=True)
class Result:
    """One case, the answer object it got (status "error" where it failed), the paragraphs ranked for it, how many of its
    quotes were the document's own characters at their place when it was given, the judgement."""

    case: Case
    answer: Mapping[str, Any]
    retrieved: Sequence[Sequence[int]]
    exact: int
    judgement: Judgement


def configuration(cases: Sequence[Case], assistant: Assistant) -> dict[str, Any]:
    """What makes two runs comparable: the cases, the models, the code's version, the machine."""
    digest = hashlib.sha256("".join(c.model_dump_json() for c in cases).encode()).hexdigest()
    return {
        "cases": len(cases),
        "cases_sha256": digest,
        "embedder": assistant.retriever.embedder.fingerprint,
        "reader": assistant.reader.fingerprint(),
        "calibration": hashlib.sha256(repr(assistant.calibration).encode()).hexdigest()[:12],
        "code": _code(),
        "version": version("release-assistant"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def run(
    cases: Sequence[Case],
    assistant: Assistant,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    answers: Callable[[Sequence[Case]], Iterable[dict[str, Any]]] | None = None,
) -> list[Result]:
    """Answer each case, keeping each answer as it comes; a run begun in `folder` goes on.

    `progress` is told how many are done, of how many; `answers` does what `answered` does, for many cases (as
    `eval.workers`), else `assistant` is asked one case after the other.  Raises CaseError where `folder` holds a run of
    other cases or another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = configuration(cases, assistant)
    head = folder / "run.json"
    if head.exists() and _configuration(head) != settings:
        raise CaseError(f"{folder} holds a run of other cases or another assistant: name another folder")
    if not head.exists():
        told = {"configuration": settings, "begun": time.time(), "processors": os.cpu_count()}
        head.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    kept = _kept(folder / "results.jsonl")
    # An error is asked again: what was wrong may be mended.
    waiting = [c for c in cases if c.id not in kept or kept[c.id]["answer"]["status"] == "error"]

    lines = answers(waiting) if answers is not None else (answered(c, assistant) for c in waiting)
    with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
        for number, line in enumerate(lines, len(cases) - len(waiting) + 1):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            if progress is not None:
                progress(number, len(cases))
    (folder / "cases.jsonl").write_text("".join(c.model_dump_json() + "\n" for c in cases), encoding="utf-8")
    return load_run(folder)


def answered(case: Case, assistant: Assistant) -> dict[str, Any]:
    """What a run keeps of one case: id, answer, the paragraphs ranked for it, how many of its quotes are exact."""
    answer = ask(case, assistant)
    kept = {"id": case.id, "answer": answer, "retrieved": retrieved(case, assistant)}
    return kept | {"exact": exact_quotes(answer, assistant)}


def _configuration(head: Path) -> Any:
    try:
        return json.loads(head.read_text(encoding="utf-8"))["configuration"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _code() -> str:
    """A hash of the assistant's own source: a run of other code is another run."""
    import assistant as package

    digest = hashlib.sha256()
    for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def load_run(folder: Path) -> list[Result]:
    """The results of a run, judged anew: scoring needs no asking.  Raises CaseError where `folder` holds no whole run."""
    try:
        cases = [Case.model_validate_json(line) for line in json_lines(folder / "cases.jsonl")]
        kept = _kept(folder / "results.jsonl")
        lines = [(c, kept[c.id]) for c in cases]
        return [Result(c, k["answer"], k["retrieved"], k["exact"], judge(c, k["answer"])) for c, k in lines]
    except (OSError, ValueError, KeyError, CaseError) as error:
        raise CaseError(
            f"{folder} holds no whole run ({type(error).__name__}): run `release-assistant eval run --run {folder}`"
        ) from None


def texts_and_sentences(assistant: Assistant) -> tuple[dict[str, str], dict[str, list[Span]]]:
    """Every document's stored text, and the places of its sentences."""
    corpus = assistant.retriever.corpus()
    texts = {name: d.text for name, d in corpus.documents.items()}
    return texts, {name: [p.span for p in corpus.sentences_of(name)] for name in texts}


def retrieved(case: Case, assistant: Assistant) -> list[list[int]]:
    """The paragraphs that the retriever ranks for a case of the matter, best first, as offsets."""
    if case.answerable != "yes":
        return []
    hits = assistant.retriever.hits(case.question, assistant.retriever.corpus(), case.document)
    return [[h.passage.span.start, h.passage.span.end] for h in hits]


def exact_quotes(answer: Mapping[str, Any], assistant: Assistant) -> int:
    """How many quotes of an answer object are text[start:end] of their document."""
    documents = assistant.retriever.corpus().documents
    return sum(
        c["document"] in documents and documents[c["document"]].text[c["start"] : c["end"]] == c["quote"]
        for c in answer["citations"]
    )


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
        for line in filter(None, complete.split("\n")):
            fields = json.loads(line)
            kept[fields["id"]] = fields
    return kept
