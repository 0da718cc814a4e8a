"""The trained reader on ONNX Runtime: question and passages in, spans and verdicts out.  Knows tokens, not retrieval.

The model is all-MiniLM-L6-v2 with heads for spans, answerability, a verdict, the items of a list, and whether an answer
found by a first reading is right (a second reading, as in Retro-Reader, Zhang et al. 2020, arXiv 2001.09694), trained by
`eval.train`; its card lies beside it.  The null answer is the [CLS] token (Devlin et al. 2019, arXiv 1810.04805, section 4.3).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.embed import verify_file
from assistant.errors import ModelError
from assistant.schema import Document, Passage, Reading, Span

MAX_QUESTION_TOKENS = 64
MAX_CHECKED_TOKENS = 40  # of an answer that is checked
MAX_CONTEXT_TOKENS = 320
MAX_ANSWER_TOKENS = 100
BEST_SPANS = 6
BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class TextReading:
    """What the reader found in one text: as `Reading`, with characters of that text in place of spans of a document."""

    spans: list[tuple[tuple[int, int], float]]
    answerable: float
    verdict: tuple[float, float, float]
    items: list[tuple[tuple[int, int], float]]
    missed: float


@dataclass(frozen=True, slots=True)
class _Row:
    """What the model is given: the ids of the question's part and of the text's, and each of the latter's characters."""

    head: list[int]
    ids: list[int]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.head) + len(self.ids) + 3


