"""Cases from SQuAD-format files, and runs as CSV.  Knows formats, not the assistant."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.cases import Case, Gold, Split, dump
from eval.run import Result
from eval.squad import read_squad

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
COLUMNS = ("id", "category", "document", "history", "question", "expected", "outcome", "reason", "status", "answer", "citations", "confidence", "elapsed_ms")  # fmt: skip


def import_squad(
    file: Path, folder: Path, stored: Callable[[Path], str], split: Split = "dev"
) -> tuple[Path, int, int]:
    """Write each article as a text document into `folder`, and one case file beside them.

    A question may bear a ``verdict`` (yes, no or none) in place of answers, as the reader's own training data do.
    `stored` gives the text as ingest will keep it; a question whose paragraph or answer does not stand there word for word is
    left out.  Gives the case file, how many cases it holds, and how many questions were left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases: list[Case] = []
    asked = 0
    stem = file.name.split(".")[0]
    for number, article in enumerate(read_squad(file), 1):
        title = re.sub(r"\W+", "-", str(article.get("title", ""))).strip("-").lower()[:60]
        path = folder / f"{stem}-{number:03}-{title or 'article'}.txt"
        paragraphs = [" ".join(str(p["context"]).split()) for p in article["paragraphs"]]
        path.write_text("\n\n".join(paragraphs), encoding="utf-8")
        text = stored(path)
        digest = hashlib.sha256(text.encode()).hexdigest()
        at = 0
        for paragraph, kept in zip(article["paragraphs"], paragraphs, strict=True):
            asked += len(paragraph["qas"])
            offset = text.find(kept, at)
            if offset < 0:
                continue
            at = offset + len(kept)
            for qa in paragraph["qas"]:
                case = _squad_case(qa, str(paragraph["context"]), kept, offset)
                if case is not None:
                    fields = {
                        "document": path.name,
                        "document_hash": digest,
                        "split": split,
                        "id": f"{stem}-{qa['id']}",
                    }
                    cases.append(Case.model_validate(case | fields))
    to = folder / f"{stem}.jsonl"
    dump(cases, to)
    return to, len(cases), asked - len(cases)


def _squad_case(qa: dict[str, Any], context: str, kept: str, offset: int) -> dict[str, Any] | None:
    question = str(qa["question"]).strip()
    if not question:
        return None
    if qa.get("verdict") in ("yes", "no"):
        said = str(qa["verdict"]).capitalize()
        gold = Gold(start=offset, end=offset + len(kept), quote=kept)
        return {"question": question, "category": "yes_no", "answerable": "yes", "answers": (said,), "answer_type": "yes_no", "facts": ((said,),), "gold": (gold,)}  # fmt: skip
    if qa.get("verdict") == "none" or qa.get("is_impossible") or not qa["answers"]:
        return {"question": question, "category": "unanswerable", "answerable": "not_in_document"}
    answers = list(dict.fromkeys(" ".join(str(a["text"]).split()) for a in qa["answers"]))
    before = context[: qa["answers"][0]["answer_start"]]
    start = len(" ".join(before.split())) + (1 if before[-1:].isspace() and before.strip() else 0)
    if not answers[0] or kept[start : start + len(answers[0])] != answers[0]:
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
