"""Cases from SQuAD-format files, and runs as CSV.  Knows formats, not the assistant."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import Case, Gold, Split, dump
from eval.run import Result
from eval.squad import read_squad

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
COLUMNS = ("id", "category", "document", "history", "question", "expected", "outcome", "reason", "status", "answer", "citations", "confidence", "elapsed_ms")  # fmt: skip


def import_squad(file: Path, folder: Path, split: Split = "dev") -> tuple[Path, int]:
    """Write each article as a text document into `folder`, and one case file beside them; the file and how many cases.

    Paragraphs stand apart by a blank line, their white space evened out, so that ingest keeps the text as it is.
    A question whose answer no longer stands at its place is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases: list[Case] = []
    stem = file.name.split(".")[0]
    for number, article in enumerate(read_squad(file), 1):
        title = re.sub(r"\W+", "-", str(article.get("title", ""))).strip("-").lower()[:60]
        name = f"{stem}-{number:03}-{title or 'article'}.txt"
        paragraphs = [" ".join(str(p["context"]).split()) for p in article["paragraphs"]]
        text = "\n\n".join(paragraphs)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (folder / name).write_text(text, encoding="utf-8")
        offset = 0
        for paragraph, kept in zip(article["paragraphs"], paragraphs, strict=True):
            for qa in paragraph["qas"]:
                case = _squad_case(qa, str(paragraph["context"]), kept, offset)
                if case is not None:
                    fields = {"document": name, "document_hash": digest, "split": split, "id": f"{stem}-{qa['id']}"}
                    cases.append(Case.model_validate(case | fields))
            offset += len(kept) + 2
    path = folder / f"{stem}.jsonl"
    dump(cases, path)
    return path, len(cases)


def _squad_case(qa: dict[str, Any], context: str, kept: str, offset: int) -> dict[str, Any] | None:
    question = str(qa["question"]).strip()
    if not question:
        return None
    if qa.get("is_impossible") or not qa["answers"]:
        return {"question": question, "category": "unanswerable", "answerable": "not_in_document"}
    answers = list(dict.fromkeys(" ".join(str(a["text"]).split()) for a in qa["answers"]))
    before = context[: qa["answers"][0]["answer_start"]]
    start = len(" ".join(before.split())) + (1 if before[-1:].isspace() and before.strip() else 0)
    if kept[start : start + len(answers[0])] != answers[0]:
        return None
    gold = Gold(start=offset + start, end=offset + start + len(answers[0]), quote=answers[0])
    facts = (tuple(sorted(answers, key=len)),)
    return {"question": question, "category": "lookup", "answerable": "yes", "answers": answers, "answer_type": "text", "facts": facts, "gold": (gold,)}  # fmt: skip


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet runs as a formula (OWASP, CSV Injection).

    >>> safe_cell("=1+1"), safe_cell("123")
    ("'=1+1", '123')
    """
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def to_csv(results: Sequence[Result], path: Path) -> None:
    """One row a case, what was expected beside what was said."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for r in results:
            cited = "; ".join(f"{c['document']}:{c['start']}-{c['end']}" for c in r.answer["citations"])
            row = (
                r.case.id, r.case.category, r.case.document, " // ".join(r.case.history), r.case.question,
                " | ".join(r.case.answers) or r.case.answerable, r.judgement.outcome, r.judgement.reason,
                r.answer["status"], r.answer["answer"], cited, r.answer["confidence"], r.answer["elapsed_ms"],
            )  # fmt: skip
            writer.writerow([safe_cell(v) for v in row])