class OnnxReader:
    """Reads passages with the model in `folder` (``reader.onnx``, ``tokenizer.json``, ``reader.json`` with their hashes).

    The weights are loaded, after their hash is checked, with the first question.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self.folder = folder
        self.threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._lock = threading.Lock()

    def read(self, question: str, passages: Sequence[Passage], documents: Mapping[str, Document]) -> list[Reading]:
        """One reading a passage, in their order.  Raises ModelError where the weights are missing or changed."""
        texts = [documents[p.document].slice(p.span) for p in passages]
        found = self.read_texts(question, texts)
        return [
            Reading(
                p,
                tuple((_moved(span, p.span.start), score) for span, score in r.spans),
                r.answerable,
                r.verdict,
                tuple((_moved(i, p.span.start), logit) for i, logit in r.items),
                r.missed,
            )
            for p, r in zip(passages, found, strict=True)
        ]

    def read_texts(self, question: str, texts: Sequence[str]) -> list[TextReading]:
        """One reading a text, in their order."""
        self._load()
        head = self._ids(question, MAX_QUESTION_TOKENS)
        rows = [self._row(head, text) for text in texts]
        found: list[TextReading] = []
        for text, row, outputs in zip(texts, rows, self._outputs(rows), strict=True):
            starts, ends, answerable, verdict, inside, _ = outputs
            begin = len(row.head) + 2
            here = slice(begin, begin + len(row.ids))
            spans = _best(starts[here], ends[here], row.offsets, float(starts[0] + ends[0]))
            none, yes, no = (float(x) for x in verdict)
            tags = inside[here]
            runs = _runs(tags)
            found.append(
                TextReading(
                    [(snap(text, *span), score) for span, score in spans],
                    float(answerable),
                    (none, yes, no),
                    [(snap(text, row.offsets[a][0], row.offsets[b - 1][1]), float(tags[a:b].mean())) for a, b in runs],
                    _missed(tags, runs),
                )
            )
        return found

    def check(self, question: str, answers: Sequence[tuple[str, str]]) -> list[float]:
        """The second reading: for each answer and the place where it was found, the logit that it is right."""
        self._load()
        asked = self._ids(question, MAX_QUESTION_TOKENS)
        rows = [self._row([*asked, self._sep, *self._ids(a, MAX_CHECKED_TOKENS)], place) for a, place in answers]
        return [float(outputs[5]) for outputs in self._outputs(rows)]

    def _ids(self, text: str, limit: int) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[:limit]

    def _row(self, head: list[int], text: str) -> _Row:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return _Row(head, encoding.ids[:MAX_CONTEXT_TOKENS], encoding.offsets[:MAX_CONTEXT_TOKENS])

    def _outputs(self, rows: Sequence[_Row]) -> list[Any]:
        """The model's outputs for each row; rows of like length run together."""
        results: list[Any] = [None] * len(rows)
        batch: list[int] = []
        for i in sorted(range(len(rows)), key=lambda i: len(rows[i])):
            if batch and (len(batch) + 1) * len(rows[i]) > BATCH_TOKENS:
                self._run(batch, rows, results)
                batch = []
            batch.append(i)
        if batch:
            self._run(batch, rows, results)
        return results

    def _run(self, batch: list[int], rows: Sequence[_Row], results: list[Any]) -> None:
        import numpy as np

        ids = np.zeros((len(batch), max(len(rows[i]) for i in batch)), dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for at, row in enumerate(rows[i] for i in batch):
            ids[at, : len(row)] = [self._cls, *row.head, self._sep, *row.ids, self._sep]
            mask[at, : len(row)] = 1
            types[at, len(row.head) + 2 : len(row)] = 1
        outputs = self._session.run(None, {"ids": ids, "mask": mask, "types": types})
        for at, i in enumerate(batch):
            results[i] = [output[at] for output in outputs]

    def card(self) -> dict[str, Any]:
        """The hashes of the files, and the threshold on SQuAD.  Raises ModelError where it cannot be read."""
        path = self.folder / "reader.json"
        try:
            card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return {"sha256": dict(card["sha256"]), "squad_threshold": float(card["squad_threshold"])}
        except (OSError, ValueError, KeyError, TypeError):
            raise ModelError(f"the reader's card {path} cannot be read: install release-assistant again") from None

    def fingerprint(self) -> str:
        """The start of the weights' SHA-256."""
        return str(self.card()["sha256"]["reader.onnx"])[:12]

    def squad_threshold(self) -> float:
        """The frozen score from which an answer is given on SQuAD (span and answerable logits together)."""
        return float(self.card()["squad_threshold"])

    def _load(self) -> None:
        with self._lock:
            if self._session is None:
                self._open()

    def _open(self) -> None:
        hashes = self.card()["sha256"]
        for name in ("reader.onnx", "tokenizer.json"):
            verify_file(self.folder / name, hashes[name])
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep = self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")
        self._session = onnxruntime.InferenceSession(
            str(self.folder / "reader.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def knows(self, word: str) -> bool:
        """Whether `word` (lower case) is one whole word of the model's vocabulary: a common English word or name."""
        self._load()
        return self._tokenizer.token_to_id(word) is not None


def snap(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without half words: a currency sign, an address or a percent sign belongs to what it stands at.

    >>> snap("It cost €5 million.", 9, 18), snap("ask ir@firm.example now", 4, 11)
    ((8, 18), (4, 19))
    """
    while start > 0 and (
        (text[start - 1].isalnum() and text[start].isalnum())
        or text[start - 1] in "€$£@"
        or (text[start - 1] == "-" and text[start - 2 : start - 1].isalnum())
    ):
        start -= 1
    while end < len(text):
        joined = text[end] in ".@_-" and text[end + 1 : end + 2].isalnum() and text[end - 1].isalnum()
        if not (joined or text[end] == "%" or (text[end].isalnum() and text[end - 1].isalnum())):
            break
        end += 2 if joined else 1
    return start, end


def _moved(characters: tuple[int, int], by: int) -> Span:
    return Span(characters[0] + by, characters[1] + by)


def _runs(inside: Any) -> list[tuple[int, int]]:
    """The tokens [a, b) of each run that stands in an answer more likely than not."""
    found: list[tuple[int, int]] = []
    for index in (i for i, logit in enumerate(inside) if logit > 0):
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found


def _missed(inside: Any, runs: Sequence[tuple[int, int]]) -> float:
    """The highest logit of a token that stands neither in a run nor beside one (where a run ends is often unsure), -20 where
    there is none."""
    near = {i for a, b in runs for i in range(a - 2, b + 2)}
    return max((float(logit) for i, logit in enumerate(inside) if i not in near), default=-20.0)


def _best(start: Any, end: Any, offsets: list[tuple[int, int]], null: float) -> list[tuple[tuple[int, int], float]]:
    """The BEST_SPANS spans by start + end - null, no two of which begin and end within one another's first ones."""
    import numpy as np

    if not len(start):
        return []
    scores = start[:, None] + end[None, :]
    reach = np.arange(len(end))[None, :] - np.arange(len(start))[:, None]
    scores = np.where((reach >= 0) & (reach < MAX_ANSWER_TOKENS), scores, -np.inf)
    flat = np.argsort(scores, axis=None)[::-1][: BEST_SPANS * 4]
    found: list[tuple[tuple[int, int], float]] = []
    taken: set[tuple[int, int]] = set()
    for index in flat:
        s, e = divmod(int(index), len(end))
        if not np.isfinite(scores[s, e]):
            break
        span = (offsets[s][0], offsets[e][1])
        if span in taken or span[0] >= span[1]:
            continue
        taken.add(span)
        found.append((span, float(scores[s, e]) - null))
        if len(found) == BEST_SPANS:
            break
    return found
