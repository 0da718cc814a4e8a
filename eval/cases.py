"""Cases: what is asked of a document, and what a right answer holds.  Knows JSON Lines, not the assistant.

A case file is JSON Lines; ``data/eval/case.schema.json`` describes a line.  `load_cases` reports the first fault with
its file, line and field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from assistant.errors import CaseError

Category = Literal[
    "lookup", "count", "date", "duration", "yes_no", "list", "enumerated", "multi", "structure", "false_premise", "follow_up",
    "names", "noisy", "language", "chat", "attack", "unanswerable", "out_of_domain",
]  # fmt: skip
Answerable = Literal["yes", "not_in_document", "out_of_domain", "false_premise", "chat"]
AnswerType = Literal["number", "date", "duration", "person", "organisation", "place", "list", "yes_no", "text", "none"]
Split = Literal["train", "dev", "test"]
Text = Annotated[str, StringConstraints(min_length=1)]


class Gold(BaseModel):
    """A passage that supports the answer: characters [start, end) of the document's stored text, and their wording."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    quote: Text


class Case(BaseModel):
    """One question with what a right answer must hold, and must not."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Text
    question: Text
    history: tuple[Text, ...] = ()
    document: Text
    document_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    category: Category
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"
    answerable: Answerable
    answers: tuple[Text, ...] = ()
    answer_type: AnswerType = "none"
    facts: tuple[tuple[Text, ...], ...] = ()
    forbidden: tuple[Text, ...] = ()
    gold: tuple[Gold, ...] = ()
    group: str = ""
    split: Split
    notes: str = ""

    @model_validator(mode="after")
    def consistent(self) -> Case:
        if self.answerable == "yes" and not (self.answers and self.facts and self.gold):
            raise ValueError("an answerable case needs answers, facts and gold")
        if self.answerable == "false_premise" and not self.gold:
            raise ValueError("a false premise needs the gold passage that contradicts it")
        if self.answerable in ("not_in_document", "out_of_domain", "chat") and (self.gold or self.answers):
            raise ValueError(f"a case that is {self.answerable} has no answers and no gold")
        if any(not alternatives for alternatives in self.facts):
            raise ValueError("facts: every fact needs at least one wording")
        return self


def load_cases(paths: Iterable[Path], texts: Mapping[str, str] | None = None) -> list[Case]:
    """Every case of these files, ids unique, gold equal to the text where `texts` (name to stored text) is given.

    Raises CaseError: file, line, field, what was expected.
    """
    cases: list[Case] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(json_lines(path), 1):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            case = _parse(line, where)
            if case.id in seen:
                raise CaseError(
                    f"{where}: id: {case.id!r} stands at {seen[case.id]} already; give each case an id of its own"
                )
            seen[case.id] = where
            if texts is not None:
                _check_gold(case, texts, where)
            cases.append(case)
    return cases


def json_lines(path: Path) -> list[str]:
    """The lines of a JSON Lines file.  Raises CaseError where it cannot be read.

    A line ends at a line feed only: a text may hold the other characters that Python takes for line ends.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read ({error}); give a UTF-8 file of JSON lines") from None
    return text.removesuffix("\n").split("\n") if text else []


def _parse(line: str, where: str) -> Case:
    try:
        return Case.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or ("line" if first["type"] == "json_invalid" else "case")
        raise CaseError(f"{where}: {field}: {first['msg']}") from None


def _check_gold(case: Case, texts: Mapping[str, str], where: str) -> None:
    text = texts.get(case.document)
    if text is None:
        raise CaseError(
            f"{where}: document: {case.document!r} is not there; expected one of {', '.join(sorted(texts))}"
        )
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != case.document_hash:
        raise CaseError(f"{where}: document_hash: {case.document} has changed; expected {digest}")
    for index, gold in enumerate(case.gold):
        if text[gold.start : gold.end] != gold.quote:
            raise CaseError(
                f"{where}: gold.{index}.quote: expected {text[gold.start : gold.end]!r}, found {gold.quote!r}"
            )


def dump(cases: Iterable[Case], path: Path) -> None:
    """Write cases, one a line."""
    lines = [json.dumps(c.model_dump(), ensure_ascii=False) for c in cases]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
